"""Put the questions of a suite to the graph, and to the baseline beside it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langchain_core.messages import HumanMessage, SystemMessage

from app.errors import ServiceError
from evals.plain import answer_plainly
from evals.salted import Salted
from evals.suite import Case
from graphs.context import Context
from graphs.rag import Rag, build
from graphs.resources import Resources
from graphs.state import Question

System = Literal["graph", "plain"]

FAILURES_IN_A_ROW = 3
"""After so many a service is taken to be gone, and the run ends."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one system made of one question."""

    case: Case
    system: System
    result: dict[str, Any]
    """The answer object; empty after an error."""
    found: list[dict[str, Any]] = field(default_factory=list)
    """Passages found, in reading order."""
    shown: int = 0
    """How many of them the model was shown."""
    seconds: float
    """Wall time."""
    first_call_cached_tokens: int | None = None
    """None when no call was made."""
    error: str = ""
    """One line of the service that failed."""


async def run_suite(
    cases: Sequence[Case],
    resources: Resources,
    *,
    context: Context,
    baseline: bool = False,
    salt: bool = True,
) -> AsyncGenerator[Outcome, None]:
    """One outcome for each case and system, as they come.

    The baseline takes its turn case by case, before the graph on every other one, on the same open
    model, so that what slows the machine down slows both. A question whose service fails gives an
    outcome with an error; raises ServiceError when three in a row do.
    """
    model = Salted(resources.model)
    resources = replace(resources, model=model)
    graph = build(resources)
    await _warm_up(resources)
    failures = 0
    for position, case in enumerate(cases):
        for system in turns(position, baseline=baseline):
            model.start_run(salt_of(position, system) if salt else "")
            outcome = await _outcome(case, system, graph, resources, context, model)
            yield outcome
            failures = failures + 1 if outcome.error else 0
            if failures == FAILURES_IN_A_ROW:
                raise ServiceError(f"{failures} questions in a row failed. The last one: {outcome.error}")


def turns(position: int, *, baseline: bool) -> list[System]:
    """Who answers the case at `position`, in order."""
    if not baseline:
        return ["graph"]
    return ["plain", "graph"] if position % 2 else ["graph", "plain"]


def salt_of(position: int, system: System) -> str:
    """Six characters that no other run of the suite begins with."""
    return f"#{position:04x}{system[0]} "


async def _warm_up(resources: Resources) -> None:
    # The first search opens the index and the embedder; no question is to pay for that.
    await asyncio.to_thread(resources.corpus.search, "준비", k=1)
    await resources.model.call(
        [SystemMessage("Warm up."), HumanMessage("Reply with 1.")],
        max_tokens=1,
        timeout_s=resources.call_timeout_s,
    )


async def _outcome(
    case: Case, system: System, graph: Rag, resources: Resources, context: Context, model: Salted
) -> Outcome:
    given = None if case.passages is None else [passage.model_dump() for passage in case.passages]
    question = Question(
        question=case.question,
        history=[{"role": message.role, "content": message.content} for message in case.history],
        given=given,
    )
    state: dict[str, Any] = {}
    error = ""
    started = time.perf_counter()
    try:
        if system == "graph":
            state = await graph.ainvoke(question, context=context)
        else:
            state = await answer_plainly(question, resources)
    except ServiceError as problem:
        error = str(problem)
    return Outcome(
        case=case,
        system=system,
        result=state.get("result", {}),
        found=state.get("found", []),
        shown=state.get("shown", 0),
        seconds=time.perf_counter() - started,
        first_call_cached_tokens=model.first_call_cached_tokens,
        error=error,
    )
