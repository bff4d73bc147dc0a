"""Cross-validation in which questions that rest on the same text stay together.

Two questions over the same file are no independent witnesses: a fit that saw one knows of the other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from app.errors import MutdaError
from evals.fit import GRADER_ALONE, MIN_EACH_SIDE, fit, weighted
from evals.policy import SIGNALS, Decisions, Floats, Policy, Questions, decide

FOLDS = 5
CANDIDATES: tuple[tuple[str, ...], ...] = (
    GRADER_ALONE,
    ("grade", "missing", "reader"),
    ("grade", "coverage", "missing"),
    SIGNALS,
)
"""Signals to make evidence of, simplest first."""

Positions = npt.NDArray[np.int64]
Fit = Callable[[Questions], Policy]


def groups_of(rests_on: Sequence[Iterable[str]]) -> list[int]:
    """A number for each question; the same for those that share anything, be it through a third one."""
    first_with: dict[str, int] = {}
    parent = list(range(len(rests_on)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for number, things in enumerate(rests_on):
        for thing in things:
            parent[root(number)] = root(first_with.setdefault(thing, number))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(number), len(numbers)) for number in range(len(rests_on))]


def folds_of(questions: Questions, count: int, *, seed: int) -> list[Positions]:
    """Positions of the questions of each fold; groups whole, suites and both sides spread evenly.

    There are fewer folds where there are fewer groups.
    """
    members: dict[int, list[int]] = {}
    for position, group in enumerate(questions.groups):
        members.setdefault(int(group), []).append(position)
    order = list(members.values())
    np.random.default_rng(seed).shuffle(order)
    order.sort(key=len, reverse=True)  # the large ones while there is room to even them out
    folds: list[list[int]] = [[] for _ in range(min(count, len(order)))]
    held: list[Counter[tuple[str, bool]]] = [Counter() for _ in folds]
    for group in order:
        own = Counter((questions.suites[i], bool(questions.holds_wide[i])) for i in group)
        at = min(range(len(folds)), key=lambda n: (_overlap(held[n], own), len(folds[n])))
        folds[at] += group
        held[at] += own
    return [np.array(sorted(fold), dtype=np.int64) for fold in folds]


def _overlap(held: Counter[tuple[str, bool]], own: Counter[tuple[str, bool]]) -> int:
    return sum(held[side] * count for side, count in own.items())


def require_enough(questions: Questions) -> None:
    """Raises MutdaError where there is too little to fit, or nothing to hold out."""
    holding = int(questions.holds_wide.sum())
    if min(holding, len(questions) - holding) < MIN_EACH_SIDE:
        raise MutdaError(
            f"Too few questions to fit: the passages hold the answer of {holding}, and of "
            f"{len(questions) - holding} they do not; {MIN_EACH_SIDE} of each are the least."
        )
    if len(set(questions.groups.tolist())) < 2:
        raise MutdaError(
            "All questions rest on the same file: none can be held out to judge a fit. "
            "Add questions over other files."
        )


def cross_decide(questions: Questions, fitting: Fit, *, seed: int, folds: int = FOLDS) -> Decisions:
    """Each question decided by a fit that saw none of its group."""
    size = len(questions)
    flags = [np.zeros(size, dtype=bool) for _ in range(4)]
    out = Decisions(
        accepted=flags[0], widened=flags[1], evidence=np.zeros(size), holds=flags[2], right=flags[3]
    )
    for fold in folds_of(questions, folds, seed=seed):
        rest = np.setdiff1d(np.arange(size), fold)
        out.put(fold, decide(fitting(questions.take(rest)), questions.take(fold)))
    return out


def chosen_signals(questions: Questions, gates: Policy, *, seed: int) -> tuple[str, ...]:
    """The grader alone, unless a fusion is ahead in cross-validation by more than a standard error.

    The error is that of the paired difference. One standard error in favour of the simpler model, after
    Breiman et al., "Classification and regression trees" (1984).
    """
    chosen = CANDIDATES[0]
    if len(set(questions.groups.tolist())) < 2:
        return chosen
    right = _crossed_right(questions, chosen, gates, seed)
    for signals in CANDIDATES[1:]:
        other = _crossed_right(questions, signals, gates, seed)
        gain = weighted(other - right, questions)
        assert gain.value is not None and gain.error is not None
        if gain.value > gain.error:
            chosen, right = signals, other
    return chosen


def _crossed_right(questions: Questions, signals: Sequence[str], gates: Policy, seed: int) -> Floats:
    def fitting(seen: Questions) -> Policy:
        return fit(seen, signals, gates)

    return cross_decide(questions, fitting, seed=seed).right.astype(np.float64)


def fit_best(questions: Questions, gates: Policy, *, seed: int) -> Policy:
    """Choose the signals and fit. The choice is part of the fit: it is to be cross-validated with it."""
    signals = chosen_signals(questions, gates, seed=seed)
    return fit(questions, signals, gates)
