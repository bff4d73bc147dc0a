import math

import numpy as np
import pytest

from evals.metrics.bootstrap import counts, draws, interval, standard_error


def test_every_resample_draws_as_many_as_there_are() -> None:
    blocks = list(counts(7, 50))
    table = np.concatenate(blocks)
    assert table.shape == (50, 7)
    assert (table.sum(axis=1) == 7).all() and (table >= 0).all()


def test_the_seed_is_fixed_and_blocks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    once, again = np.concatenate(list(draws(20, 30))), np.concatenate(list(draws(20, 30)))
    assert (once == again).all()
    assert not (once == np.concatenate(list(draws(20, 30, seed=2)))).all()
    monkeypatch.setattr("evals.metrics.bootstrap._MAX_CELLS", 100)
    assert [len(block) for block in draws(20, 12)] == [5, 5, 2]
    assert [len(block) for block in draws(1000, 2)] == [1, 1]


def test_the_error_of_a_mean_is_what_the_formula_says() -> None:
    values = [float(n % 5) for n in range(200)]
    found = standard_error(values, lambda samples: samples.mean(axis=1))
    assert found == pytest.approx(np.std(values) / math.sqrt(200), rel=0.1)
    assert standard_error([1.0], lambda samples: samples.mean(axis=1)) is None


def test_an_interval_leaves_out_a_fortieth_on_each_side() -> None:
    assert interval(np.arange(1001.0)) == (25.0, 975.0)
