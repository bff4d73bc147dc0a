"""Whether a run is worse than the committed report of its suite, or else than plain RAG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from evals.changes import ALL
from evals.committed import Answers, Retrieval
from evals.goals import PLAIN
from evals.identity import differences
from evals.measures import Measure, Row
from evals.runner import GRAPH
from evals.setbacks import Questions, counted, setbacks

AGAINST_PLAIN = ("right",)
"""Plain RAG never refuses: in what a refusal costs and saves it is no measure."""
_SAME = {
    "form": "form",
    "suite_sha256": "suite",
    "model_family": "model",
    "embedder": "embedder",
}
"""What must be the committed report's, or the numbers do not say the same."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What came of it."""

    to: str = ""
    """What the run was held to; empty where there is nothing."""
    not_the_same: list[str] = field(default_factory=list)
    """Settings, code and the like that differ: "model a → b"."""
    worse: list[str] = field(default_factory=list)
    """A line for each number, or for what forbids to compare."""


def hold(run: Answers | Retrieval, committed: Answers | Retrieval | None) -> Held:
    """Compare them question by question. Questions that only the run asks are passed over."""
    if committed is None:
        return _to_plain(run)
    to, worse = "its committed report", _unlike(run, committed)
    if not worse:
        worse = setbacks(questions_of(committed), questions_of(run), replayed=False)
    unlike = differences(committed.model_dump(), run.model_dump())
    return Held(to=to, not_the_same=unlike, worse=worse)


def _to_plain(run: Answers | Retrieval) -> Held:
    if not isinstance(run, Answers) or PLAIN not in run.metrics:
        return Held()
    plain, graph = questions_of(run, PLAIN), questions_of(run)
    return Held(to="plain RAG", worse=setbacks(plain, graph, replayed=False, only=AGAINST_PLAIN))


def _unlike(run: Answers | Retrieval, committed: Answers | Retrieval) -> list[str]:
    others = [word for key, word in _SAME.items() if getattr(run, key, None) != getattr(committed, key, None)]
    if others:
        return [
            f"not measured as the committed report was, which has another {' and another '.join(others)}."
        ]
    asked, wanted = set(questions_of(run)), questions_of(committed)
    if left_out := [case_id for case_id in wanted if case_id not in asked]:
        return [f"{len(left_out)} of the {len(wanted)} questions of the committed report were not asked."]
    return []


def questions_of(report: Answers | Retrieval, system: str = GRAPH) -> Questions:
    """What each question adds to the numbers of a system; of a search to its recall."""
    if isinstance(report, Retrieval):
        return counted([place.model_dump() for place in report.questions], _recalls(report))
    return counted([row.model_dump() for row in report.questions if row.system == system])


def _recalls(report: Retrieval) -> Sequence[Measure]:
    """Not the nDCG, which counts all gold passages: of a question only the first one's place is kept."""
    names = [name for name in report.metrics[ALL] if name.startswith("recall@")]
    return [_recall(name, int(name.partition("@")[2])) for name in names]


def _recall(name: str, k: int) -> Measure:
    def within(row: Row) -> float:
        return float(row["place"] is not None and row["place"] <= k)

    return Measure(name, "", "재현율", "retrieval", "higher", within)
