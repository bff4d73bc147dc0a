"""A collection of documents, open for questions."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from app.corpus.coverage import question_tokens
from app.corpus.faiss_index import DenseIndex
from app.corpus.load.base import normalise, one_line
from app.corpus.manifest import Manifest, read_manifest, require_embedder, write_manifest
from app.corpus.passage import Block, Chunk, LoadedDocument, Passage
from app.corpus.records import Document, by_chunk, embedded_texts
from app.corpus.schema import STORE_NAME
from app.corpus.search import MAX_QUESTION_TOKENS, Query, SearchMode, idf, search
from app.corpus.split import split as split_document
from app.corpus.store import Store
from app.errors import CorpusError
from app.models.embedder import Embedder
from app.models.probe import korean_probe, weight_from_probe

MAX_QUESTION_CHARS = 4000
"""What is embedded of a question; longer ones are cut."""


@dataclass(frozen=True, kw_only=True)
class CollectionStatus:
    """What a collection holds."""

    documents: int
    chunks: int
    embedder: str
    fingerprint: str
    dimensions: int
    probe: float
    dense_weight: float
    generation: int
    size_bytes: int  # all of its files, or its pages in memory


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What can be told of a collection without its embedder."""

    documents: int
    chunks: int
    embedder: str  # the spec that it was made with
    probe: float


def contents_of(path: Path) -> Contents | None:
    """Of the collection in a folder; None where nothing was ever ingested.

    Raises CorpusError when there is no collection, or it is damaged or of another version.
    """
    store = Store.to_read(path / STORE_NAME)
    try:
        manifest = read_manifest(store)
        documents, chunks = store.counts()
    finally:
        store.close()
    if manifest is None:
        return None
    return Contents(documents=documents, chunks=chunks, embedder=manifest.spec, probe=manifest.probe)


