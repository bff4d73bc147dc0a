"""LangChain's events, noted down and handed to another thread: all that tracing does on an answer's path."""
# ruff: noqa: ARG002 - the signatures are LangChain's

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from app.tracing.identity import TraceIdentity

Kind = Literal["run", "step", "route", "chain", "model", "tool", "retriever"]


@dataclass(slots=True, kw_only=True)
class Began:
    """Something began; `given` is what it was given, as LangChain handed it over."""

    at_ns: int
    run_id: UUID
    parent_id: UUID | None
    kind: Kind
    name: str
    given: Any
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of a model call."""
    trace_id: str = ""
    """Of a run alone."""
    resumed: bool = False


@dataclass(slots=True, kw_only=True)
class FirstToken:
    """The first piece of a model's answer arrived."""

    at_ns: int
    run_id: UUID


@dataclass(slots=True, kw_only=True)
class Ended:
    """Something ended, with `got` or with an error."""

    at_ns: int
    run_id: UUID
    got: Any = None
    error: BaseException | None = None


Event = Began | FirstToken | Ended


class EventHandler(BaseCallbackHandler):
    """Attached once, at the graph. Calls `put` for each event and never waits.

    It runs in the caller's thread, the event loop's own included: nothing here blocks, masks or sends.
    """

    run_inline = True

    def __init__(self, put: Callable[[Event], None], identity: TraceIdentity) -> None:
        self._put = put
        self._identity = identity
        self._unspoken: dict[UUID, None] = {}

    @property
    def ignore_retry(self) -> bool:
        """A retried call ends with its last try."""
        return True

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A run of the graph, one of its nodes, or a decision between them."""
        name = kwargs.get("name") or ""
        if parent_run_id is None:
            self._root("run", run_id, name, inputs, tags, metadata)
            return
        if any(tag.startswith("graph:step:") for tag in tags or ()):
            kind: Kind = "step"
        elif name == "route" or "langsmith:hidden" in (tags or ()):
            kind = "route"
        else:
            kind = "chain"
        self._began(kind, run_id, parent_run_id, name, inputs, tags, metadata)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A call of a chat model."""
        options = kwargs.get("invocation_params") or {}
        name = kwargs.get("name") or _class_name(serialized)
        given = messages[0] if messages else []
        self._unspoken[run_id] = None
        while len(self._unspoken) > 1000:
            self._unspoken.pop(next(iter(self._unspoken)), None)
        self._began("model", run_id, parent_run_id, name, given, tags, metadata, options)

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A call of a model that completes text."""
        options = kwargs.get("invocation_params") or {}
        name = kwargs.get("name") or _class_name(serialized)
        self._began("model", run_id, parent_run_id, name, prompts, tags, metadata, options)

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A call of a tool."""
        name = kwargs.get("name") or (serialized or {}).get("name") or "tool"
        given = inputs if inputs is not None else input_str
        self._began("tool", run_id, parent_run_id, str(name), given, tags, metadata)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A search by a retriever of LangChain's."""
        name = kwargs.get("name") or _class_name(serialized)
        self._began("retriever", run_id, parent_run_id, name, query, tags, metadata)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A piece of an answer; only the first one tells something."""
        if run_id in self._unspoken:
            self._unspoken.pop(run_id, None)
            self._put(FirstToken(at_ns=time.time_ns(), run_id=run_id))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """It is done."""
        self._ended(run_id, outputs)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """It is done."""
        self._unspoken.pop(run_id, None)
        self._ended(run_id, response)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """It is done."""
        self._ended(run_id, output)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """It is done."""
        self._ended(run_id, documents)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed, was cancelled, or waits for a person."""
        if is_interrupt(error):
            self._identity.interrupted(run_id)
        self._ended(run_id, None, error)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed or was cancelled."""
        self._unspoken.pop(run_id, None)
        self._ended(run_id, None, error)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed or was cancelled."""
        self._ended(run_id, None, error)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed or was cancelled."""
        self._ended(run_id, None, error)

    def _root(
        self,
        kind: Kind,
        run_id: UUID,
        name: str,
        given: Any,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any] | None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        thread_id = (metadata or {}).get("thread_id")
        resumed = is_resume(given)
        trace_id = self._identity.begin(
            run_id, thread_id=None if thread_id is None else str(thread_id), resumed=resumed
        )
        self._put(
            Began(
                at_ns=time.time_ns(), run_id=run_id, parent_id=None, kind=kind, name=name, given=given,
                tags=tuple(tags or ()), metadata=metadata or {}, options=options or {}, trace_id=trace_id,
                resumed=resumed,
            )
        )  # fmt: skip

    def _began(
        self,
        kind: Kind,
        run_id: UUID,
        parent_id: UUID | None,
        name: str,
        given: Any,
        tags: Sequence[str] | None,
        metadata: Mapping[str, Any] | None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if parent_id is None:
            self._root(kind, run_id, name, given, tags, metadata, options)
            return
        self._identity.child(run_id, parent_id)
        self._put(
            Began(
                at_ns=time.time_ns(), run_id=run_id, parent_id=parent_id, kind=kind, name=name, given=given,
                tags=tuple(tags or ()), metadata=metadata or {}, options=options or {},
            )
        )  # fmt: skip

    def _ended(self, run_id: UUID, got: Any, error: BaseException | None = None) -> None:
        self._put(Ended(at_ns=time.time_ns(), run_id=run_id, got=got, error=error))
        self._identity.ended(run_id)


def is_resume(given: Any) -> bool:
    """Whether a run of a graph goes on with an interrupted one."""
    return getattr(given, "resume", None) is not None or given is None


def is_interrupt(error: BaseException) -> bool:
    """Whether this is LangGraph's way of pausing, and no error."""
    return any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__)


def _class_name(serialized: Mapping[str, Any] | None) -> str:
    path = (serialized or {}).get("id") or ["model"]
    return str(path[-1])
