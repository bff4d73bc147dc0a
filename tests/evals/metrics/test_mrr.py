from evals.metrics.mrr import reciprocal_rank


def test_the_first_hit_counts() -> None:
    assert reciprocal_rank([False, False, True, True]) == 1 / 3
    assert reciprocal_rank([True]) == 1
    assert reciprocal_rank([False]) == reciprocal_rank([]) == 0
