"""The thread that gives Langfuse a suite's dataset and the runs over it, behind a run's back."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from app.settings import Settings
from evals.langfuse_datasets import LangfuseDatasetError, LangfuseDatasets
from evals.langfuse_items import Item, is_of_a_suite, items_sha256

FAILURES_IN_A_ROW = 3
"""After so many the server is taken to be gone."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """That a system answered a question, or will."""

    item_id: str
    system: str
    trace_id: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be sent, all of it masked."""

    dataset: str
    """Its name."""
    suite_sha256: str
    items: Callable[[], Sequence[Item]]
    """Called in the thread."""
    runs: Mapping[str, str]
    """Their names, by system."""
    first: Sequence[Answer]
    """One of each system: a run comes to be with its first answer, and then has an id."""
    about: Any
    """Each run's metadata."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What the server calls it all."""

    project: str
    dataset: str
    runs: Mapping[str, str]
    """By system."""
    has_runs: bool
    """Whether answers are to be named to it; else spans alone say what belongs to a run."""


class _GaveUp(Exception):
    pass


class Upload:
    """Start it, wait for `begun`, tell it of answers, and `stop` it. It raises nothing."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.begun = threading.Event()
        """Set once `opened` is there, or will never be."""
        self.opened: Opened | None = None
        self.problem = ""
        """What went wrong last, in a few words."""
        self._settings, self._plan = settings, plan
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._finished = threading.Event()
        self._giving_up = False
        self._wanted = self._delivered = self._failures = 0

    @property
    def missing(self) -> int:
        """Items and answers that the server did not take, or not yet."""
        return self._wanted - self._delivered

    def start(self) -> None:
        """Begin. Blocks nothing."""
        threading.Thread(target=self._work, name="langfuse-datasets", daemon=True).start()

    def give_up(self) -> None:
        """Send nothing more after the call that is under way."""
        self._giving_up = True
        self._answers.put(None)

    def answered(self, answer: Answer) -> None:
        """Send that, when its turn comes."""
        self._wanted += 1
        self._answers.put(answer)

    def stop(self, timeout_s: float) -> None:
        """Send what is left, within that time. Blocks its thread."""
        self._answers.put(None)
        if not self._finished.wait(timeout_s):
            self.problem = self.problem or "it was too slow"
        self._giving_up = True

    def _work(self) -> None:
        server = None
        try:
            server = LangfuseDatasets(self._settings)
            opened, items = self._open(server)
            # What is to be archived and the dataset's own completion are two more.
            self._wanted += 0 if items is None else len(items) + 2
            self.opened = opened
            self.begun.set()
            self._send(server, items)
        except _GaveUp:
            pass
        except LangfuseDatasetError as error:
            self.problem = str(error)
        except Exception as error:
            # A fault here must not cost a run of hours its report.
            self.problem = type(error).__name__
            _log.warning("the dataset is left out: %s", type(error).__name__)
        finally:
            self.begun.set()
            self._finished.set()
            if server:
                server.close()

    def _open(self, server: LangfuseDatasets) -> tuple[Opened, list[Item] | None]:
        """The ids of all, and the items that are still to be sent; None where the server has them."""
        plan = self._plan
        project = server.project()
        found = server.dataset(plan.dataset)
        items = {item.id: item for item in plan.items()}
        self._in_suite = frozenset(items)
        self._complete = {
            "suite_sha256": plan.suite_sha256,
            "questions": len(items),
            # Another upsert of the same would only make another version of each item.
            "items_sha256": items_sha256(list(items.values())),
        }
        is_there = found is not None and found.metadata.get("items_sha256") == self._complete["items_sha256"]
        dataset = found.id if found else server.put_dataset(plan.dataset, {"suite_sha256": plan.suite_sha256})
        runs: dict[str, str] = {}
        has_runs = True
        for answer in plan.first:
            if not is_there and (item := items.pop(answer.item_id, None)):
                # A server of version 3 links to nothing that is not there.
                server.put_item(plan.dataset, item)
            linked = self._link(server, answer, may_lack=True)
            has_runs = linked is not None
            # The same for a run that is carried on.
            own = sha256(f"{dataset}\0{plan.runs[answer.system]}".encode()).hexdigest()[:16]
            runs[answer.system] = linked or own
        opened = Opened(project=project, dataset=dataset, runs=runs, has_runs=has_runs)
        return opened, None if is_there else list(items.values())

    def _send(self, server: LangfuseDatasets, items: Sequence[Item] | None) -> None:
        if items is not None:
            taken = [self._try(server.put_item, self._plan.dataset, item) for item in items]
            if self._archive(server) and all(taken):
                self._try(server.put_dataset, self._plan.dataset, self._complete)
        while answer := self._answers.get():
            self._try(self._link, server, answer)

    def _archive(self, server: LangfuseDatasets) -> bool:
        """Archive what is no longer of the suite; whether all of it is."""
        gone: list[str] = []

        def look() -> None:
            active = server.active_items(self._plan.dataset)
            gone.extend(item for item in active if is_of_a_suite(item) and item not in self._in_suite)

        if not self._try(look):
            return False
        self._wanted += len(gone)
        archived = [self._try(server.archive_item, self._plan.dataset, item) for item in gone]
        return all(archived)

    def _try(self, call: Callable[..., object], *given: object) -> bool:
        if self._giving_up or self._failures == FAILURES_IN_A_ROW:
            raise _GaveUp
        try:
            call(*given)
        except LangfuseDatasetError as error:
            self.problem = str(error)
            self._failures += 1
            return False
        self._failures = 0
        self._delivered += 1
        return True

    def _link(self, server: LangfuseDatasets, answer: Answer, *, may_lack: bool = False) -> str | None:
        name, about = self._plan.runs[answer.system], self._plan.about
        return server.link(name, answer.item_id, answer.trace_id, metadata=about, may_lack=may_lack)
