"""Keeps each run's tree on this machine: events go on a queue, a thread does the rest."""

import atexit
import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from app.errors import MutdaError
from app.settings import Settings
from app.tracing.assemble import Assembler
from app.tracing.events import Event
from app.tracing.keeping import Keeping, keeping_of
from app.tracing.spans import Span
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


class Recorder:
    """One for a process; `put` is a sink of an `EventHandler`. Call `close` at the end.

    It touches no file in the caller's thread. `open_keeping` is called in the recorder's own thread at the
    first event, so that a graph can be built without settings.
    """

    def __init__(
        self,
        open_keeping: Callable[[], Keeping],
        *,
        on_span: OnSpan | None = None,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self._open_keeping = open_keeping
        self._on_span = on_span
        self._max_pending = max_pending
        self._pending: SimpleQueue[Event | threading.Event | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._said = ""
        self.dropped = 0
        """Events that found the queue full."""

    # -- the caller's thread

    def put(self, event: Event) -> None:
        """Note an event down for the thread. Waits for nothing."""
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


def local_recorder(settings: Settings, *, on_span: OnSpan | None = None) -> Recorder | None:
    """The recorder that the settings ask for; None where traces are off and nobody watches."""
    if not settings.trace and on_span is None:
        return None
    return Recorder(lambda: keeping_of(settings), on_span=on_span)
