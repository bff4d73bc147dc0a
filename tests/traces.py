"""Traces made by hand."""

from typing import Any

from app.tracing.spans import Header, Span, Trace

QUESTION = "연차 휴가는 며칠인가요?"
BEGAN_S = 1_790_000_000.0


def span(number: int, kind: Any, name: str, **changes: Any) -> Span:
    """A span that began `number` seconds in and took half a second."""
    values: dict[str, Any] = {
        "trace_id": "a" * 32,
        "id": f"s{number}",
        "parent_id": "root",
        "kind": kind,
        "name": name,
        "started_s": BEGAN_S + number,
        "ended_s": BEGAN_S + number + 0.5,
        "status": "done",
    }
    return Span(**values | changes)


def call(number: int, parent: str, prompt: str, **data: Any) -> Span:
    """A model call under a step."""
    values = {
        "model": "fake:",
        "messages": [{"role": "system", "text": "문서로 답하세요."}, {"role": "user", "text": prompt}],
        "text": "yes",
        "prompt_tokens": 100,
        "cached_tokens": 60,
        "output_tokens": 1,
        "first_token": {"yes": 0.9, "no": 0.1},
    }
    return span(
        number,
        "model",
        "fake",
        id=f"c{number}",
        parent_id=parent,
        started_s=BEGAN_S + number + 0.1,
        data=values | data,
    )


def decision(value: float, threshold: float, verdict: str) -> dict[str, Any]:
    """A judgement of the grader."""
    return {
        "step": "grade",
        "name": "evidence",
        "value": value,
        "threshold": threshold,
        "verdict": verdict,
        "signals": {"grade": 0.91, "coverage": 0.4},
    }


def passages(*texts: str) -> list[dict[str, Any]]:
    """Found passages."""
    return [
        {
            "source": "문서/취업규칙.docx",
            "section": "제21조",
            "page": 3,
            "score": 1 / n,
            "dense": 0.5,
            "text": text,
        }
        for n, text in enumerate(texts, start=1)
    ]


def trace(trace_id: str = "a" * 32, *, seconds: float = 4.0, **changes: Any) -> Trace:
    """A question that was searched, graded and answered. `changes` replace data of a step by its name."""
    frame = "문서: 연차 휴가는 17일입니다. 병가는 30일입니다. 경조 휴가는 5일입니다. 질문: 연차 휴가는 며칠인가요?"
    data: dict[str, dict[str, Any]] = {
        "retrieve": {
            "passages": passages("연차 휴가는 17일입니다.", "병가는 30일입니다."),
            "update": {"shown": 1},
        },
        "grade": {"decisions": [decision(0.83, 0.48, "yes")], "next": "generate"},
        "generate": {"update": {"answer": "17일입니다."}},
    }
    result = {
        "question": QUESTION,
        "answer": "17일입니다. [1]",
        "refused": False,
        "reason": "",
        "citations": [],
    }
    root = span(
        0, "run", "rag", id="root", parent_id=None, ended_s=BEGAN_S + seconds, data={"result": result}
    )
    steps = [
        span(number, "step", name, step=number, data=data[name] | changes.get(name, {}))
        for number, name in enumerate(data, start=1)
    ]
    calls = [
        call(2, "s2", changes.get("prompt", f"{frame} 답이 있습니까?")),
        call(3, "s3", f"{frame} 답하세요.", text="17일입니다.", output_tokens=4),
    ]
    spans = sorted([root, *steps, *calls], key=lambda item: item.started_s)
    for item in spans:
        item.trace_id = trace_id
    header = Header(
        id=trace_id,
        name="rag",
        thread_id=None,
        started_s=BEGAN_S,
        ended_s=BEGAN_S + seconds,
        status="done",
        question=QUESTION,
        answer="17일입니다. [1]",
        calls=2,
        prompt_tokens=200,
        cached_tokens=120,
        output_tokens=5,
        model="fake:",
        route=list(data),
        working_s=seconds,
    )
    return Trace(header=header, spans=spans)
