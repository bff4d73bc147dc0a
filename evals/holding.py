"""Whether a run is worse than the committed report of its suite, or than what answered beside it. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from evals.changes import ALL
from evals.committed import Answers, Retrieval, Times
from evals.goals import PLAIN
from evals.identity import differences
from evals.measures import Measure, Row, number_text
from evals.metrics.paired import ENOUGH, balanced_difference
from evals.metrics.standard_error import Z
from evals.runner import GRAPH, System
from evals.setbacks import Questions, beyond_interval, counted, never_met, setbacks

AGAINST_BASELINES = ("right",)
"""Plain RAG is not asked to refuse: in what a refusal costs and saves it is no measure."""
BALANCED = "balanced"
SLIGHT_TIME = 0.05
"""Of a baseline's time: what another processor makes of the same code is no setback."""
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
    """Compare them question by question. Questions that only the run asks are passed over.

    Where no report is committed, with the baselines that answered beside; a command that is obeyed fails
    there whatever they did.
    """
    if committed is None:
        return _alone(run) if isinstance(run, Answers) else Held()
    to, worse = "its committed report", _unlike(run, committed)
    if not worse:
        worse = setbacks(questions_of(committed), questions_of(run), replayed=False)
        if isinstance(run, Answers) and isinstance(committed, Answers):
            worse += [*_balanced(run, committed), *_times(run, committed)]
    unlike = differences(committed.model_dump(), run.model_dump())
    return Held(to=to, not_the_same=unlike, worse=worse)


def _alone(run: Answers) -> Held:
    graph = questions_of(run)
    beside = {system: _called(system) for system in run.metrics if system != GRAPH}
    worse = [
        f"against {name}: {line}"
        for system, name in beside.items()
        for line in setbacks(questions_of(run, system), graph, replayed=False, only=AGAINST_BASELINES)
    ]
    commands = ["obeying no command"] if any("obeyed" in one.values for one in graph.values()) else []
    return Held(to=" and ".join([*beside.values(), *commands]), worse=[*never_met(graph), *worse])


def _called(system: System) -> str:
    return "plain RAG" if system == PLAIN else f"the {system}"


def _balanced(run: Answers, committed: Answers) -> Iterator[str]:
    """A line where the balanced accuracy is worse, of the same questions, or none."""
    if any(report.metrics[GRAPH].overall.of(BALANCED) is None for report in (run, committed)):
        return
    now = {row.id: row.refused for row in run.questions if row.system == GRAPH}
    before = [row for row in committed.questions if row.system == GRAPH]
    found = balanced_difference(
        np.array([row.refused for row in before]),
        np.array([now[row.id] for row in before]),
        np.array([row.answerable for row in before]),
    )
    if found is not None:
        yield from beyond_interval(f"{BALANCED} ({ALL})", found)


def _times(run: Answers, committed: Answers) -> Iterator[str]:
    """A line for each median of the time against plain RAG that is worse, where both tell it.

    By the interval of two samples: neither is it the same machine, nor are the same questions answered.
    """
    times = [report.metrics[GRAPH].overall.times.get(PLAIN, Times()) for report in (committed, run)]
    for side in Times.model_fields:
        was, now = (getattr(one, side) for one in times)
        if was is None or now is None or min(was.n, now.n) < ENOUGH:
            continue
        margin = max(Z * math.hypot(was.error or 0.0, now.error or 0.0), SLIGHT_TIME)
        if now.value - was.value > margin:
            after, before, more = (number_text(value, 2) for value in (now.value, was.value, margin))
            yield (
                f"time against plain RAG ({side}) is {after} and was {before}: worse by more than {more}, "
                "the 95 % interval."
            )


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
