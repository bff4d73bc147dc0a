"""What a person thought of an answer, kept for as long as they like.

Traces are bounded in age and size; feedback is not. So each piece of feedback holds what it is about: the
question, the prompt that the answer was written from, and the answer. All of it is masked as traces are.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from app.errors import MutdaError
from app.tracing.feedback_store import FeedbackStore
from app.tracing.masking import Masking
from app.tracing.rating import Feedback, RatedRun, Rating, rated_run
from app.tracing.spans import Trace
from app.tracing.store import TraceStore

SCORE_NAME = "user_feedback"
MAX_TEXT_CHARS = 20_000

ReadTrace = Callable[[str], Trace]
"""The trace that an id, the beginning of one alone, or "last" means. Raises MutdaError where none is."""


class Scores(Protocol):
    """Where feedback is sent to."""

    def takes(self, trace_id: str) -> bool:
        """Whether that trace is there, as far as this side can tell."""

    def score(self, trace_id: str, name: str, value: float, comment: str | None = None) -> None:
        """Returns once the server has taken it. Raises ServiceError where it has not."""


def trace_reader(folder: Path) -> ReadTrace:
    """Reads from the local trace store in `folder`."""

    def read(name: str) -> Trace:
        store = TraceStore.open_to_read(folder)
        try:
            return store.last() if name == "last" else store.find(name)
        finally:
            store.close()

    return read


def give(
    store: FeedbackStore,
    read: ReadTrace,
    masking: Masking,
    name: str,
    rating: Rating,
    *,
    reason: str = "",
    correction: str = "",
) -> Feedback:
    """Keep what a person thought of a run. A run that was rated before needs no trace any more.

    Raises MutdaError: there is no such run, it has no answer, a text is too long, or a correction was
    given of an answer that is good.
    """
    reason, correction = reason.strip(), correction.strip()
    if rating == "up" and correction:
        raise MutdaError("A correction says that the answer was not right: give it with down.")
    for what, text in (("reason", reason), ("correction", correction)):
        if len(text) > MAX_TEXT_CHARS:
            raise MutdaError(f"The {what} has {len(text):,} characters; at most {MAX_TEXT_CHARS:,} are kept.")
    name = name.strip().casefold()
    try:
        run = rated_run(read(name))
    except MutdaError:
        kept = store.run(name)
        if kept is None:
            raise
        run = kept
    masked = RatedRun(
        trace_id=run.trace_id,
        question=masking.text(run.question),
        prompt=tuple(
            {"role": message["role"], "content": masking.text(message["content"])} for message in run.prompt
        ),
        answer=masking.text(run.answer),
        refused=run.refused,
        lacking=run.lacking,
    )
    return store.add(masked, rating, reason=masking.text(reason), correction=masking.text(correction))


def send(store: FeedbackStore, scores: Scores, feedback: Feedback) -> None:
    """Send one rating as a score, 1 for up and 0 for down, and note that it was sent.

    Raises ServiceError where it was not taken; it stays unsent then.
    """
    scores.score(feedback.trace_id, SCORE_NAME, float(feedback.rating == "up"), comment_of(feedback))
    store.mark_sent(feedback)


def send_all(store: FeedbackStore, scores: Scores, told: Callable[[Feedback], None] = lambda _: None) -> int:
    """Send what was not sent, oldest first, and return how many. Raises as `send` does, at the first."""
    unsent = [feedback for feedback in store.unsent() if scores.takes(feedback.trace_id)]
    for feedback in unsent:
        send(store, scores, feedback)
        told(feedback)
    return len(unsent)


def comment_of(feedback: Feedback) -> str | None:
    """The reason and the correction as one text; None where neither was given."""
    correction = f"Correction: {feedback.correction}" if feedback.correction else ""
    return "\n".join(filter(None, (feedback.reason, correction))) or None
