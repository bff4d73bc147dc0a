"""One handler for all that listen."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from fakes import make_resources
from langchain_core.callbacks import CallbackManagerForLLMRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, FakeListLLM
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langgraph.errors import GraphInterrupt
from langgraph.types import Command

from app.tracing import events as module
from app.tracing.assemble import Assembler
from app.tracing.events import Began, Ended, Event, EventHandler, FirstToken, is_cancelled, is_interrupt
from app.tracing.identity import TraceIdentity
from app.tracing.spans import Span
from graphs.rag import build

QUESTION = "연차 휴가는 며칠인가요?"


class NoMask:
    def text(self, text: str) -> str:
        return text

    def value(self, value: Any) -> Any:
        return value


def listening(*more: Any, identity: TraceIdentity | None = None) -> tuple[EventHandler, list[Event]]:
    told: list[Event] = []
    return EventHandler(identity or TraceIdentity(), [*more, told.append]), told


def began(told: list[Event], kind: str = "") -> list[Began]:
    return [event for event in told if isinstance(event, Began) and kind in ("", event.kind)]


def assembled(told: list[Event]) -> list[Span]:
    assembler = Assembler(NoMask())
    for event in told:
        assembler.feed(event)
    return assembler.take()[1]


async def test_every_sink_is_told_the_same_in_the_same_order() -> None:
    others: list[Event] = []
    handler, told = listening(others.append)
    await build(make_resources()).with_config(callbacks=[handler]).ainvoke({"question": QUESTION})
    assert others == told and all(one is other for one, other in zip(told, others, strict=True))
    names = [event.name for event in began(told, "step")]
    assert names == ["prepare", "retrieve", "grade", "generate", "self_check", "finish"]
    assert len(began(told, "route")) == 4 and len(began(told, "model")) == 3
    assert [event.run_id for event in told if isinstance(event, Began)].count(told[0].run_id) == 1
    assert {event.run_id for event in began(told)} == {
        event.run_id for event in told if isinstance(event, Ended)
    }


async def test_a_sink_that_fails_costs_neither_the_answer_nor_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("can't start new thread")

    identity = TraceIdentity()
    handler, told = listening(broken, identity=identity)
    state = await build(make_resources()).with_config(callbacks=[handler]).ainvoke({"question": QUESTION})
    assert state["result"]["answer"] and isinstance(told[-1], Ended)
    assert identity.of(told[-1].run_id) == began(told, "run")[0].trace_id
    assert "can't start new thread" in caplog.text


class Streaming(BaseChatModel):
    """Says two words, then breaks where it is told to."""

    breaks: bool = False

    @property
    def _llm_type(self) -> str:
        return "streaming"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in ("연차", " 휴가"):
            chunk = ChatGenerationChunk(message=AIMessageChunk(word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk
        if self.breaks:
            raise RuntimeError("끊겼습니다")

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError


def asked(model: Any, handler: EventHandler) -> None:
    def ask(given: dict[str, str]) -> str:
        return "".join(str(getattr(part, "content", part)) for part in model.stream(given["question"]))

    RunnableLambda(ask).with_config(callbacks=[handler], run_name="plain").invoke({"question": QUESTION})


def test_the_first_token_is_told_once_for_each_call() -> None:
    handler, told = listening()
    asked(Streaming(), handler)
    asked(Streaming(), handler)
    calls = [event.run_id for event in began(told, "model")]
    assert [event.run_id for event in told if isinstance(event, FirstToken)] == calls
    assert handler._unspoken == {}


def test_calls_that_never_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNSPOKEN", 2)
    handler, told = listening()
    ids = [uuid4() for _ in range(3)]
    for run_id in ids:
        handler.on_chat_model_start({}, [[]], run_id=run_id, parent_run_id=uuid4())
    for run_id in ids:
        handler.on_llm_new_token("연차", run_id=run_id)
    assert [event.run_id for event in told if isinstance(event, FirstToken)] == ids[1:]


def test_what_came_before_a_failure_is_kept() -> None:
    handler, told = listening()
    with pytest.raises(RuntimeError):
        asked(Streaming(breaks=True), handler)
    (call,) = [span for span in assembled(told) if span.kind == "model"]
    assert (call.status, call.error) == ("error", "RuntimeError: 끊겼습니다")
    assert call.data["text"] == "연차 휴가"


def test_a_model_that_completes_text_is_kept_as_one_that_talks() -> None:
    handler, told = listening()
    asked(FakeListLLM(responses=["17일"]), handler)
    (call,) = [span for span in assembled(told) if span.kind == "model"]
    assert call.data["messages"] == [{"role": "user", "text": QUESTION}]
    assert call.data["text"] == "17일" and call.data["output_tokens"] == 0


def test_a_retrievers_documents_are_kept_as_plain_values() -> None:
    class Shelf(BaseRetriever):
        def _get_relevant_documents(
            self, query: str, *, run_manager: CallbackManagerForRetrieverRun
        ) -> list[Document]:
            return [Document("연차 휴가는 17일입니다.", metadata={"source": "a.txt"})]

    handler, told = listening()
    RunnableLambda(lambda given: len(Shelf().invoke(given["question"]))).with_config(
        callbacks=[handler]
    ).invoke({"question": QUESTION})
    (search,) = [span for span in assembled(told) if span.kind == "search"]
    assert (search.name, search.data["input"]) == ("Shelf", QUESTION)
    assert search.data["output"] == [{"text": "연차 휴가는 17일입니다.", "source": "a.txt"}]


NODE = {"langgraph_node": "grade"}


@pytest.mark.parametrize(
    ("name", "tags", "metadata", "kind"),
    [
        ("grade", ["graph:step:3"], NODE, "step"),
        ("route", ["seq:step:3"], NODE, "route"),
        (None, ["seq:step:3"], NODE, "route"),
        ("_write", ["seq:step:2", "langsmith:hidden"], NODE, "route"),
        ("RunnableSequence", ["seq:step:1"], NODE, "chain"),
        ("RunnableLambda", [], {}, "chain"),
        (None, [], {}, "chain"),
    ],
)
def test_what_a_chain_is(name: str | None, tags: list[str], metadata: dict[str, str], kind: str) -> None:
    handler, told = listening()
    told_of: dict[str, Any] = {"name": name, "tags": tags, "metadata": metadata}
    handler.on_chain_start(None, {}, run_id=uuid4(), parent_run_id=uuid4(), **told_of)
    handler.on_chain_start(None, {}, run_id=uuid4(), **told_of)
    assert [event.kind for event in began(told)] == [kind, "run"]


def test_a_lone_call_on_a_thread_leaves_what_waits_there() -> None:
    identity = TraceIdentity()
    handler, told = listening(identity=identity)
    root, thread = uuid4(), {"thread_id": "7"}
    handler.on_chain_start(None, {"question": QUESTION}, run_id=root, metadata=thread)
    handler.on_chain_error(GraphInterrupt(), run_id=root)
    handler.on_chat_model_start({}, [[]], run_id=(lone := uuid4()), metadata=thread)
    handler.on_chain_start(None, Command(resume=True), run_id=(resumed := uuid4()), metadata=thread)
    assert [event.trace_id for event in began(told)] == [root.hex, lone.hex, root.hex]
    assert [event.resumed for event in began(told)] == [False, False, True]
    assert {span.id for span in assembled(told)} == {root.hex, resumed.hex}


def test_how_things_end_is_told_apart() -> None:
    class OfANode(GraphInterrupt):
        pass

    assert is_interrupt(GraphInterrupt()) and is_interrupt(OfANode())
    assert not is_interrupt(RuntimeError())
    assert is_cancelled(asyncio.CancelledError()) and is_cancelled(GeneratorExit())
    assert is_cancelled(KeyboardInterrupt()) and not is_cancelled(TimeoutError())


def test_an_error_that_cannot_say_what_it_is_costs_nothing() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    handler, told = listening()
    root: UUID = uuid4()
    handler.on_chain_start(None, {"question": QUESTION}, run_id=root, name="rag")
    handler.on_chain_error(Mute(), run_id=root)
    (span,) = assembled(told)
    assert (span.status, span.error) == ("error", "Mute")
