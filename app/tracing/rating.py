"""A rated run: what was asked, the prompt that the answer was written from, the answer, and the rating."""

from dataclasses import dataclass
from typing import Any, Literal

from app.errors import MutdaError
from app.tracing.spans import Trace

Rating = Literal["up", "down"]
Message = dict[str, str]
"""{"role": "system" | "user" | "assistant", "content"}, as chat templates take it."""


@dataclass(frozen=True, kw_only=True)
class RatedRun:
    """What of a run is kept with its feedback."""

    trace_id: str
    question: str
    prompt: tuple[Message, ...]
    """What the answer was written from; empty where one prompt did not make it."""
    answer: str
    refused: bool
    lacking: str = ""
    """Why there is no prompt."""


@dataclass(frozen=True, kw_only=True)
class Feedback(RatedRun):
    """One rating of one run."""

    id: int
    given_at: str
    """UTC, ISO 8601."""
    rating: Rating
    reason: str = ""
    correction: str = ""
    """The answer as it should have been."""
    sent_at: str | None = None


def rated_run(trace: Trace) -> RatedRun:
    """The question, the prompt of the last answer, and the answer that was shown.

    Raises MutdaError for a run without an answer.
    """
    result = trace.result
    answer = str(result.get("answer") or trace.header.answer)
    if not answer:
        raise MutdaError(
            f"The run {trace.header.id[:12]} has no answer to rate: it is {trace.header.status}."
        )
    # Where there is no graph, the steps are the runs.
    writing = [step for step in trace.steps if step.name == "generate" or step.kind == "run"]
    calls = [call for step in writing[-1:] for call in trace.calls_under(step) if call.data.get("messages")]
    lacking = ""
    if any(step.name == "next_part" for step in trace.steps):
        lacking = "several questions in one"
    elif not calls or any(step.name == "quote" for step in trace.steps[-2:]):
        lacking = "no model call wrote the answer"
    return RatedRun(
        trace_id=trace.header.id,
        question=str(result.get("question") or trace.header.question),
        prompt=() if lacking else tuple(map(_message, calls[-1].data["messages"])),
        answer=answer,
        refused=bool(result.get("refused", trace.header.refused)),
        lacking=lacking,
    )


def _message(message: dict[str, Any]) -> Message:
    role = str(message["role"])
    return {"role": {"human": "user", "ai": "assistant"}.get(role, role), "content": str(message["text"])}
