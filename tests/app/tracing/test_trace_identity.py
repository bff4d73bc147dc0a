import threading
from uuid import UUID, uuid4

import pytest

from app.tracing import identity
from app.tracing.identity import TraceIdentity


def test_a_run_gives_its_trace_its_own_id() -> None:
    run, step, call = uuid4(), uuid4(), uuid4()
    ids = TraceIdentity()
    assert ids.begin(run, thread_id="1", resumed=False) == run.hex
    assert ids.child(step, run) == run.hex
    assert ids.child(call, step) == run.hex
    assert [ids.of(each) for each in (run, step, call)] == [run.hex] * 3


def test_a_second_handler_that_tells_the_same_changes_nothing() -> None:
    ids, first, second = TraceIdentity(), uuid4(), uuid4()
    for _ in range(2):
        ids.begin(first, thread_id="1", resumed=False)
    for _ in range(2):
        ids.interrupted(first)
        ids.ended(first)
    assert {ids.begin(second, thread_id="1", resumed=True) for _ in range(2)} == {first.hex}
    ids.ended(second)
    assert ids.begin(second, thread_id="1", resumed=True) == first.hex


def test_a_resumed_run_belongs_to_the_trace_of_the_one_it_resumes_however_often() -> None:
    ids = TraceIdentity()
    first, step, second, third = (uuid4() for _ in range(4))
    ids.begin(first, thread_id="1", resumed=False)
    ids.child(step, first)
    ids.interrupted(step)
    ids.ended(step)
    ids.ended(first)
    assert ids.begin(second, thread_id="1", resumed=True) == first.hex
    ids.interrupted(second)
    ids.ended(second)
    assert ids.begin(third, thread_id="1", resumed=True) == first.hex


def test_a_new_question_on_the_thread_is_a_trace_of_its_own() -> None:
    ids = TraceIdentity()
    first, second, third = (uuid4() for _ in range(3))
    ids.begin(first, thread_id="1", resumed=False)
    ids.interrupted(first)
    assert ids.begin(second, thread_id="1", resumed=False) == second.hex
    assert ids.begin(third, thread_id="1", resumed=True) == third.hex, "it left nothing to resume"


@pytest.mark.parametrize("thread", ["2", None])
def test_another_thread_resumes_nothing_of_this_one(thread: str | None) -> None:
    ids, first, second = TraceIdentity(), uuid4(), uuid4()
    ids.begin(first, thread_id="1", resumed=False)
    ids.interrupted(first)
    assert ids.begin(second, thread_id=thread, resumed=True) == second.hex


def test_a_run_is_adopted_by_the_trace_that_it_resumes() -> None:
    ids, run, child = TraceIdentity(), uuid4(), uuid4()
    ids.begin(run, thread_id="1", resumed=True)
    ids.adopt(run, "a" * 32)
    assert ids.of(run) == "a" * 32 == ids.child(child, run)
    ids.interrupted(child)
    ids.ended(run)
    ids.adopt(run, "b" * 32)
    assert ids.of(run) == "a" * 32


def test_what_is_not_known_has_no_trace() -> None:
    ids = TraceIdentity()
    assert ids.of(uuid4()) is None
    assert ids.child(uuid4(), uuid4()) is None
    ids.ended(uuid4())
    ids.interrupted(uuid4())


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_RUNS", "MAX_ENDED", "MAX_WAITING"):
        monkeypatch.setattr(identity, name, 3)
    ids = TraceIdentity()
    runs = [UUID(int=n) for n in range(1, 9)]
    for n, run in enumerate(runs):
        ids.begin(run, thread_id=str(n), resumed=False)
        ids.interrupted(run)
    assert [run for run in runs if ids.of(run)] == runs[-3:]
    for run in runs:
        ids.ended(run)
    assert len(ids._runs) == 0 and len(ids._ended) == 3 and len(ids._waiting) == 3


def test_threads_may_share_it() -> None:
    ids, wrong = TraceIdentity(), []

    def work(thread: str) -> None:
        for _ in range(300):
            first, second = uuid4(), uuid4()
            ids.begin(first, thread_id=thread, resumed=False)
            ids.interrupted(first)
            ids.ended(first)
            if ids.begin(second, thread_id=thread, resumed=True) != first.hex:
                wrong.append(second)
            ids.ended(second)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
