"""Files into a collection: find, load, split, embed, store. It can be killed at any moment and run again."""

import sqlite3
import time
from collections import ChainMap, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.corpus.changes import Change, Changes
from app.corpus.embed_worker import BATCH_TEXTS, EmbedWorker
from app.corpus.faiss_index import DenseIndex
from app.corpus.load import is_supported as supported_by_loaders
from app.corpus.load import load as load_file
from app.corpus.lock import ingest_lock
from app.corpus.manifest import read_manifest, require_embedder, write_manifest
from app.corpus.passage import Chunk, LoadedDocument
from app.corpus.records import Document, by_chunk, embedded_texts
from app.corpus.report import IngestReport, Progress
from app.corpus.schema import STORE_NAME
from app.corpus.split import split as split_document
from app.corpus.store import Store
from app.corpus.walk import FoundFile, Walk, as_listed, is_gone, is_missing, is_under, walk
from app.errors import CorpusError
from app.models.embedder import Embedder, Vectors
from app.models.probe import korean_probe

_GROUP_DOCUMENTS = 256
_BATCHES_AHEAD = 2  # read while the embedder works: bounds the memory
_DISK_ERRORS = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_CORRUPT")


def ingest(
    collection_dir: Path,
    paths: Sequence[Path],
    embedder: Embedder,
    *,
    prune: bool = False,
    rebuild: bool = False,
    exclude: Sequence[Path] = (),
    on_progress: Callable[[Progress], None] | None = None,
    load: Callable[[Path], LoadedDocument] = load_file,
    is_supported: Callable[[Path], bool] = supported_by_loaders,
    split: Callable[[LoadedDocument], Sequence[Chunk]] = split_document,
    probe: Callable[[Embedder], float] = korean_probe,
) -> IngestReport:
    """Bring a collection up to date with files and folders. What did not change is not read again.

    Documents are committed whole, a few at a time, while searches go on. Killed at any moment, the next
    run carries on from the last commit. Chunks whose text did not change keep their vectors.

    Args:
        collection_dir: the collection's folder; made if it is not there.
        paths: files, and folders with all that is in them.
        prune: delete documents under `paths` whose files are gone.
        rebuild: embed everything in the collection anew first, from its stored texts, with `embedder`.
        exclude: folders never to read, besides the collection's own.
        on_progress: called in this thread.
        load, is_supported, split, probe: the parts of the pipeline.

    Raises:
        LockedError: another ingest writes to the collection.
        EmbedderMismatchError: the collection was made with another embedder and `rebuild` is not set.
        CorpusError: the collection cannot be opened or written.
        ModelError: the embedder does not answer. What was committed before stays.
    """
    started = time.perf_counter()
    tell = on_progress or (lambda _: None)
    with _writable(collection_dir) as store, EmbedWorker(embedder) as worker:
        manifest = read_manifest(store)
        has_chunks = store.counts()[1] > 0
        if manifest is not None and has_chunks and not rebuild:
            require_embedder(manifest, embedder, collection_dir.name)
        else:
            value = probe(embedder)
            with store.writing():
                write_manifest(store, embedder, value)
                _embed_stored(store, worker, tell, by_sentence=embedder.by_sentence)
        found = walk(paths, is_supported, [*exclude, collection_dir])
        stored = {document.path: document for document in store.documents()}
        changes = Changes(
            store,
            stored,
            load=load,
            split=split,
            dimensions=worker.dimensions,
            by_sentence=embedder.by_sentence,
        )
        pipeline = _Pipeline(store, worker, tell, len(found.files))
        pipeline.run(changes.of(found.files, pipeline.on_file))
        gone = _gone(stored, found)
        if prune:
            _delete(store, gone)
            # A path that was named because its documents were to go did not fail.
            found.failed = [(path, why) for path, why in found.failed if not _was_pruned(path, gone)]
        _save_index(store, collection_dir, worker.dimensions)
    written = [document.path for document in pipeline.written]
    return IngestReport(
        added=sum(path not in stored for path in written),
        updated=sum(path in stored for path in written),
        unchanged=changes.unchanged,
        pruned=len(gone) if prune else 0,
        missing=0 if prune else len(gone),
        skipped=found.skipped,
        failed=(*found.failed, *changes.failed),
        chunks=pipeline.chunks_written,
        size_bytes=changes.size_bytes,
        seconds=time.perf_counter() - started,
        embed_seconds=worker.seconds,
    )


@dataclass(kw_only=True)
class _Group:
    """Documents that are committed together, and their vectors on the way."""

    changes: list[Change] = field(default_factory=list)
    texts: dict[str, None] = field(default_factory=dict)  # in order, each once
    batches: list[tuple[list[str], Future[Vectors]]] = field(default_factory=list)

    def add(self, change: Change) -> None:
        self.changes.append(change)
        texts = (text for of_chunk in change.texts for text in of_chunk)
        self.texts |= dict.fromkeys(text for text in texts if text not in change.known)

    @property
    def is_full(self) -> bool:
        return len(self.texts) >= BATCH_TEXTS or len(self.changes) >= _GROUP_DOCUMENTS

    @property
    def is_embedded(self) -> bool:
        return all(future.done() for _, future in self.batches)


