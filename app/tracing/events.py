"""What LangChain tells of a run, noted down once and handed on: all that tracing does on an answer's path."""
# ruff: noqa: ARG002 - the signatures are LangChain's

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from app.tracing.identity import TraceIdentity

MAX_UNSPOKEN = 1000
"""Model calls under way whose first token is waited for; the oldest are forgotten."""

MAX_JOINING = 1000
"""Resumed runs whose first step is waited for; the oldest are told of as they are."""

Kind = Literal["run", "step", "route", "chain", "model", "tool", "retriever"]
"""A run of the graph, a node of it, the decision where a node leads, a model call, anything else."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Began:
    """Something began; `given` is what it was given, as LangChain handed it over."""

    at_ns: int
    run_id: UUID
    parent_id: UUID | None
    kind: Kind
    name: str
    """Empty where it has none of its own; then its component's counts."""
    given: Any
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of a model call."""
    component: Mapping[str, Any] = field(default_factory=dict)
    """What LangChain says of its type: "name", and "id" with the class at the end."""
    trace_id: str = ""
    """Of what has no parent."""
    resumed: bool = False


@dataclass(slots=True, kw_only=True)
class FirstToken:
    """The first piece of a model's answer arrived."""

    at_ns: int
    run_id: UUID


@dataclass(slots=True, kw_only=True)
class Ended:
    """Something ended, with `got` or with an error; a model call that failed may have got a part."""

    at_ns: int
    run_id: UUID
    got: Any = None
    error: BaseException | None = None


Event = Began | FirstToken | Ended

Sink = Callable[[Event], None]
"""Takes an event in the caller's thread, the event loop's own included: it must not wait, mask or send."""


