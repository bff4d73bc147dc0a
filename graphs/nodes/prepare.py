"""Read the question: its language, what it borrows from the one before, whether it may need arithmetic."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from app.prompts import language_of
from graphs.calculation import may_calculate
from graphs.conversation import stand
from graphs.parts import parts_of
from graphs.run import Run
from graphs.state import State, fresh

MAX_QUESTION_CHARS = 2000
MAX_PREVIOUS_CHARS = 300


async def prepare(state: State, run: Run) -> dict[str, Any]:
    """Clears what an earlier turn left, and makes a follow-up stand alone."""
    cleared = fresh(state)
    run.state = replace(state, **cleared)
    question = " ".join(state.question.split())[:MAX_QUESTION_CHARS]
    language = language_of(question)
    first, *parts = parts_of(question)
    standing = stand(_previous(state) if question else "", first, language)
    return cleared | {
        "trace_id": uuid4().hex,
        "language": language,
        "standalone": standing.question,
        "parts": parts,
        "query": standing.question,
        "also": standing.also,
        "arithmetic": may_calculate(standing.question),
    }


def _previous(state: State) -> str:
    asked = (turn["content"] for turn in reversed(state.history) if turn["role"] == "user")
    return " ".join(next(asked, "").split())[:MAX_PREVIOUS_CHARS]