class Collection:
    """Search over one state of the documents at a time. Threads take turns; the embedder runs outside.

    An ingest may run meanwhile, here or in another process: each search sees the documents before or
    after a change, never between.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        manifest: Manifest,
        *,
        folder: Path | None,
        name: str,
        dense_weight: float | None = None,
    ) -> None:
        self.name = name
        self._store = store
        self._embedder = embedder
        self._manifest = manifest
        self._folder = folder
        self._weight = weight_from_probe(manifest.probe) if dense_weight is None else dense_weight
        self._index: DenseIndex | None = None
        self._turn = threading.Lock()

    @classmethod
    def open(cls, path: Path, embedder: Embedder, *, dense_weight: float | None = None) -> Self:
        """Open the collection in a folder.

        Args:
            path: the collection's folder.
            embedder: the one that the collection was made with.
            dense_weight: the dense leg's say, 0..1; None takes it from the recorded Korean probe.

        Raises:
            EmbedderMismatchError: the collection was made with another embedder.
            CorpusError: there is no collection, or it is damaged or of another version.
        """
        store = Store.to_read(path / STORE_NAME)
        try:
            manifest = read_manifest(store)
            if manifest is None:
                raise CorpusError(
                    f'There is nothing in the collection "{path.name}" yet. '
                    "Fill it from your documents: mutda ingest PATH..."
                )
            require_embedder(manifest, embedder, path.name)
        except BaseException:
            store.close()
            raise
        return cls(store, embedder, manifest, folder=path, name=path.name, dense_weight=dense_weight)

    @classmethod
    def from_passages(
        cls,
        passages: Iterable[Mapping[str, str]],
        embedder: Embedder,
        *,
        probe: float | None = None,
        dense_weight: float | None = None,
        split: Callable[[LoadedDocument], Sequence[Chunk]] = split_document,
    ) -> Self:
        """A collection in memory, of passages with "title" and "text"; long ones are split into chunks.

        Args:
            passages: each becomes a document whose source is its "source", or else its title.
            probe: the embedder's Korean probe, if it is known; else it is measured.
            dense_weight, split: as in `open` and `ingest`.
        """
        documents = [_document_of(passage, number) for number, passage in enumerate(passages, 1)]
        pieces = [list(split(loaded)) for _, loaded in documents]
        texts = [
            embedded_texts(chunk.heading, chunk.text, by_sentence=embedder.by_sentence)
            for chunks in pieces
            for chunk in chunks
        ]
        flat = embedder.embed([text for of_chunk in texts for text in of_chunk])
        vectors = by_chunk(flat, texts)
        store = Store.in_memory()
        with store.writing():
            manifest = write_manifest(store, embedder, korean_probe(embedder) if probe is None else probe)
            start = 0
            for (document, _), chunks in zip(documents, pieces, strict=True):
                store.put_document(document, chunks, vectors[start : start + len(chunks)])
                start += len(chunks)
        return cls(store, embedder, manifest, folder=None, name="passages", dense_weight=dense_weight)

    def search(
        self,
        query: str,
        *,
        k: int = 8,
        mode: SearchMode = "similarity",
        score_threshold: float = 0.0,
        fetch_k: int = 24,
        lambda_mult: float = 0.7,
    ) -> list[Passage]:
        """The passages that bear on a question, best first; see `app.corpus.search.search` for the modes.

        A question without a letter or a digit finds nothing.

        Raises:
            EmbedderMismatchError: the collection was embedded anew with another embedder since it was opened.
            ModelError: the embedder does not answer.
        """
        tokens = question_tokens(query[:MAX_QUESTION_CHARS], MAX_QUESTION_TOKENS)
        if not tokens or k < 1:
            return []
        vector = self._embedder.embed_query(query[:MAX_QUESTION_CHARS]) if self._weight > 0 else None
        wanted = Query(
            tokens=tokens,
            vector=vector,
            weight=self._weight,
            k=k,
            mode=mode,
            score_threshold=score_threshold,
            fetch_k=fetch_k,
            lambda_mult=lambda_mult,
        )
        with self._turn, self._store.reading():
            return search(self._store, self._current_index(), wanted)

    def idf(self, tokens: Sequence[str]) -> dict[str, float]:
        """Inverse document frequency of each bigram over the chunks; the largest where none has it."""
        with self._turn, self._store.reading():
            return idf(self._store, tokens)

    def documents(self) -> list[Document]:
        """Every document, by name."""
        with self._turn:
            return self._store.documents()

    def status(self) -> CollectionStatus:
        """What the collection holds now."""
        with self._turn, self._store.reading():
            documents, chunks = self._store.counts()
            manifest = read_manifest(self._store) or self._manifest
            generation = self._store.stamp().generation
            size_bytes = (
                self._store.size_bytes() if self._folder is None else _folder_size_bytes(self._folder)
            )
        return CollectionStatus(
            documents=documents,
            chunks=chunks,
            embedder=manifest.spec,
            fingerprint=manifest.fingerprint,
            dimensions=manifest.dimensions,
            probe=manifest.probe,
            dense_weight=self._weight,
            generation=generation,
            size_bytes=size_bytes,
        )

    def close(self) -> None:
        """Close the files. A closed collection answers nothing."""
        with self._turn:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _current_index(self) -> DenseIndex:
        if self._index is not None and self._index.stamp == self._store.stamp():
            return self._index
        manifest = read_manifest(self._store)
        # Compared with what was checked before: some embedders read their weights to tell a fingerprint.
        if manifest is not None and manifest.fingerprint != self._manifest.fingerprint:
            require_embedder(manifest, self._embedder, self.name)
        dimensions = self._manifest.dimensions
        if self._index is None:
            self._index = DenseIndex.open(self._folder, self._store, dimensions)
        else:
            self._index.refresh(self._store, dimensions)
        return self._index


def _document_of(passage: Mapping[str, str], number: int) -> tuple[Document, LoadedDocument]:
    title, text = one_line(normalise(passage.get("title", ""))), normalise(passage["text"])
    source = passage.get("source") or title or str(number)
    content = text.encode()
    document = Document(
        path=f"passage:{number}",
        given=source,
        name=source,
        sha256=sha256(content).hexdigest(),
        size_bytes=len(content),
        mtime_ns=0,
        checked_ns=time.time_ns(),
        loader="passage",
        title=title,
        ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    block = Block(kind="paragraph", start=0, end=len(text))
    return document, LoadedDocument(title=title, text=text, blocks=(block,), loader="passage")


def _folder_size_bytes(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        # An ingest may replace an index meanwhile.
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
