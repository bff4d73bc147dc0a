"""Refusing what cannot be answered, and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evals.metrics.standard_error import NOTHING, Estimate, share


@dataclass(frozen=True)
class Refusals:
    """Both ways to be wrong, and the mean of both ways to be right."""

    false_accept: Estimate
    """Share of unanswerable questions that were answered."""
    false_refuse: Estimate
    """Share of answerable questions that were refused."""
    balanced_accuracy: Estimate
    """Mean of the two shares of right decisions; nothing where one side has no questions."""


def refusals(answerable_refused: Sequence[bool], unanswerable_refused: Sequence[bool]) -> Refusals:
    """From whether each answerable and each unanswerable question was refused."""
    false_refuse = share(answerable_refused)
    false_accept = share([not refused for refused in unanswerable_refused])
    return Refusals(false_accept, false_refuse, balanced(false_accept, false_refuse))


def balanced(false_accept: Estimate, false_refuse: Estimate) -> Estimate:
    """The balanced accuracy of both shares; nothing where one side has no questions.

    Its error is half the root of the summed squares of the shares' errors: the two sides are different
    questions.
    """
    if false_accept.value is None or false_refuse.value is None:
        return NOTHING
    assert false_accept.error is not None and false_refuse.error is not None
    return Estimate(
        1 - (false_accept.value + false_refuse.value) / 2,
        math.hypot(false_accept.error, false_refuse.error) / 2,
        false_accept.n + false_refuse.n,
    )
