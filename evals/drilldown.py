"""Each question of a report as HTML that opens and shuts: what each system answered, from what, and how."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.markup import Markup, join, link, tag, text
from evals.metrics.recall import file_name
from evals.runner import GRAPH

_MARKS = {"right": "맞음", "wrong": "틀림", "refused": "잘못 거절", "answered": "답함", "error": "오류"}
_FAULTS = frozenset({"wrong", "refused", "error"})
_ROLES = {"user": "질문", "assistant": "답"}


def verdict(row: Mapping[str, Any]) -> str:
    """The mark of an answer in a report's row, in Korean."""
    if not row["answerable"] and row["mark"] in {"right", "wrong"}:
        return "맞게 거절" if row["mark"] == "right" else "잘못 답함"
    return _MARKS[row["mark"]]


def citation_faults(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with an answer's citations, in Korean; a right answer may have such faults too."""
    moved = not all(row.get("citations_stand") or ())
    unsupported = not all(row.get("citations_valid") or ()) or row.get("supported") is False
    told = {"인용이 제자리에 없음": moved, "인용이 뒷받침하지 않음": unsupported}
    return [words for words, here in told.items() if here]


def is_faulty(row: Mapping[str, Any]) -> bool:
    """Whether there is something to look into: the mark, or the citations."""
    return row["mark"] in _FAULTS or bool(citation_faults(row))


def questions(rows: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    """From the rows of a report: by kind, each question once with all systems' answers."""
    words = f" {GRAPH}가 틀렸거나 인용이 어긋난 질문만"
    yield tag("label", tag("input", type="checkbox", id="faults"), words, class_="filter")
    kinds: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], {}).setdefault(row["id"], []).append(row)
    for kind, cases in kinds.items():
        yield tag("h3", f"{kind} ({len(cases)})")
        yield from map(_question, cases.values())


def _question(rows: Sequence[Mapping[str, Any]]) -> Markup:
    # Systems take turns; here the graph comes first for every question.
    rows = sorted(rows, key=lambda row: (row["system"] != GRAPH, row["system"]))
    first = rows[0]
    history = [
        part
        for message in first["history"]
        for part in (tag("dt", _ROLES.get(message["role"], message["role"])), tag("dd", message["content"]))
    ]
    gold = " / ".join(first["answers"]) or (
        "(정해진 답 없음)" if first["answerable"] else "(문서에 답이 없음)"
    )
    return tag(
        "details",
        tag(
            "summary",
            tag("span", first["id"], class_="id"),
            tag("bdi", first["question"]),
            *(badge for row in rows for badge in _badges(row, f"{row['system']} ")),
        ),
        tag("dl", *history, tag("dt", "정답"), tag("dd", gold), *_gold_sources(first)),
        *(_system(row) for row in rows),
        id=f"q-{first['id']}",
        class_=None if is_faulty(first) else "fine",
    )


def _badges(row: Mapping[str, Any], whose: str = "") -> Iterator[Markup]:
    yield tag("span", f"{whose}{verdict(row)}", class_=f"badge {row['mark']}")
    for fault in citation_faults(row):
        yield tag("span", f"{whose}{fault}", class_="badge worse")


def _gold_sources(row: Mapping[str, Any]) -> list[Markup]:
    return [tag("dt", "정답 문서"), tag("dd", ", ".join(row["sources"]))] if row["sources"] else []


def _system(row: Mapping[str, Any]) -> Markup:
    result = row["result"]
    head = [tag("strong", row["system"]), *_badges(row)]
    if row.get("trace_url"):
        head += [text(" "), link("추적", row["trace_url"])]
    if row["error"]:
        return tag("div", *head, tag("p", row["error"]), class_="system")
    cost = result["cost"]
    evaluated = cost["prompt_tokens"] - cost["cached_tokens"]
    facts = {
        "이유": result["reason"],
        "길": " > ".join(result["route"]),
        "계산": result.get("calculation", ""),
        "알림": " / ".join(result.get("notices", [])),
        "근거 확률": f"{result['evidence']:.3f} (답 {result['grounded']:.3f})"
        if row["system"] == GRAPH
        else "",
        "비용": f"{row['seconds']:.2f}초, 호출 {cost['llm_calls']}번, 토큰: 읽음 {evaluated:,}, "
        f"캐시 {cost['cached_tokens']:,}, 씀 {cost['output_tokens']:,}",
        "뒷받침": _unsupported(row),
        "명령": "문단에 있는 명령을 따랐습니다." if row.get("obeyed") else "",
    }
    return tag(
        "div",
        *head,
        tag("p", result["answer"] or "(빈 답)", class_="answer"),
        tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in facts.items() if value)),
        *_citations(row),
        *_found(row),
        class_="system",
    )


def _unsupported(row: Mapping[str, Any]) -> str:
    """What of the answer its citations do not carry; empty where they carry all of it."""
    parts = row.get("citations_valid") or ()
    told = []
    if failed := sum(not held for held in parts):
        told.append(f"답의 부분 {len(parts)}개 가운데 {failed}개를 인용한 문단이 뒷받침하지 않습니다.")
    if row.get("supported") is False:
        cited = bool(row["result"]["citations"])
        told.append(
            "인용한 글을 모두 합쳐도 답 전체를 뒷받침하지 않습니다." if cited else "답에 인용이 없습니다."
        )
    return " ".join(told)


def _citations(row: Mapping[str, Any]) -> Iterator[Markup]:
    citations = row["result"]["citations"]
    if not citations:
        return
    stood = [*(row.get("citations_stand") or ()), *[None] * len(citations)]
    lines = []
    for citation, holds in zip(citations, stood, strict=False):
        page = f"{citation['page']}쪽" if citation["page"] else ""
        place = " · ".join(filter(None, (citation["source"], citation["section"], page)))
        lines.append(
            tag(
                "tr",
                tag("td", f"[{citation['n']}]"),
                tag("td", citation["text"], class_="words"),
                tag("td", place, class_="words"),
                tag("td", "제자리에 없음" if holds is False else "", class_="worse"),
            )
        )
    yield _listed(f"인용 {len(citations)}", ("", "인용한 글", "어디서", ""), lines, opened=True)


def _found(row: Mapping[str, Any]) -> Iterator[Markup]:
    if not row["found"]:
        return
    gold = {file_name(source) for source in row["sources"]}
    lines = [
        tag(
            "tr",
            tag("td", number),
            tag("td", f"{passage['score']:.3f}"),
            tag(
                "td", passage["source"], " ★" if file_name(passage["source"]) in gold else "", class_="words"
            ),
            tag("td", passage["heading"], class_="words"),
            tag("td", f"{passage['start']}–{passage['end']}", class_="number"),
            class_=None if number <= row["shown"] else "unseen",
        )
        for number, passage in enumerate(row["found"], start=1)
    ]
    title = f"찾은 문단 {len(lines)}, 모델에 보인 것 {row['shown']} (★ 정답 문서)"
    yield _listed(title, ("", "점수", "문서", "제목", "글자 위치"), lines, opened=False)


def _listed(title: str, columns: Sequence[str], lines: Sequence[Markup], *, opened: bool) -> Markup:
    head = tag("tr", *(tag("th", name, class_="words") for name in columns))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", *lines)), class_="scroll")
    return tag("details", tag("summary", title), table, open=opened)
