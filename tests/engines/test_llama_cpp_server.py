"""llama.cpp's own server through `openai:`, as docs/engines.md says; the embedded engine is that server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from engines.conftest import CALL_TIMEOUT_S, THREADS
from fakes import FakeCorpus, make_resources
from langchain_core.messages import HumanMessage

from app.errors import ModelError
from app.models.engine import Engine
from app.models.open import open_model
from app.prompts import Prompts
from app.settings import Settings, load_settings
from graphs.context import Context
from graphs.evidence import load_calibration
from graphs.rag import build

CONTEXT_TOKENS = 1024

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]


def no_weights(name: str) -> Path:
    raise AssertionError(f"no weights are fetched for openai:, not even {name}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def settings(weights: Path) -> AsyncIterator[Settings]:
    """What a person sets who has started `llama-server` with a key."""
    engine = await Engine.start(weights, context_tokens=CONTEXT_TOKENS, threads=THREADS)
    yield load_settings(
        model="openai:qwen",
        openai_base_url=f"{engine.url}/v1",
        openai_api_key=engine.api_key,
        context_tokens=CONTEXT_TOKENS,
        call_timeout_s=CALL_TIMEOUT_S,
    )
    engine.close()


async def test_a_question_with_graders_and_the_cache(settings: Settings) -> None:
    model = await open_model(settings, fetch=no_weights)
    assert model.spec == "openai:qwen"
    resources = make_resources(
        model=model,
        prompts=Prompts.read(model.family),
        corpus=FakeCorpus(),
        calibration=load_calibration("qwen2.5-coder-1.5b"),
        call_timeout_s=CALL_TIMEOUT_S,
    )
    state = await build(resources).ainvoke(
        {"question": "연차 휴가는 며칠인가요?"}, context=Context(accept=0.0, grounded=0.0)
    )
    result = state["result"]
    assert result["refused"] is False
    assert "17" in result["answer"]
    assert result["notices"] == []  # log-probabilities came
    assert result["cost"]["cached_tokens"] > 0
    await model.aclose()


async def test_tokens_are_counted_by_the_server(settings: Settings) -> None:
    model = await open_model(settings, fetch=no_weights)
    messages = [HumanMessage("연차 휴가는 1년에 17일입니다. " * 20)]
    reply = await model.call(messages, max_tokens=1, timeout_s=CALL_TIMEOUT_S)
    assert await model.count_tokens(messages) == reply.prompt_tokens
    await model.aclose()


async def test_a_wrong_key(settings: Settings) -> None:
    stranger = await open_model(
        settings.model_copy(update={"openai_api_key": load_settings().openai_api_key}), fetch=no_weights
    )
    with pytest.raises(ModelError, match=r"refused the key\. Set MUTDA_OPENAI_API_KEY\.$"):
        await stranger.call([HumanMessage("?")], max_tokens=1, timeout_s=CALL_TIMEOUT_S)
    await stranger.aclose()
