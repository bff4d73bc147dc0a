import numpy as np
import pytest

from app.corpus.fusion import dense_say, fuse, min_max, mmr


def test_min_max_stretches_to_zero_and_one() -> None:
    assert min_max({1: 4.0, 2: 8.0, 3: 5.0}) == {1: 0.0, 2: 1.0, 3: 0.25}
    assert min_max({1: 7.0, 2: 7.0}) == {1: 1.0, 2: 1.0}
    assert min_max({}) == {}


def test_fuse_weighs_the_legs_and_counts_a_missing_score_as_nothing() -> None:
    fused = fuse({1: 10.0, 2: 5.0, 3: 0.0}, {1: 0.1, 2: 0.5, 4: 0.9}, 0.25)
    assert fused == {
        1: pytest.approx(0.75),
        2: pytest.approx(0.75 * 0.5 + 0.25 * 0.5),
        3: 0.0,
        4: pytest.approx(0.25),
    }


def test_fuse_with_no_weight_is_the_keywords_order() -> None:
    fused = fuse({1: 3.0, 2: 2.0, 3: 1.0}, {3: 0.9, 2: 0.5, 1: 0.1}, 0.0)
    assert sorted(fused, key=fused.__getitem__, reverse=True) == [1, 2, 3]


def test_meaning_has_all_the_say_where_no_word_is_found() -> None:
    assert dense_say(0.6, 0.0) == 1.0
    assert dense_say(0.6, 0.15) == pytest.approx(0.9)
    assert dense_say(0.6, 0.3) == dense_say(0.6, 0.8) == pytest.approx(0.6)
    assert dense_say(0.0, 0.0) == 0.0, "an embedder that knows nothing"


def test_mmr_passes_over_a_repeat_of_what_it_has() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert mmr([1.0, 0.9, 0.6], vectors, 2) == [0, 2]
    assert mmr([1.0, 0.9, 0.6], vectors, 2, lambda_mult=1.0) == [0, 1]


def test_mmr_gives_no_more_than_there_are() -> None:
    vectors = np.eye(2, dtype=np.float32)
    assert sorted(mmr([0.2, 0.1], vectors, 9)) == [0, 1]
    assert mmr([], np.empty((0, 2), dtype=np.float32), 3) == []
