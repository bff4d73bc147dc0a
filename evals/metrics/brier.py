"""How far probabilities are from what turned out."""

from collections.abc import Sequence

from evals.metrics.standard_error import Estimate, mean


def brier(probabilities: Sequence[float], truths: Sequence[bool]) -> Estimate:
    """Mean squared distance, 0 (sure and right) to 1; always 0.5 makes 0.25.

    Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
    """
    return mean([(p - truth) ** 2 for p, truth in zip(probabilities, truths, strict=True)])
