"""Take up the next of several questions, now that the one before it is answered."""

from dataclasses import asdict
from typing import Any

from graphs.calculation import may_calculate
from graphs.nodes.finish import citations_of
from graphs.nodes.prepare import standalone_of
from graphs.run import Run
from graphs.state import State, Turn


async def next_part(state: State, run: Run) -> dict[str, Any]:
    """Keeps the answer so far, and asks the next part as a follow-up to it.

    The passages read so far stay where they are: the prompt's prefix and the citations' numbers hold.
    """
    done = {
        "question": state.standalone,
        "answer": state.answer,
        "citations": [asdict(citation) for citation in citations_of(state)],
        "calculation": state.calculation,
    }
    part, *rest = state.parts
    talk: list[Turn] = [
        {"role": "user", "content": state.standalone},
        {"role": "assistant", "content": state.answer},
    ]
    standalone = await standalone_of(talk, part, state.language, run)
    return {
        "finished": [*state.finished, done],
        "parts": rest,
        "standalone": standalone,
        "query": standalone,
        "arithmetic": may_calculate(standalone),
        "verdict": "",
        "calculation": "",
        "answer": "",
        "problem": "",
        "attempts": 0,
    }
