"""Which trace a run belongs to: one id for the answer, the local store and Langfuse alike."""

import threading
from collections import OrderedDict
from typing import Any
from uuid import UUID

MAX_RUNS = 20_000
"""Runs that began and were not seen to end; the oldest are forgotten."""
MAX_ENDED = 2_000
"""Ended runs whose trace can still be asked for: handlers are told of an end one after another."""
MAX_WAITING = 2_000
"""Threads whose interrupted run may be resumed."""


class TraceIdentity:
    """Gives each run tree one trace id of 32 hex digits, and a resumed run that of the one it resumes.

    Several handlers may tell of the same run: what is told twice changes nothing. Safe to use from any
    thread; memory is bounded.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: OrderedDict[UUID, tuple[str, str | None]] = OrderedDict()
        self._ended: OrderedDict[UUID, str] = OrderedDict()
        self._waiting: OrderedDict[str, str] = OrderedDict()

    def begin(self, run_id: UUID, *, thread_id: str | None, resumed: bool) -> str:
        """The trace of a run that has no parent: its own, or that of the run it resumes on its thread."""
        with self._lock:
            if known := self._of(run_id):
                return known
            trace_id = self._waiting.get(thread_id) if resumed and thread_id else None
            if thread_id:
                # A new question on the thread leaves nothing to resume.
                self._waiting.pop(thread_id, None)
            trace_id = trace_id or run_id.hex
            self._keep(run_id, trace_id, thread_id)
            return trace_id

    def adopt(self, run_id: UUID, trace_id: str) -> None:
        """The run belongs to a trace that another process began, as what it resumes says."""
        with self._lock:
            if run := self._runs.get(run_id):
                self._runs[run_id] = trace_id, run[1]

    def child(self, run_id: UUID, parent_run_id: UUID) -> str | None:
        """The trace of a run inside another; None where the other one is not known."""
        with self._lock:
            parent = self._runs.get(parent_run_id)
            trace_id = parent[0] if parent else self._ended.get(parent_run_id)
            if trace_id and run_id not in self._ended:
                self._keep(run_id, trace_id, parent[1] if parent else None)
            return trace_id

    def interrupted(self, run_id: UUID) -> None:
        """The run waits for a person; the next one that resumes its thread belongs to its trace."""
        with self._lock:
            trace_id, thread_id = self._runs.get(run_id) or (self._ended.get(run_id), None)
            if trace_id and thread_id:
                self._waiting[thread_id] = trace_id
                self._waiting.move_to_end(thread_id)
                _shorten(self._waiting, MAX_WAITING)

    def ended(self, run_id: UUID) -> None:
        """The run is over."""
        with self._lock:
            if run := self._runs.pop(run_id, None):
                self._ended[run_id] = run[0]
                _shorten(self._ended, MAX_ENDED)

    def of(self, run_id: UUID) -> str | None:
        """The trace of a run that is under way or ended of late."""
        with self._lock:
            return self._of(run_id)

    def _of(self, run_id: UUID) -> str | None:
        run = self._runs.get(run_id)
        return run[0] if run else self._ended.get(run_id)

    def _keep(self, run_id: UUID, trace_id: str, thread_id: str | None) -> None:
        self._runs[run_id] = trace_id, thread_id
        _shorten(self._runs, MAX_RUNS)


def _shorten(kept: OrderedDict[Any, Any], length: int) -> None:
    while len(kept) > length:
        kept.popitem(last=False)
