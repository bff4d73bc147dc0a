"""The dense index: exact cosine search over a collection's vectors, derived from its store.

Exact search is the right one for documents of a person or a team. An approximate index (HNSW) would pay
from about a million chunks, where an exact search takes 0.1 s of one core; the keyword leg is the slower
one long before.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from app.corpus.records import Stamp
from app.corpus.store import Ids, Store
from app.models.embedder import Vectors

_log = logging.getLogger(__name__)

_HEADER_BYTES = 4096  # far more than the file holds besides vectors and ids


class DenseIndex:
    """Vectors by chunk id, true to the one state of the store that its stamp names."""

    def __init__(self, index: Any, stamp: Stamp) -> None:
        self._index = index
        self.stamp = stamp

    @classmethod
    def build(cls, store: Store, dimensions: int) -> Self:
        """Make the index from the vectors in the store, inside the caller's transaction."""
        index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))
        ids, vectors = store.vectors(dimensions)
        index.add_with_ids(vectors, ids)
        return cls(index, store.stamp())

    @classmethod
    def open(cls, folder: Path | None, store: Store, dimensions: int) -> Self:
        """The saved index if it is the store's state, else a new one. Inside the caller's transaction."""
        stamp = store.stamp()
        path = None if folder is None else _path(folder, stamp)
        if path is not None and path.is_file():
            try:
                return cls(_read(path, dimensions, store.chunk_ids()), stamp)
            except (OSError, RuntimeError, ValueError, MemoryError) as error:
                _log.warning("The index %s is rebuilt: %s", path.name, error)
        return cls.build(store, dimensions)

    @staticmethod
    def is_saved(folder: Path, stamp: Stamp) -> bool:
        """Whether the folder holds the index of this state."""
        return _path(folder, stamp).is_file()

    def refresh(self, store: Store, dimensions: int) -> None:
        """Follow the store to the state that the caller's transaction reads.

        Ids never come back and a chunk never changes under its id, so the difference of ids is all.
        """
        stamp = store.stamp()
        if stamp == self.stamp:
            return
        have, want = self._ids(), store.chunk_ids()
        if len(gone := np.setdiff1d(have, want)):
            self._index.remove_ids(faiss.IDSelectorBatch(gone))
        if len(new := np.setdiff1d(want, have)):
            ids, vectors = store.vectors(dimensions, new.tolist())
            self._index.add_with_ids(vectors, ids)
        self.stamp = stamp

    def search(self, vector: Vectors, limit: int) -> list[int]:
        """Ids of the chunks with the largest cosines, best first. `vector`: shape (dimensions,), length 1."""
        threads = faiss.omp_get_max_threads()
        # One question is soon answered by one thread. Several wait for the slowest, and where the chat model
        # has the cores that is a turn of the scheduler: 8 ms in place of 0.1.
        faiss.omp_set_num_threads(1)
        try:
            _, ids = self._index.search(vector.reshape(1, -1), min(limit, max(1, self._index.ntotal)))
        finally:
            faiss.omp_set_num_threads(threads)
        return [int(id) for id in ids[0] if id >= 0]

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """float32 of shape (len(ids), dimensions). The ids must be in the index."""
        if not ids:
            return np.empty((0, self._index.d), dtype=np.float32)
        found: Vectors = self._index.reconstruct_batch(np.array(ids, dtype=np.int64))
        return found

    def save(self, folder: Path) -> bool:
        """Keep the index beside the store. Needs the ingest lock.

        The stamp is in the file's name and the file appears whole or not at all, so a crash leaves an
        index that is right or none. False, with a warning in the log, when it cannot be written: a
        search then builds it from the store.
        """
        path = _path(folder, self.stamp)
        new = path.with_suffix(".new")
        try:
            faiss.write_index(self._index, str(new))
            with new.open("rb+") as file:
                os.fsync(file.fileno())
            new.replace(path)
        except (OSError, RuntimeError) as error:
            _log.warning("The index could not be saved: %s", error)
            new.unlink(missing_ok=True)
            return False
        return True

    @staticmethod
    def remove_others(folder: Path, stamp: Stamp) -> None:
        """Remove the saved indexes of other states, and what a crash left of one. Needs the ingest lock."""
        for path in folder.glob("index-*"):
            if path != _path(folder, stamp):
                _remove(path)

    def _ids(self) -> Ids:
        ids: Ids = faiss.vector_to_array(self._index.id_map).astype(np.int64)
        return ids


def _path(folder: Path, stamp: Stamp) -> Path:
    return folder / f"index-{stamp.generation}-{stamp.state}.faiss"


def _read(path: Path, dimensions: int, ids: Ids) -> Any:
    payload_bytes = len(ids) * (4 * dimensions + 8)
    # Before FAISS believes a damaged header and reserves what it says.
    if not payload_bytes <= path.stat().st_size <= payload_bytes + _HEADER_BYTES:
        raise ValueError("its size is not that of the collection")
    index = faiss.read_index(str(path))
    if not isinstance(index, faiss.IndexIDMap2) or not isinstance(
        faiss.downcast_index(index.index), faiss.IndexFlatIP
    ):
        raise ValueError("it is of another kind")
    if index.d != dimensions or not np.array_equal(np.sort(faiss.vector_to_array(index.id_map)), ids):
        raise ValueError("it holds other vectors")
    return index


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # Windows: a search has it open; the next ingest removes it.
        _log.info("The old index %s stays for now", path.name)
