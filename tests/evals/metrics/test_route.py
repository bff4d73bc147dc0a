import pytest

from evals.metrics.route import routes


def test_whole_ways_and_steps() -> None:
    found = routes([["retrieve", "refuse"], ["retrieve", "generate"], ["retrieve", "generate"]])
    assert list(found.taken.items()) == [("retrieve > generate", 2), ("retrieve > refuse", 1)]
    assert list(found.steps) == ["retrieve", "refuse", "generate"]
    assert found.steps["retrieve"].value == 1
    assert found.steps["generate"].value == pytest.approx(2 / 3)
    assert found.steps["generate"].error == pytest.approx((4 / 7 * 3 / 7 / 3) ** 0.5)


def test_a_step_taken_twice_counts_once() -> None:
    assert routes([["grade", "widen", "grade"]]).steps["grade"].n == 1
    assert routes([]).taken == {}
