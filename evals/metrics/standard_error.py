"""Means and shares with their standard errors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

Z = 1.96
"""Standard errors to either side of a 95 % interval."""


@dataclass(frozen=True)
class Estimate:
    """A value measured over `n` cases; None where there is nothing to measure it on."""

    value: float | None
    error: float | None
    """One standard error, in the value's unit."""
    n: int


NOTHING = Estimate(None, None, 0)


def share_error(value: float, n: int) -> float:
    """Standard error of a share 0..1 over `n` cases, of which there must be one at least.

    The binomial sqrt(p (1 - p) / n), with p not from the hits alone but with two more hits and two more
    misses: 0 of 44 are no proof that it never happens, and sixteen right answers none that all are. Never
    less than the plain error, which is 0 there. That p is the middle of the interval of Agresti and Coull,
    "Approximate is better than 'exact' for interval estimation of binomial proportions", The American
    Statistician 52 (1998); n stays, because the share that is shown is the one of the hits alone.
    """
    likely = (n * value + 2) / (n + 4)
    return math.sqrt(likely * (1 - likely) / n)


def share(hits: Sequence[bool]) -> Estimate:
    """Share of true values, 0..1, with `share_error`."""
    if not hits:
        return NOTHING
    value = sum(hits) / len(hits)
    return Estimate(value, share_error(value, len(hits)), len(hits))


def mean(values: Sequence[float]) -> Estimate:
    """Mean with the sample's standard deviation / sqrt(n); a single value has no error."""
    if not values:
        return NOTHING
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return Estimate(fmean(values), error, len(values))


def mean_of_shares(values: Sequence[float]) -> Estimate:
    """`mean` of values that are each 0..1; of nothing but zeros and ones it is a `share`."""
    return share([value == 1 for value in values]) if set(values) <= {0, 1} else mean(values)
