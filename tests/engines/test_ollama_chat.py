"""A real Ollama that works: answers, log-probabilities, reuse of prefixes, bounds, several people."""

import asyncio
import time

import pytest
from engines.conftest import CALL_TIMEOUT_S, CONTEXT_TOKENS, Open
from engines.ollama_server import OllamaServer
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from app.errors import ModelError
from app.models.chat import choice_probability, estimate_tokens
from app.models.ollama_tags import installed_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DOCUMENTS = """\
[1] 휴가 규정: 연차 휴가는 1년에 17일이며, 사흘 전까지 팀장에게 신청합니다. 남은 연차는 이듬해 2월까지 씁니다.
[2] 병가: 병가는 1년에 30일까지 쓸 수 있고, 이틀이 넘으면 진단서를 냅니다. 병가 중의 급여는 70%입니다.
[3] 출장비: 국내 출장비는 하루 45,000원이고, 숙박비는 영수증대로 지급합니다. 닷새 안에 정산해야 합니다."""


def prompt(question: str, instruction: str) -> list[BaseMessage]:
    text = f"Documents:\n{DOCUMENTS}\nQuestion: {question}\n\n{instruction}"
    return [SystemMessage("You answer questions from documents."), HumanMessage(text)]


ANSWER = "Answer the question briefly in Korean."
GRADE = "Do the documents contain the answer to the question? Reply only yes or no."
LEAVE = "연차 휴가는 1년에 며칠인가요?"


async def test_a_streamed_answer_then_graders_that_pay_for_their_instruction_alone(opened: Open) -> None:
    model = opened()
    pieces: list[str] = []
    first = await model.call(
        prompt(LEAVE, ANSWER), max_tokens=32, timeout_s=CALL_TIMEOUT_S, logprobs=True, on_text=pieces.append
    )
    assert "17" in first.text
    assert len(pieces) > 2 and "".join(pieces) == first.text
    assert first.logprobs and all(logprob <= 0 for logprob in first.logprobs)
    assert first.prompt_tokens > 150
    assert first.cached_tokens == 0  # nothing is known of what another client had it read

    second = await model.call(prompt(LEAVE, GRADE), max_tokens=1, timeout_s=CALL_TIMEOUT_S, logprobs=True)
    assert second.output_tokens == 1 and second.truncated
    # The server counts what it had read among the prompt's tokens; the estimate is of the time.
    assert second.prompt_tokens > 150
    assert 0 < second.prompt_seconds < first.prompt_seconds
    assert 0 < second.cached_tokens < second.prompt_tokens
    assert len(second.first_token) == 20
    answerable = choice_probability(second)

    third = await model.call(
        prompt("구내식당의 점심값은 얼마인가요?", GRADE),
        max_tokens=1,
        timeout_s=CALL_TIMEOUT_S,
        logprobs=True,
    )
    assert answerable > 0.5
    assert choice_probability(third) < answerable


async def test_the_server_s_models_are_listed(ollama: OllamaServer) -> None:
    assert "llama3-ko:latest" in (await installed_models(ollama.url, timeout_s=30) or [])


async def test_an_answer_without_end_is_capped(opened: Open) -> None:
    counting = [HumanMessage("1부터 1000까지의 수를 쉼표로 나누어 모두 쓰세요. 줄이지 마세요.")]
    reply = await opened().call(counting, max_tokens=24, timeout_s=CALL_TIMEOUT_S)
    assert reply.output_tokens == 24
    assert reply.truncated


@pytest.mark.parametrize("name", ["llama3-ko", "llama3-ko-untemplated"])
async def test_a_prompt_beyond_the_context_is_refused_and_not_cut(opened: Open, name: str) -> None:
    model = opened(name)
    long = [SystemMessage("규칙"), HumanMessage("가 나 다 라 " * CONTEXT_TOKENS)]
    assert await model.count_tokens(long) > CONTEXT_TOKENS  # the graph leaves passages out before it sends
    started = time.monotonic()
    with pytest.raises(ModelError) as caught:
        await model.call(long, max_tokens=8, timeout_s=CALL_TIMEOUT_S)
    assert str(caught.value) == (
        f"The prompt is longer than what {name} reads at once at {model._url}. "
        "Raise MUTDA_CONTEXT_TOKENS, if the model has been trained for more."
    )
    assert time.monotonic() - started < 120
    assert (await model.call([HumanMessage("안녕?")], max_tokens=2, timeout_s=CALL_TIMEOUT_S)).output_tokens


async def test_the_estimate_is_never_below_what_the_server_counts(opened: Open) -> None:
    model = opened()
    for messages in (prompt(LEAVE, ANSWER), [HumanMessage("The annual leave is 17 days. 12,345.67")]):
        reply = await model.call(messages, max_tokens=1, timeout_s=CALL_TIMEOUT_S)
        assert reply.prompt_tokens <= await model.count_tokens(messages) == estimate_tokens(messages)


async def test_an_answer_that_nobody_waits_for_is_not_finished(opened: Open) -> None:
    model = opened()
    endless = [HumanMessage("1부터 10000까지의 수를 모두 쓰세요.")]
    heard = asyncio.Event()
    call = asyncio.create_task(
        model.call(endless, max_tokens=1500, timeout_s=CALL_TIMEOUT_S, on_text=lambda _: heard.set())
    )
    await asyncio.wait_for(heard.wait(), CALL_TIMEOUT_S)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    # 1,500 tokens take a minute or more; the server works on one request at a time.
    started = time.monotonic()
    await model.call(endless, max_tokens=1, timeout_s=CALL_TIMEOUT_S)
    assert time.monotonic() - started < 45


async def test_a_call_is_bounded_as_a_whole(opened: Open) -> None:
    model = opened()
    endless = [HumanMessage("1부터 10000까지의 수를 모두 쓰세요.")]
    started = time.monotonic()
    with pytest.raises(ModelError, match=r"^ollama:llama3-ko did not finish within 2 s\."):
        await model.call(endless, max_tokens=1500, timeout_s=2)
    assert time.monotonic() - started < 45
    started = time.monotonic()
    await model.call(endless, max_tokens=1, timeout_s=CALL_TIMEOUT_S)
    assert time.monotonic() - started < 45


async def test_two_people_ask_at_once(opened: Open) -> None:
    questions = (LEAVE, "국내 출장비는 하루 얼마인가요?")
    leave, travel = await asyncio.gather(
        *(
            opened().call(prompt(question, ANSWER), max_tokens=32, timeout_s=CALL_TIMEOUT_S)
            for question in questions
        )
    )
    assert "17" in leave.text
    assert "45,000" in travel.text
