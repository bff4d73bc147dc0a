"""A thread that takes events off an answer's path: noting one down waits for nothing."""

import atexit
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Taken = TypeVar("Taken", contravariant=True)

MAX_WAITING = 20_000
"""Events that wait for the thread, about 300 questions' worth. What comes on top is refused and counted."""
GATHER_S = 0.1
"""How long more events are waited for after a first one. A thread that wakes at each takes the interpreter
from the answering one dozens of times a question: 11.3 ms CPU a question against 9.3, with the store and
Langfuse on a busy machine (evals.overhead)."""
MAX_BATCH = 2000


class Taker(Protocol[Taken]):
    """Does the work, in the thread; what it raises ends the thread."""

    def take(self, items: Sequence[Taken]) -> None:
        """Take the next events, in their order."""
        ...

    def finish(self) -> None:
        """Do what an end must wait for: there are no more events."""
        ...

    def close(self) -> None:
        """Let go of the rest, which nobody waits for."""
        ...


class _Stop:
    pass


class _Nobody:
    def take(self, items: Sequence[object]) -> None:  # noqa: ARG002
        return None

    def finish(self) -> None:
        return None

    def close(self) -> None:
        return None


class EventThread(Generic[Item]):
    """A queue and the thread that empties it, begun by the first event. Call `close` at the end.

    `open_taker` is called in the thread, so that what it needs, settings and files, is not opened before an
    event is there; where it gives None, events are thrown away from then on. `at_exit` is called at the
    end of a process that did not call `close`.
    """

    def __init__(
        self,
        name: str,
        open_taker: Callable[[], Taker[Item] | None],
        *,
        at_exit: Callable[[], object],
        gather_s: float = GATHER_S,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._name = name
        self._open_taker = open_taker
        self._at_exit = at_exit
        self._gather_s = gather_s
        self._max_waiting = max_waiting
        self._waiting: SimpleQueue[Item | threading.Event | _Stop] = SimpleQueue()
        self._lock = threading.Lock()
        self._hurry = threading.Event()
        self._finished = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._off = False
        self.refused = 0
        """Events that found the queue full or closed."""

    @property
    def waiting(self) -> int:
        """Events that the thread has not come to yet."""
        return self._waiting.qsize()

    def put(self, item: Item) -> None:
        """Note an event down. Waits for nothing."""
        if self._off:
            return
        if self._closed or self._waiting.qsize() >= self._max_waiting:
            self.refused += 1
            return
        self._waiting.put(item)
        if self._thread is None:
            self._start()

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was put so far is taken; False when that took too long. Blocks its thread."""
        if self._thread is None or self._closed or self._finished.is_set():
            return True
        taken = threading.Event()
        self._waiting.put(taken)
        self._hurry.set()
        return taken.wait(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Have what is left taken; False when that took longer than `timeout_s`. Blocks its thread."""
        with self._lock:
            first, self._closed = not self._closed, True
        if self._thread is None:
            return True
        if first:
            self._waiting.put(_Stop())
            self._hurry.set()
            atexit.unregister(self._at_exit)
        return self._finished.wait(timeout_s)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
                atexit.register(self._at_exit)

    def _work(self) -> None:
        taker: Taker[Item] = _Nobody()
        try:
            if opened := self._open_taker():
                taker = opened
            else:
                self._off = True
            while self._taken(taker):
                pass
            taker.finish()
        except BaseException:
            self._off = True
            raise
        finally:
            self._finished.set()
        taker.close()

    def _taken(self, taker: Taker[Item]) -> bool:
        """Hand the next events over; False when there will be no more."""
        first = self._waiting.get()
        if not self._closed:
            self._hurry.wait(self._gather_s)
            self._hurry.clear()
        batch = [first, *self._batch()]
        items = [item for item in batch if not isinstance(item, threading.Event | _Stop)]
        if items:
            taker.take(items)
        self._release(batch)
        return not any(isinstance(item, _Stop) for item in batch)

    def _batch(self) -> list[Item | threading.Event | _Stop]:
        items: list[Item | threading.Event | _Stop] = []
        while len(items) < MAX_BATCH:
            try:
                items.append(self._waiting.get_nowait())
            except Empty:
                break
        return items

    @staticmethod
    def _release(batch: list[Item | threading.Event | _Stop]) -> None:
        for item in batch:
            if isinstance(item, threading.Event):
                item.set()
