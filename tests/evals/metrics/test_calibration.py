import random

import pytest

from evals.metrics.calibration import bins, calibration_error
from evals.metrics.standard_error import NOTHING


def test_bins_hold_as_many_questions_each() -> None:
    said = [n / 100 for n in range(100)]
    found = bins(said, [p >= 0.5 for p in said])
    assert [item.n for item in found] == [10] * 10
    assert [item.share for item in found] == [0.0] * 5 + [1.0] * 5
    assert found[0].probability == pytest.approx(0.045)


def test_few_questions_make_few_bins_and_equal_values_stay_together() -> None:
    assert [item.n for item in bins([0.1] * 4 + [0.9] * 7, [False] * 4 + [True] * 7)] == [4, 7]
    assert [item.n for item in bins([0.5] * 30, [True] * 30)] == [30]
    assert [item.n for item in bins([0.2, 0.9], [False, True])] == [2]
    assert bins([], []) == []


def test_the_order_of_questions_changes_nothing() -> None:
    chance = random.Random(1)
    rows = [(round(chance.random(), 1), chance.random() < 0.5) for _ in range(60)]
    shuffled = chance.sample(rows, len(rows))
    first, second = (calibration_error([p for p, _ in r], [t for _, t in r]).value for r in (rows, shuffled))
    assert first == pytest.approx(second)


def test_error_by_hand() -> None:
    # Ten questions at .2 of which three come true, ten at .8 of which all do.
    said = [0.2] * 10 + [0.8] * 10
    found = calibration_error(said, [True] * 3 + [False] * 7 + [True] * 10)
    assert found.value == pytest.approx((0.1 + 0.2) / 2)
    assert found.n == 20 and found.error is not None and 0.03 < found.error < 0.12


def test_a_calibrated_forecaster_is_near_zero_and_a_liar_is_not() -> None:
    chance = random.Random(2)
    said = [chance.random() for _ in range(4000)]
    honest, liar = [chance.random() < p for p in said], [chance.random() > p for p in said]
    near, far = calibration_error(said, honest), calibration_error(said, liar)
    assert near.value is not None and near.value < 0.03
    assert far.value is not None and far.value > 0.4
    assert calibration_error([], []) == NOTHING
    assert calibration_error([0.5], [True]).error is None
