import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evals.fit import WIDEN_COST, balance, choose, fit, fit_logistic, fit_weights, weighted, weights_of, worth
from evals.policy import (
    NEVER,
    SIGNALS,
    Policy,
    Questions,
    Thresholds,
    by_reader,
    columns_of,
    decide,
    evidence_of,
)
from graphs.evidence import evidence, load_calibration, logistic, logit

Row = tuple[float, float, bool, bool]
"""Grade at both looks as log-odds, and whether what is shown holds the answer."""


def questions(rows: Sequence[Row], **changes: Any) -> Questions:
    """Questions with a coverage of a half, each a group of its own."""

    def signals(grade: float) -> list[float]:
        return [np.nan] * 5 if np.isnan(grade) else [grade, 0.5, 0.5, 0.0, 0.0]

    values: dict[str, Any] = {
        "suites": ("s",) * len(rows),
        "kinds": tuple("has" if row[3] else "lacks" for row in rows),
        "groups": np.arange(len(rows)),
        "narrow": np.array([signals(row[0]) for row in rows]),
        "wide": np.array([signals(row[1]) for row in rows]),
        "best": np.full((len(rows), 2), np.nan),
        "holds_narrow": np.array([row[2] for row in rows]),
        "holds_wide": np.array([row[3] for row in rows]),
    }
    return Questions(**(values | changes))


def policy(narrow: float, wide: float, hopeless: float, **weights: float) -> Policy:
    return Policy(
        weights=weights or {"bias": 0.0, "grade": 1.0},
        thresholds=Thresholds(narrow=narrow, wide=wide, hopeless=hopeless),
        hopeless_coverage=0.01,
    )


def noisy(n: int, *, seed: int = 1, **changes: Any) -> Questions:
    chance = np.random.default_rng(seed)
    rows: list[Row] = []
    for i in range(n):
        narrow, holds = bool(i % 3 == 0), bool(i % 3 < 2)
        grades = [(1.5 if there else -1.5) + chance.normal(0, 1.5) for there in (narrow, holds)]
        rows.append((grades[0], grades[1] if i % 5 else np.nan, narrow, holds if i % 5 else narrow))
    return questions(rows, **changes)


# -- the regression


def test_without_columns_the_bias_is_the_log_odds_of_the_weighted_share() -> None:
    truths = np.array([1.0, 1.0, 1.0, 0.0])
    beta = fit_logistic(np.empty((4, 0)), truths, np.array([1.0, 1.0, 1.0, 1.0]))
    assert beta[0] == pytest.approx(np.log(3), abs=1e-4)
    beta = fit_logistic(np.empty((4, 0)), truths, np.array([1.0, 1.0, 1.0, 9.0]))
    assert beta[0] == pytest.approx(np.log(3 / 9), abs=1e-4)


def test_the_fit_is_where_the_penalised_gradient_vanishes() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(60, 2))
    truths = (rows[:, 0] + chance.normal(size=60) > 0).astype(float)
    weights = chance.uniform(0.5, 2, size=60)
    bias, *beta = fit_logistic(rows, truths, weights)
    error = weights * (1 / (1 + np.exp(-(bias + rows @ beta))) - truths)
    assert error.sum() == pytest.approx(0, abs=1e-4)
    assert rows.T @ error + np.array(beta) == pytest.approx(np.zeros(2), abs=1e-6)
    assert beta[0] > 1 > abs(beta[1])


def test_separable_questions_and_a_single_side_stay_finite() -> None:
    rows = np.array([[-9.0], [-8.0], [8.0], [9.0]])
    assert np.abs(fit_logistic(rows, np.array([0.0, 0, 1, 1]), np.ones(4))).max() < 5
    assert np.isfinite(fit_logistic(rows, np.zeros(4), np.ones(4))).all()


def test_each_look_is_fitted_to_what_is_true_of_it() -> None:
    # The first look never holds the answer, whatever the grade; the wider one always does.
    rows: list[Row] = [(grade, grade + 4, False, True) for grade in (-2.0, -1.0, 0.0, 1.0)]
    weights = fit_weights(questions(rows), ("grade",))
    found = evidence_of(weights, np.array([[-0.5, 0, 0, 0, 0], [3.5, 0, 0, 0, 0]]))
    assert found[0] < 0.3 and found[1] > 0.7


# -- weights


def test_suites_sides_and_kinds_have_the_same_say() -> None:
    suites = ["a"] * 60 + ["b"] * 20
    kinds = ["yes"] * 10 + ["left"] * 30 + ["near"] * 20 + ["yes"] * 10 + ["no"] * 10
    truths = np.array([True] * 10 + [False] * 50 + [True] * 10 + [False] * 10)
    weights = balance(suites, kinds, truths)
    assert weights.sum() == pytest.approx(1)
    assert weights[:60].sum() == pytest.approx(0.5)
    assert weights[:10].sum() == pytest.approx(0.25)
    assert weights[10:40].sum() == pytest.approx(weights[40:60].sum()) == pytest.approx(0.125)


