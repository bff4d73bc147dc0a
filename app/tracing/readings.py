"""What LangChain's objects and errors say, as plain text and values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from app.tracing.events import Began, is_cancelled, is_interrupt
from app.tracing.events import Kind as EventKind
from app.tracing.spans import Kind, Status

MAX_TEXT_CHARS = 2000
"""Of an error, and of a value that is no plain JSON."""
_MAX_FIRST_TOKENS = 5
_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}
KINDS: dict[EventKind, Kind] = {
    "run": "run", "step": "step", "chain": "chain", "model": "model", "tool": "tool", "retriever": "search",
}  # fmt: skip
"""The spans of what began; a route has none of its own."""


def question_of(given: Any) -> str:
    """What was asked; empty where a run was given something else."""
    question = given.get("question") if isinstance(given, Mapping) else getattr(given, "question", "")
    return question if isinstance(question, str) else ""


def name_of(began: Began) -> str:
    """Its own name, or its component's."""
    return str(began.name or began.component.get("name") or KINDS[began.kind])


def status_of(error: BaseException | None) -> Status:
    """How something ended that ended with this error, or with none."""
    if error is None:
        return "done"
    if is_interrupt(error):
        return "interrupted"
    return "cancelled" if is_cancelled(error) else "error"


def error_text(error: BaseException) -> str:
    """What the error says, after its kind."""
    try:
        return f"{type(error).__name__}: {error}"[:MAX_TEXT_CHARS]
    except Exception:  # it is another's code that writes the text
        return type(error).__name__


def interrupt_of(error: BaseException) -> Any:
    """What a person is asked; None where nothing is told of it."""
    try:
        return error.args[0][0].value
    except (AttributeError, IndexError, TypeError):
        return None


def role_of(message: Any) -> str:
    """Who speaks; in a prompt that is plain text, the user."""
    return "user" if isinstance(message, str) else str(_ROLES.get(message.type, message.type))


def text_of(message: Any) -> str:
    """The text of a message, also of one in parts, or of a prompt that is plain text."""
    content = message if isinstance(message, str) else message.content
    if isinstance(content, str):
        return content
    parts = [part if isinstance(part, str) else str(part.get("text", "")) for part in content]
    return "".join(parts)


def model_of(began: Began) -> str:
    """The model's name, from where the clients put it."""
    for name in (
        began.metadata.get("ls_model_name"),
        began.options.get("model"),
        began.options.get("model_name"),
        began.options.get("_type"),
    ):
        if name:
            return str(name)
    return name_of(began)


def generation_of(got: Any) -> Any:
    """The first answer of a model call; None where there is none."""
    generations: Sequence[Sequence[Any]] = getattr(got, "generations", None) or []
    return generations[0][0] if generations and generations[0] else None


def documents_of(got: Sequence[Any]) -> list[Any]:
    """A retriever's documents, each with its metadata beside its text."""
    return [
        {"text": document.page_content, **document.metadata}
        if hasattr(document, "page_content")
        else document
        for document in got
    ]


def first_tokens(message: Any) -> dict[str, float]:
    """The likeliest first tokens with their probabilities; for the shapes see `app.models.chat`."""
    raw = getattr(message, "response_metadata", {}).get("logprobs")
    if isinstance(raw, Mapping):
        raw = raw.get("content")
    try:
        top = (raw[0].get("top_logprobs") if raw else None) or []
        likely = sorted(((item["token"], math.exp(item["logprob"])) for item in top), key=lambda it: -it[1])
    except (AttributeError, KeyError, TypeError, OverflowError):
        return {}
    return dict(likely[:_MAX_FIRST_TOKENS])


def plain(value: Any, depth: int = 6) -> Any:
    """The value as plain JSON; what is none becomes its text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if depth and isinstance(value, Mapping):
        return {str(key): plain(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    return str(value)[:MAX_TEXT_CHARS]
