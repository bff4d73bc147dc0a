import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeSearch, Script, make_resources
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from app.errors import SettingsError
from app.models.fake import FakeReply
from app.settings import load_settings
from app.tracing.events import EventHandler
from app.tracing.identity import TraceIdentity
from app.tracing.keeping import Keeping
from app.tracing.masking import Masking
from app.tracing.recorder import Recorder, local_recorder
from app.tracing.spans import Span, Trace
from app.tracing.store import TraceStore
from graphs.rag import build
from tools.search_results import SearchResult

QUESTION = "연차 휴가는 며칠인가요?"
MAX_BYTES = 50_000_000

Make = Callable[..., Recorder]


class NoMask:
    def text(self, text: str) -> str:
        return text

    def value(self, value: Any) -> Any:
        return value


def keeping(folder: Path, mask: Any = None) -> Keeping:
    return Keeping(
        mask=mask or NoMask(), open_store=lambda: TraceStore.open(folder, max_bytes=MAX_BYTES, max_days=30)
    )


@pytest.fixture
def recorders(tmp_path: Path) -> Iterator[Make]:
    made: list[Recorder] = []

    def make(mask: Any = None, **changes: Any) -> Recorder:
        made.append(Recorder(lambda: keeping(tmp_path, mask), **changes))
        return made[-1]

    yield make
    for recorder in made:
        recorder.close()


def kept(folder: Path) -> list[Trace]:
    store = TraceStore.open_to_read(folder)
    try:
        return [store.find(header.id) for header in reversed(store.headers(100))]
    finally:
        store.close()


async def flushed(recorder: Recorder) -> None:
    assert await asyncio.to_thread(recorder.flush)


def handler_of(recorder: Recorder, identity: TraceIdentity | None = None) -> EventHandler:
    return EventHandler(identity or TraceIdentity(), [recorder.put])


def traced(recorder: Recorder, script: Script | None = None, **changes: Any) -> Any:
    checkpointer = changes.pop("checkpointer", None)
    identity = changes.pop("identity", None) or TraceIdentity()
    resources = make_resources(script or Script(), **changes)
    handler = handler_of(recorder, identity)
    return build(resources, checkpointer=checkpointer, callbacks=[handler], trace_of=identity.of)


# -- the tree


async def test_a_run_is_kept_as_a_tree_with_prompts_tokens_and_decisions(
    tmp_path: Path, recorders: Make
) -> None:
    recorder = recorders()
    await traced(recorder).ainvoke({"question": QUESTION})
    await flushed(recorder)
    (trace,) = kept(tmp_path)
    assert trace.header.question == QUESTION
    assert trace.header.answer == "연차 휴가는 17일입니다. [1]"
    assert trace.header.status == "done"
    assert [step.name for step in trace.steps] == trace.result["route"] == trace.header.route
    assert [step.data.get("next") for step in trace.steps[1:5]] == [
        "grade",
        "generate",
        "self_check",
        "finish",
    ]
    cost = trace.result["cost"]
    assert trace.header.calls == len(trace.calls) == cost["llm_calls"]
    assert trace.header.prompt_tokens == cost["prompt_tokens"]
    assert trace.header.cached_tokens == cost["cached_tokens"] > 0
    grade = next(step for step in trace.steps if step.name == "grade")
    (call,) = trace.calls_under(grade)
    assert call.data["messages"][1]["role"] == "user" and QUESTION in call.data["messages"][1]["text"]
    assert call.data["first_token"] == {"yes": 0.9, "no": 0.1}
    assert grade.data["decisions"][0]["name"] == "evidence"
    assert grade.data["decisions"][0]["verdict"] == "yes"
    assert all(span.ended_s is not None and span.status == "done" for span in trace.spans)
    assert all(span.seconds is not None and span.seconds >= 0 for span in trace.spans)


