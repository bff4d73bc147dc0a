"""From outcomes to marks, and from marks to numbers: for each system, over all and for each kind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.metrics.auc import auc
from evals.metrics.citations import stands, supported
from evals.metrics.containment import contained
from evals.metrics.cost import Costs, Ratio, costs, ratio
from evals.metrics.recall import recalled
from evals.metrics.refusal import Refusals, refusals
from evals.metrics.standard_error import NOTHING, Estimate, share
from evals.runner import Outcome, System

Mark = Literal["right", "wrong", "refused", "answered", "error"]
"""Of an answerable question "refused" is a fault; "answered" is one without gold answers."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """What can be said of one outcome; None where a question does not apply."""

    mark: Mark
    refused: bool
    """A question that failed counts against the system: as refused if answerable, else as answered."""
    contained: bool | None
    recall_found: bool | None
    recall_shown: bool | None
    citations_stand: tuple[bool, ...]
    supported: bool | None
    """The baseline never cites and is not asked."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Numbers of one system over some of the questions."""

    questions: int
    errors: int
    right: Estimate
    """Answered with a gold answer, or rightly refused; without questions that have no gold answer."""
    contained: Estimate
    """Share of answerable questions whose answer holds a gold answer."""
    refused: Estimate
    recall_found: Estimate
    recall_shown: Estimate
    """A gold source is among the sources of all passages found; of those that the model was shown."""
    refusals: Refusals
    """A kind is set against all questions of the other side."""
    evidence_auc: Estimate
    """Likewise; nothing where every question has the same evidence."""
    citations_stand: Estimate
    """Share of citations."""
    supported: Estimate
    """Share of answers whose citations carry them; an answer without any counts as not carried."""
    costs: Costs


@dataclass(frozen=True, kw_only=True)
class SystemSummary:
    """One system."""

    overall: Summary
    kinds: dict[str, Summary]


def score(outcome: Outcome) -> Score:
    """Judge one outcome; pure."""
    case, result = outcome.case, outcome.result
    refused = case.answerable if outcome.error else bool(result["refused"])
    answered = not refused and not outcome.error
    held = contained(result["answer"], case.answers) if answered and case.answers else False
    sources = [passage["source"] for passage in outcome.found]
    searched = bool(case.sources) and not outcome.error
    citations = result["citations"] if answered else []
    return Score(
        mark=_mark(outcome, refused=refused, held=held),
        refused=refused,
        contained=held if case.answerable and case.answers else None,
        recall_found=recalled(sources, case.sources) if searched else None,
        recall_shown=recalled(sources, case.sources, k=outcome.shown) if searched else None,
        citations_stand=tuple(stands(citation, outcome.found) for citation in citations),
        supported=_supported(outcome) if answered and outcome.system == "graph" else None,
    )


def _mark(outcome: Outcome, *, refused: bool, held: bool) -> Mark:
    if outcome.error:
        return "error"
    if not outcome.case.answerable:
        return "right" if refused else "wrong"
    if refused:
        return "refused"
    if not outcome.case.answers:
        return "answered"
    return "right" if held else "wrong"


def _supported(outcome: Outcome) -> bool:
    result = outcome.result
    numbers = {citation["n"] for citation in result["citations"]}
    headings = [str(outcome.found[n - 1]["heading"]) for n in sorted(numbers) if 1 <= n <= len(outcome.found)]
    cited = [str(citation["text"]) for citation in result["citations"]]
    # A heading alone carries nothing.
    basis = [*cited, *headings] if cited else []
    return supported(result["answer"], result["question"], basis, result.get("calculation", ""))


def summarise(outcomes: Sequence[Outcome], scores: Sequence[Score]) -> dict[System, SystemSummary]:
    """Numbers of each system, in the order in which systems and kinds first come up."""
    summaries: dict[System, SystemSummary] = {}
    pairs = list(zip(outcomes, scores, strict=True))
    for system in dict.fromkeys(outcome.system for outcome in outcomes):
        own = [(outcome, judged) for outcome, judged in pairs if outcome.system == system]
        kinds = {}
        for kind in dict.fromkeys(outcome.case.kind for outcome, _ in own):
            group = [pair for pair in own if pair[0].case.kind == kind]
            sides = {outcome.case.answerable for outcome, _ in group}
            others = [pair for pair in own if pair[0].case.answerable not in sides]
            kinds[kind] = _summary(group, others)
        summaries[system] = SystemSummary(overall=_summary(own, []), kinds=kinds)
    return summaries


def _summary(group: list[tuple[Outcome, Score]], others: list[tuple[Outcome, Score]]) -> Summary:
    scores = [judged for _, judged in group]
    decided = [*group, *others]
    finished = [outcome for outcome, _ in group if not outcome.error]
    return Summary(
        questions=len(group),
        errors=sum(bool(outcome.error) for outcome, _ in group),
        right=share(
            [
                judged.mark == "right"
                for outcome, judged in group
                if outcome.case.answers or not outcome.case.answerable
            ]
        ),
        contained=_share(judged.contained for judged in scores),
        refused=share([judged.refused for judged in scores]),
        recall_found=_share(judged.recall_found for judged in scores),
        recall_shown=_share(judged.recall_shown for judged in scores),
        refusals=refusals(
            [judged.refused for outcome, judged in decided if outcome.case.answerable],
            [judged.refused for outcome, judged in decided if not outcome.case.answerable],
        ),
        evidence_auc=_evidence_auc([outcome for outcome, _ in decided if not outcome.error]),
        citations_stand=share([stood for judged in scores for stood in judged.citations_stand]),
        supported=_share(judged.supported for judged in scores),
        costs=costs([outcome.result for outcome in finished], [outcome.seconds for outcome in finished]),
    )


def _share(values: Iterable[bool | None]) -> Estimate:
    return share([value for value in values if value is not None])


def _evidence_auc(outcomes: Sequence[Outcome]) -> Estimate:
    evidence = [float(outcome.result["evidence"]) for outcome in outcomes]
    if len(set(evidence)) < 2:
        return NOTHING
    sides = [outcome.case.answerable for outcome in outcomes]
    return auc(
        [value for value, positive in zip(evidence, sides, strict=True) if positive],
        [value for value, positive in zip(evidence, sides, strict=True) if not positive],
    )


def time_ratio(outcomes: Sequence[Outcome]) -> Ratio | None:
    """Wall time of the graph against the baseline, over answerable questions that the graph answered.

    A refusal is cheap and would flatter the graph. None where no baseline ran.
    """
    plain = {outcome.case.id: outcome for outcome in outcomes if outcome.system == "plain"}
    return ratio(
        [
            (outcome.seconds, plain[outcome.case.id].seconds)
            for outcome in outcomes
            if outcome.system == "graph"
            and outcome.case.answerable
            and not outcome.error
            and not outcome.result["refused"]
            and outcome.case.id in plain
            and not plain[outcome.case.id].error
        ]
    )