def test_a_kind_of_few_questions_has_its_share_of_a_say() -> None:
    weights = balance(["a"] * 21, ["no"] * 10 + ["odd"] + ["yes"] * 10, np.array([False] * 11 + [True] * 10))
    assert weights[10] == pytest.approx(weights[0])
    assert weights[:11].sum() == pytest.approx(0.5)


def test_a_suite_with_one_side_counts_by_that_side() -> None:
    weights = balance(["a", "a", "b"], ["yes", "no", "no"], np.array([True, False, False]))
    assert weights == pytest.approx(np.array([0.25, 0.25, 0.5]))


def test_the_weighted_mean_of_right_decisions_is_the_balanced_accuracy() -> None:
    asked = questions([(0, 0, True, True)] * 10 + [(0, 0, False, False)] * 20)
    right = np.array([1.0] * 9 + [0.0] + [1.0] * 10 + [0.0] * 10)
    found = weighted(right, asked)
    assert found.value == pytest.approx((0.9 + 0.5) / 2)
    assert found.error == pytest.approx(np.hypot(np.sqrt(0.09 / 10), np.sqrt(0.25 / 20)) / 2)


# -- the policy


@pytest.mark.parametrize(
    ("row", "accepted", "widened", "right"),
    [
        ((2.0, -9.0, True, True), True, False, True),
        ((2.0, 9.0, False, True), True, False, False),  # answered before the answer was seen
        ((0.0, 2.0, False, True), True, True, True),
        ((0.0, 2.0, False, False), True, True, False),
        ((0.0, 0.5, False, False), False, True, True),
        ((0.0, 0.5, True, True), False, True, False),
        ((-3.0, 9.0, False, True), False, False, False),
        ((-3.0, 9.0, False, False), False, False, True),
        ((0.0, np.nan, True, True), False, False, False),  # nothing more to look at
        ((0.0, np.nan, False, False), False, False, True),
    ],
)
def test_a_question_goes_the_graphs_way(row: Row, accepted: bool, widened: bool, right: bool) -> None:
    made = decide(policy(narrow=0.7, wide=0.8, hopeless=0.3), questions([row]))
    assert (made.accepted[0], made.widened[0], made.right[0]) == (accepted, widened, right)


def test_where_nothing_bears_on_the_question_no_evidence_counts() -> None:
    asked = questions([(9.0, 9.0, False, False)])
    asked.narrow[0, SIGNALS.index("coverage")] = 0.005
    made = decide(policy(narrow=0.7, wide=0.8, hopeless=0.3), asked)
    assert not made.accepted[0] and not made.widened[0] and made.evidence[0] == 0


def test_evidence_is_the_graphs() -> None:
    calibration = load_calibration("qwen2.5-coder-1.5b-instruct", has_reader=True)
    row = np.array([[logit(0.93), 0.4, 0.8, 1.0, -1.5]])
    theirs = evidence(calibration, grade=0.93, coverage=0.4, dense=0.8, missing=1.0, reader=-1.5)
    assert evidence_of(calibration.evidence_weights, row)[0] == pytest.approx(theirs)


# -- the thresholds


def test_the_grids_worth_is_what_simulating_each_policy_gives() -> None:
    asked = noisy(40)
    steps = np.array([0.2, 0.4, 0.5, 0.7, 0.9])
    first = evidence_of({"bias": 0.0, "grade": 1.0}, asked.narrow)
    wider = np.nan_to_num(evidence_of({"bias": 0.0, "grade": 1.0}, asked.wide), nan=NEVER)
    table, weights = worth(first, wider, asked, steps), weights_of(asked)
    for i, j, k in itertools.product(range(5), repeat=3):
        if k > i:
            assert table[i, j, k] == -np.inf
            continue
        made = decide(policy(narrow=steps[i], wide=steps[j], hopeless=steps[k]), asked)
        assert table[i, j, k] == pytest.approx(weights @ made.right - WIDEN_COST * (weights @ made.widened))


def test_of_thresholds_that_do_as_well_the_middle_is_taken() -> None:
    rows: list[Row] = [(3.0, 3.0, True, True)] * 10 + [(-3.0, -3.0, False, False)] * 10
    asked = questions(rows)
    grades = evidence_of({"bias": 0.0, "grade": 1.0}, asked.narrow)
    found = choose(grades, grades, asked)
    assert 0.1 < found.hopeless <= found.narrow < 0.95 and 0.2 < found.wide < 0.8
    assert 0.3 < found.narrow < 0.8


def test_the_wider_look_has_its_own_bar() -> None:
    # Whatever is read, the wider look says yes more readily.
    rows: list[Row] = [(-0.5, 3.0, False, True)] * 12 + [(-0.5, 1.0, False, False)] * 12
    rows += [(2.5, 3.5, True, True)] * 12
    found = choose(
        evidence_of({"bias": 0.0, "grade": 1.0}, questions(rows).narrow),
        evidence_of({"bias": 0.0, "grade": 1.0}, questions(rows).wide),
        questions(rows),
    )
    assert found.hopeless < 0.38 < found.narrow < 0.93
    assert 0.73 < found.wide < 0.96