class _Pipeline:
    """Reads ahead of the embedder, and commits behind it."""

    def __init__(
        self, store: Store, worker: EmbedWorker, tell: Callable[[Progress], None], files_total: int
    ) -> None:
        self.written: list[Document] = []
        self.chunks_written = 0
        self._store = store
        self._worker = worker
        self._tell = tell
        self._files_total = files_total
        self._files_done = self._texts_done = self._texts_total = 0
        self._path = ""

    def run(self, changes: Iterator[Change]) -> None:
        ahead: deque[_Group] = deque()
        group = _Group()
        for change in changes:
            group.add(change)
            if group.is_full:
                ahead.append(self._embed(group))
                group = _Group()
            while ahead and (len(ahead) > _BATCHES_AHEAD or ahead[0].is_embedded):
                self._commit(ahead.popleft())
        ahead.append(self._embed(group))
        while ahead:
            self._commit(ahead.popleft())

    def on_file(self, file: FoundFile) -> None:
        self._files_done += 1
        self._path = file.given
        self._report()

    def _embed(self, group: _Group) -> _Group:
        texts = list(group.texts)
        self._texts_total += len(texts)
        for start in range(0, len(texts), BATCH_TEXTS):
            batch = texts[start : start + BATCH_TEXTS]
            group.batches.append((batch, self._worker.start(batch)))
        return group

    def _commit(self, group: _Group) -> None:
        vectors: dict[str, Vectors] = {}
        for texts, future in group.batches:
            vectors.update(zip(texts, future.result(), strict=True))
            self._texts_done += len(texts)
            self._report()
        if not group.changes:
            return
        with self._store.writing():
            for change in group.changes:
                known = ChainMap(vectors, dict(change.known))
                rows = [np.stack([known[text] for text in of_chunk]) for of_chunk in change.texts]
                self._store.put_document(change.document, change.chunks, rows)
        self.written += [change.document for change in group.changes]
        self.chunks_written += sum(len(change.chunks) for change in group.changes)

    def _report(self) -> None:
        self._tell(
            Progress(
                files_done=self._files_done,
                files_total=self._files_total,
                texts_done=self._texts_done,
                texts_total=self._texts_total,
                path=self._path,
            )
        )


def _embed_stored(
    store: Store, worker: EmbedWorker, tell: Callable[[Progress], None], *, by_sentence: bool
) -> None:
    # All in the caller's one transaction: a search finds old vectors or new ones, never both.
    last = done = 0
    _, total = store.counts()
    ahead: deque[tuple[list[int], list[list[str]], Future[Vectors]]] = deque()
    while True:
        items = store.texts_after(last, BATCH_TEXTS)
        if items:
            last = items[-1][0]
            texts = [embedded_texts(heading, text, by_sentence=by_sentence) for _, heading, text in items]
            future = worker.start([text for of_chunk in texts for text in of_chunk])
            ahead.append(([id for id, _, _ in items], texts, future))
        if not ahead:
            return
        if not items or len(ahead) > _BATCHES_AHEAD:
            ids, texts, future = ahead.popleft()
            store.set_vectors(ids, by_chunk(future.result(), texts))
            done += len(ids)
            tell(Progress(files_done=0, files_total=0, texts_done=done, texts_total=total, path=""))


def _gone(stored: dict[str, Document], found: Walk) -> list[Document]:
    present = {file.path for file in found.files}
    return [
        document
        for document in stored.values()
        if document.path not in present and is_under(document.path, found.roots) and is_gone(document.path)
    ]


def _delete(store: Store, documents: Sequence[Document]) -> None:
    if documents:
        with store.writing():
            for document in documents:
                store.delete_document(document.id)


def _save_index(store: Store, folder: Path, dimensions: int) -> None:
    with store.reading():
        stamp = store.stamp()
        index = None if DenseIndex.is_saved(folder, stamp) else DenseIndex.build(store, dimensions)
    if index is not None:
        index.save(folder)
    DenseIndex.remove_others(folder, stamp)


def _was_pruned(path: str, gone: Sequence[Document]) -> bool:
    if not is_missing(Path(path)):
        return False
    root = as_listed(Path(path))
    return any(is_under(document.path, [root]) for document in gone)


@contextmanager
def _writable(folder: Path) -> Iterator[Store]:
    """The collection's store, with the lock held, and a disk's errors in the user's terms."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CorpusError(
            f'The folder "{folder}" cannot be made ({error.strerror or error}). '
            "Choose another place with MUTDA_DATA_DIR."
        ) from error
    with ingest_lock(folder):
        store = Store.to_write(folder / STORE_NAME)
        try:
            yield store
        except sqlite3.DatabaseError as error:
            if not getattr(error, "sqlite_errorname", "").startswith(_DISK_ERRORS):
                raise
            raise CorpusError(
                f'The collection in "{folder}" could not be written: {error}. '
                "What was stored before is kept. See to the disk's free space and the folder's rights, "
                "then run the command again."
            ) from error
        finally:
            store.close()
