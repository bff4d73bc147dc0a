import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from stand_ins.chat_server import OVERFLOW, Answer, ChatServer, Fault, closed_port

from app.errors import ModelError
from app.models.chat import Reply, choice_probability
from app.models.embedded import EmbeddedModel
from app.models.engine import Engine
from app.models.openai import OpenAIModel

MESSAGES: list[BaseMessage] = [SystemMessage("규칙"), HumanMessage("연차는 며칠인가요?")]


@asynccontextmanager
async def opened(url: str, **changes: Any) -> AsyncIterator[OpenAIModel]:
    values: dict[str, Any] = {
        "spec": "openai:llama3-ko",
        "name": "llama3-ko",
        "base_url": f"{url}/v1",
        "api_key": "sk-secret",
        "context_tokens": 4096,
        "timeout_s": 30.0,
    }
    model = OpenAIModel(**(values | changes))
    try:
        yield model
    finally:
        await model.aclose()


async def ask(url: str, *, timeout_s: float = 30, logprobs: bool = False, **changes: Any) -> Reply:
    async with opened(url, **changes) as model:
        return await model.call(MESSAGES, max_tokens=64, timeout_s=timeout_s, logprobs=logprobs)


async def failure(fault: Fault, **changes: Any) -> str:
    with ChatServer(fault=fault) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server.url, **changes)
        return str(caught.value).replace(server.url, "URL")


async def test_an_answer_with_its_costs_and_log_probabilities() -> None:
    with ChatServer() as server:
        reply = await ask(server.url, logprobs=True)
    assert reply.text == "연차는 17일입니다."
    assert (reply.prompt_tokens, reply.cached_tokens, reply.output_tokens) == (640, 600, 3)
    assert reply.first_token == {"yes": -0.1, "no": -2.5}
    assert reply.logprobs == (-0.25, -0.25, -0.25)
    assert not reply.truncated
    assert choice_probability(reply) == pytest.approx(0.9168, abs=1e-4)


async def test_what_is_sent() -> None:
    with ChatServer() as server:
        await ask(server.url, logprobs=True)
        await ask(server.url)
        first, second = server.requests
    assert first.headers["authorization"] == "Bearer sk-secret"
    assert first.body == {
        "model": "llama3-ko",
        "messages": [
            {"role": "system", "content": "규칙"},
            {"role": "user", "content": "연차는 며칠인가요?"},
        ],
        "max_tokens": 64,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        "top_logprobs": 20,
    }
    assert second.body == {key: value for key, value in first.body.items() if "logprobs" not in key}


async def test_a_cut_answer_says_so() -> None:
    with ChatServer(answer=Answer(reason="length")) as server:
        assert (await ask(server.url)).truncated


async def test_a_server_that_closes_kept_connections_is_asked_again_and_again() -> None:
    with ChatServer() as server:
        async with opened(server.url) as model:
            for _ in range(5):
                reply = await model.call(MESSAGES, max_tokens=9, timeout_s=30)
                assert reply.text == "연차는 17일입니다."
        assert server.connections == 5


async def test_a_server_that_neither_streams_nor_gives_log_probabilities_is_asked_without() -> None:
    with ChatServer(plain=True) as server:
        async with opened(server.url) as model:
            heard: list[str] = []
            first = await model.call(
                MESSAGES, max_tokens=9, timeout_s=30, logprobs=True, on_text=heard.append
            )
            asked = len(server.requests)
            second = await model.call(MESSAGES, max_tokens=9, timeout_s=30, logprobs=True)
    assert heard == ["연차는 17일입니다."]
    assert (first.text, first.first_token, first.logprobs) == ("연차는 17일입니다.", {}, ())
    assert (first.prompt_tokens, first.output_tokens) == (640, 3)
    assert second.text == first.text
    assert (asked, len(server.requests)) == (3, 4)  # what was refused once is not sent again
    last = server.requests[-1].body
    assert not last.get("stream") and "logprobs" not in last and "stream_options" not in last
    assert last["max_tokens"] == 9


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("401", "URL/v1 refused the key. Set MUTDA_OPENAI_API_KEY."),
        (
            "404",
            "URL/v1 does not have the model llama3-ko. "
            "Check the name, and that MUTDA_OPENAI_BASE_URL ends as the server wants it, mostly in /v1.",
        ),
        ("context", f"URL/v1 answered 400: {OVERFLOW}"),
        ("500", "URL/v1 answered 500: it gave no reason"),
        ("cut", "URL/v1 broke off before the end of the answer. Try again."),
        ("error", "URL/v1 broke off: decode failed"),
        ("empty", "openai:llama3-ko ended its answer before it began. Try again."),
        ("garbage", "URL/v1 does not answer as OpenAI's protocol does. Check MUTDA_OPENAI_BASE_URL."),
    ],
)
async def test_each_failure_in_one_line(fault: Fault, line: str) -> None:
    assert await failure(fault) == line


