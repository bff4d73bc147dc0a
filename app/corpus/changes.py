"""Which files are new or changed since the last ingest, read and split."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.corpus.passage import Chunk, LoadedDocument
from app.corpus.records import Document, embedded_texts
from app.corpus.store import Store
from app.corpus.walk import FoundFile
from app.errors import LoadError
from app.models.embedder import Vectors

# A file that was changed within this time before it was read may change again without a new time: clocks
# of file systems tick as slowly as every 2 s (FAT).
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, kw_only=True)
class Change:
    """A document to store."""

    document: Document
    chunks: Sequence[Chunk]
    texts: Sequence[Sequence[str]]  # to embed, for each chunk
    known: Mapping[str, Vectors]  # those of its texts that have a vector already


class Changes:
    """Goes through files once and yields those to store; the rest is counted.

    A file of the same size and time as before is not opened. One with the same content only gets its new
    time noted, when all have been gone through.
    """

    def __init__(
        self,
        store: Store,
        stored: Mapping[str, Document],
        *,
        load: Callable[[Path], LoadedDocument],
        split: Callable[[LoadedDocument], Sequence[Chunk]],
        dimensions: int,
        by_sentence: bool,
    ) -> None:
        self.unchanged = 0
        self.size_bytes = 0
        self.failed: list[tuple[str, str]] = []
        self._store = store
        self._stored = stored
        self._load = load
        self._split = split
        self._dimensions = dimensions
        self._by_sentence = by_sentence

    def of(self, files: Sequence[FoundFile], on_file: Callable[[FoundFile], None]) -> Iterator[Change]:
        """The changes, in the order of the files; `on_file` is called after each file."""
        touched: list[tuple[Document, os.stat_result, int]] = []
        for file in files:
            change: Change | None = None
            try:
                checked_ns, status = time.time_ns(), Path(file.path).stat()
                old = self._stored.get(file.path)
                if old is not None and _is_same(old, status):
                    self.unchanged += 1
                else:
                    digest = _digest(file.path)
                    if old is not None and digest == old.sha256:
                        touched.append((old, status, checked_ns))
                        self.unchanged += 1
                    else:
                        change = self._read(file, status, checked_ns, digest)
            except LoadError as error:
                self.failed.append((file.given, " ".join(str(error).split())))
            except OSError as error:
                self.failed.append((file.given, f"cannot be read ({error.strerror or error})"))
            on_file(file)
            if change is not None:
                yield change
        if touched:
            with self._store.writing():
                for old, status, checked_ns in touched:
                    self._store.touch_document(
                        old.id, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, checked_ns=checked_ns
                    )

    def _read(self, file: FoundFile, status: os.stat_result, checked_ns: int, digest: str) -> Change:
        loaded = self._load(Path(file.path))
        chunks = self._split(loaded)
        texts = [embedded_texts(chunk.heading, chunk.text, by_sentence=self._by_sentence) for chunk in chunks]
        stored = self._store.vectors_by_text(
            path=file.path, sha256=digest, dimensions=self._dimensions, by_sentence=self._by_sentence
        )
        self.size_bytes += status.st_size
        return Change(
            document=Document(
                path=file.path,
                given=file.given,
                name=file.name,
                sha256=digest,
                size_bytes=status.st_size,
                mtime_ns=status.st_mtime_ns,
                checked_ns=checked_ns,
                loader=loaded.loader,
                title=loaded.title,
                notes=loaded.notes,
                ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
            ),
            chunks=chunks,
            texts=texts,
            known={text: stored[text] for of_chunk in texts for text in of_chunk if text in stored},
        )


def _is_same(old: Document, status: os.stat_result) -> bool:
    return (
        old.size_bytes == status.st_size
        and old.mtime_ns == status.st_mtime_ns
        and old.mtime_ns < old.checked_ns - _SETTLED_NS
    )


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
