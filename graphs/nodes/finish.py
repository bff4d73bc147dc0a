"""Put the answer object together and remember the turn."""

from dataclasses import asdict
from typing import Any

from graphs.calculation import sides
from graphs.grounding import Citation, cite, cite_operands
from graphs.nodes.refuse import nearest_of
from graphs.run import Run
from graphs.state import State, shown_passages

MAX_HISTORY = 12


async def finish(state: State, run: Run) -> dict[str, Any]:
    """Sets `result` to the object of the contract."""
    answer, citations = put_together(state)
    refused = state.refused and not state.finished
    reason = state.reason or (f"budget: {state.ended} reached" if state.ended else "")
    if state.refused and state.finished:
        reason = f"answered in part: {reason}"
    turn = [{"role": "user", "content": state.question}, {"role": "assistant", "content": answer}]
    resources = run.resources
    return {
        "answer": answer,
        "history": [*state.history, *turn][-MAX_HISTORY:],
        "result": {
            "question": state.question,
            "answer": answer,
            "refused": refused,
            "reason": reason,
            "citations": citations,
            "nearest": nearest_of(state, resources.calibration) if state.refused else [],
            "route": [*state.route, "finish"],
            "evidence": round(state.evidence, 4),
            "grounded": round(state.grounded, 4),
            "cost": {
                "llm_calls": state.llm_calls,
                "prompt_tokens": state.prompt_tokens,
                "cached_tokens": state.cached_tokens,
                "output_tokens": state.output_tokens,
                "searches": state.searches,
                "seconds": round(run.seconds, 3),
            },
            "calculation": "; ".join(
                text
                for text in (*(part["calculation"] for part in state.finished), state.calculation)
                if text
            ),
            "notices": notices_of(state),
            "model": resources.model.spec,
            "embedder": resources.embedder,
            "collection": resources.collection,
            "trace_id": state.trace_id,
        },
    }


def put_together(state: State) -> tuple[str, list[dict[str, Any]]]:
    """The answer with its marks, part by part, and each citation once."""
    parts = list(state.finished)
    if state.refused:
        parts.append({"answer": state.answer, "citations": []})
    else:
        parts.append({"answer": state.answer, "citations": [asdict(c) for c in citations_of(state)]})
    lines, citations = [], {}
    for part in parts:
        marks = "".join(f" [{number}]" for number in dict.fromkeys(c["n"] for c in part["citations"]))
        lines.append(f"{part['answer']}{marks}")
        citations.update({(c["n"], c["start"]): c for c in part["citations"]})
    return "\n".join(lines), list(citations.values())


def notices_of(state: State) -> list[str]:
    """All that the user should know, once: of the answer as it stands too, and not of one withdrawn."""
    if not state.cut_off_tokens or state.refused:
        return state.notices
    cut_off = f"the answer was cut off after {state.cut_off_tokens} tokens"
    return list(dict.fromkeys([*state.notices, cut_off]))


def citations_of(state: State) -> list[Citation]:
    """What the answer rests on: its own sentences' sources, or those of the numbers it was computed from."""
    passages = shown_passages(state)
    question = state.standalone or state.question
    if state.calculation:
        return cite_operands(sides(state.calculation)[0], question, passages)
    return cite(state.answer, question, passages)
