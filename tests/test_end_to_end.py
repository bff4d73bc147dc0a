"""The whole question with the real model: sample documents in, cited and checked answers out."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pytest import MonkeyPatch
from stand_ins.search_server import SearchServer

from app.corpus.ingest import ingest
from app.models.chat import LanguageModel, Reply
from app.models.embedders import make_embedder
from app.settings import load_settings
from graphs.context import Context
from graphs.open import open_resources
from graphs.rag import build
from graphs.resources import Resources
from tools.calculator import calculate, grouped
from tools.web_search import web_search

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.asyncio(loop_scope="module")]

CALL_TIMEOUT_S = 240.0  # a busy machine is no failure


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def resources(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Resources]:
    """The embedded model over the sample documents, as `make ask` opens them."""
    samples = Path(__file__).parent.parent / "samples"
    data = tmp_path_factory.mktemp("data")
    with MonkeyPatch.context() as patch:
        for name in ("MUTDA_MODEL", "MUTDA_EMBEDDER", "MUTDA_WEB_SEARCH"):
            patch.delenv(name, raising=False)
        settings = load_settings(
            data_dir=data, model="embedded:", embedder="use:", call_timeout_s=CALL_TIMEOUT_S
        )
    report = ingest(settings.collection_dir, [samples], make_embedder("use:", cache_dir=settings.cache_dir))
    assert report.added == 7 and report.failed == ()
    async with open_resources(settings) as opened:
        yield opened


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


async def ask(resources: Resources, question: str, **knobs: Any) -> dict[str, Any]:
    state = await build(resources).ainvoke({"question": question}, context=Context(max_seconds=900, **knobs))
    result: dict[str, Any] = state["result"]
    return result


async def test_a_question_is_answered_with_the_sentence_that_says_so(resources: Resources) -> None:
    result = await ask(resources, "평일 당직 수당은 1회에 얼마인가요?")
    assert result["refused"] is False
    assert "54,000" in result["answer"]
    (first, *_) = result["citations"]
    assert first["source"].endswith("취업규칙.docx")
    assert "54,000" in first["text"]
    assert result["route"][-2:] == ["self_check", "finish"]
    assert 0 < result["cost"]["llm_calls"] <= 5


async def test_what_the_documents_do_not_hold_is_refused(resources: Resources) -> None:
    result = await ask(resources, "도쿄 올림픽의 마라톤 우승자는 누구인가요?")
    assert result["refused"] is True
    assert result["reason"].startswith("no evidence")
    assert result["citations"] == []


async def test_later_steps_pay_for_their_instruction_alone(
    resources: Resources, replies: list[Reply]
) -> None:
    eager = replace(resources, calibration=replace(resources.calibration, hopeless_coverage=0.0, sure=2.0))
    await ask(eager, "물결 740의 탁도 교정 주기는 며칠인가요?", accept=0.0, grounded=0.0)
    first, *later = replies
    evaluated = first.prompt_tokens - first.cached_tokens
    assert evaluated > 200
    assert len(later) >= 2
    for reply in later:
        assert reply.prompt_tokens - reply.cached_tokens < 0.15 * evaluated


async def test_a_wider_look_pays_for_what_it_adds(resources: Resources, replies: list[Reply]) -> None:
    doubting = replace(
        resources,
        calibration=replace(
            resources.calibration,
            accept_narrow=1.1,
            accept_wide=0.0,
            hopeless=0.0,
            hopeless_coverage=0.0,
            reader_no=None,
            reader_yes=None,
        ),
    )
    question = "연차 휴가는 며칠 전까지 신청하나요?"
    result = await ask(doubting, question, grounded=0.0)
    assert result["route"][:5] == ["prepare", "retrieve", "grade", "widen", "grade"]
    narrow, wide = replies[:2]
    # The narrow prompt ends with the question, the instruction and the template's last marks.
    tail = 60
    assert wide.cached_tokens >= narrow.prompt_tokens - tail
    assert wide.prompt_tokens > narrow.prompt_tokens


async def test_search_then_calculation_answer_a_question_in_two_parts(
    resources: Resources, tmp_path: Path
) -> None:
    pages = json.loads((Path(__file__).parent / "stand_ins" / "web_pages.json").read_text(encoding="utf-8"))
    with SearchServer(pages) as server:
        search = web_search("on", server.url, tmp_path / "searches.jsonl", 60.0)
        result = await ask(
            replace(resources, search=search, web_search="on"),
            "Who directed the film Oppenheimer, and what is that person's age in days?",
        )
        queries = list(server.queries)
    days = grouped(calculate("age_days(1970-07-30)", today=resources.today()).text)
    assert result["refused"] is False, result
    assert result["calculation"] == f"age_days(1970-07-30) = {days}"
    first, second = result["answer"].splitlines()
    assert "Christopher Nolan" in first
    assert days in second or days.replace(",", "") in second
    assert len(queries) == result["cost"]["searches"] == 2
    assert {citation["source"].rpartition("/")[2] for citation in result["citations"]} >= {
        "Christopher_Nolan"
    }
    log = (tmp_path / "searches.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["query"] for line in log if json.loads(line)["event"] == "sent"] == queries
