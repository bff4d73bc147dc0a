"""Fit the evidence model of a language model to gathered signals (`evals.signals`).

A ridge logistic regression over the grader's log-odds and what retrieval tells turns signals into a
probability; three thresholds on it are then chosen by simulating the whole policy (narrow look, wider
look, refusal) over a grid. Suites, and kinds within a suite, weigh the same, however many questions
each has. Of the grid's points the one whose neighbourhood does best is taken, not the best point: a
peak one step wide is noise.
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evals.metrics.standard_error import Estimate
from evals.policy import (
    NEVER,
    SIGNALS,
    Flags,
    Floats,
    Policy,
    Questions,
    Thresholds,
    both_looks,
    by_reader,
)

GRADER_ALONE = ("grade", "missing")
"""What it takes at least. Numbers that no passage holds are seldom asked for: too few of a suite's questions
show what they mean, so that their weight is drawn towards `PRIORS` and not towards nothing."""
PRIORS = {"missing": -2.0}
"""Weights that are known from larger samples: docs/calibration.md, 79 questions with numbers."""
RIDGE = 1.0
"""Strength of the penalty on weights, in questions' worth; keeps small samples from extreme ones."""
BIAS_RIDGE = 1e-6
"""Of the bias: next to nothing, but with questions of one side alone it would run away."""
WIDEN_COST = 0.03
"""What widening every question would have to gain in balanced accuracy to be worth its time."""
GRID_STEP = 0.04
MIN_EACH_SIDE = 10
"""Questions whose answer was found, and questions without one: with fewer a fit says nothing."""
FULL_SAY = 10
"""Questions from which a kind has a whole say; one of fewer has its share of one."""


def balance(suites: Sequence[str], kinds: Sequence[str], truths: Flags) -> Floats:
    """Weights that sum to 1 and give suites, holding and not, and each kind within it, the same say."""
    counts: dict[tuple[str, bool, str], int] = defaultdict(int)
    keys = list(zip(suites, map(bool, truths), kinds, strict=True))
    for key in keys:
        counts[key] += 1
    says: dict[tuple[str, bool], float] = defaultdict(float)
    for (suite, truth, _), count in counts.items():
        says[suite, truth] += min(count, FULL_SAY)
    sides: dict[str, int] = defaultdict(int)
    for suite, _ in says:
        sides[suite] += 1
    return np.array(
        [
            min(counts[suite, truth, kind], FULL_SAY)
            / counts[suite, truth, kind]
            / says[suite, truth]
            / sides[suite]
            / len(sides)
            for suite, truth, kind in keys
        ]
    )


def weights_of(questions: Questions) -> Floats:
    """Of each question in the balanced accuracy that is maximised; they sum to 1."""
    return balance(questions.suites, questions.kinds, questions.holds_wide)


def weighted(values: Floats, questions: Questions) -> Estimate:
    """The mean of (n,) values by `weights_of`, with the error of a stratified sample.

    Of flags for right decisions it is the balanced accuracy that is maximised; of the differences of two
    policies' flags their paired difference.
    """
    weights = weights_of(questions)
    cells: dict[tuple[str, bool, str], list[int]] = defaultdict(list)
    for i, key in enumerate(zip(questions.suites, questions.holds_wide, questions.kinds, strict=True)):
        cells[key].append(i)
    variance = sum(float(weights[at].sum() ** 2 * values[at].var() / len(at)) for at in cells.values())
    return Estimate(float(weights @ values), variance**0.5, len(questions))


