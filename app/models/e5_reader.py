"""The packaged reader: multilingual-e5-small with an adapter that makes a cross-encoder of it.

Question and passage are read together (Nogueira and Cho 2019, arXiv:1901.04085), so that what is asked can be
looked for in the passage; an embedder's vectors meet only after each was read alone. The adapter (LoRA, Hu et
al. 2021, arXiv:2106.09685) weighs 2 MB and is trained by `python -m evals.train_reader`; docs/reader.md tells
on what. The mean of the tokens' vectors, of length 1, goes through one linear layer, whose weights lie in the
adapter's file too.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from app.errors import ModelError
from app.models.e5_engine import BEGIN, DIMENSIONS, END, PASSAGE, QUERY, TOKENS_MAX, Engines, normalised
from app.models.embedder import fingerprint_of
from app.models.weights import E5, OnProgress

QUESTION_TOKENS_MAX = 80
"""What is longer is cut: the adapter was trained so."""
HEAD, BIAS = "mutda.reader.head", "mutda.reader.bias"
"""Keys of the linear layer in the adapter's file: 384 numbers and one."""
_FORMAT = 1  # raise it when the same pair gives other odds
_ENGINES = 2  # more of them would be loaded for half a second's work

Odds = npt.NDArray[np.float64]


class E5Reader:
    """Log-odds that a passage answers a question; about .04 s for each passage of 180 tokens on a core."""

    def __init__(
        self,
        *,
        cache_dir: Path,
        adapter: Path | None = None,
        allow_fetch: bool = False,
        progress: OnProgress | None = None,
    ) -> None:
        self._adapter = adapter or Path(str(files("app.models") / "e5_reader.gguf"))
        self._engines = Engines(
            "reader",
            cache_dir=cache_dir,
            adapter=self._adapter,
            way_out="MUTDA_READER=false",
            allow_fetch=allow_fetch,
            progress=progress,
            at_most=_ENGINES,
        )

    @cached_property
    def fingerprint(self) -> str:
        """See `Reader.fingerprint`."""
        return fingerprint_of(
            E5.sha256, self._adapter, QUERY, PASSAGE, QUESTION_TOKENS_MAX, TOKENS_MAX, _FORMAT
        )

    def odds(self, question: str, passages: Sequence[str]) -> Odds:
        """See `Reader.odds`. Raises DownloadError without the weights of e5, and ModelError."""
        if not passages:
            return np.empty(0)
        _ = self._layer  # a damaged adapter is told before the engine reads it
        engines = self._engines.load(min(_ENGINES, len(passages)))
        engines = min(engines, len(passages))
        # Of like length each: both engines are done at the same time.
        order = sorted(range(len(passages)), key=lambda at: len(passages[at]))
        shares = [order[first::engines] for first in range(engines)]
        found = np.empty(len(passages))
        with ThreadPoolExecutor(engines, thread_name_prefix="reader") as pool:
            shared = pool.map(lambda at: self._share(question, [passages[i] for i in at]), shares)
            for at, odds in zip(shares, shared, strict=True):
                found[at] = odds
        return found

    def close(self) -> None:
        """See `Reader.close`."""
        self._engines.close()

    def _share(self, question: str, passages: Sequence[str]) -> Odds:
        head, bias = self._layer
        with self._engines.lent() as engine:
            asked = engine.tokens(QUERY + normalised(question))[:QUESTION_TOKENS_MAX]
            pairs = []
            for passage in passages:
                pair = [BEGIN, *asked, END, *engine.tokens(PASSAGE + normalised(passage))]
                pairs.append([*pair[: TOKENS_MAX - 1], END])
            return engine.vectors(pairs).astype(np.float64) @ head + bias

    @cached_property
    def _layer(self) -> tuple[Odds, float]:
        try:
            fields = gguf.GGUFReader(self._adapter).fields
            head = np.array(fields[HEAD].contents(), dtype=np.float64)
            bias = float(fields[BIAS].contents())
        except (OSError, LookupError, ValueError, TypeError) as error:
            raise ModelError(
                f"The reader {self._adapter.name} cannot be read ({error}). Install Mutda again."
            ) from error
        if head.shape != (DIMENSIONS,):
            raise ModelError(
                f"The reader {self._adapter.name} has a layer of another size. Install Mutda again."
            )
        return head, bias
