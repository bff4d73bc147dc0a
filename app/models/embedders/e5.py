"""multilingual-e5-small in 4 bits: about a hundred languages, Korean among them, in 75 MB.

Wang et al. 2024, arXiv:2402.05672.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from app.models.e5_engine import DIMENSIONS, TOKENS_MAX, Engines, normalised
from app.models.embedder import Vectors, fingerprint_of
from app.models.weights import E5, OnProgress

_QUERY, _PASSAGE = "query: ", "passage: "
_FORMAT = 1  # raise it when the same text gives another vector: indexes are made anew

_BATCH = 8  # texts in a request: one of them is answered after another, and a question waits for all
_TEXTS_A_WORKER = 32  # loading another engine takes as long as these


class E5Embedder:
    """384 dimensions, "query: " and "passage: " before the texts, which are cut after 512 tokens."""

    def __init__(
        self,
        *,
        cache_dir: Path,
        allow_fetch: bool = False,
        progress: OnProgress | None = None,
        workers: int | None = None,
    ) -> None:
        self._engines = Engines(
            "embedder e5:", cache_dir=cache_dir, allow_fetch=allow_fetch, progress=progress, at_most=workers
        )

    @property
    def spec(self) -> str:
        return "e5:"

    @property
    def fingerprint(self) -> str:
        """Needs no weights: there is one file that they may be, and its SHA-256 is known."""
        return fingerprint_of(self.spec, E5.sha256, _QUERY, _PASSAGE, TOKENS_MAX, _FORMAT)

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def by_sentence(self) -> bool:
        return True

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. Raises DownloadError without the weights, and ModelError."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        engines = self._engines.load(math.ceil(len(texts) / _TEXTS_A_WORKER))
        batches = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
        with ThreadPoolExecutor(min(engines, len(batches)), thread_name_prefix="e5") as pool:
            try:
                return np.concatenate(list(pool.map(self._passages, batches)))
            except BaseException:  # Ctrl-C too must not wait for the batches that have not begun
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`. Raises what `embed` raises."""
        self._engines.load(1)
        with self._engines.lent() as engine:
            row: Vectors = engine.embed([_QUERY + normalised(text)])[0]
            return row

    def _passages(self, texts: Sequence[str]) -> Vectors:
        with self._engines.lent() as engine:
            return engine.embed([_PASSAGE + normalised(text) for text in texts])
