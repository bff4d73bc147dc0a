"""The graph: wiring only."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_config
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from app.errors import MutdaError
from graphs import routes
from graphs.context import Context
from graphs.nodes.calculate import calculate
from graphs.nodes.finish import finish
from graphs.nodes.generate import generate
from graphs.nodes.grade import grade
from graphs.nodes.next_part import next_part
from graphs.nodes.prepare import prepare
from graphs.nodes.quote import quote
from graphs.nodes.refuse import refuse
from graphs.nodes.retrieve import retrieve
from graphs.nodes.rewrite import rewrite
from graphs.nodes.self_check import self_check
from graphs.nodes.web_search import web_search
from graphs.nodes.widen import widen
from graphs.resources import Resources
from graphs.run import BudgetEnd, Run
from graphs.state import Question, State

Provide = Callable[[], Awaitable[Resources]]
"""Gives the same resources at each call; opens them at the first."""
Node = Callable[[State, Run], Awaitable[dict[str, Any]]]
Route = Callable[[State, Context], str]
Tell = Callable[[MutdaError], Exception]
"""Turns an error for a person into one that reaches them from where the graph runs."""
TraceOf = Callable[[UUID], str | None]
"""The trace that a run belongs to, where one is kept (`app.tracing.identity`)."""
Rag = CompiledStateGraph[State, Context, Question, State]

# Every node is bounded by its calls; this only ends a loop that the counters failed to end.
RECURSION_LIMIT = 60


def build(
    resources: Resources | Provide,
    *,
    checkpointer: BaseCheckpointSaver[str] | None = None,
    told: Tell | None = None,
    callbacks: Sequence[BaseCallbackHandler] = (),
    trace_of: TraceOf | None = None,
) -> Rag:
    """Compile the graph over `resources`. Give no checkpointer where a server brings its own.

    With a function that opens them later, the graph can be drawn before a model is loaded. `callbacks`
    are told of every run; `trace_of` gives the answer the id that they know its trace by.
    """
    provide = _given(resources) if isinstance(resources, Resources) else resources
    graph = StateGraph(State, context_schema=Context, input_schema=Question)
    for node in (
        prepare, retrieve, grade, widen, rewrite, web_search,
        calculate, generate, self_check, quote, next_part, refuse, finish,
    ):  # fmt: skip
        step = _step(node, provide, trace_of)
        graph.add_node(node.__name__, _telling(step, told) if told else step)

    def routed(decide: Route) -> Callable[[State], Awaitable[str]]:
        # A person who edits the state between two steps is routed too, and then there is no run to ask.
        async def route(state: State) -> str:
            return decide(state, Context(**state.knobs))

        # The graph is drawn from the names that the decision may return.
        route.__annotations__["return"] = decide.__annotations__["return"]
        return route

    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "retrieve")
    graph.add_conditional_edges("retrieve", routed(routes.after_retrieve))
    graph.add_conditional_edges("grade", routed(routes.after_grade))
    graph.add_edge("widen", "grade")
    graph.add_conditional_edges("rewrite", routed(routes.after_rewrite))
    graph.add_conditional_edges("web_search", routed(routes.after_web_search))
    graph.add_conditional_edges("calculate", routed(routes.after_calculate))
    graph.add_conditional_edges("generate", routed(routes.after_generate))
    graph.add_conditional_edges("self_check", routed(routes.after_self_check))
    graph.add_conditional_edges("quote", routed(routes.after_quote))
    graph.add_conditional_edges("next_part", routed(routes.after_next_part))
    graph.add_edge("refuse", "finish")
    graph.add_edge("finish", END)
    config = RunnableConfig(recursion_limit=RECURSION_LIMIT)
    if callbacks:
        config["callbacks"] = list(callbacks)
    return graph.compile(checkpointer=checkpointer, name="rag").with_config(config)


def _given(resources: Resources) -> Provide:
    async def provide() -> Resources:
        return resources

    return provide


def _step(node: Node, provide: Provide, trace_of: TraceOf | None) -> Any:
    async def step(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        resources = await provide()
        context = _knobs(runtime, resources)
        if context.web_search == "off":
            # The route to a search may be older than the decision against it.
            resources = replace(resources, search=None)
        run = Run(
            state=state,
            resources=resources,
            context=context,
            started=resources.monotonic(),
            trace_id=_trace_id(trace_of),
        )
        try:
            update = await node(state, run)
        except BudgetEnd as end:
            update = {"ended": str(end)}
        route = [*update.get("route", state.route), node.__name__]
        if run.notices:
            update = update | {"notices": [*update.get("notices", state.notices), *run.notices]}
        if run.decisions:
            update = update | {"decisions": [*state.decisions, *map(asdict, run.decisions)]}
        return update | run.spent() | {"route": route, "knobs": context.model_dump()}

    return step


def _trace_id(trace_of: TraceOf | None) -> str:
    run_id = getattr(get_config().get("callbacks"), "parent_run_id", None) if trace_of else None
    return (trace_of(run_id) if trace_of and run_id else None) or ""


def _telling(step: Any, told: Tell) -> Any:
    async def telling(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        try:
            update: dict[str, Any] = await step(state, runtime)
        except MutdaError as error:
            raise told(error) from error
        return update

    return telling


def _knobs(runtime: Runtime[Context], resources: Resources) -> Context:
    context = runtime.context or Context()
    if context.web_search is None:
        return context.model_copy(update={"web_search": resources.web_search})
    return context
