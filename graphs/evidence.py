"""From signals to decisions: is the answer in these passages, and is it what they say?

Two small logistic models over signals that cost next to nothing, fitted on a mixture of question
kinds (docs/calibration.md): a gate or a weight that is right on one kind of questions alone was
measured to ruin another.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

EPSILON = 1e-4


def logit(probability: float) -> float:
    """Log-odds, bounded so that a certain grader cannot outvote everything."""
    share = min(max(probability, EPSILON), 1 - EPSILON)
    return math.log(share / (1 - share))


def logistic(value: float) -> float:
    """Inverse of `logit`, without overflow."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Weights and thresholds of one model family."""

    family: str
    evidence_weights: Mapping[str, float]
    """Over "bias", "grade" (log-odds), "coverage", "dense", "missing" (1: a number of the question is)."""
    grounded_weights: Mapping[str, float]
    """Over the same and "logprob" (mean of the answer's tokens), "check" (log-odds), "support"."""
    accept_narrow: float
    """Evidence from which an answer is tried after the first, narrow look."""
    accept_wide: float
    """The same after a wider one. It is higher: the more a grader reads, the more readily it says yes."""
    hopeless: float
    """Evidence below which a wider look or another query was not worth its cost."""
    hopeless_coverage: float
    """Coverage below which nothing retrieved bears on the question: refused without a call."""
    reword_coverage: float
    """Coverage above which the question's words were found: other words would find nothing better."""
    sure: float
    """Evidence from which asking the model about its own answer was found to add nothing."""
    grounded: float
    """Groundedness from which an answer is given."""
    fitted_on: str = ""
    """Which questions, in words."""


def weigh(weights: Mapping[str, float], signals: Mapping[str, float]) -> float:
    """Logistic regression: a probability from named signals."""
    return logistic(
        weights["bias"] + sum(weights[name] * signals[name] for name in weights if name != "bias")
    )


def evidence(
    calibration: Calibration, *, grade: float, coverage: float, dense: float, missing: float
) -> float:
    """Probability that the passages hold the answer."""
    return weigh(
        calibration.evidence_weights,
        {"grade": logit(grade), "coverage": coverage, "dense": dense, "missing": missing},
    )


def groundedness(
    calibration: Calibration,
    *,
    grade: float,
    coverage: float,
    dense: float,
    logprob: float,
    check: float,
    support: float,
) -> float:
    """Probability that the answer is what the passages say."""
    signals = {
        "grade": logit(grade),
        "coverage": coverage,
        "dense": dense,
        "logprob": logprob,
        "check": logit(check),
        "support": support,
    }
    return weigh(calibration.grounded_weights, signals)


def load_calibration(family: str) -> Calibration:
    """The calibration whose family name begins the model's, the longest first, else `default`."""
    folder = files("graphs") / "calibrations"
    names = sorted(
        (entry.name for entry in folder.iterdir() if entry.name.endswith(".json")), key=len, reverse=True
    )
    chosen = next((name for name in names if family.startswith(name.removesuffix(".json"))), "default.json")
    data: dict[str, Any] = json.loads((folder / chosen).read_text(encoding="utf-8"))
    return Calibration(**data)
