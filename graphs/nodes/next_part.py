"""Take up the next of several questions, now that the one before it is answered."""

from dataclasses import asdict
from typing import Any

from graphs.calculation import may_calculate
from graphs.nodes.finish import citations_of, notices_of
from graphs.parts import refer
from graphs.reading import unread
from graphs.run import Run
from graphs.state import State


async def next_part(state: State, run: Run) -> dict[str, Any]:  # noqa: ARG001 - every node has it
    """Keeps the answer so far, and asks the next part as a follow-up to it.

    Of the passages only those that the answer rests on stay: others would be mistaken for being about
    the next part.
    """
    citations = [asdict(citation) for citation in citations_of(state)]
    finished, found = keep_cited(state, citations)
    part, *rest = state.parts
    standalone = refer(part, state.standalone, state.answer) or f"{state.standalone} {part}"
    return {
        "finished": finished,
        "found": unread(found),
        "shown": len(found),
        "parts": rest,
        "standalone": standalone,
        "query": standalone,
        "also": "",
        "arithmetic": may_calculate(standalone),
        "lacking": "",
        "verdict": "",
        "calculation": "",
        "answer": "",
        "cut_off_tokens": 0,
        "notices": notices_of(state),
        "problem": "",
        "attempts": 0,
    }


def keep_cited(
    state: State, citations: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All finished parts, their citations numbered anew, and the passages they cite in reading order."""
    done = {"answer": state.answer, "citations": citations, "calculation": state.calculation}
    finished = [*state.finished, done]
    cited = sorted({citation["n"] for part in finished for citation in part["citations"]})
    number = {old: new for new, old in enumerate(cited, start=1)}
    renumbered = [
        {**part, "citations": [{**citation, "n": number[citation["n"]]} for citation in part["citations"]]}
        for part in finished
    ]
    return renumbered, [state.found[old - 1] for old in cited]
