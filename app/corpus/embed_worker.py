"""The embedder in a thread of its own, so that files are read while it computes."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from app.models.embedder import Embedder, Vectors

BATCH_TEXTS = 512
"""Texts for one call: enough for an embedder that spreads them over the cores, and a sign of life."""


class EmbedWorker:
    """Embeds texts one batch after the other. Leaving it drops what has not begun."""

    def __init__(self, embedder: Embedder) -> None:
        self.dimensions = embedder.dimensions
        self.seconds = 0.0
        self._embedder = embedder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")

    def start(self, texts: Sequence[str]) -> Future[Vectors]:
        """Queue one batch. The future raises what the embedder raises."""
        return self._thread.submit(self._embed, texts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        vectors = self._embedder.embed(texts)
        self.seconds += time.perf_counter() - started
        return vectors
