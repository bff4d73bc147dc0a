"""Files into a collection: find, load, split, embed, store. It can be killed at any moment and run again."""

import hashlib
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.corpus.faiss_index import DenseIndex
from app.corpus.load import is_supported as supported_by_loaders
from app.corpus.load import load as load_file
from app.corpus.lock import ingest_lock
from app.corpus.manifest import read_manifest, require_embedder, write_manifest
from app.corpus.passage import Chunk, LoadedDocument
from app.corpus.schema import STORE_NAME
from app.corpus.split import split as split_document
from app.corpus.store import Document, Store, indexed_text
from app.corpus.walk import FoundFile, Walk, is_gone, is_under, walk
from app.errors import CorpusError, LoadError
from app.models.embedder import Embedder, Vectors
from app.models.probe import korean_probe

_BATCH_TEXTS = 256  # one call of the embedder
_GROUP_TEXTS = 256  # documents are committed together until they hold this many new chunks...
_GROUP_DOCUMENTS = 256  # ...or are this many
_GROUPS_AHEAD = 2  # loaded and split while the embedder works: bounds the memory
# A file that was changed within this time before it was read may change again without a new time.
_SETTLED_NS = 2_000_000_000
_DISK_ERRORS = (
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_BUSY",
    "SQLITE_CORRUPT",
)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an ingest is."""

    files_done: int
    files_total: int
    chunks_done: int  # embedded in this run
    path: str  # the file that was read last; empty while a collection is embedded anew


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """What an ingest did. Counts are of documents, unless they say otherwise."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    pruned: int = 0
    missing: int = 0  # stored, under the given paths, and gone from the disk; `prune` deletes them
    skipped: int = 0  # files in folders that no loader reads
    failed: tuple[tuple[str, str], ...] = ()  # path, reason on one line; an older version stays
    chunks: int = 0  # written
    size_bytes: int = 0  # of the files added and updated
    seconds: float = 0.0
    embed_seconds: float = 0.0  # of them, inside the embedder


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
    try:
        collection_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CorpusError(
            f'The folder "{collection_dir}" cannot be made ({error.strerror or error}). '
            "Choose another place with MUTDA_DATA_DIR."
        ) from error
    with ingest_lock(collection_dir), _disk_errors(collection_dir):
        store = Store.to_write(collection_dir / STORE_NAME)
        try:
            run = _Run(store, embedder, on_progress or (lambda progress: None), load, split)
            with ThreadPoolExecutor(1, thread_name_prefix="embed") as worker:
                try:
                    run.prepare(collection_dir.name, worker, rebuild=rebuild, probe=probe)
                    found = walk(paths, is_supported, [*exclude, collection_dir])
                    run.update(found, paths, worker, prune=prune)
                finally:
                    worker.shutdown(wait=True, cancel_futures=True)
            run.save_index(collection_dir)
        finally:
            store.close()
    return run.report(found, time.perf_counter() - started)


@dataclass(kw_only=True)
class _Loaded:
    document: Document
    chunks: Sequence[Chunk]
    texts: list[str]
    known: dict[str, Vectors]