def test_looking_wider_has_to_be_worth_it() -> None:
    rows: list[Row] = [(1.0, 1.0, True, True)] * 10 + [(-1.0, -1.0, False, False)] * 10
    made = decide(fit(questions(rows), ("grade",), policy(1.0, 1.0, 0.0)), questions(rows))
    assert made.right.all() and not made.widened.any()


def test_a_fit_finds_its_way_through_noise() -> None:
    seen, fresh = noisy(300), noisy(300, seed=2)
    accuracy = weighted(
        decide(fit(seen, ("grade",), policy(1.0, 1.0, 0.0)), fresh).right.astype(float), fresh
    )
    assert accuracy.value is not None and accuracy.value > 0.7


# -- records


def test_columns_come_from_records() -> None:
    def record(kind: str, answerable: bool, **looks: dict[str, Any]) -> dict[str, Any]:
        return {
            "kind": kind,
            "answerable": answerable,
            "coverage": 0.4,
            "dense": 0.7,
            "looks": {name.removeprefix("at"): look for name, look in looks.items()},
        }

    seen, unseen = (
        {"grade": 0.9, "missing": 0.0, "holds": True},
        {"grade": 0.2, "missing": 1.0, "holds": False},
    )
    asked = columns_of(
        [
            record("yes", True, at2=unseen, at4=seen),
            record("yes", True, at2=unseen, at4=unseen),
            record("no", False, at2=unseen),
        ],
        ["s", "s", "s"],
        [0, 1, 1],
        looks=("2", "4"),
    )
    assert asked.kinds == ("yes", "yes, not found", "no")
    assert asked.holds_narrow.tolist() == [False, False, False]
    assert asked.holds_wide.tolist() == [True, False, False]
    assert asked.narrow[0] == pytest.approx(np.array([logit(0.2), 0.4, 0.7, 1.0, 0.0]))
    assert np.isnan(asked.best).all()
    assert np.isnan(asked.wide[2]).all() and not np.isnan(asked.wide[:2]).any()
    part = asked.take([2, 0])
    assert part.kinds == ("no", "yes") and part.groups.tolist() == [1, 0]


def test_where_the_reader_cannot_tell_it_settles_nothing_and_weighs_what_is_neutral() -> None:
    def record(best: float, *readers: float | None) -> dict[str, Any]:
        looks = [{"grade": 0.5, "missing": 0.0, "holds": True, "reader": reader} for reader in readers]
        return {"kind": "yes", "answerable": True, "coverage": 0.4, "dense": 0.7, "best": best} | {
            "looks": dict(zip("24", looks, strict=False))
        }

    records = [record(-3.0, -3.0), record(-3.0, None), record(2.0, None, 2.0), record(-3.0, None, -3.0)]
    asked = columns_of(records, ["s"] * 4, list(range(4)), looks=("2", "4"), neutral=1.75)
    assert asked.narrow[:, SIGNALS.index("reader")].tolist() == [-3.0, 1.75, 1.75, 1.75]
    gates = replace(policy(0.6, 0.9, 0.0, bias=-3.5, reader=2.0), reader_no=0.0, reader_yes=1.9)
    no, yes = by_reader(gates, asked)
    assert no.tolist() == [True, False, False, False] and not yes.any()
    no, yes = by_reader(gates, asked, wide=True)
    assert no.tolist() == [False, False, False, True] and yes.tolist() == [False, False, True, False]
    made = decide(gates, asked)
    # What the reader settles has its own probability, as in the graph.
    assert made.evidence == pytest.approx(np.array([logistic(-3.0), 0.5, logistic(2.0), logistic(-3.0)]))
    assert made.accepted.tolist() == [False, False, True, False]
    calibration = replace(
        load_calibration("fake"), evidence_weights={"bias": -3.5, "reader": 2.0}, reader_neutral=1.75
    )
    graphs = evidence(calibration, grade=0.5, coverage=0.4, dense=0.7, missing=0.0, reader=None)
    assert graphs == pytest.approx(0.5)


def test_a_weight_stays_at_what_is_known_of_it_where_nothing_speaks_against_it() -> None:
    silent = np.array([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [-2.0, 0.0]])
    truths, weights = np.array([1.0, 1.0, 0.0, 0.0]), np.ones(4)
    _, first, unseen = fit_logistic(silent, truths, weights, priors=[0.0, -2.0])
    assert unseen == pytest.approx(-2.0) and first > 0.3
    telling = np.array([[0.0, 1.0]] * 40 + [[0.0, 0.0]] * 40)
    truths = np.array([1.0] * 20 + [0.0] * 20 + [1.0] * 20 + [0.0] * 20)
    *_, seen = fit_logistic(telling, truths, np.ones(80), priors=[0.0, -2.0])
    assert -0.6 < seen < 0.0
