"""Put the questions of a suite to the graph, and to baselines beside it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig

from app.errors import ServiceError
from evals.salted import Salted
from evals.suite import Case
from evals.systems import baseline
from evals.traced import Traced, watched
from graphs.context import Context
from graphs.rag import build
from graphs.resources import Resources
from graphs.state import Question

System = str
"""The graph, or the name of a baseline."""
GRAPH: System = "graph"

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
    trace_url: str = ""
    """Where Langfuse shows how it was answered."""


Answering = Callable[[Question, Resources, RunnableConfig], Awaitable[dict[str, Any]]]


async def run_suite(
    cases: Sequence[Case],
    resources: Resources,
    *,
    context: Context,
    baselines: Sequence[System] = (),
    salt: bool = True,
    done: Collection[tuple[str, System]] = (),
    traced: Traced | None = None,
) -> AsyncGenerator[Outcome, None]:
    """One outcome for each case and system, as they come; without those of `done`, (case id, system).

    `traced` watches each of them, in a trace of its own.

    Baselines take their turns case by case, another system first each time, on the same open model, so
    that what slows the machine down slows all. A question whose service fails gives an outcome with an
    error; raises ServiceError when three in a row do, and MutdaError for an unknown baseline.
    """
    systems = (GRAPH, *baselines)
    model = Salted(resources.model)
    resources = replace(resources, model=model)
    callbacks = traced.callbacks if traced else []
    graph = build(
        resources, callbacks=callbacks, trace_of=traced.tracing.identity.of if traced and callbacks else None
    )

    async def by_graph(question: Question, _: Resources, config: RunnableConfig) -> dict[str, Any]:
        state: dict[str, Any] = await graph.ainvoke(question, config, context=context)
        return state

    def by_baseline(name: System) -> Answering:
        answer = baseline(name)

        async def plainly(question: Question, opened: Resources, _: RunnableConfig) -> dict[str, Any]:
            return await answer(question, opened)

        return watched(name, answer, callbacks) if callbacks else plainly

    answering = {GRAPH: by_graph} | {name: by_baseline(name) for name in baselines}
    await _warm_up(resources)
    failures = 0
    for position, case in enumerate(cases):
        for system in turns(position, systems):
            if (case.id, system) in done:
                continue
            model.start_run(salt_of(position, systems.index(system)) if salt else "")
            config = traced.config(case, system) if traced and callbacks else RunnableConfig()
            outcome = await _outcome(case, system, answering[system], resources, model, config)
            yield outcome
            failures = failures + 1 if outcome.error else 0
            if failures == FAILURES_IN_A_ROW:
                raise ServiceError(f"{failures} questions in a row failed. The last one: {outcome.error}")


def turns(position: int, systems: Sequence[System]) -> list[System]:
    """Who answers the case at `position`, in order: each begins equally often."""
    first = position % len(systems)
    return [*systems[first:], *systems[:first]]


def salt_of(position: int, system: int) -> str:
    """Seven characters that no other run of the suite begins with; `system` is its place among them."""
    return f"#{position:04x}{system:x} "


async def _warm_up(resources: Resources) -> None:
    # What a run opens once, index, embedder, reader and model: no question is to pay for that.
    await asyncio.to_thread(resources.corpus.search, "준비", k=1)
    if resources.reader:
        await asyncio.to_thread(resources.reader.odds, "준비", ["준비"])
    await resources.model.call(
        [SystemMessage("Warm up."), HumanMessage("Reply with 1.")],
        max_tokens=1,
        timeout_s=resources.call_timeout_s,
    )


async def _outcome(
    case: Case,
    system: System,
    answer: Answering,
    resources: Resources,
    model: Salted,
    config: RunnableConfig,
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
        state = await answer(question, resources, config)
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
