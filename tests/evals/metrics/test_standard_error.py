import math

import pytest

from evals.metrics.standard_error import NOTHING, Estimate, mean, share


def test_share_has_the_binomial_error() -> None:
    estimate = share([True, True, True, False])
    assert estimate.value == 0.75
    assert estimate.error == pytest.approx(math.sqrt(0.75 * 0.25 / 4))
    assert estimate.n == 4


def test_mean_has_the_sample_error() -> None:
    estimate = mean([2.0, 4.0, 9.0])
    assert estimate.value == 5.0
    assert estimate.error == pytest.approx(math.sqrt((9 + 1 + 16) / 2) / math.sqrt(3))


def test_one_value_has_no_error_and_none_is_nothing() -> None:
    assert mean([3.0]) == Estimate(3.0, None, 1)
    assert mean([]) == NOTHING
    assert share([]) == NOTHING
