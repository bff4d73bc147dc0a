"""How wrong the answers are when only the surest are kept."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Point:
    """Answering only what has at least this evidence."""

    evidence: float
    coverage: float
    """Share of all questions that would be answered."""
    risk: float
    """Share of those answers that are wrong."""
    answered: int


def risk_curve(evidence: Sequence[float], wrong: Sequence[bool], questions: int) -> list[Point]:
    """From the evidence of each answer and whether it was wrong, out of `questions` asked; surest first.

    Answers with the same evidence come together: no threshold parts them. Risk against coverage after
    El-Yaniv and Wiener, "On the foundations of noise-free selective classification", JMLR 11 (2010).
    """
    ranked = sorted(zip(evidence, wrong, strict=True), key=lambda pair: -pair[0])
    points: list[Point] = []
    faults = 0
    for count, (level, fault) in enumerate(ranked, start=1):
        faults += fault
        if count == len(ranked) or ranked[count][0] != level:
            points.append(
                Point(evidence=level, coverage=count / questions, risk=faults / count, answered=count)
            )
    return points