async def test_a_closed_port() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(ModelError) as caught:
        await ask(url)
    assert str(caught.value) == (
        f"{url}/v1 cannot be reached. Start the server, or set MUTDA_OPENAI_BASE_URL."
    )


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_call_is_bounded_as_a_whole_and_ends_the_server_s_work(fault: Fault) -> None:
    with ChatServer(fault=fault, delay_s=0.3, answer=Answer(pieces=["가"] * 100)) as server:
        async with opened(server.url) as model:
            started = time.monotonic()
            with pytest.raises(ModelError) as caught:
                await model.call(MESSAGES, max_tokens=9, timeout_s=1.0)
            assert time.monotonic() - started < 60
            assert server.hung_up.wait(60)
    assert str(caught.value) == (
        "openai:llama3-ko did not finish within 1 s. Raise MUTDA_CALL_TIMEOUT_S, or choose a smaller model."
    )


async def test_nothing_but_the_call_s_own_bound_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library has a bound of its own, of 120 s, between two tokens.
    monkeypatch.setenv("LANGCHAIN_OPENAI_STREAM_CHUNK_TIMEOUT_S", "0.1")
    with ChatServer(fault="drip", delay_s=0.4) as server:
        assert (await ask(server.url)).text == "연차는 17일입니다."


async def test_cancelling_the_call_closes_the_connection() -> None:
    with ChatServer(fault="drip", answer=Answer(pieces=["가"] * 1000)) as server:
        async with opened(server.url) as model:
            heard = asyncio.Event()
            call = asyncio.create_task(
                model.call(MESSAGES, max_tokens=9, timeout_s=30, on_text=lambda _: heard.set())
            )
            await asyncio.wait_for(heard.wait(), 60)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(server.hung_up.wait, 60)


# -- counting tokens


def long_messages(size_chars: int) -> list[BaseMessage]:
    return [SystemMessage("규칙"), HumanMessage("가" * size_chars), AIMessage("네"), HumanMessage("확인")]


async def test_a_short_prompt_is_bounded_without_a_request() -> None:
    with ChatServer() as server:
        async with opened(server.url) as model:
            count = await model.count_tokens([HumanMessage("가나다")])
        assert server.requests == []
    assert count == 11  # the smaller of 9 bytes and 16 for the template, and of the estimate


async def test_a_long_prompt_is_counted_by_the_server() -> None:
    with ChatServer() as server:
        async with opened(server.url) as model:
            # The stand-in counts the template's markers: a begin and an end for each message, and one more.
            assert await model.count_tokens(long_messages(3000)) == 10
        rendered, tokenized = server.requests
    assert rendered.path == "/apply-template"
    assert [message["role"] for message in rendered.body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert tokenized.path == "/tokenize"
    assert tokenized.body["parse_special"] is True
    assert rendered.headers["authorization"] == tokenized.headers["authorization"] == "Bearer sk-secret"


async def test_a_server_that_cannot_tokenize_is_asked_once() -> None:
    with ChatServer(tokenizes=False) as server:
        async with opened(server.url) as model:
            counts = [await model.count_tokens(long_messages(3000)) for _ in range(3)]
        assert len(server.requests) == 1
    assert counts == [3000 + 2 + 1 + 2 + 4 * 8] * 3


async def test_counting_at_a_closed_port_is_an_estimate() -> None:
    async with opened(f"http://127.0.0.1:{closed_port()}") as model:
        assert await model.count_tokens([HumanMessage("가" * 3000)]) == 3008


# -- what the environment must not change


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_PROXY"])
async def test_no_proxy_sees_a_server_on_this_machine(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with ChatServer() as server:
        assert (await ask(server.url)).text == "연차는 17일입니다."
    assert caplog.text == ""


async def test_other_keys_and_addresses_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{closed_port()}/v1")
    with ChatServer() as server:
        await ask(server.url, api_key="")
        (request,) = server.requests
    assert "sk-of-another-service" not in str(request.headers)


# -- the embedded engine speaks the same protocol; its errors name no server and no setting of one


@dataclass
class StandInEngine:
    """An engine whose server is the stand-in."""

    url: str
    api_key: str = "random"
    context_tokens: int = 4096
    closed: bool = False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("context", f"The embedded engine answered 400: {OVERFLOW}"),
        ("500", "The embedded engine answered 500: it gave no reason"),
        ("cut", "The embedded engine stopped. Ask again; if it stops again, free some memory."),
        ("error", "The embedded engine stopped. Ask again; if it stops again, free some memory."),
    ],
)
async def test_failures_of_the_embedded_engine(fault: Fault, line: str) -> None:
    with ChatServer(fault=fault) as server:
        engine = StandInEngine(server.url)
        model = EmbeddedModel(cast(Engine, engine), spec="embedded:", family="qwen", timeout_s=30)
        with pytest.raises(ModelError) as caught:
            await model.call(MESSAGES, max_tokens=9, timeout_s=30)
        await model.aclose()
        assert server.requests[0].headers["authorization"] == "Bearer random"
    assert str(caught.value) == line
    assert engine.closed


def test_a_model_s_family_is_its_name_unless_given() -> None:
    build: Callable[..., OpenAIModel] = lambda **more: OpenAIModel(  # noqa: E731
        spec="openai:a",
        name="a",
        base_url="http://h/v1",
        api_key="",
        context_tokens=2048,
        timeout_s=1,
        **more,
    )
    assert (build().family, build(family="qwen").family) == ("a", "qwen")
