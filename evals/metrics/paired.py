"""Two runs over the same questions: what changed, and how sure that is.

Questions are drawn again with replacement, each with both of its results, so that what makes a question
hard does not widen the interval.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.metrics.bootstrap import Floats, counts, interval
from evals.metrics.calibration import gap_table

RESAMPLES = 10_000
Flags = npt.NDArray[np.bool_]
Statistic = Callable[[Floats], Floats]
"""From how often each question was drawn, (resamples, questions), to one number a resample."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """After minus before."""

    before: float
    after: float
    low: float
    high: float
    """The 95 % interval of the difference."""
    n: int

    @property
    def value(self) -> float:
        """After minus before."""
        return self.after - self.before


def mean_differences(before: Floats, after: Floats) -> list[Difference]:
    """For tables of (questions, measures): the difference of each measure's mean."""
    size, gaps = len(before), after - before
    means = np.concatenate([drawn @ gaps / size for drawn in counts(size, RESAMPLES)])
    return [
        _difference(float(before[:, column].mean()), float(after[:, column].mean()), means[:, column], size)
        for column in range(gaps.shape[1])
    ]


def set_difference(before: Statistic, after: Statistic, size: int) -> Difference | None:
    """The same for a statistic of the whole set; None where it cannot be measured on the set."""
    once = np.ones((1, size))
    was, now = float(before(once)[0]), float(after(once)[0])
    if math.isnan(was) or math.isnan(now):
        return None
    samples = np.concatenate([after(drawn) - before(drawn) for drawn in counts(size, RESAMPLES)])
    return _difference(was, now, samples[~np.isnan(samples)], size)


def _difference(before: float, after: float, samples: Floats, n: int) -> Difference:
    low, high = interval(samples)
    return Difference(before=before, after=after, low=low, high=high, n=n)


def balanced_accuracy(refused: Flags, answerable: Flags) -> Statistic:
    """Mean of the shares of right decisions on both sides; nan where a side was not drawn."""
    right = np.where(answerable, ~refused, refused).astype(np.float64)
    return lambda drawn: (
        _weighted(drawn[:, answerable], right[answerable])
        + _weighted(drawn[:, ~answerable], right[~answerable])
    ) / 2  # fmt: skip


def area(evidence: Floats, answerable: Flags) -> Statistic:
    """AUC: the share of (answerable, unanswerable) pairs in the right order; nan without pairs."""
    high, low = evidence[answerable][:, None], evidence[~answerable][None, :]
    wins = (high > low) + (high == low) / 2

    def of(drawn: Floats) -> Floats:
        ours, theirs = drawn[:, answerable], drawn[:, ~answerable]
        won = ((ours @ wins) * theirs).sum(axis=1)
        return _divided(won, ours.sum(axis=1) * theirs.sum(axis=1))

    return of


def calibration_error(evidence: Floats, answerable: Flags) -> Statistic:
    """ECE, with the bins held."""
    gaps = gap_table(evidence, answerable.astype(np.float64))
    return lambda drawn: np.asarray(np.abs(drawn @ gaps).sum(axis=1) / len(evidence), dtype=np.float64)


def _weighted(drawn: Floats, values: Floats) -> Floats:
    return _divided(drawn @ values, drawn.sum(axis=1))


def _divided(above: Floats, below: Floats) -> Floats:
    out: Floats = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def sign_test(won: int, lost: int) -> float:
    """Two-sided probability of a split at least so uneven if both were as likely; ties left out."""
    n = won + lost
    tail = sum(math.comb(n, k) for k in range(min(won, lost) + 1))
    return min(1.0, float(2 * tail / 2**n)) if n else 1.0


def split(gaps: Sequence[float]) -> tuple[int, int, int]:
    """How many are above zero, below it, and zero."""
    above, below = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    return above, below, len(gaps) - above - below
