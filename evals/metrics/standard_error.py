"""Means and shares with their standard errors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Estimate:
    """A value measured over `n` cases; None where there is nothing to measure it on."""

    value: float | None
    error: float | None
    """One standard error, in the value's unit."""
    n: int


NOTHING = Estimate(None, None, 0)


def share(hits: Sequence[bool]) -> Estimate:
    """Share of true values, 0..1, with sqrt(p (1 - p) / n)."""
    if not hits:
        return NOTHING
    p = sum(hits) / len(hits)
    return Estimate(p, math.sqrt(p * (1 - p) / len(hits)), len(hits))


def mean(values: Sequence[float]) -> Estimate:
    """Mean with the sample's standard deviation / sqrt(n); a single value has no error."""
    if not values:
        return NOTHING
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return Estimate(fmean(values), error, len(values))
