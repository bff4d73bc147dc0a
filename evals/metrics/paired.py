"""Two runs over the same questions: what changed, and how sure that is.

Each question is paired with itself, so that what makes a question hard does not widen the interval. Where a
formula gives the interval it is used; of the other statistics questions are drawn again with replacement,
each with both of its results. An interval made of too few questions is none: drawn again, one question that
became right would say that it always will.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.metrics.bootstrap import Floats, counts, interval
from evals.metrics.calibration import gap_table
from evals.metrics.standard_error import Z
from evals.metrics.student import quantile

RESAMPLES = 10_000
ENOUGH = 6
"""Questions. Of five even a change that is the same in all is chance in .0625 of the cases (`sign_test`)."""
ROUNDED = 1e-6
"""A committed report has so many decimals: what differs by less is the same."""
Flags = npt.NDArray[np.bool_]
Interval = tuple[float, float]
Statistic = Callable[[Floats], Floats]
"""From how often each question was drawn, (resamples, questions), to one number a resample."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """After minus before."""

    before: float
    after: float
    interval: Interval | None
    """The 95 % interval of the difference, low and high; None of too few questions."""
    n: int

    @property
    def value(self) -> float:
        """After minus before."""
        return self.after - self.before


def mean_difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """Of the means of what each question adds, at least one; of zeros and ones alone the shares'."""
    was, now = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    flags = are_flags(before, after)
    return Difference(
        before=float(was.mean()),
        after=float(now.mean()),
        interval=_share_interval([_Paired.of(was, now)]) if flags else _t_interval(now - was),
        n=len(was),
    )


def are_flags(before: Sequence[float], after: Sequence[float]) -> bool:
    """Whether there is only right and wrong in it: nothing but zeros and ones."""
    return {*before, *after} <= {0, 1}


@dataclass(frozen=True, kw_only=True)
class _Paired:
    """Zeros and ones of questions that were asked twice."""

    up: int
    down: int
    n: int

    @classmethod
    def of(cls, before: Floats, after: Floats) -> "_Paired":
        up, down, _ = split((after - before).tolist())
        return cls(up=up, down=down, n=len(before))


def _share_interval(sides: Sequence[_Paired]) -> Interval | None:
    """Of the mean of the sides' differences, each of other questions; None where a side has only one.

    Wald's interval with one more question that became right and one more that became wrong: Bonett and
    Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
    data", Journal of Educational and Behavioral Statistics 37 (2012).
    """
    if any(side.n < 2 for side in sides):
        return None
    middle = variance = 0.0
    for side in sides:
        up, down = (side.up + 1) / (side.n + 2), (side.down + 1) / (side.n + 2)
        middle += (up - down) / len(sides)
        variance += (up + down - (up - down) ** 2) / (side.n + 2) / len(sides) ** 2
    reach = Z * math.sqrt(variance)
    return max(-1.0, middle - reach), min(1.0, middle + reach)


def _t_interval(gaps: Floats) -> Interval | None:
    """Student's, of the mean; None of fewer than `ENOUGH`, which may all be alike by chance."""
    size = len(gaps)
    if size < ENOUGH:
        return None
    middle, error = float(gaps.mean()), float(gaps.std(ddof=1)) / math.sqrt(size)
    reach = quantile(size - 1) * error
    return middle - reach, middle + reach


def balanced_difference(before: Flags, after: Flags, answerable: Flags) -> Difference | None:
    """Of the balanced accuracy, from who refused; None where a side has no questions."""
    if answerable.all() or not answerable.any():
        return None
    sides = (answerable, ~answerable)
    was, now = (np.where(answerable, ~refused, refused).astype(np.float64) for refused in (before, after))
    return Difference(
        before=float(np.mean([was[side].mean() for side in sides])),
        after=float(np.mean([now[side].mean() for side in sides])),
        interval=_share_interval([_Paired.of(was[side], now[side]) for side in sides]),
        n=len(answerable),
    )


def set_difference(before: Statistic, after: Statistic, size: int, *, fewest: int) -> Difference | None:
    """Of a statistic of the whole set, drawn again; None where it cannot be measured on the set.

    `fewest` is how many questions the smallest group has that the statistic sets against another: with
    fewer than `ENOUGH` of them drawing again shows too little of what they might have been.
    """
    once = np.ones((1, size))
    was, now = float(before(once)[0]), float(after(once)[0])
    if math.isnan(was) or math.isnan(now):
        return None
    if fewest < ENOUGH:
        return Difference(before=was, after=now, interval=None, n=size)
    samples = np.concatenate([after(drawn) - before(drawn) for drawn in counts(size, RESAMPLES)])
    return Difference(before=was, after=now, interval=interval(samples[~np.isnan(samples)]), n=size)


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
    """How many are above zero, below it, and zero, to `ROUNDED`."""
    above, below = sum(gap > ROUNDED for gap in gaps), sum(gap < -ROUNDED for gap in gaps)
    return above, below, len(gaps) - above - below