def fit_logistic(
    rows: Floats, truths: Floats, weights: Floats, *, priors: Sequence[float] | None = None
) -> Floats:
    """Ridge logistic regression by Newton's method; returns the bias and one weight a column.

    `priors` are the columns' weights in the absence of evidence, nothing unless they are given.
    """
    design = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.diag([BIAS_RIDGE] + [RIDGE] * rows.shape[1])
    expected = np.array([0.0, *(priors or [0.0] * rows.shape[1])])
    beta = expected.copy()
    for _ in range(50):
        guess = 1 / (1 + np.exp(-np.clip(design @ beta, -60, 60)))
        gradient = design.T @ (weights * (guess - truths)) + penalty @ (beta - expected)
        curvature = (design * (weights * guess * (1 - guess))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    return beta


def fit_weights(questions: Questions, signals: Sequence[str]) -> dict[str, float]:
    """One model for both looks: each look of a question counts half, with what is true of that look."""
    chosen = [SIGNALS.index(name) for name in signals]
    more = ~np.isnan(questions.wide[:, 0])
    rows = np.concatenate([questions.narrow, questions.wide[more]])[:, chosen]
    truths = np.concatenate([questions.holds_narrow, questions.holds_wide[more]])
    twice = [*range(len(questions)), *np.flatnonzero(more)]
    weights = balance([questions.suites[i] for i in twice], [questions.kinds[i] for i in twice], truths)
    priors = [PRIORS.get(name, 0.0) for name in signals]
    beta = fit_logistic(rows, truths.astype(np.float64), weights * len(questions), priors=priors)
    names = ("bias", *signals)
    return {name: round(float(value), 3) for name, value in zip(names, beta, strict=True)}


def worth(first: Floats, wider: Floats, questions: Questions, steps: Floats) -> Floats:
    """Balanced accuracy less the cost of widening, at each (narrow, wide, hopeless) of the grid.

    Shape (s, s, s) for s steps; -inf where hopeless lies above narrow. The weighted count of right
    decisions is a sum over questions between two thresholds, so that matrix products of (s, n) do.
    """
    weights = weights_of(questions)
    at_least = first[None, :] >= steps[:, None]
    more = (wider > NEVER).astype(np.float64)
    answered = wider[None, :] >= steps[:, None]
    right_wide = np.where(answered, questions.holds_wide, ~questions.holds_wide).astype(np.float64)
    right_refused = (~questions.holds_wide).astype(np.float64)
    # By the wide threshold: what it is worth to go on with a question that is left in doubt.
    going_on = weights * (more * (right_wide - WIDEN_COST) + (1 - more) * right_refused[None, :])  # (s, n)
    above = at_least.astype(np.float64)
    doubt = above @ going_on.T  # (s of the lower bound, s of wide)
    accepted = above @ (weights * questions.holds_narrow)
    refused = (1 - above) @ (weights * right_refused)
    table = (
        accepted[:, None, None]
        + refused[None, None, :]
        + doubt.T[None, :, :]  # at or above hopeless ...
        - doubt[:, :, None]  # ... and not above narrow
    )
    low = np.tril(np.ones((len(steps), len(steps)), dtype=bool))
    return np.asarray(np.where(low[:, None, :], table, -np.inf))


def choose(first: Floats, wider: Floats, questions: Questions) -> Thresholds:
    """The thresholds whose neighbourhood on the grid does best; of equal ones those in their middle."""
    steps = np.arange(GRID_STEP, 1.0, GRID_STEP)
    around = _neighbourhood(worth(first, wider, questions, steps))
    best = np.argwhere(around >= around.max() - 1e-9)
    middle = best[np.abs(best - best.mean(axis=0)).sum(axis=1).argmin()]
    narrow, wide, hopeless = (round(float(steps[i]), 3) for i in middle)
    return Thresholds(narrow=narrow, wide=wide, hopeless=hopeless)


def _neighbourhood(table: Floats) -> Floats:
    """Mean over each point and what touches it; -inf at the border and where the point itself is."""
    known = np.isfinite(table)
    values = np.where(known, table, 0.0)
    size = table.shape[0]
    total, count = np.zeros((size - 2,) * 3), np.zeros((size - 2,) * 3)
    for shift in itertools.product(range(3), repeat=3):
        window = tuple(slice(start, start + size - 2) for start in shift)
        total += values[window]
        count += known[window]
    means = np.full(table.shape, -np.inf)
    inner = (slice(1, -1),) * 3
    means[inner] = np.where(known[inner], total / np.maximum(count, 1), -np.inf)
    return means


def fit(questions: Questions, signals: Sequence[str], gates: Policy) -> Policy:
    """Weights over these signals and the thresholds on their evidence.

    What is decided without the language model stays as in `gates`, and the weights are fitted to the
    questions that are left to it, unless they are too few.
    """
    no, yes = by_reader(gates, questions)
    left = questions.take(np.flatnonzero(~(no | yes)))
    holding = int(left.holds_wide.sum())
    enough = min(holding, len(left) - holding) >= MIN_EACH_SIDE
    policy = replace(gates, weights=fit_weights(left if enough else questions, signals))
    return replace(policy, thresholds=choose(*both_looks(policy, questions), questions))
