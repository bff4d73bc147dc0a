"""A model's replies in a file, the model that writes it and the one that answers from it.

    {"suite": "evals/datasets/samples.jsonl", "family": ...}   what was asked, and of which model
    {"key": ..., "question": ..., "text": ..., ...}            one line for each reply, sorted by key

The key is a hash of the prompt, so that whoever changes a prompt, the splitter or the search is told
instead of being given an answer to something else. Prompts are not kept.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from app.errors import MutdaError
from app.models.chat import LanguageModel, Messages, Reply
from evals.report import write_whole

DECIMALS = 4
QUESTION_CHARS = 60
ROOT = Path(__file__).parents[1]
RECORDINGS = ROOT / "evals" / "recordings"
RENEW = "make record"
"""The command that records again what is recorded."""


class RecordingError(MutdaError):
    """A recording cannot be read, or does not hold what is asked; says how to record."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What was asked, and of which model: enough to ask it again."""

    suite: str
    """Like `corpus` from the repository's root, where it lies in it."""
    corpus: str = ""
    """Folder of documents; empty where each question brings its passages."""
    limit: int | None = None
    seed: int = 1
    model: str
    """Spec."""
    family: str
    context_tokens: int
    embedder: str
    today: str
    """The day that prompts name, an ISO date."""


@dataclass(frozen=True)
class Recorded:
    """One reply, and for a reader how the question began that it was a step to."""

    question: str
    reply: Reply


@dataclass(kw_only=True)
class Recording:
    """What a file holds."""

    about: About
    replies: dict[str, Recorded] = field(default_factory=dict)


def key_of(family: str, messages: Messages, *, max_tokens: int, logprobs: bool) -> str:
    """SHA-256, 64 hex digits, of all that a reply depends on."""
    asked = [family, [[message.type, message.content] for message in messages], max_tokens, logprobs]
    return sha256(json.dumps(asked).encode()).hexdigest()


def rounded(reply: Reply) -> Reply:
    """The reply as a file keeps it."""
    return replace(
        reply,
        first_token={token: _round(logprob) for token, logprob in reply.first_token.items()},
        logprobs=tuple(map(_round, reply.logprobs)),
        seconds=_round(reply.seconds),
    )


def _round(value: float) -> float:
    return round(value, DECIMALS) + 0.0  # no -0.0


def write_recording(path: Path, recording: Recording) -> None:
    """Write the file whole or not at all. Raises ReportError when it cannot be written."""
    lines: list[dict[str, Any]] = [asdict(recording.about)]
    for key, recorded in sorted(recording.replies.items()):
        lines.append({"key": key, "question": recorded.question, **asdict(recorded.reply)})
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def read_recording(path: Path) -> Recording:
    """Raises RecordingError, with the line, for what is not a recording."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise RecordingError(f"The recording {path} cannot be read: {reason}.") from None
    recording: Recording | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if recording is None:
                recording = Recording(about=About(**row))
                date.fromisoformat(recording.about.today)
            else:
                key, question = row.pop("key"), row.pop("question")
                recording.replies[key] = Recorded(
                    question, Reply(**row | {"logprobs": tuple(row["logprobs"])})
                )
        except (ValueError, TypeError, KeyError, AttributeError):
            raise RecordingError(
                f"{path}:{number}: this is not a line of a recording. "
                "Remove the file and record its suite again."
            ) from None
    if recording is None:
        raise RecordingError(f"The recording {path} is empty. Remove it and record its suite again.")
    return recording


class _FromFile(LanguageModel):
    """Counts tokens by the estimate: what fits a prompt is the same with the model's engine and without."""

    def __init__(self, recording: Recording) -> None:
        self.spec = recording.about.model
        self.family = recording.about.family
        self.context_tokens = recording.about.context_tokens
        self.recording = recording
        self.asked: set[str] = set()
        """Keys of the replies that were given."""
        self.question = ""
        """Asked from here on."""

    def _recorded(self, key: str, on_text: Callable[[str], None] | None) -> Reply | None:
        self.asked.add(key)
        recorded = self.recording.replies.get(key)
        if recorded is None:
            return None
        if on_text and recorded.reply.text:
            on_text(recorded.reply.text)
        return recorded.reply


class Recorder(_FromFile):
    """Asks the model what is not recorded yet, and gives every reply as the file will give it.

    A prompt that comes up twice is asked once: an engine whose cache is in another state may answer it
    in another way, and the file holds one answer.
    """

    def __init__(self, recording: Recording, model: LanguageModel) -> None:
        super().__init__(recording)
        self.new = 0
        """Replies that the model gave."""
        self._model = model

    def chat(self) -> BaseChatModel:
        return self._model.chat()

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        return self._model.options(max_tokens=max_tokens, logprobs=logprobs)

    def explain(self, error: Exception) -> str | None:
        return self._model.explain(error)

    async def aclose(self) -> None:
        await self._model.aclose()

    async def call(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        timeout_s: float,
        logprobs: bool = False,
        silent: bool = True,
        on_text: Callable[[str], None] | None = None,
    ) -> Reply:
        key = key_of(self.family, messages, max_tokens=max_tokens, logprobs=logprobs)
        if (known := self._recorded(key, on_text)) is not None:
            return known
        reply = await self._model.call(
            messages,
            max_tokens=max_tokens,
            timeout_s=timeout_s,
            logprobs=logprobs,
            silent=silent,
            on_text=on_text,
        )
        self.new += 1
        self.recording.replies[key] = Recorded(_beginning(self.question), rounded(reply))
        return self.recording.replies[key].reply


class Replay(_FromFile):
    """Answers from the file, without an engine.

    `call` raises RecordingError for a prompt that is not in it.
    """

    def chat(self) -> BaseChatModel:
        raise RecordingError(f"Recorded replies of {self.spec} come whole: there is no model to stream them.")

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def explain(self, error: Exception) -> str | None:  # noqa: ARG002
        return None

    async def call(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        timeout_s: float,  # noqa: ARG002
        logprobs: bool = False,
        silent: bool = True,  # noqa: ARG002
        on_text: Callable[[str], None] | None = None,
    ) -> Reply:
        key = key_of(self.family, messages, max_tokens=max_tokens, logprobs=logprobs)
        if (known := self._recorded(key, on_text)) is not None:
            return known
        raise RecordingError(
            f'For "{_beginning(self.question)}" the model is asked what was not recorded: a prompt, the '
            f"documents, the splitter or the search changed. Record again: {RENEW}"
        )


def _beginning(question: str) -> str:
    return " ".join(question.split())[:QUESTION_CHARS]