async def test_passages_are_kept_with_their_scores(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    await traced(recorder).ainvoke({"question": QUESTION})
    await flushed(recorder)
    retrieve = next(step for step in kept(tmp_path)[0].steps if step.name == "retrieve")
    assert [round(passage["score"], 2) for passage in retrieve.data["passages"]] == [
        1.0,
        0.98,
        0.96,
        0.94,
        0.92,
    ]
    assert retrieve.data["passages"][0]["text"].startswith("연차 휴가는 17일")
    assert retrieve.data["update"]["shown"] == 2


async def test_decisions_that_nodes_write_are_taken_as_they_are(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    first = {"step": "grade", "name": "evidence", "value": 0.3, "threshold": 0.7, "verdict": "doubt"}
    second = {"step": "grade", "name": "evidence", "value": 0.8, "threshold": 0.5, "verdict": "yes"}
    handler = handler_of(recorder)
    handler.on_chain_start(None, {"question": QUESTION}, run_id=(root := new_id()), name="rag")
    for listed in ([first], [first, second]):
        handler.on_chain_start(
            None,
            None,
            run_id=(node := new_id()),
            parent_run_id=root,
            name="grade",
            tags=["graph:step:1"],
            metadata={"langgraph_node": "grade", "langgraph_step": 1},
        )
        handler.on_chain_end({"decisions": listed, "verdict": "x", "evidence": 1}, run_id=node)
    handler.on_chain_end({}, run_id=root)
    recorder.close()
    assert [step.data["decisions"] for step in kept(tmp_path)[0].steps] == [[first], [second]]


def new_id() -> Any:
    from uuid import uuid4

    return uuid4()


def test_a_synchronous_run_is_kept_too(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()

    @tool
    def double(number: int) -> int:
        """Twice the number."""
        return 2 * number

    model = FakeListChatModel(responses=["넷"])

    def answer(given: dict[str, Any]) -> dict[str, Any]:
        return {
            "result": {
                "answer": model.invoke(given["question"]).content,
                "cost": double.invoke({"number": 2}),
            }
        }

    RunnableLambda(answer).with_config(callbacks=[handler_of(recorder)], run_name="plain").invoke(
        {"question": "둘 더하기 둘?"}
    )
    recorder.close()
    (trace,) = kept(tmp_path)
    assert trace.header.name == "plain"
    assert [(span.kind, span.name) for span in trace.under(trace.runs[0])] == [
        ("model", "FakeListChatModel"),
        ("tool", "double"),
    ]
    assert trace.calls[0].data["text"] == "넷"
    assert trace.header.answer == "넷"


async def test_eight_runs_at_once_do_not_mix(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    graph = traced(recorder)
    questions = [f"연차 휴가는 며칠인가요 {number}?" for number in range(8)]
    await asyncio.gather(*(graph.ainvoke({"question": question}) for question in questions))
    await flushed(recorder)
    traces = kept(tmp_path)
    assert sorted(trace.header.question for trace in traces) == questions
    for trace in traces:
        assert len(trace.runs) == 1
        assert [step.name for step in trace.steps] == trace.result["route"]
        assert all(trace.header.question in str(call.data["messages"]) for call in trace.calls)


async def test_the_first_token_parts_reading_from_writing(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    async for _ in traced(recorder).astream({"question": QUESTION}, stream_mode=["messages", "updates"]):
        pass
    await flushed(recorder)
    for call in kept(tmp_path)[0].calls:
        assert call.first_token_s is not None and call.ended_s is not None
        assert call.started_s <= call.first_token_s <= call.ended_s


# -- runs that do not go straight to their end


def pausing(recorder: Recorder, **changes: Any) -> Any:
    search = FakeSearch(
        {QUESTION: [SearchResult(title="휴가", url="https://a.example/1", snippet="연차 휴가는 17일입니다.")]}
    )
    return traced(
        recorder,
        Script(grade=[0.02, 0.9]),
        search=search,
        web_search="ask",
        checkpointer=changes.pop("checkpointer", None) or InMemorySaver(),
        **changes,
    )


async def test_a_resumed_run_joins_the_trace_that_was_interrupted(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    graph = pausing(recorder)
    config: Any = {"configurable": {"thread_id": "7"}}
    await graph.ainvoke({"question": QUESTION}, config)
    await flushed(recorder)
    (trace,) = kept(tmp_path)
    assert trace.header.status == "interrupted"
    assert trace.steps[-1].status == "interrupted"
    assert trace.steps[-1].data["interrupt"] == {"web_search": QUESTION}
    await graph.ainvoke(Command(resume=True), config)
    await flushed(recorder)
    (trace,) = kept(tmp_path)
    assert trace.header.status == "done"
    assert [run.status for run in trace.runs] == ["interrupted", "done"]
    assert [step.name for step in trace.steps if step.status == "done"] == trace.result["route"]
    assert trace.header.question == QUESTION
    assert trace.header.calls == trace.result["cost"]["llm_calls"]


async def test_a_new_question_on_the_thread_is_a_trace_of_its_own(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    graph = traced(recorder, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "7"}}
    for _ in range(2):
        await graph.ainvoke({"question": QUESTION}, config)
    await flushed(recorder)
    assert [trace.header.thread_id for trace in kept(tmp_path)] == ["7", "7"]


async def test_another_process_joins_the_trace_that_it_resumes(tmp_path: Path, recorders: Make) -> None:
    saver, config = InMemorySaver(), {"configurable": {"thread_id": "7"}}
    first = recorders()
    await pausing(first, checkpointer=saver).ainvoke({"question": QUESTION}, config)
    first.close()
    second = recorders()
    await pausing(second, checkpointer=saver).ainvoke(Command(resume=False), config)
    second.close()
    (trace,) = kept(tmp_path)
    assert [run.status for run in trace.runs] == ["interrupted", "done"]
    assert trace.header.calls == len(trace.calls)


async def test_an_error_is_kept_where_it_arose(tmp_path: Path, recorders: Make) -> None:
    def broken(messages: Sequence[BaseMessage]) -> FakeReply:
        raise RuntimeError("끊겼습니다")

    recorder = recorders()
    with pytest.raises(RuntimeError):
        await traced(recorder, Script(grade=broken)).ainvoke({"question": QUESTION})
    await flushed(recorder)
    (trace,) = kept(tmp_path)
    assert trace.header.status == "error"
    failed = [span for span in trace.spans if span.status == "error"]
    assert [span.kind for span in failed] == ["run", "step", "model"]
    assert failed[-1].error == "RuntimeError: 끊겼습니다"


async def test_a_cancelled_run_is_kept_as_cancelled(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    reached = asyncio.Event()

    async def wait(given: Any) -> Any:
        reached.set()
        await asyncio.sleep(30)

    chain = RunnableLambda(wait).with_config(callbacks=[handler_of(recorder)], run_name="slow")
    task = asyncio.create_task(chain.ainvoke({"question": QUESTION}))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await flushed(recorder)
    (trace,) = kept(tmp_path)
    assert trace.header.status == "cancelled"
    assert all(span.ended_s is not None for span in trace.spans)


async def test_what_is_open_is_on_disk_already(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    seen: list[Trace] = []

    def look(messages: Sequence[BaseMessage]) -> FakeReply:
        assert recorder.flush()
        seen.extend(kept(tmp_path))
        return FakeReply(text="연차 휴가는 17일입니다.")

    await traced(recorder, Script(answer=look)).ainvoke({"question": QUESTION})
    (trace,) = seen
    assert trace.header.status == "unfinished"
    assert [(step.name, step.status) for step in trace.steps] == [
        ("prepare", "done"),
        ("retrieve", "done"),
        ("grade", "done"),
        ("generate", "unfinished"),
    ]
    assert trace.calls[-1].data["messages"] and trace.calls[-1].ended_s is None


# -- what is kept


async def test_everything_that_is_kept_is_masked(tmp_path: Path, recorders: Make) -> None:
    def broken(messages: Sequence[BaseMessage]) -> FakeReply:
        raise RuntimeError("no line to 010-1234-5678")

    recorder = recorders(Masking())
    graph = traced(recorder, Script(check=broken), checkpointer=InMemorySaver())
    question = "연차를 kim@example.com 또는 010-1234-5678에 물어볼까요?"
    with pytest.raises(RuntimeError):
        await graph.ainvoke({"question": question}, {"configurable": {"thread_id": "kim@example.com"}})
    await flushed(recorder)
    (trace,) = kept(tmp_path)
    everything = f"{trace}"
    assert "[phone]" in everything and "[email]" in everything
    assert "010-1234" not in everything and "kim@example" not in everything


async def test_what_cannot_be_masked_is_not_kept(tmp_path: Path, recorders: Make) -> None:
    class Broken:
        def text(self, text: str) -> str:
            raise ValueError(text)

        def value(self, value: Any) -> Any:
            raise ValueError(value)

    recorder = recorders(Broken())
    await traced(recorder).ainvoke({"question": QUESTION})
    await flushed(recorder)
    (trace,) = kept(tmp_path)
    assert "연차" not in f"{trace}"
    assert [step.name for step in trace.steps][:2] == ["prepare", "retrieve"]


# -- what must not be disturbed


async def test_a_foreign_file_costs_one_line_and_no_answer(
    tmp_path: Path, recorders: Make, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "traces.sqlite").write_text("my own notes\n" * 100, encoding="utf-8")
    recorder = recorders()
    graph = traced(recorder)
    for _ in range(3):
        assert (await graph.ainvoke({"question": QUESTION}))["result"]["answer"]
        recorder.flush()
    (record,) = caplog.records
    assert "Traces are not kept" in record.message and "Move that file away" in record.message
    assert (tmp_path / "traces.sqlite").read_text(encoding="utf-8").startswith("my own notes")


async def test_settings_that_cannot_be_read_cost_one_line(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> Keeping:
        raise SettingsError("MUTDA_TRACE='maybe': expected true or false.")

    recorder = Recorder(refuse)
    assert (await traced(recorder).ainvoke({"question": QUESTION}))["result"]["answer"]
    recorder.close()
    assert [record.message for record in caplog.records] == [
        "Traces are not kept. MUTDA_TRACE='maybe': expected true or false."
    ]


async def test_a_disk_that_hangs_delays_no_answer_and_the_end_by_two_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()

    class Hung(TraceStore):
        def write(self, headers: Any, spans: Any) -> None:
            release.wait(300)

    def open_store() -> TraceStore:
        store = TraceStore.open(tmp_path, max_bytes=MAX_BYTES, max_days=30)
        store.__class__ = Hung
        return store

    recorder = Recorder(lambda: Keeping(mask=NoMask(), open_store=open_store), max_waiting=40)
    graph = traced(recorder)
    started = time.monotonic()
    for _ in range(5):
        await graph.ainvoke({"question": QUESTION})
    assert time.monotonic() - started < 60
    assert recorder.dropped > 0
    started = time.monotonic()
    await asyncio.to_thread(recorder.close, 0.3)
    assert 0.2 < time.monotonic() - started < 60
    assert "events of traces were not kept" in caplog.text
    release.set()


async def test_a_run_waits_for_nothing(tmp_path: Path, recorders: Make) -> None:
    recorder = recorders()
    await traced(recorder).ainvoke({"question": QUESTION})
    slow: list[float] = []

    def timed(event: Any) -> None:
        started = time.perf_counter()
        recorder.put(event)
        slow.append(time.perf_counter() - started)

    handler = EventHandler(TraceIdentity(), [timed])
    await build(make_resources()).with_config(callbacks=[handler]).ainvoke({"question": QUESTION})
    assert len(slow) > 10
    assert sorted(slow)[len(slow) // 2] < 0.01


async def test_a_bug_in_here_is_seen_and_disturbs_nobody(
    tmp_path: Path, recorders: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def watch(span: Span) -> None:
        raise KeyError("a bug")

    recorder = recorders(on_span=watch)
    assert (await traced(recorder).ainvoke({"question": QUESTION}))["result"]["answer"]
    recorder.close()
    assert any(record.exc_info for record in caplog.records)


async def test_spans_are_told_live_in_order_of_their_end(recorders: Make) -> None:
    told: list[str] = []
    recorder = recorders(on_span=lambda span: told.append(f"{span.kind}:{span.name}"))
    await traced(recorder).ainvoke({"question": QUESTION})
    await flushed(recorder)
    assert told[:4] == ["step:prepare", "step:retrieve", "model:fake", "step:grade"]
    assert told[-1] == "run:rag"


def test_nothing_starts_before_a_run(tmp_path: Path, recorders: Make) -> None:
    before = threading.active_count()
    recorder = recorders()
    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []
    recorder.close()


async def test_off_by_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: Any) -> None:
    recorder = Recorder(lambda: Keeping(mask=NoMask(), open_store=None))
    with caplog.at_level(logging.WARNING):
        assert (await traced(recorder).ainvoke({"question": QUESTION}))["result"]["answer"]
        recorder.flush()
    assert caplog.records == [] and list(tmp_path.iterdir()) == []


def test_nobody_records_when_traces_are_off() -> None:
    assert local_recorder(load_settings(trace=False)) is None
