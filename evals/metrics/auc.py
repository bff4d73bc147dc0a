"""How well a score ranks answerable questions above unanswerable ones, whatever the threshold."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from evals.metrics.standard_error import NOTHING, Estimate


def auc(positives: Sequence[float], negatives: Sequence[float]) -> Estimate:
    """Probability that a positive scores above a negative, ties counted half.

    The standard error is that of Hanley and McNeil, "The meaning and use of the area under a receiver
    operating characteristic (ROC) curve", Radiology 143 (1982).
    """
    if not positives or not negatives:
        return NOTHING
    low = sorted(negatives)
    wins = sum((bisect_left(low, score) + bisect_right(low, score)) / 2 for score in positives)
    area = wins / (len(positives) * len(negatives))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (
        area * (1 - area) + (len(positives) - 1) * (q1 - area**2) + (len(negatives) - 1) * (q2 - area**2)
    ) / (len(positives) * len(negatives))
    return Estimate(area, math.sqrt(max(0.0, variance)), len(positives) + len(negatives))
