"""Put the answer object together and remember the turn."""

from dataclasses import asdict
from typing import Any

from app.corpus.passage import Passage
from graphs.grounding import cite
from graphs.run import Run
from graphs.state import State

MAX_HISTORY = 12


async def finish(state: State, run: Run) -> dict[str, Any]:
    """Sets `result` to the object of the contract."""
    passages = [Passage(**passage) for passage in state.found[: state.shown]]
    question = state.standalone or state.question
    citations = [] if state.refused else cite(cited_text(state), question, passages)
    marks = "".join(f" [{citation.n}]" for citation in {c.n: c for c in citations}.values())
    answer = state.answer if state.refused else f"{state.answer}{marks}"
    turn = [{"role": "user", "content": state.question}, {"role": "assistant", "content": answer}]
    resources = run.resources
    return {
        "answer": answer,
        "history": [*state.history, *turn][-MAX_HISTORY:],
        "result": {
            "question": state.question,
            "answer": answer,
            "refused": state.refused,
            "reason": state.reason or (f"budget: {state.ended} reached" if state.ended else ""),
            "citations": [asdict(citation) for citation in citations],
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
            "calculation": state.calculation,
            "notices": state.notices,
            "model": resources.model.spec,
            "embedder": resources.embedder,
            "collection": resources.collection,
            "trace_id": state.trace_id,
        },
    }


def cited_text(state: State) -> str:
    """What the citations must support: the answer, or the operands of its calculation."""
    return f"{state.answer}\n{state.calculation}" if state.calculation else state.answer
