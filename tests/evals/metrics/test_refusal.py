import math

import pytest

from evals.metrics.refusal import refusals
from evals.metrics.standard_error import NOTHING


def test_rates_and_balanced_accuracy_by_hand() -> None:
    numbers = refusals([False, False, False, True], [True, False])
    assert numbers.false_refuse.value == 0.25
    assert numbers.false_accept.value == 0.5
    assert numbers.balanced_accuracy.value == pytest.approx((0.75 + 0.5) / 2)
    # With two more of each: 3 of 8 and 3 of 6.
    assert numbers.balanced_accuracy.error == pytest.approx(math.sqrt(3 / 8 * 5 / 8 / 4 + 0.5 * 0.5 / 2) / 2)
    assert numbers.balanced_accuracy.n == 6


def test_one_side_alone_has_no_balanced_accuracy() -> None:
    numbers = refusals([True, False], [])
    assert numbers.false_refuse.value == 0.5
    assert numbers.false_accept == NOTHING
    assert numbers.balanced_accuracy == NOTHING
