from typing import Any

import numpy as np
import pytest

from app.errors import MutdaError
from evals.fit import GRADER_ALONE, fit, weighted
from evals.folds import (
    MIN_EACH_SIDE,
    chosen_signals,
    cross_decide,
    fit_best,
    folds_of,
    groups_of,
    require_enough,
)
from evals.policy import SIGNALS, Policy, Questions, Thresholds, decide

GATES = Policy(
    weights={"bias": 0.0}, thresholds=Thresholds(narrow=1.0, wide=1.0, hopeless=0.0), hopeless_coverage=0.01
)


def made(n: int, *, groups: Any = None, coverage_tells: float = 0.0, seed: int = 1) -> Questions:
    """Half of them hold the answer; the grade tells a little, the coverage as much as it is told to."""
    chance = np.random.default_rng(seed)
    holds = np.arange(n) % 2 == 0
    side = np.where(holds, 1.0, -1.0)
    narrow = np.stack(
        [
            0.7 * side + chance.normal(0, 1, n),
            0.5 + coverage_tells * side + chance.normal(0, 0.1, n),
            np.full(n, 0.8),
            np.zeros(n),
            np.zeros(n),
        ],
        axis=1,
    )
    return Questions(
        suites=("s",) * n,
        kinds=tuple("yes" if there else "no" for there in holds),
        groups=np.arange(n) if groups is None else np.asarray(groups),
        narrow=narrow,
        wide=narrow.copy(),
        best=np.full((n, 2), np.nan),
        holds_narrow=holds,
        holds_wide=holds,
    )


def test_what_shares_a_file_is_one_group_be_it_through_a_third() -> None:
    assert groups_of([["a"], ["b"], ["c", "a"], ["c"], [], ["b"]]) == [0, 1, 0, 0, 2, 1]


def test_folds_hold_everything_once_groups_whole_and_sides_even() -> None:
    asked = made(60, groups=np.arange(60) // 4)
    folds = folds_of(asked, 5, seed=1)
    assert sorted(np.concatenate(folds).tolist()) == list(range(60))
    of_group = [{int(asked.groups[i]) for i in fold} for fold in folds]
    assert sum(map(len, of_group)) == 15
    assert all(asked.holds_wide[fold].sum() == 6 and len(fold) == 12 for fold in folds)
    again = folds_of(asked, 5, seed=1)
    assert all((a == b).all() for a, b in zip(folds, again, strict=True))


def test_fewer_groups_give_fewer_folds() -> None:
    assert len(folds_of(made(30, groups=np.arange(30) % 3), 5, seed=1)) == 3


def test_no_question_is_decided_by_a_fit_that_saw_its_group() -> None:
    asked = made(40, groups=np.arange(40) // 2)
    seen: list[set[int]] = []

    def fitting(questions: Questions) -> Policy:
        seen.append(set(questions.groups.tolist()))
        thresholds = Thresholds(narrow=0.5, wide=0.5, hopeless=0.5)
        return Policy(weights={"bias": 0.0, "grade": 1.0}, thresholds=thresholds, hopeless_coverage=0.0)

    out = cross_decide(asked, fitting, seed=1)
    folds = folds_of(asked, 5, seed=1)
    assert len(seen) == 5
    for groups, fold in zip(seen, folds, strict=True):
        assert groups.isdisjoint(asked.groups[fold].tolist())
    assert (out.accepted == (asked.narrow[:, 0] >= 0)).all()
    assert (out.right == (out.accepted == asked.holds_wide)).all()


def test_noise_is_not_judged_by_who_saw_it() -> None:
    # Pairs over one file share truth and noise: were they parted, each would give the other away.
    crossed, itself = [], []
    for seed in range(8):
        chance = np.random.default_rng(seed)
        holds = np.repeat(chance.random(20) < 0.5, 2)
        asked = Questions(
            suites=("s",) * 40,
            kinds=tuple("yes" if there else "no" for there in holds),
            groups=np.arange(40) // 2,
            narrow=np.repeat(chance.normal(size=(20, 5)), 2, axis=0),
            wide=np.full((40, 5), np.nan),
            best=np.full((40, 2), np.nan),
            holds_narrow=holds,
            holds_wide=holds,
        )
        out = cross_decide(asked, lambda seen: fit(seen, SIGNALS[:3], GATES), seed=1)
        crossed.append(weighted(out.right.astype(float), asked).value)
        itself.append(
            weighted(decide(fit(asked, SIGNALS[:3], GATES), asked).right.astype(float), asked).value
        )
    assert np.mean(crossed) < 0.57 < 0.6 < np.mean(itself)


def test_a_fusion_that_is_ahead_is_taken_and_one_that_is_not_is_not() -> None:
    assert chosen_signals(made(120), GATES, seed=1) == GRADER_ALONE
    ahead = made(120, coverage_tells=0.2)
    assert "coverage" in chosen_signals(ahead, GATES, seed=1)
    assert fit_best(ahead, GATES, seed=1).weights["coverage"] > 1
    assert set(fit_best(made(120), GATES, seed=1).weights) == {"bias", *GRADER_ALONE}


def test_a_single_group_leaves_the_grader_alone() -> None:
    assert chosen_signals(made(40, groups=[0] * 40), GATES, seed=1) == GRADER_ALONE


def test_two_groups_are_enough_to_cross_validate() -> None:
    asked = made(40, groups=np.arange(40) // 20)
    crossed = cross_decide(asked, lambda seen: fit_best(seen, GATES, seed=1), seed=1)
    assert crossed.right.mean() > 0.5


def test_too_little_is_refused() -> None:
    require_enough(made(2 * MIN_EACH_SIDE))
    with pytest.raises(MutdaError, match="hold the answer of 9, and of 9 they do not; 10 of each"):
        require_enough(made(18))
    with pytest.raises(MutdaError, match="same file"):
        require_enough(made(40, groups=[0] * 40))
