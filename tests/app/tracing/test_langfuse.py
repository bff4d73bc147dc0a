"""The real graph with a scripted model, against a server that decodes what is posted."""

import asyncio
import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import pytest
from fakes import LEAVE, FakeCorpus, FakeSearch, Script, make_resources
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from stand_ins.langfuse_server import LangfuseServer, Span

from app.settings import Settings, load_settings
from app.tracing.events import EventHandler
from app.tracing.identity import TraceIdentity
from app.tracing.langfuse import LangfuseTracing, langfuse_tracing
from app.tracing.langfuse_spans import is_sampled
from app.tracing.masking import FAILED, Masking
from graphs.rag import build
from tools.search_results import SearchResult

ROOT = Path(__file__).parents[3]
QUESTION = "연차 휴가 규정을 알려 주세요"
SECRETS = ("010-1234-5678", "900101-1234567", "hong@example.com", "4111-1111-1111-1111", "110-123-456789")


def settings_for(server: LangfuseServer, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "langfuse_public_key": server.public_key,
        "langfuse_secret_key": server.secret_key,
        "langfuse_base_url": server.url,
        "langfuse_environment": "test",
        "langfuse_release": "r-1",
    }
    return load_settings(**(values | changes))


@pytest.fixture
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as server:
        yield server


@contextmanager
def traced(server: LangfuseServer, mask: Masking | None = None, **changes: Any) -> Iterator[LangfuseTracing]:
    """Tracing to the server; everything has arrived when it is left."""
    tracing = langfuse_tracing(settings_for(server, **changes), mask or Masking())
    assert tracing is not None
    try:
        yield tracing
    finally:
        tracing.close(60)


def handler_of(tracing: LangfuseTracing, identity: TraceIdentity | None = None) -> EventHandler:
    return EventHandler(identity or TraceIdentity(), [tracing.put])


def graph_of(tracing: LangfuseTracing, script: Script | None = None, **changes: Any) -> Any:
    saver = InMemorySaver() if changes.pop("saved", False) else None
    return build(make_resources(script, **changes), checkpointer=saver).with_config(
        callbacks=[handler_of(tracing)]
    )


