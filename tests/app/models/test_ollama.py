import asyncio
import subprocess
import sys
import time
from pathlib import Path

import ollama
import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from stand_ins.chat_server import Answer, ChatServer, Fault, closed_port

from app.errors import ModelError
from app.models.chat import Reply, choice_probability, estimate_tokens
from app.models.ollama import OllamaModel

MESSAGES: list[BaseMessage] = [SystemMessage("규칙"), HumanMessage("연차는 며칠인가요?")]


def model_at(url: str, *, name: str = "llama3-ko", timeout_s: float = 30) -> OllamaModel:
    return OllamaModel(name=name, url=url, context_tokens=4096, timeout_s=timeout_s)


async def ask(url: str, *, timeout_s: float = 30, logprobs: bool = False) -> Reply:
    return await model_at(url).call(MESSAGES, max_tokens=64, timeout_s=timeout_s, logprobs=logprobs)


async def test_an_answer_with_its_costs_and_log_probabilities() -> None:
    with ChatServer() as server:
        reply = await ask(server.url, logprobs=True)
    assert reply.text == "연차는 17일입니다."
    assert (reply.prompt_tokens, reply.output_tokens) == (640, 3)
    assert reply.cached_tokens == 0  # Ollama does not tell, and there was no prompt before
    assert reply.prompt_seconds == pytest.approx(0.3)
    assert reply.first_token == {"yes": -0.1, "no": -2.5}
    assert reply.logprobs == (-0.25, -0.25, -0.25)
    assert not reply.truncated
    assert choice_probability(reply) == pytest.approx(0.9168, abs=1e-4)


async def test_every_call_sends_its_bounds() -> None:
    with ChatServer() as server:
        model = model_at(server.url)
        for max_tokens in (1, 128):
            await model.call(MESSAGES, max_tokens=max_tokens, timeout_s=30, logprobs=max_tokens == 1)
        first, second = server.requests
    assert first.body["options"] == {"num_predict": 1, "num_ctx": 4096, "temperature": 0}
    assert second.body["options"] == {"num_predict": 128, "num_ctx": 4096, "temperature": 0}
    assert (first.body["logprobs"], first.body["top_logprobs"]) == (True, 20)
    assert not second.body.get("logprobs")
    assert first.body["model"] == "llama3-ko"
    assert first.body["keep_alive"] == "30m"
    assert first.body["think"] is False
    assert (first.body["truncate"], first.body["shift"]) == (False, False)
    assert [(message["role"], message["content"]) for message in first.body["messages"]] == [
        ("system", "규칙"),
        ("user", "연차는 며칠인가요?"),
    ]


async def test_a_cut_answer_says_so() -> None:
    with ChatServer(answer=Answer(reason="length")) as server:
        assert (await ask(server.url)).truncated


async def test_a_server_that_closes_kept_connections_is_asked_again_and_again() -> None:
    with ChatServer() as server:
        model = model_at(server.url)
        for _ in range(5):
            assert (await model.call(MESSAGES, max_tokens=9, timeout_s=30)).text == "연차는 17일입니다."
        await model.aclose()


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("401", "Ollama at URL answered: Invalid API Key"),
        (
            "404",
            "Ollama at URL does not have llama3-ko. "
            "Run: mutda models create llama3-ko, or ollama pull llama3-ko",
        ),
        (
            "context",
            "The prompt is longer than what llama3-ko reads at once at URL. "
            "Raise MUTDA_CONTEXT_TOKENS, if the model has been trained for more.",
        ),
        ("500", "Ollama at URL answered: <html> <h1>Internal Server Error</h1> </html>"),
        ("cut", "Ollama at URL broke off before the end of the answer. Try again."),
        (
            "error",
            "Ollama at URL lost its model in the middle of the answer, perhaps for want of memory. Try again.",
        ),
        ("empty", "ollama:llama3-ko ended its answer before it began. Try again."),
        ("garbage", "URL does not answer as Ollama does. Check MUTDA_OLLAMA_URL."),
    ],
)
async def test_each_failure_in_one_line(fault: Fault, line: str) -> None:
    with ChatServer(fault=fault) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server.url)
        assert str(caught.value).replace(server.url, "URL") == line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "model requires more system memory (9.1 GiB) than is available (7.0 GiB)",
            "Ollama at http://h could not load llama3-ko (model requires more system memory (9.1 GiB) than is "
            "available (7.0 GiB)). Free some memory, or choose a smaller model.",
        ),
        ("server busy, please try again", "Ollama at http://h answered: server busy, please try again"),
    ],
)
def test_what_a_server_says_in_one_line(said: str, line: str) -> None:
    assert model_at("http://h").explain(ollama.ResponseError(said, 500)) == line


async def test_a_closed_port() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(ModelError) as caught:
        await ask(url)
    assert str(caught.value) == f"Ollama at {url} cannot be reached. Run: ollama serve"


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_call_is_bounded_as_a_whole_and_ends_the_server_s_work(fault: Fault) -> None:
    with ChatServer(fault=fault, delay_s=0.3, answer=Answer(pieces=["가"] * 100)) as server:
        started = time.monotonic()
        with pytest.raises(ModelError) as caught:
            await ask(server.url, timeout_s=0.8)
        assert time.monotonic() - started < 60
        assert server.hung_up.wait(60)
    assert str(caught.value) == (
        "ollama:llama3-ko did not finish within 0.8 s. Raise MUTDA_CALL_TIMEOUT_S, or choose a smaller model."
    )


async def test_cancelling_the_call_closes_the_connection() -> None:
    with ChatServer(fault="drip", answer=Answer(pieces=["가"] * 1000)) as server:
        heard = asyncio.Event()
        call = asyncio.create_task(
            model_at(server.url).call(MESSAGES, max_tokens=9, timeout_s=30, on_text=lambda _: heard.set())
        )
        await asyncio.wait_for(heard.wait(), 60)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(server.hung_up.wait, 60)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
async def test_no_proxy_sees_a_server_on_this_machine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with ChatServer() as server:
        assert (await ask(server.url)).text == "연차는 17일입니다."


async def test_tokens_are_estimated() -> None:
    assert await model_at("http://127.0.0.1:1").count_tokens(MESSAGES) == estimate_tokens(MESSAGES)


def test_asking_what_is_installed_does_not_load_the_client() -> None:
    # It is asked at every start; the client takes .2 s, and cannot be imported beside a SOCKS proxy.
    code = "import app.models.ollama_tags, sys; print({'ollama', 'langchain_ollama'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
