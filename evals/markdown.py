"""A report as Markdown: the numbers, the comparisons and what went wrong, for a review or a notebook."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evals.changes import ALL, VERDICTS, Change
from evals.compare import OF_KINDS, Comparison, interval_text, signed
from evals.drilldown import citation_faults, is_faulty, verdict
from evals.measures import GROUPS, UNGRADED, graded, measured, number_text, text_of
from evals.provenance import provenance
from evals.report import Report
from evals.runner import GRAPH

MAX_CELL_CHARS = 160
MAX_LINE_CHARS = 4000
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def markdown(report: Report, comparisons: Sequence[Comparison] = ()) -> str:
    """The report; documents and answers in it are text, whatever they hold."""
    return "\n".join(_lines(report, comparisons)) + "\n"


def _lines(report: Report, comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield f"# 평가: {plain(Path(report['suite']).name)}"
    yield ""
    asked = len({row["id"] for row in report["questions"]})
    machine = report["machine"]
    yield (
        f"질문 {asked}개, 모델 {plain(report['model'])} ({plain(report['model_family'])}), "
        f"임베더 {plain(report['embedder'])}, {plain(machine['processor'])} 코어 {machine['cores']}개, "
        f"{plain(report['date'])}"
    )
    for told in provenance(report, "ko"):
        text = plain(told.text, max_chars=MAX_LINE_CHARS)
        yield f"\n**{text}**" if told.warns else f"\n{text}"
    if links := report.get("langfuse"):
        runs = [link(system, url) for system, url in links["runs"].items()]
        yield f"\nLangfuse: {' · '.join([link('데이터셋', links['dataset']), *runs])}"
    if report.get("interrupted"):
        yield "\n**중단된 평가입니다.**"
    if not graded(report["questions"]):
        yield f"\n{UNGRADED}"
    for group, (_, title) in GROUPS.items():
        measures = measured(report["metrics"], group)
        yield f"\n## {title} (± 표준오차 하나)\n"
        rows = [
            [system, kind, str(numbers["questions"])]
            + [text_of(measure.shown(numbers), measure.digits) for measure in measures]
            for system, summary in report["metrics"].items()
            for kind, numbers in {**summary["kinds"], "전체": summary["overall"]}.items()
        ]
        names = [f"{measure.korean} ({measure.name})" for measure in measures]
        yield from _table(["방식", "종류", "질문", *names], rows, left=2)
    yield "\n## 지나간 길 (route)\n"
    routes = [
        [system, str(count), route]
        for system, summary in report["metrics"].items()
        for route, count in summary["overall"]["routes"]["taken"].items()
    ]
    yield from _table(["방식", "질문", "길"], routes, left=3)
    for comparison in comparisons:
        yield from _comparison(comparison)
    yield f"\n## {GRAPH}가 틀렸거나 인용이 어긋난 질문\n"
    yield from _table(["id", "질문", "정답", "답", "판정"], _faults(report), left=5)
    if links:
        yield "\n## Langfuse에 남은 추적\n"
        yield from _traces(report)


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield f"\n## 비교: {plain(comparison.second)} − {plain(comparison.first)}\n"
    if comparison.not_the_same:
        yield f"다른 조건: {plain('; '.join(comparison.not_the_same))}\n"
    shown = [c for c in comparison.changes if c.kind == ALL or c.measure.name in OF_KINDS]
    columns = ["종류", "수치", "앞", "뒤", "차이", "95 % 구간", "이김", "짐", "비김", ""]
    yield from _table(columns, [_change(change) for change in shown], left=2)
    yield f"\n이제 맞음 ({len(comparison.gained)}): {plain(', '.join(comparison.gained)) or '–'}"
    yield f"\n이제 틀림 ({len(comparison.lost)}): {plain(', '.join(comparison.lost)) or '–'}"


def _change(change: Change) -> list[str]:
    digits, found = change.measure.digits, change.difference
    counts = (change.won, change.lost, change.tied)
    return [
        "전체" if change.kind == ALL else change.kind,
        f"{change.measure.korean} ({change.measure.name})",
        number_text(found.before, digits),
        number_text(found.after, digits),
        signed(found.value, digits),
        interval_text(change) or "–",
        *("–" if change.chance is None else str(count) for count in counts),
        VERDICTS[change.verdict],
    ]


def _faults(report: Report) -> list[list[str]]:
    return [
        [
            row["id"],
            row["question"],
            " / ".join(row["answers"]),
            _said(row),
            ", ".join((verdict(row), *citation_faults(row))),
        ]
        for row in report["questions"]
        if row["system"] == GRAPH and is_faulty(row)
    ]


def _traces(report: Report) -> Iterator[str]:
    """For each question, a link for each system that answered it."""
    found: dict[str, list[str]] = {}
    for row in report["questions"]:
        if row.get("trace_url"):
            found.setdefault(row["id"], []).append(link(row["system"], row["trace_url"]))
    for case_id, links in found.items():
        yield f"- {plain(case_id)}: {' · '.join(links)}"


def _said(row: Any) -> str:
    if row["error"]:
        return str(row["error"])
    return str(row["result"]["reason"] if row["refused"] else row["result"]["answer"])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> Iterator[str]:
    yield f"| {' | '.join(map(plain, columns))} |"
    yield f"|{'|'.join(['---'] * left + ['---:'] * (len(columns) - left))}|"
    for row in rows:
        yield f"| {' | '.join(map(plain, row))} |"


def plain(value: object, *, max_chars: int = MAX_CELL_CHARS) -> str:
    """Any text on one line as Markdown that shows it: no markup, no HTML, no link, cut when long."""
    line = " ".join(_CONTROL.sub(" ", str(value)).split())
    if len(line) > max_chars:
        line = f"{line[:max_chars]}…"
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Bare addresses become links by themselves.
    return (
        _SPECIAL.sub(r"\\\1", line)
        .replace("://", ":&#47;&#47;")
        .replace("www.", "www&#46;")
        .replace("@", "&#64;")
    )


def link(words: object, url: str) -> str:
    """Words that lead to a page on the web; an address of another kind is left out."""
    if not url.startswith(("http://", "https://")):
        return plain(words)
    # Whatever could end the address, or the table's cell, is written as its code.
    return f"[{plain(words)}]({quote(url, safe=':/?&=%#@;,+~')})"
