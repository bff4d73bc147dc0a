"""What each measure changed by, from the answers of two systems to the same questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evals.measures import BY_EVIDENCE, MEASURES, Measure, Row
from evals.metrics.paired import (
    Difference,
    area,
    balanced_accuracy,
    calibration_error,
    mean_differences,
    set_difference,
    sign_test,
    split,
)

ALL = "all"
VERDICTS = {"better": "나아짐", "worse": "나빠짐", "": ""}
"""In Korean."""
Pair = tuple[Row, Row]
"""The first's and the second's answer to one question."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One measure over one kind of question, or over all of them."""

    measure: Measure
    kind: str
    difference: Difference
    won: int
    lost: int
    tied: int
    """Questions in which the second is better, worse, the same; all zero for a measure of a whole set."""

    @property
    def verdict(self) -> Literal["better", "worse", ""]:
        """Of the second against the first; empty where the interval holds zero."""
        if self.difference.low <= 0 <= self.difference.high:
            return ""
        up = self.difference.value > 0
        return "better" if up == (self.measure.better == "higher") else "worse"

    @property
    def chance(self) -> float | None:
        """The sign test's probability; None for a measure of a whole set."""
        return sign_test(self.won, self.lost) if self.won + self.lost + self.tied else None


def changes_of(pairs: Sequence[Pair]) -> list[Change]:
    """Of all measures that both systems have: over all questions, then over each kind."""
    kinds = dict.fromkeys(after["kind"] for _, after in pairs)
    changes = [*_changes(ALL, pairs), *_set_changes(pairs)]
    if len(kinds) > 1:
        for kind in kinds:
            changes += _changes(kind, [pair for pair in pairs if pair[1]["kind"] == kind])
    order = [measure.name for measure in MEASURES]
    places = [ALL, *kinds]
    return sorted(changes, key=lambda change: (places.index(change.kind), order.index(change.measure.name)))


def _changes(kind: str, pairs: Sequence[Pair]) -> Iterator[Change]:
    """Of the measures that are means over questions; those over the same questions are drawn together."""
    by_questions: dict[tuple[int, ...], list[tuple[Measure, list[float], list[float]]]] = {}
    for measure in MEASURES:
        if measure.of is None or not measure.better or (measure.name in BY_EVIDENCE and not _graded(pairs)):
            continue
        values = [(measure.of(before), measure.of(after)) for before, after in pairs]
        both = [(n, was, now) for n, (was, now) in enumerate(values) if was is not None and now is not None]
        if both:
            counted, before, after = zip(*both, strict=True)
            by_questions.setdefault(counted, []).append((measure, list(before), list(after)))
    for group in by_questions.values():
        drawn = mean_differences(
            np.array([was for _, was, _ in group]).T, np.array([now for _, _, now in group]).T
        )
        for (measure, was, now), difference in zip(group, drawn, strict=True):
            up, down, tied = split([y - x for x, y in zip(was, now, strict=True)])
            won, lost = (up, down) if measure.better == "higher" else (down, up)
            yield Change(measure=measure, kind=kind, difference=difference, won=won, lost=lost, tied=tied)


def _graded(pairs: Sequence[Pair]) -> bool:
    """Whether both systems give evidence that says something."""
    evidence = [
        {row["result"]["evidence"] for row in rows if not row["error"]} for rows in zip(*pairs, strict=True)
    ]
    return all(len(values) > 1 for values in evidence)


def _set_changes(pairs: Sequence[Pair]) -> Iterator[Change]:
    answerable = np.array([after["answerable"] for _, after in pairs])
    before, after = (
        balanced_accuracy(np.array([row["refused"] for row in rows]), answerable)
        for rows in zip(*pairs, strict=True)
    )
    found = {"balanced": set_difference(before, after, len(pairs))}
    asked = [pair for pair in pairs if not pair[0]["error"] and not pair[1]["error"]]
    if asked and _graded(asked):
        truths = np.array([after["answerable"] for _, after in asked])
        was, now = (
            np.array([row["result"]["evidence"] for row in rows]) for rows in zip(*asked, strict=True)
        )
        found["AUC"] = set_difference(area(was, truths), area(now, truths), len(asked))
        found["ECE"] = set_difference(
            calibration_error(was, truths), calibration_error(now, truths), len(asked)
        )
    for measure in MEASURES:
        if (difference := found.get(measure.name)) is not None:
            yield Change(measure=measure, kind=ALL, difference=difference, won=0, lost=0, tied=0)
