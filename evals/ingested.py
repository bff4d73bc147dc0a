"""Collections that only measurements search: one for each folder and embedder, kept between runs."""

import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from rich.console import Console

from app.corpus.embedding import choose_embedder
from app.corpus.ingest import ingest
from app.corpus.report import IngestReport, Progress
from app.errors import EmbedderMismatchError, MutdaError
from app.models.embedder import Embedder
from app.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """A collection that is up to date with its folder."""

    folder: Path
    """Of the collection."""
    embedder: Embedder
    report: IngestReport
    texts: int
    """Embedded just now: chunks and, with some embedders, their sentences."""


def ingested(corpus: Path, settings: Settings, console: Console, *, anew: bool = False) -> Ingested:
    """Bring the collection of a folder up to date, with the embedder of the settings.

    `anew` forgets what is there first. The console is told which files cannot be read. Raises MutdaError
    when none can, and what `choose_embedder` and `ingest` raise.
    """
    chosen = choose_embedder(settings)
    if chosen.notice:
        console.print(chosen.notice, markup=False)
    folder = settings.data_dir / "evals" / collection_name(corpus, chosen.embedder.spec)
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    texts = 0

    def count(progress: Progress) -> None:
        nonlocal texts
        texts = progress.texts_done

    try:
        report = ingest(folder, [corpus], chosen.embedder, prune=True, on_progress=count)
    except EmbedderMismatchError:
        # The same embedder in another version: nothing but measurements rests on this collection.
        shutil.rmtree(folder, ignore_errors=True)
        report = ingest(folder, [corpus], chosen.embedder, prune=True, on_progress=count)
    for path, reason in report.failed:
        console.print(f"{path}: {reason}", markup=False)
    if not report.added + report.updated + report.unchanged:
        raise MutdaError(f"--corpus {corpus} holds no document that can be read.")
    return Ingested(folder=folder, embedder=chosen.embedder, report=report, texts=texts)


def collection_name(corpus: Path, embedder: str) -> str:
    """One name for each folder and embedder."""
    folder = corpus.resolve()
    digest = sha256(f"{folder}\n{embedder}".encode()).hexdigest()[:12]
    return f"{folder.name}-{digest}"
