from typing import Any

import pytest

from evals.metrics.cost import costs, ratio


def result(calls: int, prompt: int, cached: int, reason: str = "") -> dict[str, Any]:
    return {
        "reason": reason,
        "cost": {
            "llm_calls": calls,
            "prompt_tokens": prompt,
            "cached_tokens": cached,
            "output_tokens": 10,
            "searches": 0,
        },
    }


def test_costs_by_hand() -> None:
    numbers = costs(
        [result(3, 900, 400), result(1, 500, 0), result(8, 1000, 700, "budget: max_llm_calls reached")],
        [2.0, 1.0, 6.0],
    )
    assert numbers.calls.value == 4
    assert numbers.evaluated_tokens.value == pytest.approx((500 + 500 + 300) / 3)
    assert numbers.cached_tokens.value == pytest.approx(1100 / 3)
    assert numbers.output_tokens.value == 10
    assert numbers.seconds.value == 3
    assert numbers.median_seconds.value == 2
    assert numbers.median_seconds.error is not None and 0.5 < numbers.median_seconds.error < 2.5
    assert numbers.budget_ends.value == pytest.approx(1 / 3)


def test_no_question_costs_nothing() -> None:
    numbers = costs([], [])
    assert numbers.calls.value is None and numbers.median_seconds.value is None
    assert numbers.budget_ends.value is None


def test_ratio_is_the_median_of_single_questions() -> None:
    numbers = ratio([(1.0, 2.0), (3.0, 2.0), (8.0, 10.0)])
    assert numbers is not None
    assert numbers.median == pytest.approx(0.8)
    assert numbers.lower_quartile == pytest.approx(0.65)
    assert numbers.upper_quartile == pytest.approx(1.15)
    assert numbers.of_totals == pytest.approx(12 / 14)
    assert numbers.n == 3
    assert numbers.of_totals_error is not None and 0.1 < numbers.of_totals_error < 0.4
    assert ratio([]) is None


def test_the_error_of_one_ratio_is_not_known_and_of_equal_ones_is_none() -> None:
    one, equal = ratio([(1.0, 2.0)]), ratio([(1.0, 2.0), (2.0, 4.0), (4.0, 8.0)])
    assert one is not None and one.of_totals_error is None and one.of_totals == 0.5
    assert equal is not None and equal.of_totals_error == pytest.approx(0)
