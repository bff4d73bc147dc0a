"""What a calibration is worth: numbers before and after, as JSON. Nothing here is fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from evals.fit import weighted
from evals.metrics.auc import auc
from evals.metrics.calibration import calibration_error
from evals.metrics.refusal import refusals
from evals.metrics.risk import Point, risk_curve
from evals.metrics.standard_error import Estimate
from evals.policy import SIGNALS, Decisions, Floats, Questions

LEVELS = tuple(n / 10 for n in range(1, 11))
"""Shares of questions answered at which the risk is told."""
LOWER_IS_EVIDENCE = frozenset({"missing"})
ALL = ""
"""In place of a kind: every question of the suite."""


def figures(questions: Questions, before: Decisions, after: Decisions) -> dict[str, Any]:
    """`after` must be decided by fits that did not see the question: else the numbers flatter."""
    decided = {"before": before, "after": after}
    gain = after.right.astype(np.float64) - before.right.astype(np.float64)
    return {
        "questions": len(questions),
        "overall": {name: _estimate(weighted(made.right.astype(np.float64), questions))
                    for name, made in decided.items()},
        "gain": _estimate(weighted(gain, questions)),
        "widened": {name: float(made.widened.mean()) for name, made in decided.items()},
        "balanced": {suite: _balanced(questions, decided, suite) for suite in suites_of(questions)},
        "calibration_error": {name: _estimate(calibration_error(made.evidence.tolist(), made.holds.tolist()))
                              for name, made in decided.items()},
        "auc": {suite: _aucs(questions, decided, suite) for suite in suites_of(questions)},
        "risk": {name: risk_at_levels(curve_of(made)) for name, made in decided.items()},
        "point": {name: _point(made) for name, made in decided.items()},
    }  # fmt: skip


def suites_of(questions: Questions) -> list[str]:
    """Their names, in the order in which they come up."""
    return list(dict.fromkeys(questions.suites))


def curve_of(made: Decisions) -> list[Point]:
    """Share of answers whose passages do not hold them, as more questions are answered, surest first."""
    return risk_curve(made.evidence.tolist(), (~made.holds).tolist(), len(made.evidence))


def risk_at_levels(curve: Sequence[Point], levels: Sequence[float] = LEVELS) -> list[float | None]:
    """The risk where at least so many are first answered; None where the curve ends before."""
    return [next((p.risk for p in curve if p.coverage >= level - 1e-9), None) for level in levels]


def _point(made: Decisions) -> dict[str, float | None]:
    """Where the thresholds themselves are on the plane of the curve."""
    answered = int(made.accepted.sum())
    wrong = int((made.accepted & ~made.holds).sum())
    return {
        "coverage": answered / len(made.accepted),
        "risk": wrong / answered if answered else None,
    }


def _balanced(questions: Questions, decided: Mapping[str, Decisions], suite: str) -> dict[str, Any]:
    """For each kind, and for all: how many there are, and both policies' balanced accuracy.

    A kind with one side alone is held against the other side of its suite.
    """
    of_suite = np.array([name == suite for name in questions.suites])
    kinds = dict.fromkeys(kind for kind, own in zip(questions.kinds, of_suite, strict=True) if own)
    rows: dict[str, Any] = {}
    for kind in (*(kinds if len(kinds) > 1 else ()), ALL):
        own = of_suite if kind == ALL else of_suite & np.array([name == kind for name in questions.kinds])
        holding, lacking = own & questions.holds_wide, own & ~questions.holds_wide
        if not holding.any():
            holding = of_suite & questions.holds_wide
        if not lacking.any():
            lacking = of_suite & ~questions.holds_wide
        rows[kind] = {"n": int(own.sum())} | {
            name: _estimate(
                refusals((~made.right[holding]).tolist(), made.right[lacking].tolist()).balanced_accuracy
            )
            for name, made in decided.items()
        }
    return rows


def _aucs(questions: Questions, decided: Mapping[str, Decisions], suite: str) -> dict[str, Any]:
    """Of each signal at both looks, against what those passages hold; and of the evidence of both."""
    own = np.array([name == suite for name in questions.suites])
    more = own & ~np.isnan(questions.wide[:, 0])
    found: dict[str, Any] = {}
    for column, name in enumerate(SIGNALS):
        sign = -1.0 if name in LOWER_IS_EVIDENCE else 1.0
        found[name] = {
            "narrow": _auc(sign * questions.narrow[own, column], questions.holds_narrow[own]),
            "wide": _auc(sign * questions.wide[more, column], questions.holds_wide[more]),
        }
    for name, made in decided.items():
        found[f"evidence {name}"] = {"last": _auc(made.evidence[own], made.holds[own])}
    return found


def _auc(scores: Floats, truths: Any) -> dict[str, Any]:
    return _estimate(auc(scores[truths].tolist(), scores[~truths].tolist()))


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return asdict(estimate)
