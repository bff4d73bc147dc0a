"""What a report says of an answer, as the scores of its trace."""

from typing import Any

from evals.measures import MEASURES
from evals.report import row
from evals.runner import Outcome
from evals.summary import Score

_NAMES = {"right": "right", "valid": "citations valid", "calls": "calls", "seconds": "seconds"}
"""By the measure's. `evidence`, `grounded` and `refused` are of every trace that has an answer."""
_MEASURES = {measure.name: measure for measure in MEASURES}


def scores_of(outcome: Outcome, judged: Score) -> dict[str, float | bool]:
    """By name; without what the question does not count for. A failed question is told as the report does."""
    told: dict[str, Any] = row(outcome, judged)
    scores: dict[str, float | bool] = {}
    for measure, name in _NAMES.items():
        of = _MEASURES[measure].of
        value = of(told) if of else None
        if value is not None:
            scores[name] = bool(value) if measure == "right" else value
    if outcome.error:
        scores["refused"] = judged.refused
    return scores
