"""Fit the evidence model of a language model to gathered signals (`evals.signals`).

A logistic regression over the grader's log-odds and the retrieval's coverage turns signals into a
probability; three thresholds on it are then chosen by simulating the whole policy (narrow look, wider
look, refusal) over a grid. Suites, and kinds within a suite, weigh the same, however many questions
each has. Of the grid's points the one whose neighbourhood does best is taken, not the best point: a
peak one step wide is noise.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs.evidence import logit

Record = Mapping[str, Any]
Floats = npt.NDArray[np.float64]

RIDGE = 1.0
"""Strength of the penalty on weights, in questions' worth; keeps small samples from extreme ones."""
WIDEN_COST = 0.03
"""What widening every question would have to gain in balanced accuracy to be worth its time."""
GRID_STEP = 0.04


def suite_of(record: Record) -> str:
    """Questions that bring their own passages are one suite, those over a corpus another."""
    return "given" if str(record["kind"]).startswith("nm") else "corpus"


def signals(record: Record, look: str) -> list[float]:
    """Grade (log-odds) and coverage at a look, or at the widest there was."""
    looks = record["looks"]
    seen = looks.get(look) or looks[max(looks)]
    return [logit(seen["grade"]), record["coverage"]]


def fit_logistic(rows: Floats, truths: Floats, weights: Floats) -> Floats:
    """Ridge logistic regression by Newton's method; returns the bias and one weight a column."""
    design = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.diag([0.0] + [RIDGE] * rows.shape[1])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weights * (guess - truths)) + penalty @ beta
        curvature = (design * (weights * guess * (1 - guess))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    return beta


def balance(records: Sequence[Record]) -> Floats:
    """Weights that give answerable and not, each suite, and each kind within it, the same say."""
    groups: dict[tuple[str, bool, str], int] = defaultdict(int)
    for record in records:
        groups[suite_of(record), record["answerable"], record["kind"]] += 1
    kinds: dict[tuple[str, bool], int] = defaultdict(int)
    for suite, answerable, _ in groups:
        kinds[suite, answerable] += 1
    shares = [
        1 / (groups[suite_of(r), r["answerable"], r["kind"]] * kinds[suite_of(r), r["answerable"]])
        for r in records
    ]
    return np.array(shares) * len(records) / sum(shares)


def balanced_accuracy(records: Sequence[Record], accepted: Sequence[bool]) -> dict[str, float]:
    """For each suite: the mean of acceptance and of refusal, kinds weighing the same."""
    rates: dict[tuple[str, bool, str], list[float]] = defaultdict(list)
    for record, yes in zip(records, accepted, strict=True):
        rates[suite_of(record), record["answerable"], record["kind"]].append(yes == record["answerable"])
    sides: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for (suite, answerable, _), hits in rates.items():
        sides[suite, answerable].append(float(np.mean(hits)))
    suites = {suite for suite, _ in sides}
    return {
        suite: float(np.mean([np.mean(sides[suite, side]) for side in (True, False)])) for suite in suites
    }


def decide(narrow: float, wide: float, thresholds: tuple[float, float, float]) -> tuple[bool, bool]:
    """(accepted, looked wider) for the evidence at both looks; thresholds: narrow, wide, hopeless."""
    accept_narrow, accept_wide, hopeless = thresholds
    if narrow >= accept_narrow:
        return True, False
    if narrow < hopeless:
        return False, False
    return wide >= accept_wide, True


def choose(records: Sequence[Record], narrow: Floats, wide: Floats) -> tuple[float, float, float]:
    """The thresholds whose neighbourhood does best: the mean of suites, less the cost of widening."""
    steps = np.arange(GRID_STEP, 1.0, GRID_STEP)
    size = len(steps)
    worth = np.full((size, size, size), -1.0)
    for i, j, k in itertools.product(range(size), repeat=3):
        if k > i:
            continue
        thresholds = (steps[i], steps[j], steps[k])
        outcomes = [decide(a, b, thresholds) for a, b in zip(narrow, wide, strict=True)]
        accuracy = balanced_accuracy(records, [accepted for accepted, _ in outcomes])
        cost = WIDEN_COST * float(np.mean([wider for _, wider in outcomes]))
        worth[i, j, k] = float(np.mean(list(accuracy.values()))) - cost
    best, at = -1.0, (0, 0, 0)
    for i, j, k in itertools.product(range(1, size - 1), repeat=3):
        around = worth[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2]
        if k <= i and (mean := float(around[around >= 0].mean())) > best:
            best, at = mean, (i, j, k)
    return float(steps[at[0]]), float(steps[at[1]]), float(steps[at[2]])


def fit(records: Sequence[Record], *, narrow: str = "2", wide: str = "4") -> dict[str, Any]:
    """Weights, thresholds and the balanced accuracy on the records themselves."""
    rows = np.array([signals(record, narrow) for record in records])
    wider = np.array([signals(record, wide) for record in records])
    truths = np.array([float(record["answerable"]) for record in records])
    beta = fit_logistic(rows, truths, balance(records))
    at_narrow = 1 / (1 + np.exp(-(beta[0] + rows @ beta[1:])))
    at_wide = 1 / (1 + np.exp(-(beta[0] + wider @ beta[1:])))
    thresholds = choose(records, at_narrow, at_wide)
    outcomes = [decide(a, b, thresholds) for a, b in zip(at_narrow, at_wide, strict=True)]
    return {
        "evidence_weights": {
            name: round(float(value), 3)
            for name, value in zip(("bias", "grade", "coverage"), beta, strict=True)
        },
        "accept_narrow": round(thresholds[0], 3),
        "accept_wide": round(thresholds[1], 3),
        "hopeless": round(thresholds[2], 3),
        "balanced_accuracy": balanced_accuracy(records, [accepted for accepted, _ in outcomes]),
        "widened": float(np.mean([wider for _, wider in outcomes])),
        "questions": len(records),
    }  # fmt: skip


def cross_validate(records: Sequence[Record], *, folds: int = 5) -> dict[str, float]:
    """Balanced accuracy of each suite when every question is decided by a fit that did not see it."""
    accepted: list[bool] = [False] * len(records)
    for fold in range(folds):
        fitted = fit([record for i, record in enumerate(records) if i % folds != fold])
        weights = fitted["evidence_weights"]
        beta = np.array([weights["grade"], weights["coverage"]])
        thresholds = (fitted["accept_narrow"], fitted["accept_wide"], fitted["hopeless"])
        for i in range(fold, len(records), folds):
            at = [
                1 / (1 + np.exp(-(weights["bias"] + np.array(signals(records[i], look)) @ beta)))
                for look in ("2", "4")
            ]
            accepted[i] = decide(at[0], at[1], thresholds)[0]
    return balanced_accuracy(records, accepted)
