"""Read the question: its language, what it borrows from the one before, whether it may need arithmetic."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from app.errors import MutdaError
from app.prompts import Language, language_of
from graphs.calculation import may_calculate
from graphs.conversation import is_short, names_only, stand_after
from graphs.parts import parts_of
from graphs.run import Run
from graphs.state import Question, State, fresh

MAX_QUESTION_CHARS = 2000


async def prepare(state: State, run: Run) -> dict[str, Any]:
    """Clears what an earlier turn left, and makes a follow-up stand alone."""
    require_form(state)
    cleared = fresh(state)
    run.state = replace(state, **cleared)
    question = within(" ".join(state.question.split()), MAX_QUESTION_CHARS)
    language = language_of(question)
    first, *parts = parts_of(question)
    asked = [turn["content"] for turn in state.history if turn["role"] == "user"] if question else []
    standing = stand_after(asked, first, language)
    return cleared | {
        "trace_id": run.trace_id or uuid4().hex,
        "language": language,
        "standalone": standing.question,
        "parts": parts,
        "query": standing.question,
        "also": standing.also,
        "arithmetic": calculates(first, standing.question, language),
    }


def calculates(question: str, standalone: str, language: Language) -> bool:
    """Whether a question, understood as `standalone`, may have to be calculated.

    What the question before was for goes on where this one says little ("5대면요?", "총 얼마예요?").
    """
    bare = names_only(question) or is_short(question, language)
    return may_calculate(standalone if bare else question)


def require_form(question: Question) -> None:
    """Studio and the API send whatever was typed. Raises MutdaError for what is no question."""
    if not isinstance(question.question, str):
        raise MutdaError(f'"question" must be text, not {_json_kind(question.question)}.')
    turns = question.history if isinstance(question.history, list) else [question.history]
    if not all(_is_turn(turn) for turn in turns):
        raise MutdaError(
            '"history" must be a list of {"role": "user" or "assistant", "content": text}, oldest first.'
        )
    given = question.given
    if given is not None and not (isinstance(given, list) and all(_is_passage(item) for item in given)):
        raise MutdaError('"given" must be a list of passages {"title": text, "text": text}.')


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") in ("user", "assistant")
        and isinstance(turn.get("content"), str)
    )


def _is_passage(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("text"), str)
        and all(isinstance(value, str) for value in item.values())
    )


def _json_kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def within(text: str, chars: int) -> str:
    """At most `chars` characters: people ask before or after a page they paste, so its middle is left out."""
    if len(text) <= chars:
        return text
    half = (chars - 3) // 2
    return f"{text[:half]} … {text[-half:]}"
