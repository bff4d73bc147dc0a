"""Langfuse: each run's tree and scores, sent from a thread of its own when all three variables are set.

A question's own path only notes events down. Masking, making spans and sending is done by a thread that
nothing waits for: a server that hangs, fails or refuses the keys costs an answer nothing, and the end of
the process at most the time that `close` is given.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.settings import Settings
from app.tracing.event_thread import MAX_WAITING, EventThread
from app.tracing.events import Began, Ended, Event, FirstToken
from app.tracing.langfuse_client import Access, Sender
from app.tracing.langfuse_spans import Drawing, Marks, is_sampled, span_id
from app.tracing.masking import Masking
from app.tracing.price import price_of

MAX_OPEN = 5_000
"""Spans under way; one whose end is never told must not be kept for ever."""
EXIT_TIMEOUT_S = 2.0
"""What the end of a process waits for at most."""

SCORES = ("evidence", "grounded")

_log = logging.getLogger(__name__)


def langfuse_tracing(settings: Settings, masking: Masking) -> "LangfuseTracing | None":
    """Tracing for a graph, or None unless the three LANGFUSE_ variables are set."""
    if not is_set(settings):
        return None
    return LangfuseTracing(lambda: (settings, masking))


def is_set(settings: Settings) -> bool:
    """Whether traces are to be sent."""
    return bool(
        settings.langfuse_public_key
        and settings.langfuse_secret_key.get_secret_value()
        and settings.langfuse_base_url
    )


@dataclass(frozen=True, kw_only=True)
class _Score:
    trace_id: str
    name: str
    value: float | bool | str
    comment: str | None = None


class LangfuseTracing:
    """One for a process; `put` is a sink of an `EventHandler`. Call `close` at the end.

    `load` gives settings and masking; it is called in this tracing's own thread at the first event, so
    that a server can build its graph before it reads its settings. Where these do not ask for Langfuse,
    or cannot be read, nothing is sent and nothing more is noted down.
    """

    def __init__(
        self, load: Callable[[], tuple[Settings, Masking]], *, max_waiting: int = MAX_WAITING
    ) -> None:
        self._load = load
        self._thread: EventThread[Event | _Score] = EventThread(
            "langfuse", self._opened, at_exit=self._at_exit, max_waiting=max_waiting
        )
        self._worker: _Worker | None = None

    def put(self, event: Event) -> None:
        """Note an event down for the thread. Waits for nothing."""
        self._thread.put(event)

    def score(self, trace_id: str, name: str, value: float | bool | str, comment: str | None = None) -> None:
        """Score a trace: a number, a yes or no, or a word. A later score of the same name replaces it.

        A trace that was not sampled gets none.
        """
        self._thread.put(_Score(trace_id=trace_id, name=name, value=value, comment=comment))

    def close(self, timeout_s: float = EXIT_TIMEOUT_S) -> int:
        """Send what is left, within `timeout_s`; gives how many events, spans and scores did not arrive."""
        self._thread.close(timeout_s)
        return self.dropped

    @property
    def dropped(self) -> int:
        """Events, spans and scores that did not arrive, or, while it is open, not yet."""
        return self._thread.refused + (self._worker.missing if self._worker else 0)

    @property
    def waiting(self) -> int:
        """Events that the thread has not come to yet."""
        return self._thread.waiting

    @property
    def undelivered(self) -> str:
        """One line on what did not arrive and why; empty when everything did."""
        if not (dropped := self.dropped):
            return ""
        why = self._worker.complaint if self._worker else ""
        return (
            f"Langfuse did not take {dropped} spans and scores{f' ({why})' if why else ''}. "
            "Check it with: mutda doctor"
        )

    def _at_exit(self) -> None:
        self.close()
        if line := self.undelivered:
            _log.warning(line)

    def _opened(self) -> "_Worker | None":
        try:
            settings, masking = self._load()
            self._worker = _Worker(settings, masking) if is_set(settings) else None
        except Exception as error:
            # The same settings are read for the answer, which tells what is wrong with them.
            _log.warning("Langfuse is left out: %s", type(error).__name__)
        return self._worker


class _Worker:
    """Turns events into spans and scores. Lives in one thread."""

    def __init__(self, settings: Settings, masking: Masking) -> None:
        release = settings.langfuse_release or _version()
        self._rate = settings.langfuse_sample_rate
        self._drawing = Drawing(
            masking,
            environment=settings.langfuse_environment,
            release=release,
            price=price_of(settings),
        )
        self._sender = Sender(
            Access(
                base_url=settings.langfuse_base_url,
                public_key=settings.langfuse_public_key,
                secret_key=settings.langfuse_secret_key.get_secret_value(),
                environment=settings.langfuse_environment,
                release=release,
            )
        )
        self._open: OrderedDict[UUID, tuple[Began, Marks, Any]] = OrderedDict()
        self._routes: OrderedDict[UUID, UUID] = OrderedDict()
        self._failed = 0

    @property
    def missing(self) -> int:
        """What was made and did not arrive, or not yet, and what could not be made."""
        return self._failed + self._sender.made - self._sender.delivered

    @property
    def complaint(self) -> str:
        """Why, as far as it is known."""
        return self._sender.complaint

    def take(self, items: Sequence[Event | _Score]) -> None:
        """Whatever is wrong with one of them costs that one alone."""
        for item in items:
            self._take(item)

    def finish(self) -> None:
        """Send what is there."""
        self._sender.flush()

    def close(self) -> None:
        """End the SDK's threads."""
        self._sender.close()

    def _take(self, event: Event | _Score) -> None:
        try:
            if isinstance(event, Began):
                self._began(event)
            elif isinstance(event, FirstToken):
                if opened := self._open.get(event.run_id):
                    opened[2].set_attributes(self._drawing.first_token(event.at_ns))
            elif isinstance(event, Ended):
                self._ended(event)
            elif is_sampled(event.trace_id, self._rate):
                comment = None if event.comment is None else self._drawing.score_text(event.comment)
                value = self._drawing.score_text(event.value) if isinstance(event.value, str) else event.value
                self._sender.score(event.trace_id, event.name, value, comment=comment)
        except Exception as error:
            self._failed += 1
            _log.info("an event was not traced: %s", type(error).__name__)

    def _began(self, event: Began) -> None:
        if event.parent_id is None:
            if not is_sampled(event.trace_id, self._rate):
                return
            marks = self._drawing.marks(event)
            root = span_id(UUID(hex=event.trace_id))
            # A resumed run hangs under the root of its trace, which has the id of the run that began it.
            is_root = event.trace_id == event.run_id.hex
            own, parent_id = (root, None) if is_root else (span_id(event.run_id), root)
        else:
            if event.kind == "route":
                self._routes[event.run_id] = event.parent_id
                _shorten(self._routes)
                return
            parent = self._open.get(event.parent_id)
            if parent is None:  # not sampled, or its beginning was dropped
                return
            marks, own = parent[1], span_id(event.run_id)
            parent_id = parent[2].get_span_context().span_id
        span = self._sender.begin(
            self._drawing.name(event),
            self._drawing.began(event, marks),
            trace_id=marks.trace_id,
            span_id=own,
            parent_id=parent_id,
            at_ns=event.at_ns,
        )
        self._open[event.run_id] = event, marks, span
        _shorten(self._open)

    def _ended(self, event: Ended) -> None:
        if (step := self._routes.pop(event.run_id, None)) is not None:
            if isinstance(event.got, str) and (opened := self._open.get(step)):
                opened[2].set_attributes(self._drawing.next_step(event.got))
            return
        opened = self._open.pop(event.run_id, None)
        if opened is None:
            return
        began, marks, span = opened
        error = None
        if event.error is None:
            attributes = self._drawing.ended(began, event, marks)
        else:
            attributes, said = self._drawing.failed(event.error)
            error = said or None
        self._sender.end(span, attributes, at_ns=event.at_ns, error=error)
        if began.kind == "run" and event.error is None:
            self._scores(marks.trace_id, event.got)

    def _scores(self, trace_id: str, got: Any) -> None:
        result = got.get("result") if isinstance(got, dict) else None
        if not isinstance(result, dict) or "refused" not in result:
            return
        for name in SCORES:
            if isinstance(result.get(name), int | float):
                self._sender.score(trace_id, name, float(result[name]))
        reason = str(result.get("reason") or "")
        comment = self._drawing.score_text(reason) if reason else None
        self._sender.score(trace_id, "refused", bool(result["refused"]), comment=comment)


def _shorten(kept: OrderedDict[UUID, Any]) -> None:
    while len(kept) > MAX_OPEN:
        kept.popitem(last=False)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("mutda")
    except PackageNotFoundError:
        return ""
