"""multilingual-e5-small in 4 bits: about a hundred languages, Korean among them, in 75 MB.

Wang et al. 2024, arXiv:2402.05672. A packaged adapter (LoRA, Hu et al. 2021, arXiv:2106.09685) makes it
find Korean passages by questions in other words; docs/retrieval.md tells what it was trained on
(`python -m evals.train_embedder`) and what it brings.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np

from app.errors import ModelError
from app.models.e5_engine import DIMENSIONS, PASSAGE, QUERY, TOKENS_MAX, Engines, normalised
from app.models.embedder import Vectors, fingerprint_of
from app.models.weights import E5, OnProgress

ADAPTER = Path(str(files("app.models") / "e5_embedder.gguf"))
BASE = "base"
"""The name of the embedder without the adapter."""
_FORMAT = 1  # raise it when the same text gives another vector: indexes are made anew

_BATCH = 8  # texts in a request: one of them is answered after another, and a question waits for all
_TEXTS_A_WORKER = 32  # loading another engine takes as long as these


class E5Embedder:
    """384 dimensions, "query: " and "passage: " before the texts, which are cut after 512 tokens."""

    def __init__(
        self,
        name: str = "",
        *,
        cache_dir: Path,
        adapter: Path = ADAPTER,
        allow_fetch: bool = False,
        progress: OnProgress | None = None,
        workers: int | None = None,
    ) -> None:
        """`name` is empty, or `BASE` for the weights as they were fetched, without `adapter`."""
        self._spec = f"e5:{name}"
        self._adapter = None if name == BASE else adapter
        self._engines = Engines(
            f"embedder {self._spec}",
            cache_dir=cache_dir,
            adapters=() if self._adapter is None else (self._adapter,),
            allow_fetch=allow_fetch,
            progress=progress,
            at_most=workers,
        )

    @property
    def spec(self) -> str:
        return self._spec

    @cached_property
    def fingerprint(self) -> str:
        """Needs no weights: there is one file that they may be, and its SHA-256 is known.

        Without the adapter it is that of "e5:" before there was one: those indexes can still be used.
        Raises ModelError where the adapter cannot be read.
        """
        adapter = () if self._adapter is None else (self._adapter,)
        try:
            return fingerprint_of("e5:", E5.sha256, *adapter, QUERY, PASSAGE, TOKENS_MAX, _FORMAT)
        except OSError as error:
            raise ModelError(
                f"The adapter of the embedder e5: cannot be read ({error}). Install Mutda again."
            ) from None

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def by_sentence(self) -> bool:
        return True

    def close(self) -> None:
        """Free the engines; they are loaded again when they are needed."""
        self._engines.close()

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
            row: Vectors = engine.embed([QUERY + normalised(text)])[0]
            return row

    def _passages(self, texts: Sequence[str]) -> Vectors:
        with self._engines.lent() as engine:
            return engine.embed([PASSAGE + normalised(text) for text in texts])
