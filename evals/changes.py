"""What each measure changed by, from the answers of two systems to the same questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evals.measures import BY_EVIDENCE, MEASURES, Measure, Row
from evals.metrics.paired import (
    ENOUGH,
    ROUNDED,
    Difference,
    are_flags,
    area,
    balanced_difference,
    calibration_error,
    mean_difference,
    set_difference,
    sign_test,
    split,
)

ALL = "all"
CHANCE = 0.05
"""What a verdict stays below: the sign test's counterpart of a 95 % interval."""
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
    changed: int
    """Questions that are not the same for this measure."""
    right_or_wrong: bool
    """Whether each question adds nothing but 0 or 1."""

    @property
    def verdict(self) -> Literal["better", "worse", ""]:
        """Of the second against the first; empty where it may be chance.

        That is where fewer than `ENOUGH` questions changed, whatever they say, or the interval holds zero.
        Of right and wrong the exact sign test must agree: the interval is an approximation.
        """
        found = self.difference
        if found.interval is None or self.changed < ENOUGH or found.interval[0] <= 0 <= found.interval[1]:
            return ""
        if self.right_or_wrong and sign_test(self.won, self.lost) >= CHANCE:
            return ""
        return "better" if (found.value > 0) == (self.measure.better == "higher") else "worse"

    @property
    def chance(self) -> float | None:
        """The sign test's probability; None for a measure of a whole set."""
        return sign_test(self.won, self.lost) if self.won + self.lost + self.tied else None


def changes_of(pairs: Sequence[Pair], measures: Sequence[Measure] = MEASURES) -> list[Change]:
    """Of all measures that both systems have: over all questions, then over each kind."""
    kinds = dict.fromkeys(after["kind"] for _, after in pairs)
    changes = [*_changes(ALL, pairs, measures), *_set_changes(pairs, measures)]
    if len(kinds) > 1:
        for kind in kinds:
            changes += _changes(kind, [pair for pair in pairs if pair[1]["kind"] == kind], measures)
    order = [measure.name for measure in measures]
    places = [ALL, *kinds]
    return sorted(changes, key=lambda change: (places.index(change.kind), order.index(change.measure.name)))


def _changes(kind: str, pairs: Sequence[Pair], measures: Sequence[Measure]) -> Iterator[Change]:
    """Of the measures that are means over questions."""
    for measure in measures:
        if measure.of is None or not measure.better or (measure.name in BY_EVIDENCE and not _graded(pairs)):
            continue
        values = [(measure.of(before), measure.of(after)) for before, after in pairs]
        both = [(was, now) for was, now in values if was is not None and now is not None]
        if not both:
            continue
        before, after = zip(*both, strict=True)
        up, down, tied = split([now - was for was, now in both])
        won, lost = (up, down) if measure.better == "higher" else (down, up)
        yield Change(
            measure=measure,
            kind=kind,
            difference=mean_difference(before, after),
            won=won,
            lost=lost,
            tied=tied,
            changed=won + lost,
            right_or_wrong=are_flags(before, after),
        )


def _graded(pairs: Sequence[Pair]) -> bool:
    """Whether both systems give evidence that says something."""
    evidence = [
        {row["result"]["evidence"] for row in rows if not row["error"]} for rows in zip(*pairs, strict=True)
    ]
    return all(len(values) > 1 for values in evidence)


def _set_changes(pairs: Sequence[Pair], measures: Sequence[Measure]) -> Iterator[Change]:
    """Of the measures of a whole set: refusals of all questions, evidence of those that did not fail."""
    if all(measure.of is not None for measure in measures):
        return  # of a search, nothing of which is refused
    answerable = np.array([after["answerable"] for _, after in pairs])
    refused, refused_now = (np.array([row["refused"] for row in rows]) for rows in zip(*pairs, strict=True))
    changed = int((refused != refused_now).sum())
    found = {"balanced": (balanced_difference(refused, refused_now, answerable), changed)}
    asked = [pair for pair in pairs if not pair[0]["error"] and not pair[1]["error"]]
    if asked and _graded(asked):
        truths = np.array([after["answerable"] for _, after in asked])
        was, now = (
            np.array([row["result"]["evidence"] for row in rows]) for rows in zip(*asked, strict=True)
        )
        size, moved = len(asked), int((np.abs(now - was) > ROUNDED).sum())
        fewest = int(min(truths.sum(), (~truths).sum()))
        areas = set_difference(area(was, truths), area(now, truths), size, fewest=fewest)
        errors = set_difference(
            calibration_error(was, truths), calibration_error(now, truths), size, fewest=size
        )
        found |= {"AUC": (areas, moved), "ECE": (errors, moved)}
    for measure in measures:
        difference, count = found.get(measure.name, (None, 0))
        if difference is not None:
            yield Change(
                measure=measure,
                kind=ALL,
                difference=difference,
                won=0,
                lost=0,
                tied=0,
                changed=count,
                right_or_wrong=False,
            )
