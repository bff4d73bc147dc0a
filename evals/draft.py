"""Questions drafted from somebody's own documents, for them to correct: the beginning of a suite.

The configured model is shown one passage at a time and asked for a question and its short answer. What it
writes is kept where `evals.proposals.judge` finds no fault. It makes up nothing that is to be refused: that
no document answers a question only a person who knows them can tell.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from langchain_core.messages import HumanMessage, SystemMessage
from rich.console import Console

from app.errors import MutdaError
from app.models.chat import LanguageModel
from app.models.open import choose_spec, open_model
from app.models.weights import Progress, resolve_gguf
from app.prompts import Prompts, language_of
from app.settings import Settings, load_settings
from evals.candidates import Candidate, candidates
from evals.draft_page import page
from evals.proposals import Proposal, judge
from evals.suite import Case

TRIES_A_QUESTION = 3
"""Passages that are tried for each question wanted: a small model spoils some."""
DRAFT_TOKENS = 128


@dataclass(frozen=True, kw_only=True)
class DraftOptions:
    """What to draft."""

    folder: Path
    questions: int = 20
    out: Path | None = None
    """The suite's file; its Markdown lies beside it. None is `FOLDER.draft.jsonl` in the working folder."""
    seed: int = 1

    @property
    def file(self) -> Path:
        """Where the suite goes."""
        return self.out or Path(f"{self.folder.resolve().stem or 'documents'}.draft.jsonl")


@dataclass(frozen=True)
class _Record:
    """What came of the passages so far: read when the work ends, however it ends."""

    kept: list[Proposal] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def headline(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common())
        told = f" Dropped: {reasons}." if reasons else ""
        return f"Kept {len(self.kept)} of {len(self.kept) + self.dropped.total()} proposals.{told}"


def draft(options: DraftOptions, console: Console, told: Console) -> None:
    """Write the suite and its Markdown; their paths go to `console`, how it went to `told`.

    What is there already when the person or a service ends it is written too. Raises MutdaError for a
    user's mistake, for a service that fails, and when nothing could be used.
    """
    file = options.file
    _require_room(file)
    settings = load_settings()
    chosen = candidates(options.folder, options.questions * TRIES_A_QUESTION, seed=options.seed)
    for line in chosen.failed:
        told.print(line, markup=False, soft_wrap=True)
    record = _Record()
    try:
        with told.status("Opening the model") as status:
            asyncio.run(_draft(chosen.passages, options.questions, settings, status.update, record))
    finally:
        if record.kept or record.dropped:
            told.print(record.headline(), markup=False, soft_wrap=True)
        if record.kept:
            for path in _write(record.kept, file):
                console.print(str(path), markup=False, soft_wrap=True)
    if not record.kept:
        raise MutdaError("No proposal can be used. Try another --seed, or a larger model by MUTDA_MODEL.")


def _require_room(file: Path) -> None:
    if file.suffix == ".md":
        raise MutdaError(f"--out {file} is where the Markdown goes: name the suite's file .jsonl.")
    if not file.parent.is_dir():
        raise MutdaError(f"--out {file}: there is no folder {file.parent}.")
    for path in (file, file.with_suffix(".md")):
        if path.exists():
            raise MutdaError(
                f"{path} is there already, perhaps with corrections. Name another file with --out."
            )


async def _draft(
    passages: Sequence[Candidate],
    wanted: int,
    settings: Settings,
    say: Callable[[str], None],
    record: _Record,
) -> None:
    def fetching(progress: Progress) -> None:
        say(f"Fetching the model: {progress.done_bytes / 1e6:,.0f} of {progress.total_bytes / 1e6:,.0f} MB")

    model = await open_model(
        settings,
        spec=await choose_spec(settings),
        fetch=lambda name: resolve_gguf(name, settings.cache_dir, progress=fetching),
    )
    try:
        prompts = await asyncio.to_thread(Prompts.read, model.family)
        for number, candidate in enumerate(passages, start=1):
            if len(record.kept) == wanted:
                return
            say(f"Passage {number}: {len(record.kept)} of {wanted} questions")
            text = await _ask(candidate, model, prompts, settings.call_timeout_s)
            proposal, fault = judge(text, candidate, record.kept)
            if proposal is None:
                record.dropped[fault] += 1
            else:
                record.kept.append(proposal)
    finally:
        await model.aclose()


async def _ask(candidate: Candidate, model: LanguageModel, prompts: Prompts, timeout_s: float) -> str:
    chunk = candidate.chunk
    language = language_of(chunk.text)
    text = prompts.get(
        "draft", language, heading=" ".join(chunk.heading.split()), passage=" ".join(chunk.text.split())
    )
    messages = [SystemMessage(prompts.get("system", language)), HumanMessage(text)]
    return (await model.call(messages, max_tokens=DRAFT_TOKENS, timeout_s=timeout_s)).text


def _write(kept: Sequence[Proposal], file: Path) -> tuple[Path, Path]:
    cases = [
        Case(
            id=f"draft-{number:02d}",
            kind="draft",
            question=proposal.question,
            answers=[proposal.answer],
            answerable=True,
            sources=[proposal.candidate.source],
        )
        for number, proposal in enumerate(kept, start=1)
    ]
    rows = [json.dumps(case.model_dump(exclude_defaults=True), ensure_ascii=False) for case in cases]
    markdown = file.with_suffix(".md")
    try:
        # A lone surrogate is all that UTF-8 cannot write.
        file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", errors="replace")
        markdown.write_text(page(cases, kept, file.name), encoding="utf-8", errors="replace")
    except OSError as error:
        raise MutdaError(
            f"{file} cannot be written ({error.strerror}). Name another file with --out."
        ) from None
    return file, markdown
