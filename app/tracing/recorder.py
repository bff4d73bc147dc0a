"""The callback handler that keeps each run's tree: it puts events on a queue, a thread does the rest."""
# ruff: noqa: ARG002 - the signatures are LangChain's

import asyncio
import atexit
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult

from app.errors import MutdaError
from app.settings import Settings
from app.tracing.assemble import Assembler, End, Event, FirstToken, Mask, Start
from app.tracing.identity import TraceIdentity
from app.tracing.spans import Kind, Span, Status
from app.tracing.store import TraceStore

MAX_PENDING = 20_000
"""Events that wait to be written; a question makes about fifty. More than that are dropped and counted."""
CLOSE_S = 2.0
_GATHER_S = 0.1
"""How long the thread waits for more after a first event: one write then holds many."""
_LIVE_GATHER_S = 0.02
_MAX_BATCH = 2000

_log = logging.getLogger(__name__)

OnSpan = Callable[[Span], None]
"""Called in the recorder's thread with each span that ended, masked."""


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Where traces go, and what must not."""

    mask: Mask
    open_store: Callable[[], TraceStore] | None
    """None keeps nothing on disk."""


class Recorder(BaseCallbackHandler):
    """Attach it once, to the whole graph: `graph.with_config(callbacks=[recorder])`.

    It never raises into a run, never waits, and touches no file in the caller's thread. `open_keeping` is
    called in the recorder's own thread at the first event, so that a graph can be built without settings.
    """

    # Called straight in the event loop: a hop to a thread for each token would cost more than the work.
    run_inline = True
    raise_error = False

    def __init__(
        self,
        open_keeping: Callable[[], Keeping],
        identity: TraceIdentity,
        *,
        on_span: OnSpan | None = None,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self._open_keeping = open_keeping
        self._identity = identity
        self._on_span = on_span
        self._max_pending = max_pending
        self._pending: SimpleQueue[Event | threading.Event | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._said = ""
        self._writing: set[UUID] = set()
        self.dropped = 0
        """Events that found the queue full."""

    # -- what LangChain tells

    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A run, a node, a conditional edge or another runnable begins."""
        metadata, tags = metadata or {}, tags or []
        name = kwargs.get("name") or (serialized or {}).get("name") or "chain"
        if parent_run_id is None:
            resumed = inputs is None or getattr(inputs, "resume", None) is not None
            thread = metadata.get("thread_id")
            trace_id = self._identity.begin(
                run_id, thread_id=None if thread is None else str(thread), resumed=resumed
            )
            self._put(
                Start(
                    at_s=time.time(),
                    run_id=run_id,
                    parent_id=None,
                    kind="run",
                    name=name,
                    metadata=metadata,
                    given=inputs,
                    trace_id=trace_id,
                    resumed=resumed,
                )
            )
            return
        inside = "langgraph_node" in metadata
        is_step = inside and any(tag.startswith("graph:step:") for tag in tags)
        is_route = inside and not is_step and any(tag.startswith("seq:step:") for tag in tags)
        if not is_route:
            self._identity.child(run_id, parent_run_id)
        self._put(
            Start(
                at_s=time.time(),
                run_id=run_id,
                parent_id=parent_run_id,
                kind="step" if is_step else "chain",
                name=name,
                metadata=metadata,
                is_route=is_route,
            )
        )

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """It ended."""
        self._ended(run_id, got=outputs)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed, was cancelled, or waits for a person."""
        self._failed(run_id, error)

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A model call begins. One that belongs to no run is nobody's question."""
        options = kwargs.get("invocation_params") or {}
        name = kwargs.get("name") or (serialized or {}).get("name") or "model"
        self._child("model", name, run_id, parent_run_id, metadata, list(messages[0]), options)
        if parent_run_id is not None:
            self._writing.add(run_id)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """The first one alone is of interest."""
        if run_id in self._writing:
            self._writing.discard(run_id)
            self._put(FirstToken(at_s=time.time(), run_id=run_id))

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A model call ended."""
        self._writing.discard(run_id)
        self._ended(run_id, got=response)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed, or its stream was closed early; what had come until then is kept."""
        self._writing.discard(run_id)
        self._failed(run_id, error, got=kwargs.get("response"))

    def on_tool_start(
        self,
        serialized: Any,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A tool begins."""
        name = kwargs.get("name") or (serialized or {}).get("name") or "tool"
        self._child("tool", name, run_id, parent_run_id, metadata, inputs or input_str)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """It ended."""
        self._ended(run_id, got=output)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed."""
        self._failed(run_id, error)

    def on_retriever_start(
        self,
        serialized: Any,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A search by one of LangChain's retrievers begins."""
        name = kwargs.get("name") or (serialized or {}).get("name") or "search"
        self._child("search", name, run_id, parent_run_id, metadata, query)

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **kwargs: Any) -> None:
        """It ended."""
        self._ended(run_id, got=[{"text": d.page_content, **d.metadata} for d in documents])

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """It failed."""
        self._failed(run_id, error)

    def _child(
        self,
        kind: Kind,
        name: str,
        run_id: UUID,
        parent_id: UUID | None,
        metadata: dict[str, Any] | None,
        given: Any,
        options: dict[str, Any] | None = None,
    ) -> None:
        if parent_id is None:
            return
        self._identity.child(run_id, parent_id)
        self._put(
            Start(
                at_s=time.time(),
                run_id=run_id,
                parent_id=parent_id,
                kind=kind,
                name=name,
                metadata=metadata or {},
                given=given,
                options=options or {},
            )
        )

    def _ended(self, run_id: UUID, *, got: Any) -> None:
        self._put(End(at_s=time.time(), run_id=run_id, got=got))
        self._identity.ended(run_id)

    def _failed(self, run_id: UUID, error: BaseException, *, got: Any = None) -> None:
        status: Status = "error"
        interrupt, text = None, ""
        if type(error).__name__ == "GraphInterrupt":  # LangGraph itself is not needed here
            status, interrupt = "interrupted", _interrupt_of(error)
            self._identity.interrupted(run_id)
        elif isinstance(error, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt):
            status = "cancelled"
        else:
            text = f"{type(error).__name__}: {error}"
        self._put(
            End(at_s=time.time(), run_id=run_id, got=got, status=status, error=text, interrupt=interrupt)
        )
        self._identity.ended(run_id)

    # -- the queue

    def _put(self, event: Event) -> None:
        if self._closed:
            return
        if self._pending.qsize() >= self._max_pending:
            self.dropped += 1
            return
        self._pending.put(event)
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="mutda-traces", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def flush(self, timeout_s: float = CLOSE_S) -> bool:
        """Wait until what was told so far is written; False when that took too long. Blocks its thread."""
        if self._thread is None or self._closed:
            return True
        written = threading.Event()
        self._pending.put(written)
        self._hurry.set()
        return written.wait(timeout_s)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Write what is left, for at most `timeout_s`, and stop. Blocks its thread."""
        with self._starting:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self.close)
        if self._thread is None:
            return
        self._pending.put(None)
        self._hurry.set()
        self._thread.join(timeout_s)
        lost = self.dropped + (self._pending.qsize() if self._thread.is_alive() else 0)
        if lost:
            _log.warning("%d events of traces were not kept: there was no time to write them", lost)

    # -- the thread

    def _work(self) -> None:
        try:
            keeping = self._open_keeping()
        except MutdaError as error:
            _log.warning("Traces are not kept. %s", error)
            return self._discard()
        store = self._opened(keeping)
        if store is None and self._on_span is None:
            return self._discard()
        assembler = Assembler(keeping.mask, earlier=store.header if store else None)
        gather_s = _LIVE_GATHER_S if self._on_span else _GATHER_S
        try:
            more = True
            while more:
                batch = [self._pending.get()]
                self._hurry.wait(gather_s)
                self._hurry.clear()
                more = self._handle(batch + self._waiting(_MAX_BATCH), assembler, store)
        finally:
            if store:
                store.close()

    def _opened(self, keeping: Keeping) -> TraceStore | None:
        try:
            return keeping.open_store() if keeping.open_store else None
        except MutdaError as error:
            _log.warning("Traces are not kept. %s", error)
            return None

    def _handle(
        self, batch: list[Event | threading.Event | None], assembler: Assembler, store: TraceStore | None
    ) -> bool:
        """Write a batch; False when it held the sign to stop."""
        marks = [item for item in batch if isinstance(item, threading.Event)]
        try:
            for item in batch:
                if item is None or isinstance(item, threading.Event):
                    continue
                if (ended := assembler.feed(item)) and self._on_span:
                    self._on_span(ended)
            headers, spans = assembler.take()
            if store and spans:
                store.write(headers, spans)
        except MutdaError as error:
            self._say_once(f"A trace was not kept. {error}")
        except Exception:
            # A trace is never worth an answer; but a bug must be seen.
            _log.exception("A trace was not kept.")
        for mark in marks:
            mark.set()
        return None not in batch

    def _say_once(self, line: str) -> None:
        if line != self._said:
            self._said = line
            _log.warning("%s", line)

    def _waiting(self, limit: int) -> list[Event | threading.Event | None]:
        items: list[Event | threading.Event | None] = []
        while len(items) < limit:
            try:
                items.append(self._pending.get_nowait())
            except Empty:
                break
        return items

    def _discard(self) -> None:
        """Nothing is kept: take nothing in from now on."""
        self._closed = True
        for item in self._waiting(self._max_pending * 2):
            if isinstance(item, threading.Event):
                item.set()


def _interrupt_of(error: BaseException) -> Any:
    try:
        return error.args[0][0].value
    except (AttributeError, IndexError, TypeError):
        return None


def local_recorder(
    settings: Settings, identity: TraceIdentity, *, on_span: OnSpan | None = None
) -> Recorder | None:
    """The recorder that the settings ask for; None where traces are off and nobody watches."""
    if not settings.trace and on_span is None:
        return None
    return Recorder(lambda: keeping_of(settings), identity, on_span=on_span)


def keeping_of(settings: Settings) -> Keeping:
    """Where traces go by these settings. Raises SettingsError for a wrong pattern."""
    from app.tracing.masking import Masking

    folder = settings.data_dir / "traces"

    def open_store() -> TraceStore:
        return TraceStore.open(
            folder, max_bytes=int(settings.trace_max_mb * 1024 * 1024), max_days=settings.trace_max_days
        )

    return Keeping(mask=Masking(settings.mask_patterns), open_store=open_store if settings.trace else None)


def recall_from(settings: Settings) -> Callable[[str], str | None]:
    """For `TraceIdentity`: the kept trace of a thread whose run waits for a person, also after a restart.

    It reads the store, about a millisecond, and is asked only when a thread is resumed that this process
    did not interrupt.
    """

    def recall(thread_id: str) -> str | None:
        try:
            if keeping_of(settings).mask.text(thread_id) != thread_id:
                return None  # two addresses have one mask: it could be another person's thread
            store = TraceStore.open_to_read(settings.data_dir / "traces")
            try:
                return store.interrupted(thread_id)
            finally:
                store.close()
        except MutdaError:
            return None

    return recall