async def test_the_tree_is_that_of_the_steps(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        await graph_of(tracing).ainvoke({"question": QUESTION})
    ((trace_id, spans),) = server.traces().items()
    assert server.tree(trace_id) == [
        "rag", "  prepare", "  retrieve", "  grade", "    FakeChat", "  generate", "    FakeChat", "  self_check",
        "    FakeChat", "  finish",
    ]  # fmt: skip
    assert {span.name: span.type for span in spans} == {
        "rag": "agent", "prepare": "span", "retrieve": "retriever", "grade": "evaluator", "generate": "span",
        "self_check": "evaluator", "finish": "span", "FakeChat": "generation",
    }  # fmt: skip
    root = server.named("rag")
    assert root.parent_id == "" and all(
        root.start_ns <= span.start_ns <= span.end_ns <= root.end_ns for span in spans
    )
    assert [span.metadata("langgraph_step") for span in spans if span.name in ("prepare", "finish")] == [1, 6]
    assert server.named("grade").metadata("langgraph_node") == "grade"
    assert server.named("grade").metadata("next") == "generate"
    assert tracing.dropped == 0 and tracing.undelivered == ""


async def test_every_span_carries_session_user_tags_release_and_environment(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        await graph_of(tracing).ainvoke(
            {"question": QUESTION},
            {
                "metadata": {
                    "langfuse_session_id": "s-1",
                    "langfuse_user_id": "u-1",
                    "langfuse_tags": ["t-1"],
                    "langfuse_trace_name": "휴가",
                    "team": "인사",
                },
                "tags": ["t-2"],
            },
        )
    assert len(server.spans) == 10
    for span in server.spans:
        assert span.attributes["session.id"] == "s-1"
        assert span.attributes["user.id"] == "u-1"
        assert span.attributes["langfuse.trace.tags"] == ["t-1", "t-2"]
        assert span.attributes["langfuse.trace.name"] == "휴가"
        assert span.attributes["langfuse.release"] == "r-1"
        assert span.attributes["langfuse.environment"] == "test"
    assert server.named("rag").metadata("team") == "인사"


async def test_a_thread_is_a_session_and_what_is_too_long_is_cut(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        graph = graph_of(tracing, saved=True)
        await graph.ainvoke({"question": QUESTION}, {"configurable": {"thread_id": "t" * 300}})
    assert {span.attributes["session.id"] for span in server.spans} == {"t" * 200}


class Counted(TypedDict):
    count: int


def test_a_run_without_an_event_loop_is_told_the_same(server: LangfuseServer) -> None:
    plain = StateGraph(Counted)
    plain.add_node("more", lambda state: {"count": state["count"] + 1})
    plain.add_edge(START, "more")
    plain.add_edge("more", END)
    with traced(server) as tracing:
        graph = plain.compile(name="plain").with_config(callbacks=[handler_of(tracing)])
        graph.invoke({"count": 1}, {"metadata": {"langfuse_session_id": "s", "langfuse_user_id": "u"}})
    (trace_id,) = server.traces()
    assert server.tree(trace_id) == ["plain", "  more"]
    for span in server.spans:
        assert (span.attributes["session.id"], span.attributes["user.id"]) == ("s", "u")
    assert server.named("plain").read("output") == {"count": 2}


async def test_runs_side_by_side_keep_to_their_own_traces(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        graph = graph_of(tracing)
        await asyncio.gather(
            *(
                graph.ainvoke({"question": QUESTION}, {"metadata": {"langfuse_session_id": str(number)}})
                for number in range(8)
            )
        )
    assert len(server.traces()) == 8
    for spans in server.traces().values():
        assert len(spans) == 10 and len({span.attributes["session.id"] for span in spans}) == 1


async def test_prompts_answers_and_tokens_with_the_cached_ones_apart(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        result = (await graph_of(tracing).ainvoke({"question": QUESTION}))["result"]
    calls = [span for span in server.spans if span.type == "generation"]
    assert [message["role"] for message in calls[0].read("input")] == ["system", "user"]
    assert QUESTION in calls[0].read("input")[1]["content"]
    assert calls[1].read("output") == {"role": "assistant", "content": "연차 휴가는 17일입니다."}
    usages = [json.loads(call.attributes["langfuse.observation.usage_details"]) for call in calls]
    costs = [json.loads(call.attributes["langfuse.observation.cost_details"]) for call in calls]
    assert [cost["total"] for cost in costs] == [0.0] * len(calls)
    cost = result["cost"]
    assert sum(usage["input"] + usage["input_cache_read"] for usage in usages) == cost["prompt_tokens"]
    assert sum(usage["input_cache_read"] for usage in usages) == cost["cached_tokens"] > 0
    assert sum(usage["output"] for usage in usages) == cost["output_tokens"]
    assert all(usage["total"] == sum(usage.values()) - usage["total"] for usage in usages)
    for call in calls:
        assert call.attributes["langfuse.observation.completion_start_time"].endswith('Z"')
        assert call.attributes["langfuse.observation.model.name"] == "FakeChat"


async def test_passages_are_shown_with_their_scores(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        await graph_of(tracing).ainvoke({"question": QUESTION})
    retrieve = server.named("retrieve")
    assert retrieve.read("input")["query"] == QUESTION
    found = retrieve.read("output")
    assert [passage["text"] for passage in found] == [passage.text for passage in LEAVE]
    assert [passage["score"] for passage in found] == [passage.score for passage in LEAVE]
    assert {passage["source"] for passage in found} == {"취업규칙.docx"}
    assert retrieve.metadata("shown") == 2
    assert retrieve.metadata("coverage") == "0.6" and retrieve.metadata("dense") == "0.5"


async def test_the_root_tells_the_answer_the_route_the_budget_and_the_cost(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        result = (await graph_of(tracing).ainvoke({"question": QUESTION}))["result"]
    root = server.named("rag")
    assert root.read("input") == {"question": QUESTION}
    assert root.read("output")["answer"] == result["answer"]
    assert json.loads(root.metadata("route")) == result["route"]
    assert json.loads(root.metadata("cost")) == result["cost"]
    assert json.loads(root.metadata("budget")) == {
        "max_llm_calls": 12, "max_seconds": 180.0, "max_rewrites": 1, "max_searches": 3
    }  # fmt: skip
    assert json.loads(root.metadata("evidence")) == result["evidence"]
    assert root.metadata("refused") is False


async def test_a_calculation_is_a_tool(server: LangfuseServer) -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 45000 * 3", answer="135,000원입니다.")
    with traced(server) as tracing:
        graph = graph_of(tracing, script, corpus=FakeCorpus(default=LEAVE[4:]))
        result = (await graph.ainvoke({"question": "출장 3일의 출장비를 모두 더하면 얼마인가요?"}))["result"]
    assert "calculate" in result["route"]
    span = server.named("calculate")
    assert span.type == "tool"
    assert span.read("output")["calculation"] == result["calculation"] != ""


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        return [Document(page_content="휴가", metadata={"score": 0.5})]


@tool
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


async def test_tools_and_retrievers_of_langchain_are_told_too(server: LangfuseServer) -> None:
    async def use(state: Counted) -> Counted:
        await Shelf().ainvoke("휴가")
        return {"count": await double.ainvoke({"number": state["count"]})}

    plain = StateGraph(Counted)
    plain.add_node("use", use)
    plain.add_edge(START, "use")
    plain.add_edge("use", END)
    with traced(server) as tracing:
        await plain.compile(name="plain").with_config(callbacks=[handler_of(tracing)]).ainvoke({"count": 2})
    (trace_id,) = server.traces()
    assert server.tree(trace_id) == ["plain", "  use", "    Shelf", "    double"]
    assert server.named("Shelf").type == "retriever"
    assert server.named("Shelf").read("output") == [{"text": "휴가", "metadata": {"score": 0.5}}]
    double_span = server.named("double")
    assert (double_span.type, double_span.read("input"), double_span.read("output")) == (
        "tool",
        {"number": 2},
        4,
    )


async def test_a_resumed_interrupt_stays_in_its_trace(server: LangfuseServer) -> None:
    page = SearchResult(title="휴가", url="https://a.example/1", snippet="연차 휴가는 17일입니다.")
    search = FakeSearch({QUESTION: [page]})
    config = {"configurable": {"thread_id": "t-1"}}
    with traced(server) as tracing:
        graph = graph_of(tracing, corpus=FakeCorpus(default=[]), search=search, web_search="ask", saved=True)
        await graph.ainvoke({"question": QUESTION}, config)
        await graph.ainvoke(Command(resume=True), config)
        await graph.ainvoke({"question": QUESTION}, config)
    first, second = server.traces()
    assert server.tree(first)[:6] == [
        "rag", "  prepare", "  retrieve", "  web_search", "  rag", "    web_search"
    ]  # fmt: skip
    waiting, resumed = [span for span in server.traces()[first] if span.name == "web_search"]
    assert waiting.attributes["langfuse.observation.status_message"] == "waits for a person"
    assert not waiting.is_error and waiting.read("output") == {"interrupt": [{"web_search": QUESTION}]}
    assert resumed.read("output")[0]["source"] == "https://a.example/1"
    assert server.traces()[first][4].metadata("resumed") is True
    assert server.tree(second)[0] == "rag" and len(server.tree(second)) == 4


async def test_a_run_is_resumed_into_its_trace_by_another_process_too(server: LangfuseServer) -> None:
    page = SearchResult(title="휴가", url="https://a.example/1", snippet="연차 휴가는 17일입니다.")
    resources = make_resources(
        corpus=FakeCorpus(default=[]), search=FakeSearch({QUESTION: [page]}), web_search="ask"
    )
    saver, config = InMemorySaver(), {"configurable": {"thread_id": "t-1"}}
    with traced(server) as tracing:
        first = TraceIdentity()
        graph: Any = build(
            resources, checkpointer=saver, callbacks=[handler_of(tracing, first)], trace_of=first.of
        )
        await graph.ainvoke({"question": QUESTION}, config)
    (trace_id,) = server.traces()
    later = langfuse_tracing(settings_for(server), Masking())
    assert later is not None
    second = TraceIdentity()
    graph = build(resources, checkpointer=saver, callbacks=[handler_of(later, second)], trace_of=second.of)
    await graph.ainvoke(Command(resume=True), config)
    later.close(60)
    assert list(server.traces()) == [trace_id]
    roots = [span for span in server.spans if span.name == "rag"]
    assert roots[1].parent_id == roots[0].id


async def test_scores_of_evidence_groundedness_and_refusal(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        result = (await graph_of(tracing).ainvoke({"question": QUESTION}))["result"]
    (trace_id,) = server.traces()
    assert {score["name"]: (score["value"], score["dataType"]) for score in server.scores} == {
        "evidence": (result["evidence"], "NUMERIC"),
        "grounded": (result["grounded"], "NUMERIC"),
        "refused": (0.0, "BOOLEAN"),
    }
    assert {(score["traceId"], score["environment"]) for score in server.scores} == {(trace_id, "test")}


async def test_a_refusal_is_scored_with_its_reason(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        await graph_of(tracing, corpus=FakeCorpus(default=[])).ainvoke({"question": QUESTION})
    assert server.score("refused")["value"] == 1.0
    assert server.score("refused")["comment"] == "no evidence: nothing was found"


def test_feedback_is_a_score_that_a_later_one_replaces(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        tracing.score("a" * 32, "feedback", 0.0, f"틀렸어요, 제 번호는 {SECRETS[0]}")
        tracing.score("a" * 32, "feedback", 1.0)
        tracing.score("a" * 32, "kind", "칭찬")
    feedback = [score for score in server.scores if score["name"] == "feedback"]
    assert len({score["id"] for score in feedback}) == 1
    assert feedback[0]["comment"] == "틀렸어요, 제 번호는 [phone]"
    assert (server.score("kind")["value"], server.score("kind")["dataType"]) == ("칭찬", "CATEGORICAL")
    assert tracing.dropped == 0


async def failing(state: Counted) -> Counted:
    raise ValueError(f"no such customer: {', '.join(SECRETS)}")


def all_text(server: LangfuseServer) -> str:
    spans = "\n".join(repr(span) for span in server.spans)
    return (
        spans
        + json.dumps(server.scores, ensure_ascii=False)
        + "".join(body.decode(errors="replace") for body in server.raw)
    )


async def test_input_output_metadata_and_errors_are_masked(server: LangfuseServer) -> None:
    said = f"제 정보는 {', '.join(SECRETS)}입니다."
    leaky = [replace(LEAVE[0], text=said), *LEAVE[1:]]
    plain = StateGraph(Counted)
    plain.add_node("fail", failing)
    plain.add_edge(START, "fail")
    plain.add_edge("fail", END)
    config: Any = {
        "metadata": {
            "langfuse_user_id": SECRETS[2],
            "langfuse_session_id": SECRETS[0],
            "note": said,
            SECRETS[2]: 1,
        },
        "tags": [SECRETS[4]],
    }
    with traced(server) as tracing:
        graph = graph_of(tracing, Script(answer=said), corpus=FakeCorpus(default=leaky))
        await graph.ainvoke(
            {"question": f"{QUESTION} {said}", "history": [{"role": "user", "content": said}]}, config
        )
        with pytest.raises(ValueError, match="no such customer"):
            await (
                plain.compile(name="plain")
                .with_config(callbacks=[handler_of(tracing)])
                .ainvoke({"count": 1}, config)
            )
    assert tracing.dropped == 0
    everything = all_text(server)
    assert [secret for secret in SECRETS if secret in everything] == []
    masked = "[phone], [resident number], [email], [card], [account]"
    for name in ("fail", "plain"):
        span = server.named(name)
        assert span.is_error and span.attributes["langfuse.observation.level"] == "ERROR"
        assert span.status == f"ValueError: no such customer: {masked}"
        assert span.attributes["langfuse.observation.status_message"] == span.status
        assert span.events == []
    assert server.named("rag").read("input")["question"] == f"{QUESTION} 제 정보는 {masked}입니다."
    assert server.named("rag").metadata("note") == f"제 정보는 {masked}입니다."
    assert server.named("retrieve").read("output")[0]["text"] == f"제 정보는 {masked}입니다."


class Failing(Masking):
    """As masking with a bug."""

    def _masked(self, text: str) -> str:
        raise RuntimeError(text)

    def _value(self, value: Any, above: tuple[int, ...]) -> Any:
        raise RuntimeError(repr(value))


async def test_where_masking_fails_nothing_of_the_text_is_sent(server: LangfuseServer) -> None:
    said = "아무도 모르는 말"
    with traced(server, Failing()) as tracing:
        graph = graph_of(
            tracing, Script(answer=said), corpus=FakeCorpus(default=[replace(LEAVE[0], text=said)])
        )
        asked = {"question": f"{said}은 무엇인가요?"}
        await graph.ainvoke(asked, {"metadata": {"langfuse_user_id": said}, "tags": [said]})
    assert len(server.spans) == 10 and {span.name for span in server.spans} == {FAILED}
    assert {span.attributes.get("langfuse.observation.input") for span in server.spans} <= {FAILED, None}
    assert said not in all_text(server) and json.dumps(said)[1:-1] not in all_text(server)


async def test_a_share_of_the_traces_is_sent_with_all_that_belongs_to_them(server: LangfuseServer) -> None:
    with traced(server, langfuse_sample_rate=0.5) as tracing:
        graph = graph_of(tracing)
        for _ in range(40):
            await graph.ainvoke({"question": QUESTION})
    assert 5 <= len(server.traces()) <= 35
    assert all(len(spans) == 10 for spans in server.traces().values())
    assert {score["traceId"] for score in server.scores} == set(server.traces())
    assert tracing.dropped == 0


def test_the_share_is_the_one_asked_for_and_the_same_each_time() -> None:
    ids = [f"{number:032x}" for number in range(4000)]
    kept = [each for each in ids if is_sampled(each, 0.25)]
    assert 800 < len(kept) < 1200
    assert kept == [each for each in ids if is_sampled(each, 0.25)]
    assert not any(is_sampled(each, 0.0) for each in ids) and all(is_sampled(each, 1.0) for each in ids)


@pytest.mark.parametrize("fault", ["hang", "slow", "500", "401"])
async def test_a_server_at_fault_delays_no_answer_and_the_end_by_no_more_than_was_said(fault: Any) -> None:
    # The SDK keeps one client for each public key, and a later test's would wait for this server's posts.
    own = {"public_key": f"pk-lf-{fault}", "delay_s": 600.0}
    with LangfuseServer(fault="none" if fault == "401" else fault, **own) as server:
        changes = {"langfuse_secret_key": "sk-lf-wrong"} if fault == "401" else {}
        tracing = langfuse_tracing(settings_for(server, **changes), Masking())
        assert tracing is not None
        graph = graph_of(tracing)
        started = time.perf_counter()
        for _ in range(5):
            assert (await graph.ainvoke({"question": QUESTION}))["result"]["refused"] is False
        # A post that is waited for takes a minute from a server that does not answer.
        assert time.perf_counter() - started < 50
        # All of it noted down, so that what does not arrive can be counted.
        assert await asyncio.to_thread(tracing._thread.flush, 60)
        started = time.perf_counter()
        dropped = await asyncio.to_thread(tracing.close, 1.0)
        assert time.perf_counter() - started < 50
        assert dropped == tracing.dropped == 5 * (10 + 3)
        assert server.spans == [] and server.scores == []
        # Asked now: one that is only slow takes them all as it ends.
        undelivered = tracing.undelivered
    assert undelivered.startswith("Langfuse did not take 65 spans and scores")
    assert "\n" not in undelivered and undelivered.endswith("mutda doctor")


def test_what_comes_faster_than_it_can_be_noted_down_is_dropped_and_counted(server: LangfuseServer) -> None:
    held = threading.Event()
    tracing = LangfuseTracing(lambda: (held.wait(60), (settings_for(server), Masking()))[1], max_waiting=5)
    for _ in range(50):
        tracing.score("a" * 32, "feedback", 1.0)
    held.set()
    assert tracing.close(60) >= 44
    assert len(server.scores) + tracing.dropped == 50


async def test_nothing_is_noted_down_after_the_end(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        graph = graph_of(tracing)
        await graph.ainvoke({"question": QUESTION})
    assert tracing.close() == 0
    await graph.ainvoke({"question": QUESTION})
    assert len(server.traces()) == 1 and tracing.dropped > 0


@pytest.mark.parametrize("missing", ["langfuse_public_key", "langfuse_secret_key", "langfuse_base_url"])
def test_without_all_three_variables_there_is_no_tracing(server: LangfuseServer, missing: str) -> None:
    assert langfuse_tracing(settings_for(server, **{missing: ""}), Masking()) is None


async def test_a_graph_that_is_built_before_its_settings_are_read(server: LangfuseServer) -> None:
    tracing = LangfuseTracing(lambda: (settings_for(server), Masking()))
    await graph_of(tracing).ainvoke({"question": QUESTION})
    assert tracing.close(60) == 0 and len(server.spans) == 10


async def test_settings_that_do_not_ask_for_it_turn_it_off() -> None:
    tracing = LangfuseTracing(lambda: (load_settings(), Masking()))
    graph = graph_of(tracing)
    await graph.ainvoke({"question": QUESTION})
    tracing._thread.flush(60)
    await graph.ainvoke({"question": QUESTION})
    assert tracing.waiting == 0 and tracing.close() == 0 and tracing.undelivered == ""


def test_old_models_that_complete_text_are_told(server: LangfuseServer) -> None:
    with traced(server) as tracing:
        handler = handler_of(tracing)
        from uuid import uuid4

        run_id = uuid4()
        handler.on_llm_start({"id": ["x", "Old"]}, ["첫 줄"], run_id=run_id)
        message = AIMessage("둘째 줄", response_metadata={"model_name": "old-1"})
        handler.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]]), run_id=run_id)
    span: Span = server.named("Old")
    assert span.read("input") == ["첫 줄"] and span.read("output")["content"] == "둘째 줄"
    assert span.attributes["langfuse.observation.model.name"] == "old-1"


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    import os

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "MUTDA_DATA_DIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=200,
    )


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    done = python(
        "import app.tracing.langfuse, sys; print('langfuse' in sys.modules, 'opentelemetry.sdk' in sys.modules)"
    )
    assert done.stdout.strip() == "False False", done.stderr


PROCESS = """
    import asyncio, atexit, functools, time
    # What is registered first runs last.
    atexit.register(lambda: print(time.time(), flush=True))
    from fakes import make_resources
    from app.settings import load_settings
    from app.tracing.events import EventHandler
    from app.tracing.identity import TraceIdentity
    from app.tracing import langfuse_client
    from app.tracing.langfuse import LangfuseTracing, langfuse_tracing
    from app.tracing.masking import Masking
    from graphs.rag import build

    {patience}
    tracing = langfuse_tracing(load_settings(), Masking())
    handler = EventHandler(TraceIdentity(), [tracing.put])
    graph = build(make_resources()).with_config(callbacks=[handler])

    async def main():
        for _ in range(3):
            await graph.ainvoke({"question": "연차 휴가는 며칠인가요?"})
        while tracing.waiting:
            await asyncio.sleep(0.05)

    asyncio.run(main())
    print(time.time(), flush=True)
"""


# A server that answers is given the time that a slow machine takes; one that does not would take longer.
PATIENCE = {
    "none": "langfuse_client.CALL_TIMEOUT_S = 60\n"
    "    LangfuseTracing.close = functools.partialmethod(LangfuseTracing.close, 60.0)",
    "hang": "langfuse_client.CALL_TIMEOUT_S = 120\n"
    "    LangfuseTracing.close = functools.partialmethod(LangfuseTracing.close, 5.0)",
}


@pytest.mark.parametrize(("fault", "within_s"), [("none", 60), ("hang", 60)])
def test_a_process_that_closes_nothing_ends_in_time_and_says_what_was_lost(fault: Any, within_s: int) -> None:
    with LangfuseServer(fault=fault) as server:
        done = python(PROCESS.replace("{patience}", PATIENCE[fault]), **server.environment)
        assert done.returncode == 0, done.stderr
        answered, ended = map(float, done.stdout.split())
        assert ended - answered < within_s
        if fault == "none":
            assert len(server.spans) == 30 and done.stderr == ""
        else:
            assert "Langfuse did not take 39 spans and scores" in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1


def test_the_private_parts_of_the_sdk_that_are_used_are_there() -> None:
    from langfuse import Langfuse
    from langfuse._client.resource_manager import LangfuseResourceManager

    assert isinstance(LangfuseResourceManager._instances, dict)
    assert callable(LangfuseResourceManager.shutdown)
    assert isinstance(Langfuse, type)
