"""What questions cost: calls, tokens and seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import numpy as np

from evals.metrics.bootstrap import RESAMPLES, counts, standard_error
from evals.metrics.standard_error import NOTHING, Estimate, mean, share


@dataclass(frozen=True, kw_only=True)
class Costs:
    """For one question, on average, where nothing else is said."""

    calls: Estimate
    evaluated_tokens: Estimate
    """Prompt tokens that the engine had to read."""
    cached_tokens: Estimate
    """Prompt tokens that it knew already."""
    output_tokens: Estimate
    searches: Estimate
    """On the web."""
    seconds: Estimate
    """Wall time."""
    median_seconds: Estimate
    """Its error is bootstrapped."""
    budget_ends: Estimate
    """Share of questions in which a budget ended."""


def costs(results: Sequence[Mapping[str, Any]], seconds: Sequence[float]) -> Costs:
    """From answer objects and the wall time of each, seconds."""
    spent = [result["cost"] for result in results]
    return Costs(
        calls=mean([cost["llm_calls"] for cost in spent]),
        evaluated_tokens=mean([cost["prompt_tokens"] - cost["cached_tokens"] for cost in spent]),
        cached_tokens=mean([cost["cached_tokens"] for cost in spent]),
        output_tokens=mean([cost["output_tokens"] for cost in spent]),
        searches=mean([cost["searches"] for cost in spent]),
        seconds=mean(seconds),
        median_seconds=_median(seconds),
        budget_ends=share([ended_by_budget(result) for result in results]),
    )


def ended_by_budget(result: Mapping[str, Any]) -> bool:
    """Whether a budget ended the question, as its reason says."""
    return str(result["reason"]).startswith("budget: ")


def _median(values: Sequence[float]) -> Estimate:
    if not values:
        return NOTHING
    error = standard_error(values, lambda samples: np.median(samples, axis=1))
    return Estimate(median(values), error, len(values))


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One system's wall time against another's on the same questions."""

    median: float
    """Of the ratios of single questions."""
    lower_quartile: float
    upper_quartile: float
    of_totals: float
    """Of the summed seconds."""
    of_totals_error: float | None
    """One standard error, bootstrapped over questions; None of a single one."""
    n: int


def ratio(pairs: Sequence[tuple[float, float]]) -> Ratio | None:
    """From (seconds, seconds of the other) of each question; None without questions."""
    pairs = [pair for pair in pairs if pair[1] > 0]
    if not pairs:
        return None
    ratios = [ours / theirs for ours, theirs in pairs]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(
        median=median(ratios),
        lower_quartile=low,
        upper_quartile=high,
        of_totals=sum(ours for ours, _ in pairs) / sum(theirs for _, theirs in pairs),
        of_totals_error=_error_of_totals(pairs),
        n=len(pairs),
    )


def _error_of_totals(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < 2:
        return None
    table = np.asarray(pairs, dtype=np.float64)
    sums = np.concatenate([drawn @ table for drawn in counts(len(pairs), RESAMPLES)])
    return float((sums[:, 0] / sums[:, 1]).std())
