"""Reports of the search alone, one system at a time, as `evals.compare` pairs two of them.

A system is an embedder with a weight. The whole report of `evals.retrieval` may have several; a committed one
(`evals.committed`) has one, and of each question only the place of the first gold passage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import MutdaError
from evals.changes import ALL
from evals.measures import Measure, Row
from evals.report import Report
from evals.retrieval import DEPTH, ndcg_of

NDCG = f"nDCG@{DEPTH}"
OPTIONS = ("--system-a", "--system-b")


@dataclass(frozen=True, kw_only=True)
class Searched:
    """One system of a report, and what it found."""

    embedder: str
    weight: float
    about: Mapping[str, Any]
    """As `evals.identity.differences` takes it."""
    ks: frozenset[int]
    """Of which the report has a recall@k."""
    questions: Mapping[str, Row]
    """By id."""

    @property
    def name(self) -> str:
        """ "e5:@0.7"; one embedder may be searched with several weights."""
        return f"{self.embedder}@{self.weight:g}"

    @property
    def reach(self) -> int:
        """How many places deep it was searched; of those behind nothing is known."""
        return max({DEPTH, *self.ks})


def searched(report: Report) -> list[Searched]:
    """The systems of a report, whole or committed, in order."""
    ks = report["k"] if "systems" in report else _committed_ks(report["metrics"][ALL])
    return [
        Searched(
            embedder=system["embedder"],
            weight=system["weight"],
            about={**report, "embedder": system["embedder"], "settings": {"weight": system["weight"]}},
            ks=frozenset(ks),
            questions={row["id"]: row for row in system["questions"]},
        )
        for system in report.get("systems", [report])
    ]


def _committed_ks(names: Mapping[str, Any]) -> list[int]:
    return [int(name.partition("@")[2]) for name in names if name.startswith("recall@")]


def chosen(
    a: Report, b: Report, wanted: tuple[str | None, str | None], names: tuple[str, str]
) -> tuple[Searched, Searched]:
    """The system of each that is wanted by its name or its embedder; where none is, the only one.

    One report of two systems, given twice, compares these. Raises MutdaError where it is not clear which.
    """
    if a is b and wanted == (None, None) and len(both := searched(a)) == 2:
        return both[0], both[1]
    first = _one_of(searched(a), wanted[0], names[0], OPTIONS[0])
    second = _one_of(searched(b), wanted[1], names[1], OPTIONS[1])
    return first, second


def _one_of(systems: Sequence[Searched], wanted: str | None, name: str, option: str) -> Searched:
    meant = [system for system in systems if wanted in (None, system.name, system.embedder)]
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise MutdaError(f'{name} has no system "{wanted}", but {_listed(systems)}.')
    raise MutdaError(f"{name} has the systems {_listed(meant)}: name one with {option}.")


def _listed(systems: Sequence[Searched]) -> str:
    return ", ".join(f'"{system.name}"' for system in systems)


def place_measures(ks: Sequence[int]) -> list[Measure]:
    """What a question adds to the numbers of a search, as the tables have them."""
    return [
        *(_recall(k) for k in ks),
        Measure(NDCG, "", "순위 점수", "retrieval", "higher", _ndcg),
        Measure(f"MRR@{DEPTH}", "", "역순위 평균", "retrieval", "higher", _reciprocal_rank),
    ]


def _recall(k: int) -> Measure:
    return Measure(
        f"recall@{k}", "", "재현율", "retrieval", "higher", lambda row: float(place_of(row, k) is not None)
    )


def _ndcg(row: Row) -> float | None:
    """None where only the first gold passage's place was kept: all of them count."""
    if "found" not in row:
        return None
    return ndcg_of([passage["gold"] for passage in row["found"]], row["gold"])


def _reciprocal_rank(row: Row) -> float:
    place = place_of(row, DEPTH)
    return 0.0 if place is None else 1 / place


def place_of(row: Row, reach: int) -> int | None:
    """Of the first gold passage, from 1; None where it is not among the first `reach`."""
    place: int | None = row["place"]
    return place if place is not None and place <= reach else None
