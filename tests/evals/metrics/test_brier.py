import pytest

from evals.metrics.brier import brier
from evals.metrics.standard_error import NOTHING


def test_by_hand() -> None:
    found = brier([0.9, 0.5], [True, False])
    assert found.value == pytest.approx((0.01 + 0.25) / 2)
    assert found.error == pytest.approx(0.12)
    assert brier([], []) == NOTHING
