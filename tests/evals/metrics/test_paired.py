import math

import numpy as np
import pytest

from evals.metrics.auc import auc
from evals.metrics.calibration import calibration_error as ece
from evals.metrics.paired import (
    ENOUGH,
    are_flags,
    area,
    balanced_difference,
    calibration_error,
    mean_difference,
    set_difference,
    sign_test,
    split,
)
from evals.metrics.student import quantile


def test_the_interval_of_a_known_difference() -> None:
    chance = np.random.default_rng(3)
    hard = chance.normal(0, 10, 400)  # what both share must not widen the interval
    better = mean_difference(list(hard), list(hard + chance.normal(0.5, 1, 400)))
    same = mean_difference(list(hard), list(hard + chance.normal(0, 1, 400)))
    assert better.value == pytest.approx(0.5, abs=0.15)
    assert better.interval is not None and same.interval is not None
    assert np.diff(better.interval) == pytest.approx(2 * 1.96 / math.sqrt(400), rel=0.15)
    assert better.interval[0] > 0.3 and same.interval[0] < 0 < same.interval[1]


def test_students_interval_by_hand() -> None:
    gaps = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    found = mean_difference([1.0] * 6, [1 + gap for gap in gaps])
    reach = 2.5706 * math.sqrt(3.5 / 6)
    assert (found.before, found.after, found.n) == (1.0, 3.5, 6)
    assert found.interval == pytest.approx((2.5 - reach, 2.5 + reach), abs=1e-3)
    assert mean_difference([2.0], [1.9]).interval is None
    assert mean_difference([2.0] * (ENOUGH - 1), [1.9] * (ENOUGH - 1)).interval is None


def test_students_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = np.random.default_rng(5)
    gaps = chance.normal(0.3, 1, (4000, 8))
    reach = quantile(7) * gaps.std(axis=1, ddof=1) / math.sqrt(8)
    assert np.mean(np.abs(gaps.mean(axis=1) - 0.3) <= reach) == pytest.approx(0.95, abs=0.015)


def test_right_and_wrong_have_the_interval_of_bonett_and_price() -> None:
    # Five that became right, none that became wrong: 6/7 - 1/7 ± 1.96 * sqrt((1 - (5/7)**2) / 7), cut at 1.
    found = mean_difference([0.0] * 5, [1.0] * 5)
    assert found.value == 1 and found.interval == pytest.approx((0.1958, 1.0), abs=1e-3)
    assert mean_difference([0.0], [1.0]).interval is None
    # Forty that stayed as they are may yet differ a little: 2 of 42 changed.
    same = mean_difference([1.0] * 40, [1.0] * 40)
    assert same.value == 0 and same.interval == pytest.approx((-0.066, 0.066), abs=1e-3)
    assert are_flags([0.0, 1.0], [1.0, 1.0]) and not are_flags([0.5], [1.0])


def test_the_interval_of_right_and_wrong_holds_the_truth_as_often_as_it_says() -> None:
    chance = np.random.default_rng(7)
    held = 0
    for _ in range(2000):
        kinds = chance.choice(4, size=16, p=[0.5, 0.2, 0.3, 0.0])  # the truth is .3 - .2 = .1
        before, after = np.isin(kinds, (0, 1)), np.isin(kinds, (0, 2))
        low, high = mean_difference(list(map(float, before)), list(map(float, after))).interval or (1, -1)
        held += low <= 0.1 <= high
    assert held / 2000 >= 0.94


def test_nothing_changed_is_exactly_zero() -> None:
    values = [1.0, 0.0, 0.5] * 2
    found = mean_difference(values, values)
    assert (found.value, found.interval, found.n) == (0, (0, 0), 6)


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


def test_counts_weigh_questions_as_drawing_them_again_would() -> None:
    evidence = np.array([0.9, 0.6, 0.3, 0.6, 0.1])
    drawn = np.array([[2.0, 0, 1, 2, 0]])
    again = auc([0.9, 0.9, 0.3], [0.6, 0.6]).value
    assert area(evidence, ANSWERABLE)(drawn)[0] == pytest.approx(again)
    assert math.isnan(area(evidence, ANSWERABLE)(np.array([[2.0, 2, 1, 0, 0]]))[0])


def test_the_difference_of_a_set() -> None:
    truths = np.array([True, False] * 8)
    good, bad = np.where(truths, 0.9, 0.1), np.linspace(0.1, 0.9, 16)
    found = set_difference(area(bad, truths), area(good, truths), 16, fewest=8)
    assert found is not None and found.after == 1 and found.interval is not None
    assert 0 < found.interval[0] < found.value < found.interval[1]
    # Of three that could not be answered nothing is known but these three.
    few = set_difference(area(bad, truths), area(good, truths), 16, fewest=3)
    assert few is not None and few.value == found.value and few.interval is None
    alone = area(bad[:3], np.array([True, True, True]))
    assert set_difference(alone, alone, 3, fewest=0) is None


def test_the_balanced_difference_by_hand() -> None:
    always, perfect = np.ones(5, dtype=bool), np.array([False, False, False, True, True])
    found = balanced_difference(always, perfect, ANSWERABLE)
    assert found is not None and (found.before, found.after, found.n) == (0.5, 1, 5)
    # 4/5 - 1/5 of the answerable and 1/4 - 1/4 of the others, each with its own variance.
    reach = 1.96 * math.sqrt((1 - 0.6**2) / 5 + 0.5 / 4) / 2
    assert found.interval == pytest.approx((0.3 - reach, 0.3 + reach))
    assert balanced_difference(always[:3], always[:3], ANSWERABLE[:3]) is None
    one = balanced_difference(always[2:4], perfect[2:4], ANSWERABLE[2:4])
    assert one is not None and one.value == 0.5 and one.interval is None


def test_sign_test_by_hand() -> None:
    assert sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(1, 4) == pytest.approx(2 * (1 + 5) / 32)
    assert sign_test(3, 3) == 1 and sign_test(0, 0) == 1
    assert split([0.5, -1, 0, 2]) == (2, 1, 1)
    # A committed report has six decimals.
    assert split([3e-7, -4e-7, 2e-6]) == (1, 0, 2)
