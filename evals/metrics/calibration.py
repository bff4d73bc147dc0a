"""Does a probability of 0.7 come true seven times in ten?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.metrics.bootstrap import RESAMPLES, Floats, counts
from evals.metrics.standard_error import NOTHING, Estimate

BINS = 10
MIN_IN_BIN = 5
"""Questions; with fewer a bin's share is chance."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Questions of about the same probability."""

    n: int
    probability: float
    """Mean of what was said."""
    share: float
    """Of those that came true."""


def bins(probabilities: Sequence[float], truths: Sequence[bool]) -> list[Bin]:
    """At most ten bins of about as many questions each, at least five; from low to high.

    Equal probabilities stay together, so that the order of questions changes nothing.
    """
    if not probabilities:
        return []
    said, true = np.asarray(probabilities, dtype=np.float64), np.asarray(truths, dtype=np.float64)
    number = _bin_of(said)
    groups = [number == k for k in np.unique(number)]
    return [
        Bin(n=int(here.sum()), probability=float(said[here].mean()), share=float(true[here].mean()))
        for here in groups
    ]


def calibration_error(probabilities: Sequence[float], truths: Sequence[bool]) -> Estimate:
    """Expected calibration error over `bins`, 0..1: the mean gap between what was said and what came true.

    Equal-mass bins after Nixon et al., "Measuring calibration in deep learning" (2019, arXiv:1904.01685).
    The error is bootstrapped with the bins held. Of few questions the number is too high: six questions
    of probability 0.5 in a bin leave a gap of about 0.16 by chance alone.
    """
    if not probabilities:
        return NOTHING
    said, true = np.asarray(probabilities, dtype=np.float64), np.asarray(truths, dtype=np.float64)
    gaps = gap_table(said, true)
    size = len(said)
    value = float(np.abs(gaps.sum(axis=0)).sum() / size)
    if size < 2:
        return Estimate(value, None, size)
    again = np.concatenate([np.abs(drawn @ gaps).sum(axis=1) / size for drawn in counts(size, RESAMPLES)])
    return Estimate(value, float(again.std()), size)


def gap_table(said: Floats, true: Floats) -> Floats:
    """Said minus true of each question in the column of its bin; absolute column sums / n make the error."""
    number = _bin_of(said)
    return np.asarray((said - true)[:, None] * (number[:, None] == np.unique(number)), dtype=np.float64)


def _bin_of(said: Floats) -> npt.NDArray[np.int64]:
    most = max(1, min(BINS, len(said) // MIN_IN_BIN))
    edges = np.unique(np.quantile(said, np.arange(1, most) / most))
    return np.searchsorted(edges, said, side="right").astype(np.int64)
