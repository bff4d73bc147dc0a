"""What a report says of an answer, as the scores of its trace."""

from typing import Any

from evals.measures import BY_EVIDENCE, MEASURES, SHARES, Measure
from evals.report import row
from evals.runner import GRAPH, Outcome
from evals.summary import Score

_NAMES = {"valid": "citations valid"}
"""Where it is not the measure's. A server keeps scores by name: one that changed would be another score."""
_OF_TRACE = "refused"
"""As `evidence` and `grounded` are, of every trace that has an answer."""
_OF_PARTS = frozenset({"cites", "valid"})
"""Shares of one answer's citations, where others are a yes or no."""


def scores_of(outcome: Outcome, judged: Score) -> dict[str, float | bool]:
    """By name; without what the question does not count for. A failed question is told as the report does."""
    told: dict[str, Any] = row(outcome, judged)
    scores: dict[str, float | bool] = {}
    for measure in MEASURES:
        value = measure.of(told) if measure.of and _is_sent(measure, outcome) else None
        if value is not None:
            scores[_NAMES.get(measure.name, measure.name)] = bool(value) if _is_flag(measure) else value
    return scores


def _is_sent(measure: Measure, outcome: Outcome) -> bool:
    """Not what the trace has already, nor what rests on evidence that a baseline does not give."""
    if measure.name == _OF_TRACE:
        return bool(outcome.error)
    return outcome.system == GRAPH or measure.name not in BY_EVIDENCE


def _is_flag(measure: Measure) -> bool:
    return measure.name in SHARES - _OF_PARTS