class EventHandler(BaseCallbackHandler):
    """Attached once, to the whole graph: tells each event to every sink, and never raises or waits.

    It alone tells `identity` of runs, so that all sinks know them by one id.
    """

    # Called straight in the event loop: a hop to a thread for each token would cost more than the work.
    run_inline = True
    raise_error = False

    def __init__(self, identity: TraceIdentity, sinks: Sequence[Sink]) -> None:
        self._identity = identity
        self._sinks = tuple(sinks)
        self._unspoken: dict[UUID, None] = {}
        self._joining: dict[UUID, Began] = {}

    @property
    def ignore_retry(self) -> bool:
        """A retried call ends with its last try."""
        return True

    # -- what LangChain tells; `told` holds what it says of every beginning: parent, name, tags, metadata

    def on_chain_start(
        self, serialized: dict[str, Any] | None, inputs: Any, *, run_id: UUID, **told: Any
    ) -> None:
        """A run of the graph, one of its nodes, a decision between them, or another runnable begins."""
        self._began(_kind_of_chain(told), run_id, serialized, inputs, told)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **told: Any) -> None:
        """It is done."""
        self._ended(run_id, outputs)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        """It failed, was cancelled, or waits for a person."""
        if is_interrupt(error):
            self._identity.interrupted(run_id)
        self._ended(run_id, None, error)

    def on_chat_model_start(
        self, serialized: dict[str, Any] | None, messages: list[list[Any]], *, run_id: UUID, **told: Any
    ) -> None:
        """A call of a chat model begins."""
        self._call_began(run_id, serialized, messages[0] if messages else [], told)

    def on_llm_start(
        self, serialized: dict[str, Any] | None, prompts: list[str], *, run_id: UUID, **told: Any
    ) -> None:
        """A call of a model that completes text begins."""
        self._call_began(run_id, serialized, prompts, told)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **told: Any) -> None:
        """A piece of an answer; only the first one tells something."""
        if run_id in self._unspoken:
            self._unspoken.pop(run_id, None)
            self._tell(FirstToken(at_ns=time.time_ns(), run_id=run_id))

    def on_llm_end(self, response: Any, *, run_id: UUID, **told: Any) -> None:
        """It is done."""
        self._unspoken.pop(run_id, None)
        self._ended(run_id, response)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        """It failed, or its stream was closed early; what had come until then is told too."""
        self._unspoken.pop(run_id, None)
        self._ended(run_id, told.get("response"), error)

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        inputs: dict[str, Any] | None = None,
        **told: Any,
    ) -> None:
        """A call of a tool begins."""
        self._began("tool", run_id, serialized, input_str if inputs is None else inputs, told)

    def on_tool_end(self, output: Any, *, run_id: UUID, **told: Any) -> None:
        """It is done."""
        self._ended(run_id, output)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        """It failed or was cancelled."""
        self._ended(run_id, None, error)

    def on_retriever_start(
        self, serialized: dict[str, Any] | None, query: str, *, run_id: UUID, **told: Any
    ) -> None:
        """A search by a retriever of LangChain's begins."""
        self._began("retriever", run_id, serialized, query, told)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **told: Any) -> None:
        """It is done."""
        self._ended(run_id, documents)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        """It failed or was cancelled."""
        self._ended(run_id, None, error)

    # -- what the sinks are told

    def _call_began(
        self, run_id: UUID, serialized: Mapping[str, Any] | None, given: Any, told: Mapping[str, Any]
    ) -> None:
        self._unspoken[run_id] = None
        while len(self._unspoken) > MAX_UNSPOKEN:
            self._unspoken.pop(next(iter(self._unspoken)), None)
        self._began("model", run_id, serialized, given, told)

    def _began(
        self,
        kind: Kind,
        run_id: UUID,
        serialized: Mapping[str, Any] | None,
        given: Any,
        told: Mapping[str, Any],
    ) -> None:
        metadata = told.get("metadata") or {}
        parent_id = told.get("parent_run_id")
        trace_id, resumed = "", False
        if parent_id is not None:
            self._join(parent_id, given)
            self._identity.child(run_id, parent_id)
        else:
            resumed = kind == "run" and is_resume(given)
            # A lone call inside a thread says nothing of what waits there.
            thread_id = metadata.get("thread_id") if kind == "run" else None
            trace_id = self._identity.begin(
                run_id, thread_id=None if thread_id is None else str(thread_id), resumed=resumed
            )
        began = Began(
            at_ns=time.time_ns(), run_id=run_id, parent_id=parent_id, kind=kind,
            name=told.get("name") or "", given=given, tags=tuple(told.get("tags") or ()),
            metadata=metadata, options=told.get("invocation_params") or {}, component=serialized or {},
            trace_id=trace_id, resumed=resumed,
        )  # fmt: skip
        if resumed and trace_id == run_id.hex:
            # Interrupted in another process: the state, which its first step is given, names the trace.
            self._joining[run_id] = began
            while len(self._joining) > MAX_JOINING:
                self._join(next(iter(self._joining)), None)
        else:
            self._tell(began)

    def _join(self, run_id: UUID, given: Any) -> None:
        if began := self._joining.pop(run_id, None):
            if trace_id := _trace_of_state(given):
                self._identity.adopt(run_id, trace_id)
                began.trace_id = trace_id
            self._tell(began)

    def _ended(self, run_id: UUID, got: Any, error: BaseException | None = None) -> None:
        self._join(run_id, None)
        self._identity.ended(run_id)
        self._tell(Ended(at_ns=time.time_ns(), run_id=run_id, got=got, error=error))

    def _tell(self, event: Event) -> None:
        for sink in self._sinks:
            try:
                sink(event)
            except Exception as error:  # of one sink; the others are told all the same
                _log.warning("An event was not traced: %r", error)


def _trace_of_state(state: Any) -> str:
    """The trace that the state of the project's graph names: 32 hex digits, or nothing."""
    kept = state.get("trace_id") if isinstance(state, Mapping) else getattr(state, "trace_id", None)
    return kept if isinstance(kept, str) and re.fullmatch(r"[0-9a-f]{32}", kept) else ""


def is_resume(given: Any) -> bool:
    """Whether a run of a graph goes on with an interrupted one."""
    return given is None or getattr(given, "resume", None) is not None


def is_interrupt(error: BaseException) -> bool:
    """Whether this is LangGraph's way of waiting for a person, and no error."""
    # By name: LangGraph itself is not needed here.
    return any(kind.__name__ == "GraphInterrupt" for kind in type(error).__mro__)


def is_cancelled(error: BaseException) -> bool:
    """Whether it was cut off from outside: by a person, a limit, or the end of the one who listened."""
    return isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit)


def _kind_of_chain(told: Mapping[str, Any]) -> Kind:
    if told.get("parent_run_id") is None:
        return "run"
    tags: Sequence[str] = told.get("tags") or ()
    if any(tag.startswith("graph:step:") for tag in tags):
        return "step"
    if "langsmith:hidden" in tags or told.get("name") == "route":
        return "route"
    # A decision that is a lambda has no name; other runnables inside a node have that of their type.
    inside = "langgraph_node" in (told.get("metadata") or {})
    return "route" if inside and not told.get("name") else "chain"
