import math

import pytest

from evals.metrics.ndcg import ndcg_at


def test_by_hand() -> None:
    # One gold file of two stands at the third place.
    best = 1 + 1 / math.log2(3)
    assert ndcg_at([False, False, True, False], 2, 8) == pytest.approx((1 / math.log2(4)) / best)


def test_the_best_order_is_one_and_beyond_k_is_nothing() -> None:
    assert ndcg_at([True, True, False], 2, 8) == 1
    assert ndcg_at([False, False, True], 1, 2) == 0
    # More gold files than places: full places are the best there can be.
    assert ndcg_at([True, True], 5, 2) == 1
    assert ndcg_at([], 1, 4) == 0
