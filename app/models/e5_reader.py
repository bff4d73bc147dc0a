"""The packaged reader: multilingual-e5-small with an adapter that makes a cross-encoder of it.

Question and passage are read together (Nogueira and Cho 2019, arXiv:1901.04085), so that what is asked can be
looked for in the passage; an embedder's vectors meet only after each was read alone. The adapter (LoRA, Hu et
al. 2021, arXiv:2106.09685) weighs 2 MB and is trained by `python -m evals.train_reader`; docs/reader.md tells
on what. The mean of the tokens' vectors, of length 1, goes through one linear layer, whose weights lie in the
adapter's file too.

A second adapter of the same kind, upon the same engines, reads one sentence and tells an order to whoever
answers (`python -m evals.train_orders`, docs/orders.md).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from app.errors import ModelError
from app.models.e5_engine import (
    BEGIN,
    DIMENSIONS,
    END,
    PASSAGE,
    QUERY,
    TOKENS_MAX,
    Engine,
    Engines,
    normalised,
)
from app.models.embedder import fingerprint_of
from app.models.weights import E5, OnProgress

QUESTION_TOKENS_MAX = 80
"""What is longer is cut: the adapter was trained so."""
HEAD, BIAS = "mutda.reader.head", "mutda.reader.bias"
"""Keys of the linear layer in an adapter's file: 384 numbers and one."""
ADAPTER = Path(str(files("app.models") / "e5_reader.gguf"))
ORDERS = Path(str(files("app.models") / "e5_orders.gguf"))
_FORMAT = 1  # raise it when the same pair gives other odds
_WAY_OUT = "MUTDA_READER=false"
_ENGINES = 2  # more of them would be loaded for half a second's work

Odds = npt.NDArray[np.float64]


class E5Reader:
    """Log-odds that a passage answers a question, and that a sentence is an order to whoever answers.

    About .04 s for each passage of 180 tokens on a core.
    """

    def __init__(
        self,
        *,
        cache_dir: Path,
        adapter: Path = ADAPTER,
        orders: Path | None = ORDERS,
        allow_fetch: bool = False,
        progress: OnProgress | None = None,
    ) -> None:
        """Without `orders` only `odds` can be asked."""
        self._adapters = (adapter,) if orders is None else (adapter, orders)
        self._layers: dict[int, tuple[Odds, float]] = {}
        self._engines = Engines(
            "reader",
            cache_dir=cache_dir,
            adapters=self._adapters,
            way_out=_WAY_OUT,
            allow_fetch=allow_fetch,
            progress=progress,
            at_most=_ENGINES,
        )

    @cached_property
    def fingerprint(self) -> str:
        """See `Reader.fingerprint`."""
        return fingerprint_of(
            E5.sha256, self._adapters[0], QUERY, PASSAGE, QUESTION_TOKENS_MAX, TOKENS_MAX, _FORMAT
        )

    def odds(self, question: str, passages: Sequence[str]) -> Odds:
        """See `Reader.odds`. Raises DownloadError without the weights of e5, and ModelError."""

        def pairs(engine: Engine, texts: Sequence[str]) -> list[list[int]]:
            asked = engine.tokens(QUERY + normalised(question))[:QUESTION_TOKENS_MAX]
            return [[BEGIN, *asked, END, *engine.tokens(PASSAGE + normalised(text))] for text in texts]

        return self._judged(passages, pairs, adapter=0)

    def order_odds(self, sentences: Sequence[str]) -> Odds:
        """See `Reader.order_odds`. Raises what `odds` raises, and ValueError without that adapter."""
        if len(self._adapters) < 2:
            raise ValueError("this reader was opened without its adapter for orders")

        def alone(engine: Engine, texts: Sequence[str]) -> list[list[int]]:
            return [[BEGIN, *engine.tokens(PASSAGE + normalised(text))] for text in texts]

        return self._judged(sentences, alone, adapter=1)

    def close(self) -> None:
        """See `Reader.close`."""
        self._engines.close()

    def _judged(
        self,
        texts: Sequence[str],
        tokens_of: Callable[[Engine, Sequence[str]], list[list[int]]],
        *,
        adapter: int,
    ) -> Odds:
        """One log-odds for each text, of what `tokens_of` makes of it, which lacks its end yet."""
        if not texts:
            return np.empty(0)
        head, bias = self._layer(adapter)  # a damaged adapter is told before the engine reads it
        engines = min(self._engines.load(min(_ENGINES, len(texts))), len(texts))
        # Of like length each: both engines are done at the same time.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        shares = [order[first::engines] for first in range(engines)]

        def share(places: list[int]) -> Odds:
            with self._engines.lent() as engine:
                read = tokens_of(engine, [texts[at] for at in places])
                rows = engine.vectors([[*tokens[: TOKENS_MAX - 1], END] for tokens in read], adapter=adapter)
                return rows.astype(np.float64) @ head + bias

        found = np.empty(len(texts))
        with ThreadPoolExecutor(engines, thread_name_prefix="reader") as pool:
            for places, odds in zip(shares, pool.map(share, shares), strict=True):
                found[places] = odds
        return found

    def _layer(self, adapter: int) -> tuple[Odds, float]:
        if adapter not in self._layers:
            self._layers[adapter] = _layer_of(self._adapters[adapter])
        return self._layers[adapter]


def _layer_of(adapter: Path) -> tuple[Odds, float]:
    try:
        fields = gguf.GGUFReader(adapter).fields
        head = np.array(fields[HEAD].contents(), dtype=np.float64)
        bias = float(fields[BIAS].contents())
    except (OSError, LookupError, ValueError, TypeError) as error:
        raise ModelError(
            f"The reader {adapter.name} cannot be read ({error}). Install Mutda again."
            f" Without it: {_WAY_OUT}."
        ) from error
    if head.shape != (DIMENSIONS,):
        raise ModelError(f"The reader {adapter.name} has a layer of another size. Install Mutda again.")
    return head, bias
