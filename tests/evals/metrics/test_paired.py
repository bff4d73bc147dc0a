import math

import numpy as np
import pytest

from evals.metrics.auc import auc
from evals.metrics.calibration import calibration_error as ece
from evals.metrics.paired import (
    area,
    balanced_accuracy,
    calibration_error,
    mean_differences,
    set_difference,
    sign_test,
    split,
)


def test_the_interval_of_a_known_difference() -> None:
    chance = np.random.default_rng(3)
    hard = chance.normal(0, 10, 400)  # what both share must not widen the interval
    before = np.column_stack([hard, hard])
    after = before + np.column_stack([chance.normal(0.5, 1, 400), chance.normal(0, 1, 400)])
    better, same = mean_differences(before, after)
    error = 1 / math.sqrt(400)
    assert better.value == pytest.approx(0.5, abs=0.15)
    assert better.high - better.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert better.low > 0.3 and same.low < 0 < same.high


def test_nothing_changed_is_exactly_zero() -> None:
    values = np.array([[1.0], [0.0], [1.0]])
    (found,) = mean_differences(values, values)
    assert (found.value, found.low, found.high, found.n) == (0, 0, 0, 3)


ANSWERABLE = np.array([True, True, True, False, False])
ONCE = np.ones((1, 5))


def test_statistics_of_a_set_are_the_reports_own() -> None:
    evidence = np.array([0.9, 0.6, 0.3, 0.6, 0.1])
    assert area(evidence, ANSWERABLE)(ONCE)[0] == pytest.approx(
        auc(list(evidence[ANSWERABLE]), list(evidence[~ANSWERABLE])).value
    )
    assert calibration_error(evidence, ANSWERABLE)(ONCE)[0] == pytest.approx(
        ece(list(evidence), list(ANSWERABLE)).value
    )
    refused = np.array([False, True, False, True, False])
    assert balanced_accuracy(refused, ANSWERABLE)(ONCE)[0] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_counts_weigh_questions_as_drawing_them_again_would() -> None:
    evidence = np.array([0.9, 0.6, 0.3, 0.6, 0.1])
    drawn = np.array([[2.0, 0, 1, 2, 0]])
    again = auc([0.9, 0.9, 0.3], [0.6, 0.6]).value
    assert area(evidence, ANSWERABLE)(drawn)[0] == pytest.approx(again)
    assert math.isnan(area(evidence, ANSWERABLE)(np.array([[2.0, 2, 1, 0, 0]]))[0])


def test_the_difference_of_a_set() -> None:
    always, never = np.zeros(5, dtype=bool), np.array([False, False, False, True, True])
    found = set_difference(balanced_accuracy(always, ANSWERABLE), balanced_accuracy(never, ANSWERABLE), 5)
    assert found is not None and (found.before, found.after, found.low, found.high) == (0.5, 1, 0.5, 0.5)
    one_side = balanced_accuracy(always[:3], ANSWERABLE[:3])
    assert set_difference(one_side, one_side, 3) is None


def test_sign_test_by_hand() -> None:
    assert sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(1, 4) == pytest.approx(2 * (1 + 5) / 32)
    assert sign_test(3, 3) == 1 and sign_test(0, 0) == 1
    assert split([0.5, -1, 0, 2]) == (2, 1, 1)
