"""A report as one HTML file that opens offline: no script, nothing fetched, everything escaped."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from app.markup import Markup, document, link, style, tag
from evals.changes import ALL, VERDICTS, Change
from evals.compare import OF_KINDS, Comparison, interval_text, signed
from evals.drilldown import questions
from evals.measures import GROUPS, MEASURES, UNGRADED, Measure, graded, measured, number_text
from evals.metrics.calibration import Bin, bins
from evals.metrics.risk import Point, risk_curve
from evals.metrics.standard_error import Estimate
from evals.plots import CostPoint, accuracy_against_cost, calibration, risk_against_coverage
from evals.provenance import provenance
from evals.report import Report
from evals.runner import GRAPH

_AT_A_GLANCE = (
    "right",
    "F1",
    "false accept",
    "false refuse",
    "balanced",
    "valid",
    "calls",
    "read",
    "seconds",
)
_COLUMNS = ("질문", "앞", "뒤", "차이", "95 % 구간", "이김", "짐", "비김", "부호 검정 p", "")
_RISK = ("근거 확률이 높은 답부터. ", "오른쪽 끝의 큰 점이 실제로 답한 만큼입니다. 낮을수록 좋습니다.")
_UNGRADED_RISK = (
    "정답을 적어 두지 않은 질문이 있어 답이 맞았는지는 다 알 수 없습니다. "
    "그래서 문서에 답이 없는데도 답한 것만 위험으로 셉니다. "
)
_CALIBRATION = "대각선에 가까울수록 확률을 믿을 수 있습니다. 숫자는 질문 수입니다."
_UNGRADED_CALIBRATION = " 정답을 적어 두지 않은 질문이 있어 답이 맞은 비율은 그리지 않았습니다."
_ABOUT = ("suite_sha256", "corpus_sha256", "code_sha256", "settings", "machine", "versions")


def html(report: Report, comparisons: Sequence[Comparison] = ()) -> str:
    """The page. Documents, questions and answers in it are taken to be hostile."""
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    title = f"평가: {Path(report['suite']).name}"
    return document(
        tag(
            "html",
            tag(
                "head",
                tag("meta", charset="utf-8"),
                tag("meta", http_equiv="Content-Security-Policy", content=_policy(css)),
                tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
                tag("meta", name="referrer", content="no-referrer"),
                tag("title", title),
                style(css),
            ),
            tag("body", tag("main", *_parts(report, title, comparisons))),
            lang="ko",
        )
    )


def _policy(css: str) -> str:
    """Nothing but the page's own style sheet: what slips through could neither run nor call home."""
    digest = b64encode(sha256(css.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _parts(report: Report, title: str, comparisons: Sequence[Comparison]) -> Iterator[Markup]:
    yield tag("h1", title)
    yield _about(report)
    for told in provenance(report, "ko"):
        yield tag("p", told.text, class_="warning" if told.warns else "about")
    yield from _langfuse(report.get("langfuse"))
    if report.get("interrupted"):
        yield tag("p", "중단된 평가입니다. 아래 수치는 그때까지의 것입니다.", class_="warning")
    yield _table(report, [measure for measure in MEASURES if measure.name in _AT_A_GLANCE], kinds=False)
    if not graded(report["questions"]):
        yield tag("p", UNGRADED, class_="soft")
    yield tag("div", *_plots(report), class_="plots")
    yield tag("h2", "수치 (± 표준오차 하나)")
    for group, (_, korean) in GROUPS.items():
        yield tag("h3", korean)
        yield _table(report, measured(report["metrics"], group))
    yield tag("h2", "지나간 길 (route)")
    yield _routes(report)
    for comparison in comparisons:
        yield from _comparison(comparison)
    yield tag("h2", "질문마다")
    yield from questions(report["questions"])
    yield tag("h2", "설정과 환경")
    details = {key: report[key] for key in _ABOUT if key in report}
    yield tag("pre", json.dumps(details, ensure_ascii=False, indent=1))


def _about(report: Report) -> Markup:
    machine = report["machine"]
    asked = len({row["id"] for row in report["questions"]})
    facts = [
        f"질문 {asked}개",
        f"모델 {report['model']} ({report['model_family']})",
        f"임베더 {report['embedder']}",
        f"문서 {report['corpus'] or '질문에 딸린 문단'}",
        f"{machine['processor']}, 코어 {machine['cores']}개",
        report["date"],
    ]
    return tag("p", " · ".join(map(str, facts)), class_="about")


def _langfuse(links: Any) -> Iterator[Markup]:
    if not isinstance(links, Mapping):
        return
    runs = [part for system, url in links["runs"].items() for part in (" · ", link(system, url))]
    yield tag("p", "Langfuse: ", link("데이터셋", links["dataset"]), *runs, class_="about")


# -- plots


def _plots(report: Report) -> Iterator[Markup]:
    rows, systems = report["questions"], list(report["metrics"])
    known = graded(rows)
    risks = {system: _risk(rows, system, known=known) for system in systems}
    # Without the share right of all questions there is no accuracy to set against the cost.
    seconds, tokens = (
        _cost_points(report, cost) if known else [] for cost in ("seconds", "evaluated_tokens")
    )
    figures = [
        (
            "정확도와 시간 (accuracy against cost)",
            "점 하나는 한 방식과 질문 종류, 큰 점은 전체 ± 표준오차. 왼쪽 위가 좋습니다.",
            accuracy_against_cost("seconds", seconds, title="정확도와 시간", unit="초"),
        ),
        (
            "정확도와 읽은 토큰",
            "엔진이 새로 읽어야 했던 프롬프트 토큰. 기계가 달라도 같습니다.",
            accuracy_against_cost("tokens", tokens, title="정확도와 토큰", unit="토큰"),
        ),
        (
            "위험과 답한 비율 (risk against coverage)",
            ("" if known else _UNGRADED_RISK).join(_RISK),
            risk_against_coverage("risk", risks, systems, title="위험과 답한 비율", graded=known),
        ),
        (
            "근거 확률의 보정 (calibration)",
            _CALIBRATION + ("" if known else _UNGRADED_CALIBRATION),
            calibration("calibration", _calibrations(rows, known=known), title="근거 확률의 보정"),
        ),
    ]
    for title, caption, figure in figures:
        if figure:
            yield tag("figure", tag("figcaption", title, tag("small", caption)), figure)


def _cost_points(report: Report, cost: str) -> list[CostPoint]:
    points = []
    for system, summary in report["metrics"].items():
        kinds = summary["kinds"] if len(summary["kinds"]) > 1 else {}
        for kind, numbers in {**kinds, "": summary["overall"]}.items():
            accuracy, spent = Estimate(**numbers["right"]), Estimate(**numbers["costs"][cost])
            points.append(CostPoint(system=system, kind=kind, accuracy=accuracy, cost=spent))
    return points


def _risk(rows: Sequence[Mapping[str, Any]], system: str, *, known: bool) -> list[Point]:
    """Of wrong answers; where not all can be `known` for such, of answers to what cannot be answered.

    Empty where the questions alone say what it would be: every answer wrong, or none.
    """
    own = [row for row in rows if row["system"] == system]
    sides = {row["answerable"] for row in own}
    if True not in sides or not (known or False in sides):
        return []
    answers = [row for row in own if not row["refused"] and not row["error"]]
    wrong = [row["mark"] == "wrong" if known else not row["answerable"] for row in answers]
    return risk_curve([row["result"]["evidence"] for row in answers], wrong, len(own))


def _calibrations(rows: Sequence[Mapping[str, Any]], *, known: bool) -> dict[str, list[Bin]]:
    """The curves; an empty one where the questions alone say what it would be, or nobody can."""
    own = [row for row in rows if row["system"] == GRAPH and not row["error"]]
    sides = {row["answerable"] for row in own}
    answers = [row for row in own if not row["refused"]] if known and True in sides else []
    return {
        "모든 질문: 답할 수 있는 비율": bins(
            [row["result"]["evidence"] for row in own], [row["answerable"] for row in own]
        )
        if len(sides) > 1
        else [],
        "답한 질문: 맞은 비율": bins(
            [row["result"]["evidence"] for row in answers], [row["mark"] == "right" for row in answers]
        ),
    }


# -- tables


def _table(report: Report, measures: Sequence[Measure], *, kinds: bool = True) -> Markup:
    head = tag(
        "tr",
        *(tag("th", name, class_="words") for name in ("방식", "종류")),
        tag("th", "질문"),
        *(tag("th", measure.korean, tag("small", measure.name)) for measure in measures),
    )
    lines = []
    for system, summary in report["metrics"].items():
        for kind, numbers in {**(summary["kinds"] if kinds else {}), "전체": summary["overall"]}.items():
            cells = [_number(measure.shown(numbers), measure.digits) for measure in measures]
            lines.append(
                tag(
                    "tr",
                    tag("td", system, class_="words"),
                    tag("td", kind, class_="words"),
                    tag("td", numbers["questions"]),
                    *cells,
                    class_="sum" if numbers is summary["overall"] else None,
                )
            )
    return _scrolled(head, lines)


def _scrolled(head: Markup, lines: Sequence[Markup]) -> Markup:
    return tag("div", tag("table", tag("thead", head), tag("tbody", *lines)), class_="scroll")


def _number(estimate: Estimate, digits: int | None) -> Markup:
    if estimate.value is None:
        return tag("td", "–")
    error = "" if estimate.error is None else tag("small", f"±{number_text(estimate.error, digits)}")
    return tag("td", number_text(estimate.value, digits), error, class_="number")


def _routes(report: Report) -> Markup:
    head = tag("tr", tag("th", "방식", class_="words"), tag("th", "질문"), tag("th", "길", class_="words"))
    lines = [
        tag("tr", tag("td", system, class_="words"), tag("td", count), tag("td", route, class_="words"))
        for system, summary in report["metrics"].items()
        for route, count in summary["overall"].get("routes", {"taken": {}})["taken"].items()
    ]
    return _scrolled(head, lines)


# -- comparisons


def _comparison(comparison: Comparison) -> Iterator[Markup]:
    yield tag("h2", f"비교: {comparison.second} − {comparison.first}")
    if comparison.not_the_same:
        yield tag("p", "다른 조건: ", "; ".join(comparison.not_the_same), class_="warning")
    yield tag(
        "p",
        "같은 질문끼리 짝지은 차이와 95 % 구간입니다. 값이 바뀐 질문이 여섯 개가 안 되거나 구간이 0을 품으면 "
        "달라졌다고 말할 수 없습니다. 맞고 틀림을 세는 수치는 부호 검정의 p도 .05보다 작아야 합니다.",
        class_="soft",
    )
    yield _changes([change for change in comparison.changes if change.kind == ALL])
    kinds = [c for c in comparison.changes if c.kind != ALL and c.measure.name in OF_KINDS]
    if kinds:
        yield tag("details", tag("summary", "종류별"), _changes(kinds))
    for words, ids in (("이제 맞음", comparison.gained), ("이제 틀림", comparison.lost)):
        links: list[object] = []
        for case_id in ids:
            links += [", ", tag("a", case_id, href=f"#q-{case_id}")]
        yield tag("p", f"{words} ({len(ids)}): ", *(links[1:] or ["–"]))


def _changes(changes: Sequence[Change]) -> Markup:
    head = tag(
        "tr",
        tag("th", "종류", class_="words"),
        tag("th", "수치", class_="words"),
        *(tag("th", name) for name in _COLUMNS),
    )
    lines = []
    for change in changes:
        digits, found = change.measure.digits, change.difference
        counted = change.chance is not None
        lines.append(
            tag(
                "tr",
                tag("td", "전체" if change.kind == ALL else change.kind, class_="words"),
                tag("td", f"{change.measure.korean} ({change.measure.name})", class_="words"),
                tag("td", found.n),
                tag("td", number_text(found.before, digits)),
                tag("td", number_text(found.after, digits)),
                tag("td", signed(found.value, digits)),
                tag("td", interval_text(change) or "–", class_="number"),
                *(tag("td", count if counted else "–") for count in (change.won, change.lost, change.tied)),
                tag("td", "–" if change.chance is None else number_text(change.chance)),
                tag("td", VERDICTS[change.verdict], class_=change.verdict or None),
            )
        )
    return _scrolled(head, lines)
