"""The halves of a suite: one to fit on, one to report on, and nothing that questions of both rest on.

    over files        those that share a file, be it through a third question, stand on one side, which a
                      hash of the file's name chooses; one that names no file stands by its id
    with passages     by a hash of the id, as thresholds were fitted until now. What would be in "report"
                      and shares an article's title or a passage with the half "fit" is set aside: it is
                      in neither

Whole groups would not do for passages: articles hold 62 of the 207 questions of NoMIRACL's Korean part
together, and a side chosen for them anew would report what was fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evals.folds import groups_of
from evals.korquad import Part, part_of
from evals.metrics.recall import file_name
from evals.suite import Case

Side = Literal[Part, "aside"]


@dataclass(frozen=True, kw_only=True)
class Half:
    """The questions of a suite that may be asked."""

    part: Part | None
    """None: all of them."""
    cases: list[Case]
    suite: int
    """Questions of the whole suite."""
    aside: int
    """Of these, the ones in neither half."""

    def counts(self) -> dict[str, str | int | None]:
        """What a report keeps of it."""
        return {"part": self.part, "suite": self.suite, "half": len(self.cases), "aside": self.aside}


def half_of(cases: Sequence[Case], part: Part | None) -> Half:
    """The suite's questions of that half, in its order; all of them for None."""
    found = sides(cases)
    chosen = [case for case, side in zip(cases, found, strict=True) if part in (None, side)]
    return Half(part=part, cases=chosen, suite=len(cases), aside=found.count("aside"))


def sides(cases: Sequence[Case]) -> list[Side]:
    """Where each question stands; the same in every process, and whatever the order of the suite."""
    found = _by_hash(cases)
    fitted = {text for case, side in zip(cases, found, strict=True) if side == "fit" for text in _texts(case)}
    return [
        "aside" if side == "report" and fitted & _texts(case) else side
        for case, side in zip(cases, found, strict=True)
    ]


def _by_hash(cases: Sequence[Case]) -> list[Part]:
    files = [_files(case) for case in cases]
    groups = groups_of(files)
    names: dict[int, str] = {}
    for group, own in zip(groups, files, strict=True):
        for name in own:
            names[group] = min(name, names.get(group, name))
    return [part_of(names.get(group, case.id)) for group, case in zip(groups, cases, strict=True)]


def _files(case: Case) -> set[str]:
    return set() if case.passages else {file_name(name) for name in case.sources}


def _texts(case: Case) -> set[tuple[str, str]]:
    """The titles and texts of the passages that a question brings; a title that is empty says nothing."""
    found: set[tuple[str, str]] = set()
    for passage in case.passages or ():
        found |= {("title", " ".join(passage.title.split())), ("text", " ".join(passage.text.split()))}
    return found - {("title", "")}
