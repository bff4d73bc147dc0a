import math

import pytest

from evals.metrics.standard_error import NOTHING, Estimate, mean, mean_of_shares, share, share_error


def test_a_share_has_the_binomial_error_with_two_more_of_each() -> None:
    estimate = share([True, True, True, False])
    assert estimate.value == 0.75
    assert estimate.error == pytest.approx(math.sqrt(5 / 8 * 3 / 8 / 4))
    assert estimate.n == 4


def test_all_or_none_is_not_certain() -> None:
    # (n + 2) of (n + 4), and the same for none.
    for n, error in ((1, 0.490), (16, 0.075), (44, 0.030)):
        always, never = share([True] * n), share([False] * n)
        assert (always.value, never.value, always.n) == (1.0, 0.0, n)
        assert always.error == pytest.approx(error, abs=5e-4) == never.error


@pytest.mark.parametrize("n", [1, 2, 5, 16, 300])
def test_a_shares_error_is_never_below_the_plain_one(n: int) -> None:
    for hits in range(n + 1):
        plain = math.sqrt(hits / n * (1 - hits / n) / n)
        assert plain <= share_error(hits / n, n) <= 0.5 / math.sqrt(n) + 1e-12


def test_mean_has_the_sample_error() -> None:
    estimate = mean([2.0, 4.0, 9.0])
    assert estimate.value == 5.0
    assert estimate.error == pytest.approx(math.sqrt((9 + 1 + 16) / 2) / math.sqrt(3))


def test_one_value_has_no_error_and_none_is_nothing() -> None:
    assert mean([3.0]) == Estimate(3.0, None, 1)
    assert mean([]) == NOTHING
    assert share([]) == NOTHING


def test_a_mean_of_shares_is_one_itself_where_they_are_whole() -> None:
    assert mean_of_shares([1.0, 1.0, 0.0]) == share([True, True, False])
    assert mean_of_shares([1.0, 0.5]) == mean([1.0, 0.5])
    assert mean_of_shares([0.5]) == Estimate(0.5, None, 1)
    assert mean_of_shares([]) == NOTHING
