from typing import Any

import pytest

from evals.metrics.cost import costs, ratio


def result(calls: int, prompt: int, cached: int, reason: str = "") -> dict[str, Any]:
    return {
        "reason": reason,
        "cost": {"llm_calls": calls, "prompt_tokens": prompt, "cached_tokens": cached, "output_tokens": 10},
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
    assert numbers.median_seconds == 2
    assert numbers.budget_ends == 1


def test_no_question_costs_nothing() -> None:
    numbers = costs([], [])
    assert numbers.calls.value is None and numbers.median_seconds is None and numbers.budget_ends == 0


def test_ratio_is_the_median_of_single_questions() -> None:
    numbers = ratio([(1.0, 2.0), (3.0, 2.0), (8.0, 10.0)])
    assert numbers is not None
    assert numbers.median == pytest.approx(0.8)
    assert numbers.lower_quartile == pytest.approx(0.65)
    assert numbers.upper_quartile == pytest.approx(1.15)
    assert numbers.of_totals == pytest.approx(12 / 14)
    assert numbers.n == 3
    assert ratio([]) is None
