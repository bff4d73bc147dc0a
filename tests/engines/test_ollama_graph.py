"""The whole question on a real Ollama: answers, refusals, costs, and models that cannot do everything."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from engines.conftest import CALL_TIMEOUT_S, CONTEXT_TOKENS, Open
from engines.ollama_server import OllamaServer
from fakes import FakeCorpus, make_resources
from pytest import MonkeyPatch
from stand_ins.old_ollama import OldOllama

from app.corpus.ingest import ingest
from app.models.chat import LanguageModel, Reply
from app.models.embedders import make_embedder
from app.models.ollama import OllamaModel
from app.prompts import Prompts
from app.settings import load_settings
from graphs.context import Context
from graphs.evidence import load_calibration
from graphs.open import open_resources
from graphs.rag import build
from graphs.resources import Resources
from graphs.run import NO_LOGPROBS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

LEAVE = "연차 휴가는 며칠인가요?"
CALL_LEFT_OUT = "the model wrote a tool call into its answer; it was left out"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def resources(
    ollama: OllamaServer, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Resources]:
    """The sample documents and `llama3-ko`, opened as `make ask` opens them where Ollama has it."""
    with MonkeyPatch.context() as patch:
        for name in ("MUTDA_MODEL", "MUTDA_EMBEDDER", "MUTDA_WEB_SEARCH"):
            patch.delenv(name, raising=False)
        settings = load_settings(
            data_dir=tmp_path_factory.mktemp("data"),
            ollama_url=ollama.url,
            embedder="use:",
            context_tokens=CONTEXT_TOKENS,
            call_timeout_s=CALL_TIMEOUT_S,
        )
    ingest(settings.collection_dir, [samples], make_embedder("use:", cache_dir=settings.cache_dir))
    async with open_resources(settings) as opened:
        assert opened.model.spec == "ollama:llama3-ko"
        yield opened


def over_leave(model: OllamaModel) -> Resources:
    """A few short passages, and a calibration that lets every answer through to the checks of its text."""
    calibration = replace(load_calibration(model.family), hopeless_coverage=0.0)
    return make_resources(
        model=model,
        prompts=Prompts.read(model.family),
        corpus=FakeCorpus(),
        calibration=calibration,
        call_timeout_s=CALL_TIMEOUT_S,
    )


async def ask(resources: Resources, question: str, **knobs: Any) -> dict[str, Any]:
    context = Context(max_seconds=900, **knobs)
    state = await build(resources).ainvoke({"question": question}, context=context)
    result: dict[str, Any] = state["result"]
    return result


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> list[Reply]:
    """What each model call gave, in order."""
    seen: list[Reply] = []
    call = LanguageModel.call

    async def recorded(self: LanguageModel, *args: Any, **kwargs: Any) -> Reply:
        reply = await call(self, *args, **kwargs)
        seen.append(reply)
        return reply

    monkeypatch.setattr(LanguageModel, "call", recorded)
    return seen


async def test_an_answer_with_its_source_whose_later_steps_cost_little(
    resources: Resources, replies: list[Reply]
) -> None:
    checking = replace(resources, calibration=replace(resources.calibration, sure=2.0))
    graph = build(checking)
    pieces: list[str] = []
    result: dict[str, Any] = {}
    context = Context(max_seconds=900, accept=0.0, grounded=0.0)
    async for mode, part in graph.astream(
        {"question": "평일 당직 수당은 1회에 얼마인가요?"},
        context=context,
        stream_mode=["messages", "values"],
    ):
        if mode == "messages":
            pieces.append(str(part[0].content))
        else:
            result = part.get("result") or result
    assert result["refused"] is False
    assert "54,000" in result["answer"]
    assert "54,000" in result["citations"][0]["text"]
    assert result["citations"][0]["source"].endswith("취업규칙.docx")
    assert len(pieces) > 2 and "54,000" in "".join(pieces)
    assert result["notices"] == []

    first, *later = replies
    assert len(later) >= 2
    assert first.first_token and first.prompt_tokens > 300
    for reply in later:
        assert reply.prompt_seconds < 0.15 * first.prompt_seconds
        assert reply.cached_tokens > 0.7 * reply.prompt_tokens
    assert result["cost"]["cached_tokens"] == sum(reply.cached_tokens for reply in later)


async def test_what_the_documents_do_not_hold_is_refused(resources: Resources) -> None:
    result = await ask(resources, "도쿄 올림픽의 마라톤 우승자는 누구인가요?")
    assert result["refused"] is True
    assert result["reason"].startswith("no evidence")


async def test_a_model_without_tool_calls_answers_as_well(ollama: OllamaServer, opened: Open) -> None:
    shown = ollama.ask("/api/show", {"model": "llama3-ko"}).json()
    assert "tools" not in shown["capabilities"]
    result = await ask(over_leave(opened()), LEAVE, accept=0.0, grounded=0.0)
    assert result["refused"] is False
    assert "17" in result["answer"]


async def test_a_server_without_log_probabilities_answers_and_says_so(
    ollama: OllamaServer, opened: Open
) -> None:
    with OldOllama(ollama.url) as old:
        result = await ask(over_leave(opened(url=old.url)), LEAVE, accept=0.0, grounded=0.0)
        assert result["notices"] == [NO_LOGPROBS]
        assert "17" in result["answer"]
        assert all("tools" not in body or not body["tools"] for body in old.requests)
        assert len(old.requests) == result["cost"]["llm_calls"]


async def test_an_empty_answer_is_asked_for_once_more_and_then_refused(opened: Open) -> None:
    model = opened("llama3-ko-silent")
    result = await ask(over_leave(model), LEAVE, accept=0.0, grounded=0.0)
    assert (result["refused"], result["reason"]) == (True, "no answer: the model gave none")
    assert result["cost"]["llm_calls"] == 3  # the grade and two answers


async def test_a_tool_call_written_as_an_answer_is_no_answer(opened: Open) -> None:
    result = await ask(over_leave(opened("llama3-ko-caller")), LEAVE, accept=0.0, grounded=0.0)
    assert CALL_LEFT_OUT in result["notices"]
    assert (result["refused"], result["reason"]) == (True, "no answer: the model gave none")
    assert "arguments" not in result["answer"]
