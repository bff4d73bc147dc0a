import math

import pytest

from evals.metrics.auc import auc
from evals.metrics.standard_error import NOTHING


def test_area_with_a_tie_by_hand() -> None:
    # Against .5: .9 and .6 win, .5 ties, .1 loses; against .2: .9, .6 and .5 win, .1 loses.
    assert auc([0.9, 0.6, 0.5, 0.1], [0.5, 0.2]).value == pytest.approx((2.5 + 3) / 8)


def test_error_of_hanley_and_mcneil_by_hand() -> None:
    a = 5.5 / 8
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    expected = math.sqrt((a * (1 - a) + 3 * (q1 - a * a) + 1 * (q2 - a * a)) / 8)
    assert auc([0.9, 0.6, 0.5, 0.1], [0.5, 0.2]).error == pytest.approx(expected)


def test_perfect_useless_and_missing() -> None:
    assert auc([0.9, 0.8], [0.1]).value == 1
    assert auc([0.9, 0.8], [0.1]).error == 0
    assert auc([0.5, 0.5], [0.5]).value == 0.5
    assert auc([], [0.5]) == NOTHING
