import threading
import time
from collections.abc import Sequence

import pytest

from app.tracing.event_thread import EventThread


class Notes:
    """Takes numbers, and says in which thread and in how many goes."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.did: list[str] = []
        self.thread = ""
        self.taking = threading.Event()
        self.held = threading.Event()
        self.held.set()

    def take(self, items: Sequence[int]) -> None:
        self.taking.set()
        self.held.wait(60)
        self.thread = threading.current_thread().name
        self.batches.append(list(items))

    def finish(self) -> None:
        self.did.append("finished")

    def close(self) -> None:
        self.did.append("closed")


def thread_of(notes: Notes | None, *, gather_s: float = 0.05, max_waiting: int = 100) -> EventThread[int]:
    return EventThread(
        "notes", lambda: notes, at_exit=lambda: None, gather_s=gather_s, max_waiting=max_waiting
    )


def test_events_are_taken_in_order_by_a_thread_of_its_own_and_gathered() -> None:
    notes = Notes()
    events = thread_of(notes, gather_s=600)
    for number in range(50):
        events.put(number)
    assert events.close(60)
    assert [number for batch in notes.batches for number in batch] == list(range(50))
    assert notes.thread == "notes" and len(notes.batches) <= 2
    assert notes.did[0] == "finished"


def test_nothing_is_opened_before_an_event_is_there() -> None:
    opened = threading.Event()

    def open_taker() -> Notes:
        opened.set()
        return Notes()

    events: EventThread[int] = EventThread("notes", open_taker, at_exit=lambda: None)
    assert events.flush(60) and events.close(60)
    assert not opened.is_set() and events.refused == 0


def test_flush_does_not_wait_for_the_gathering() -> None:
    notes = Notes()
    events = thread_of(notes, gather_s=600)
    events.put(1)
    started = time.monotonic()
    assert events.flush(60)
    assert time.monotonic() - started < 200 and notes.batches == [[1]]
    events.put(2)
    assert events.close(60) and time.monotonic() - started < 200
    assert notes.batches == [[1], [2]]


def test_what_is_too_much_or_too_late_is_refused_and_counted() -> None:
    notes = Notes()
    notes.held.clear()
    events = thread_of(notes, gather_s=0, max_waiting=3)
    events.put(0)
    assert notes.taking.wait(30)
    for number in range(1, 20):
        events.put(number)
    assert events.refused == 16
    started = time.monotonic()
    assert not events.close(0.2) and time.monotonic() - started < 200
    events.put(99)
    notes.held.set()
    assert events.close(60)
    assert events.refused + sum(map(len, notes.batches)) == 21


def test_where_there_is_nobody_to_take_them_events_are_thrown_away_uncounted() -> None:
    events = thread_of(None)
    events.put(1)
    assert events.flush(60)
    for number in range(1000):
        events.put(number)
    assert events.waiting == 0 and events.refused == 0 and events.close(60)


def test_a_taker_that_cannot_be_opened_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def open_taker() -> Notes:
        raise OSError

    events: EventThread[int] = EventThread("notes", open_taker, at_exit=lambda: None)
    events.put(1)
    assert events.close(60)