@dataclass(kw_only=True)
class _Group:
    """Documents that are committed together, and the vectors on their way."""

    members: list[_Loaded] = field(default_factory=list)
    new_texts: dict[str, None] = field(default_factory=dict)
    batches: list[tuple[list[str], Future[Vectors]]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return len(self.new_texts) >= _GROUP_TEXTS or len(self.members) >= _GROUP_DOCUMENTS

    @property
    def is_embedded(self) -> bool:
        return all(future.done() for _, future in self.batches)


class _Run:
    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        on_progress: Callable[[Progress], None],
        load: Callable[[Path], LoadedDocument],
        split: Callable[[LoadedDocument], Sequence[Chunk]],
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._on_progress = on_progress
        self._load = load
        self._split = split
        self._failed: list[tuple[str, str]] = []
        self._stored: dict[str, Document] = {}
        self._files_total = self._files_done = 0
        self._added = self._updated = self._unchanged = self._pruned = self._missing = 0
        self._chunks = self._chunks_done = self._size_bytes = 0
        self._embed_seconds = 0.0
        self._path = ""

    def prepare(
        self, name: str, worker: ThreadPoolExecutor, *, rebuild: bool, probe: Callable[[Embedder], float]
    ) -> None:
        """See that the collection's vectors are this embedder's."""
        manifest = read_manifest(self._store)
        _, chunks = self._store.counts()
        if manifest is not None and chunks and not rebuild:
            require_embedder(manifest, self._embedder, name)
            return
        value = probe(self._embedder)
        with self._store.writing():
            write_manifest(self._store, self._embedder, value)
            if chunks:
                self._embed_stored(worker)

    def update(self, found: Walk, paths: Sequence[Path], worker: ThreadPoolExecutor, *, prune: bool) -> None:
        """Take in what was found, and deal with what was not."""
        self._stored = {document.path: document for document in self._store.documents()}
        self._files_total = len(found.files)
        ahead: deque[_Group] = deque()
        group = _Group()
        for loaded in self._changed(found.files):
            group.members.append(loaded)
            group.new_texts |= dict.fromkeys(text for text in loaded.texts if text not in loaded.known)
            if group.is_full:
                ahead.append(self._start(group, worker))
                group = _Group()
            while ahead and (len(ahead) > _GROUPS_AHEAD or ahead[0].is_embedded):
                self._commit(ahead.popleft())
        ahead.append(self._start(group, worker))
        while ahead:
            self._commit(ahead.popleft())
        self._delete_missing(found, paths, prune=prune)

    def save_index(self, folder: Path) -> None:
        """Derive the dense index, if the saved one is of another state."""
        with self._store.reading():
            if DenseIndex.is_saved(folder, self._store.stamp()):
                return
            index = DenseIndex.build(self._store, self._embedder.dimensions)
        index.save(folder)

    def report(self, found: Walk, seconds: float) -> IngestReport:
        return IngestReport(
            added=self._added,
            updated=self._updated,
            unchanged=self._unchanged,
            pruned=self._pruned,
            missing=self._missing,
            skipped=found.skipped,
            failed=(*found.failed, *self._failed),
            chunks=self._chunks,
            size_bytes=self._size_bytes,
            seconds=seconds,
            embed_seconds=self._embed_seconds,
        )

    def _changed(self, files: Sequence[FoundFile]) -> Iterator[_Loaded]:
        touched: list[tuple[Document, os.stat_result, int]] = []
        for file in files:
            self._path = file.given
            try:
                checked_ns, status = time.time_ns(), os.stat(file.path)
                old = self._stored.get(file.path)
                if old is None or not _is_settled(old, status):
                    digest = _digest(Path(file.path))
                    if old is not None and digest == old.sha256:
                        touched.append((old, status, checked_ns))
                    else:
                        yield self._read(file, status, checked_ns, digest)
                        self._size_bytes += status.st_size
                        self._step()
                        continue
                self._unchanged += 1
            except LoadError as error:
                self._fail(file, str(error))
            except OSError as error:
                self._fail(file, f"cannot be read ({error.strerror or error})")
            self._step()
        if touched:
            with self._store.writing():
                for old, status, checked_ns in touched:
                    self._store.touch_document(
                        old.id, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, checked_ns=checked_ns
                    )

    def _read(self, file: FoundFile, status: os.stat_result, checked_ns: int, digest: str) -> _Loaded:
        loaded = self._load(Path(file.path))
        chunks = self._split(loaded)
        document = Document(
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
        )
        return _Loaded(
            document=document,
            chunks=chunks,
            texts=[indexed_text(chunk.heading, chunk.text) for chunk in chunks],
            known=self._store.vectors_by_text(
                path=file.path, sha256=digest, dimensions=self._embedder.dimensions
            ),
        )

    def _start(self, group: _Group, worker: ThreadPoolExecutor) -> _Group:
        texts = list(group.new_texts)
        for start in range(0, len(texts), _BATCH_TEXTS):
            batch = texts[start : start + _BATCH_TEXTS]
            group.batches.append((batch, worker.submit(self._embed, batch)))
        return group

    def _embed(self, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        vectors = self._embedder.embed(texts)
        self._embed_seconds += time.perf_counter() - started
        return vectors

    def _commit(self, group: _Group) -> None:
        vectors: dict[str, Vectors] = {}
        for texts, future in group.batches:
            vectors.update(zip(texts, future.result(), strict=True))
            self._chunks_done += len(texts)
            self._tell()
        with self._store.writing():
            for loaded in group.members:
                known = loaded.known | vectors
                rows = [known[text] for text in loaded.texts]
                matrix = (
                    np.stack(rows) if rows else np.empty((0, self._embedder.dimensions), dtype=np.float32)
                )
                self._store.put_document(loaded.document, loaded.chunks, matrix)
        for loaded in group.members:
            self._added += loaded.document.path not in self._stored
            self._updated += loaded.document.path in self._stored
            self._chunks += len(loaded.chunks)

    def _delete_missing(self, found: Walk, paths: Sequence[Path], *, prune: bool) -> None:
        present = {file.path for file in found.files}
        gone = [
            document
            for document in self._stored.values()
            if document.path not in present and is_under(document.path, paths) and is_gone(document.path)
        ]
        if not prune:
            self._missing = len(gone)
            return
        # A path that was given because it is to be pruned did not fail.
        pruned_paths = {os.path.abspath(path): str(path) for path in paths if is_gone(str(path))}
        for path, given in pruned_paths.items():
            if any(is_under(document.path, [Path(path)]) for document in gone):
                found.failed = [failure for failure in found.failed if failure[0] != given]
        with self._store.writing():
            for document in gone:
                self._store.delete_document(document.id)
        self._pruned = len(gone)

    def _embed_stored(self, worker: ThreadPoolExecutor) -> None:
        # All in the caller's one transaction: a search finds old vectors or new ones, never both.
        last, ahead = 0, deque[tuple[list[int], Future[Vectors]]]()
        while True:
            texts = self._store.texts_after(last, _BATCH_TEXTS)
            if texts:
                last = texts[-1][0]
                ahead.append(
                    ([id for id, _ in texts], worker.submit(self._embed, [text for _, text in texts]))
                )
            if not ahead:
                return
            if not texts or len(ahead) > _GROUPS_AHEAD:
                ids, future = ahead.popleft()
                self._store.set_vectors(ids, future.result())
                self._chunks_done += len(ids)
                self._tell()

    def _fail(self, file: FoundFile, reason: str) -> None:
        self._failed.append((file.given, " ".join(reason.split())))

    def _step(self) -> None:
        self._files_done += 1
        self._tell()

    def _tell(self) -> None:
        self._on_progress(
            Progress(
                files_done=self._files_done,
                files_total=self._files_total,
                chunks_done=self._chunks_done,
                path=self._path,
            )
        )


def _is_settled(old: Document, status: os.stat_result) -> bool:
    return (
        old.size_bytes == status.st_size
        and old.mtime_ns == status.st_mtime_ns
        and old.mtime_ns < old.checked_ns - _SETTLED_NS
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if not getattr(error, "sqlite_errorname", "").startswith(_DISK_ERRORS):
            raise
        raise CorpusError(
            f'The collection in "{folder}" could not be written: {error}. '
            "What was stored before is kept. Look to the disk's free space and rights, then run the command again."
        ) from error
