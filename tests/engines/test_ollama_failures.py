"""What can happen to a real Ollama: each time one line, within a bounded time, and the next question works."""

import asyncio
import time
from collections.abc import Callable

import pytest
from engines.conftest import CALL_TIMEOUT_S, Open
from engines.ollama_server import OllamaServer
from langchain_core.messages import BaseMessage, HumanMessage

from app.errors import ModelError
from app.models.ollama import OllamaModel

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COUNT: list[BaseMessage] = [HumanMessage("1부터 1000까지의 수를 모두 쓰세요.")]


async def failure(model: OllamaModel, *, on_text: Callable[[str], None] | None = None) -> str:
    """The line of a call that must fail."""
    with pytest.raises(ModelError) as caught:
        await model.call(COUNT, max_tokens=400, timeout_s=CALL_TIMEOUT_S, on_text=on_text)
    line = str(caught.value)
    assert "\n" not in line
    return line.replace(model._url, "URL")


async def works(model: OllamaModel) -> bool:
    """Whether the next question is answered."""
    return (await model.call(COUNT, max_tokens=2, timeout_s=CALL_TIMEOUT_S)).output_tokens == 2


def once(do: Callable[[], None]) -> Callable[[str], None]:
    """Does it at the first piece of an answer."""
    done: list[str] = []

    def heard(text: str) -> None:
        if not done:
            done.append(text)
            do()

    return heard


async def test_a_model_that_is_not_there(opened: Open) -> None:
    assert await failure(opened("absent")) == (
        "Ollama at URL does not have absent. Run: mutda models create absent, or ollama pull absent"
    )
    assert await works(opened())


async def test_a_runner_that_is_killed(ollama: OllamaServer, opened: Open) -> None:
    model = opened()
    assert await works(model)
    assert len(ollama.runners()) == 1
    assert await failure(model, on_text=once(ollama.kill_runners)) == (
        "Ollama at URL lost its model in the middle of the answer, perhaps for want of memory. Try again."
    )
    assert await works(model)


async def test_a_server_that_hangs(ollama: OllamaServer, opened: Open) -> None:
    model = opened()
    assert await works(model)
    with ollama.hung():
        started = time.monotonic()
        with pytest.raises(ModelError) as caught:
            await model.call(COUNT, max_tokens=2, timeout_s=1)
        assert time.monotonic() - started < 60
    assert str(caught.value) == (
        "ollama:llama3-ko did not finish within 1 s. Raise MUTDA_CALL_TIMEOUT_S, or choose a smaller model."
    )
    assert await works(model)


async def test_a_server_that_is_killed_in_the_middle_of_an_answer(ollama: OllamaServer, opened: Open) -> None:
    model = opened()
    assert await works(model)
    try:
        assert await failure(model, on_text=once(ollama.kill)) == (
            "Ollama at URL broke off before the end of the answer. Try again."
        )
        # It is down now.
        started = time.monotonic()
        assert await failure(model) == "Ollama at URL cannot be reached. Run: ollama serve"
        assert time.monotonic() - started < 60
    finally:
        await asyncio.to_thread(ollama.start)
    assert await works(model)
