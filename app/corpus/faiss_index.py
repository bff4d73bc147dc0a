"""The dense index: exact cosine search over a collection's vectors, derived from its store.

A chunk has one vector, or with some embedders one of the whole and one of each of its sentences; all
stand under the chunk's id, the whole first.

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
import numpy.typing as npt

from app.corpus.records import Stamp
from app.corpus.store import Ids, Store
from app.models.embedder import Vectors

_log = logging.getLogger(__name__)

_HEADER_BYTES = 4096  # far more than the file holds besides vectors and ids


class DenseIndex:
    """Vectors by chunk id, ascending, true to the one state of the store that its stamp names."""

    def __init__(self, index: Any, stamp: Stamp) -> None:
        self._index = index
        self.stamp = stamp

    @classmethod
    def build(cls, store: Store, dimensions: int) -> Self:
        """Make the index from the vectors in the store, inside the caller's transaction."""
        index = faiss.IndexIDMap(faiss.IndexFlatIP(dimensions))
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
                return cls(_read(path, dimensions, store.vector_ids(dimensions)), stamp)
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
        have, want = self._ids(), store.vector_ids(dimensions)
        if len(gone := np.setdiff1d(have, want)):
            self._index.remove_ids(faiss.IDSelectorBatch(gone))
        if len(new := np.setdiff1d(want, have)):
            ids, vectors = store.vectors(dimensions, new.tolist())
            self._index.add_with_ids(vectors, ids)
        self.stamp = stamp

    def search(self, vector: Vectors, limit: int) -> list[int]:
        """Ids of the chunks with the largest cosine, of the whole or of a sentence, best first.

        `vector`: shape (dimensions,), length 1.
        """
        wanted = min(limit, self._index.ntotal)
        while True:
            ids = list(dict.fromkeys(self._nearest(vector, wanted)))
            if len(ids) >= limit or wanted == self._index.ntotal:
                return ids[:limit]
            wanted = min(2 * wanted, self._index.ntotal)

    def _nearest(self, vector: Vectors, limit: int) -> list[int]:
        if not limit:
            return []
        threads = faiss.omp_get_max_threads()
        # One question is soon answered by one thread. Several wait for the slowest, and where the chat model
        # has the cores that is a turn of the scheduler: 8 ms in place of 0.1.
        faiss.omp_set_num_threads(1)
        try:
            _, ids = self._index.search(vector.reshape(1, -1), limit)
        finally:
            faiss.omp_set_num_threads(threads)
        return [int(id) for id in ids[0] if id >= 0]

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Of the whole chunks: float32 of shape (len(ids), dimensions). The ids must be in the index."""
        return self._at(np.searchsorted(self._ids(), np.array(ids, dtype=np.int64)))

    def likeness(self, ids: Sequence[int], vector: Vectors) -> npt.NDArray[np.float32]:
        """How like a question chunks are, -1..1: shape (len(ids),). The ids must be in the index.

        The cosine of the whole, or its mean with the best sentence's where sentences have vectors: a
        sentence that answers is diluted among others in the whole, and means little out of it. Measured
        in docs/retrieval.md.
        """
        if not ids:
            return np.empty(0, dtype=np.float32)
        have, wanted = self._ids(), np.array(ids, dtype=np.int64)
        first, last = np.searchsorted(have, wanted), np.searchsorted(have, wanted, side="right")
        counts = last - first
        starts = np.cumsum(counts) - counts
        places = np.repeat(first - starts, counts) + np.arange(counts.sum())
        cosines = self._at(places) @ vector
        whole = cosines[starts]
        cosines[starts[counts > 1]] = -1.0
        best = np.maximum.reduceat(cosines, starts)
        likeness: npt.NDArray[np.float32] = (whole + best) / 2
        return likeness

    def _at(self, places: npt.NDArray[np.int64]) -> Vectors:
        flat = self._index.index
        if not len(places):
            return np.empty((0, self._index.d), dtype=np.float32)
        found: Vectors = flat.reconstruct_batch(places)
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
            # Through Python's file: on Windows FAISS opens no path with letters outside the code page.
            with new.open("wb") as file:
                faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
                file.flush()
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
    with path.open("rb") as file:
        index = faiss.read_index(faiss.PyCallbackIOReader(file.read))  # type: ignore[attr-defined]
    if not isinstance(index, faiss.IndexIDMap) or not isinstance(
        faiss.downcast_index(index.index), faiss.IndexFlatIP
    ):
        raise ValueError("it is of another kind")
    if index.d != dimensions or not np.array_equal(faiss.vector_to_array(index.id_map), ids):
        raise ValueError("it holds other vectors")
    return index


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # Windows: a search has it open; the next ingest removes it.
        _log.info("The old index %s stays for now", path.name)
