"""Errors of numbers that have no simple formula: from samples drawn again, questions with replacement.

Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979). The seed is
fixed: the same answers always give the same error.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 1_000
"""Enough for a standard error; an interval's ends need ten times as many."""
SEED = 1
_MAX_CELLS = 4_000_000


def draws(n: int, resamples: int, *, seed: int = SEED) -> Iterator[npt.NDArray[np.int64]]:
    """Positions of `resamples` samples of n out of n, in blocks of shape (some, n)."""
    chance = np.random.default_rng(seed)
    block = max(1, _MAX_CELLS // n)
    for start in range(0, resamples, block):
        yield chance.integers(0, n, size=(min(block, resamples - start), n))


def counts(n: int, resamples: int, *, seed: int = SEED) -> Iterator[Floats]:
    """How often each of the n was drawn, in blocks of shape (some, n): weights for matrix products."""
    for drawn in draws(n, resamples, seed=seed):
        rows = len(drawn)
        cells = drawn + np.arange(rows)[:, None] * n
        yield np.bincount(cells.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def standard_error(values: Sequence[float], statistic: Callable[[Floats], Floats]) -> float | None:
    """Spread of `statistic`, which makes a number of each row of samples; None below two values."""
    if len(values) < 2:
        return None
    table = np.asarray(values, dtype=np.float64)
    return float(np.concatenate([statistic(table[drawn]) for drawn in draws(len(values), RESAMPLES)]).std())


def interval(samples: Floats) -> tuple[float, float]:
    """The middle 95 % of resampled values."""
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)
