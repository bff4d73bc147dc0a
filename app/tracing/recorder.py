"""Keeps each run's tree on this machine: events go to a thread of their own, which does the rest."""

import logging
from collections.abc import Callable, Sequence

from app.errors import MutdaError
from app.settings import Settings
from app.tracing.assemble import Assembler
from app.tracing.event_thread import GATHER_S, MAX_WAITING, EventThread
from app.tracing.events import Event
from app.tracing.keeping import Keeping, keeping_of
from app.tracing.spans import Span
from app.tracing.store import TraceStore

CLOSE_S = 2.0
_LIVE_GATHER_S = 0.02

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
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._open_keeping = open_keeping
        self._on_span = on_span
        self._thread: EventThread[Event] = EventThread(
            "mutda-traces",
            self._opened,
            at_exit=self.close,
            gather_s=_LIVE_GATHER_S if on_span else GATHER_S,
            max_waiting=max_waiting,
        )
        self._told_lost = False

    @property
    def dropped(self) -> int:
        """Events that found the queue full."""
        return self._thread.refused

    def put(self, event: Event) -> None:
        """Note an event down for the thread. Waits for nothing."""
        self._thread.put(event)

    def flush(self, timeout_s: float = CLOSE_S) -> bool:
        """Wait until what was told so far is written; False when that took too long. Blocks its thread."""
        return self._thread.flush(timeout_s)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Write what is left, for at most `timeout_s`, and stop. Blocks its thread."""
        finished = self._thread.close(timeout_s)
        lost = self.dropped + (0 if finished else self._thread.waiting)
        if lost and not self._told_lost:
            self._told_lost = True
            _log.warning("%d events of traces were not kept: there was no time to write them", lost)

    def _opened(self) -> "_Writer | None":
        try:
            keeping = self._open_keeping()
        except MutdaError as error:
            _log.warning("Traces are not kept. %s", error)
            return None
        store = None
        try:
            store = keeping.open_store() if keeping.open_store else None
        except MutdaError as error:
            _log.warning("Traces are not kept. %s", error)
        if store is None and self._on_span is None:
            return None
        return _Writer(Assembler(keeping.mask, earlier=store.header if store else None), store, self._on_span)


class _Writer:
    """Turns events into spans, shows and writes them. Lives in one thread."""

    def __init__(self, assembler: Assembler, store: TraceStore | None, on_span: OnSpan | None) -> None:
        self._assembler = assembler
        self._store = store
        self._on_span = on_span
        self._said = ""

    def take(self, events: Sequence[Event]) -> None:
        try:
            for event in events:
                if (ended := self._assembler.feed(event)) and self._on_span:
                    self._on_span(ended)
            headers, spans = self._assembler.take()
            if self._store and spans:
                self._store.write(headers, spans)
        except MutdaError as error:
            self._say_once(f"A trace was not kept. {error}")
        except Exception:
            # A trace is never worth an answer; but a bug must be seen.
            _log.exception("A trace was not kept.")

    def finish(self) -> None:
        if self._store:
            self._store.close()

    def close(self) -> None:
        return None

    def _say_once(self, line: str) -> None:
        if line != self._said:
            self._said = line
            _log.warning("%s", line)


def local_recorder(settings: Settings, *, on_span: OnSpan | None = None) -> Recorder | None:
    """The recorder that the settings ask for; None where traces are off and nobody watches."""
    if not settings.trace and on_span is None:
        return None
    return Recorder(lambda: keeping_of(settings), on_span=on_span)
