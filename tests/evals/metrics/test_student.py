import math

import pytest

from evals.metrics.student import quantile, within


@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (9, 2.2622), (30, 2.0423), (120, 1.9799)],
)
def test_quantiles_are_those_of_the_tables(freedom: int, t: float) -> None:
    assert quantile(freedom) == pytest.approx(t, abs=5e-5)


def test_other_shares_and_many_degrees() -> None:
    assert quantile(5, inside=0.99) == pytest.approx(4.0321, abs=5e-5)
    assert quantile(10_000) == pytest.approx(1.9602, abs=5e-5)


def test_one_degree_is_cauchys_and_two_have_a_formula() -> None:
    for t in (0.0, 0.5, 1.0, 3.0):
        assert within(t, 1) == pytest.approx(2 / math.pi * math.atan(t))
        assert within(t, 2) == pytest.approx(t / math.sqrt(2 + t * t))
