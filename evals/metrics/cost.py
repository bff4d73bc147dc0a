"""What questions cost: calls, tokens and seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from evals.metrics.standard_error import Estimate, mean


@dataclass(frozen=True, kw_only=True)
class Costs:
    """For one question, on average, where nothing else is said."""

    calls: Estimate
    evaluated_tokens: Estimate
    """Prompt tokens that the engine had to read."""
    cached_tokens: Estimate
    """Prompt tokens that it knew already."""
    output_tokens: Estimate
    seconds: Estimate
    """Wall time."""
    median_seconds: float | None
    budget_ends: int
    """Questions in which a budget ended."""


def costs(results: Sequence[Mapping[str, Any]], seconds: Sequence[float]) -> Costs:
    """From answer objects and the wall time of each, seconds."""
    spent = [result["cost"] for result in results]
    return Costs(
        calls=mean([cost["llm_calls"] for cost in spent]),
        evaluated_tokens=mean([cost["prompt_tokens"] - cost["cached_tokens"] for cost in spent]),
        cached_tokens=mean([cost["cached_tokens"] for cost in spent]),
        output_tokens=mean([cost["output_tokens"] for cost in spent]),
        seconds=mean(seconds),
        median_seconds=median(seconds) if seconds else None,
        budget_ends=sum(str(result["reason"]).startswith("budget: ") for result in results),
    )


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One system's wall time against another's on the same questions."""

    median: float
    """Of the ratios of single questions."""
    lower_quartile: float
    upper_quartile: float
    of_totals: float
    """Of the summed seconds."""
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
        n=len(pairs),
    )
