"""Answers that are none: empty ones, tool calls, and servers that give no log-probabilities."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from fakes import CALIBRATION, Bounded, FakeCorpus, Script, make_resources, passage
from langchain_core.messages import AIMessageChunk

from app.models.chat import Messages, Reply
from app.models.fake import FakeModel, FakeReply
from app.wording import notice_in
from evals.plain import answer_plainly
from graphs.nodes.generate import trimmed
from graphs.prefix import ANSWER_TOKENS, LONG_ANSWER_TOKENS
from graphs.rag import build
from graphs.resources import Resources
from graphs.run import NO_LOGPROBS
from graphs.state import Question, Turn

QUESTION = "연차 휴가는 며칠인가요?"
CALL = '{"name": "search", "arguments": {"query": "연차"}}'
CALL_LEFT_OUT = "the model wrote a tool call into its answer; it was left out"


class Wordy(FakeModel):
    """As from a server without log-probabilities."""

    def read(self, message: AIMessageChunk, messages: Messages, *, seconds: float) -> Reply:
        return replace(super().read(message, messages, seconds=seconds), first_token={}, logprobs=())


async def ask(resources: Resources, question: str = QUESTION, history: Sequence[Turn] = ()) -> dict[str, Any]:
    state = await build(resources).ainvoke(Question(question=question, history=list(history)))
    result: dict[str, Any] = state["result"]
    return result


async def test_an_empty_answer_is_asked_for_once_more() -> None:
    script = Script(answer="", again="연차 휴가는 17일입니다.")
    result = await ask(make_resources(script))
    assert "17일" in result["answer"]
    assert script.seen == ["grade", "answer", "again", "check"]
    assert result["notices"] == []


async def test_two_empty_answers_are_a_refusal() -> None:
    script = Script(answer=" \n", again="")
    result = await ask(make_resources(script))
    assert (result["refused"], result["reason"]) == (True, "no answer: the model gave none")
    assert script.seen == ["grade", "answer", "again"]


async def test_an_answer_that_was_cut_off_says_so() -> None:
    cut = FakeReply(text="연차 휴가는 17일입니다. 병가는", truncated=True)
    result = await ask(make_resources(Script(answer=cut)))
    assert result["answer"].startswith("연차 휴가는 17일입니다.") and "병가" not in result["answer"]
    assert result["notices"] == [f"the answer was cut off after {ANSWER_TOKENS} tokens"]
    assert notice_in("ko", result["notices"][0]).startswith(f"답이 길어 토큰 {ANSWER_TOKENS}개")


async def test_of_a_draft_that_was_withdrawn_nobody_is_told_that_it_was_cut_off() -> None:
    wrong = FakeReply(text="연차 휴가는 99일입니다. 병가는", truncated=True)
    script = Script(answer=wrong, again="연차 휴가는 17일입니다.")
    result = await ask(make_resources(script))
    assert result["answer"].startswith("연차 휴가는 17일입니다.") and result["notices"] == []
    refused = await ask(make_resources(Script(answer=wrong, again=wrong)))
    assert refused["refused"] and refused["notices"] == []


async def test_a_tool_call_is_no_answer() -> None:
    script = Script(answer=f"```json\n{CALL}\n```", again="연차 휴가는 17일입니다.")
    result = await ask(make_resources(script))
    assert result["answer"].startswith("연차 휴가는 17일입니다.")
    assert result["notices"] == [CALL_LEFT_OUT]


async def test_the_answer_beside_a_tool_call_is_kept() -> None:
    script = Script(answer=f"<tool_call>{CALL}</tool_call>\n연차 휴가는 17일입니다.")
    result = await ask(make_resources(script))
    assert result["answer"].startswith("연차 휴가는 17일입니다.")
    assert result["notices"] == [CALL_LEFT_OUT]
    assert script.seen == ["grade", "answer", "check"]


@pytest.mark.parametrize("mark", [" [2]", "[1][2]", " [1, 2]", " (문서 [2])"])
async def test_marks_that_the_model_writes_do_not_stand_beside_the_graph_s(mark: str) -> None:
    resources = make_resources(Script(answer=f"연차 휴가는 17일입니다{mark}."))
    result = await ask(resources)
    assert result["answer"] == "연차 휴가는 17일입니다. [1]"
    assert [citation["n"] for citation in result["citations"]] == [1]
    checked = resources.model.fake.prompts[-1]  # type: ignore[attr-defined]
    assert checked[-2].content == "연차 휴가는 17일입니다."


async def test_a_calculated_answer_has_no_marks_of_the_model_either() -> None:
    corpus = FakeCorpus(default=[passage(1, "출장비는 하루 45000원입니다.")])
    script = Script(needs_calculation=0.9, calculation="CALC: 45000 * 4", answer="180,000원입니다 [3].")
    result = await ask(make_resources(script, corpus=corpus), "4일 출장비의 합계를 알려 주세요")
    assert result["answer"] == "180,000원입니다. [1]"


async def test_an_answer_that_is_nothing_but_a_mark_is_empty() -> None:
    script = Script(answer="[1]", again="연차 휴가는 17일입니다.")
    assert (await ask(make_resources(script)))["answer"] == "연차 휴가는 17일입니다. [1]"
    assert script.seen == ["grade", "answer", "again", "check"]


async def test_a_name_is_spelt_as_the_documents_do_but_for_the_asker_s_words() -> None:
    corpus = FakeCorpus(default=[passage(1, "행사는 세종대학교에서 엽니다.")])
    script = Script(answer="서종대학교에서 엽니다.")
    said = await ask(make_resources(script, corpus=corpus), "행사는 어디서 여나요?")
    assert said["answer"] == "세종대학교에서 엽니다. [1]"
    script = Script(answer="서종대학교가 아니라 세종대학교에서 엽니다.")
    asked = "행사는 서종대학교에서 여나요?"
    history: list[Turn] = [{"role": "user", "content": asked}]
    for question, before in ((asked, []), ("그럼 거기서 여나요?", history)):
        said = await ask(make_resources(script, corpus=corpus), question, before)
        assert said["answer"] == "서종대학교가 아니라 세종대학교에서 엽니다. [1]"


@pytest.mark.parametrize("sure", [0.5, 2.0])
async def test_who_is_merely_agreed_with_gets_no_answer(sure: float) -> None:
    agreed = "네, 병가는 17일입니다."
    script = Script(answer=agreed, again=agreed)
    resources = make_resources(script, calibration=replace(CALIBRATION, sure=sure))
    result = await ask(resources, "병가는 17일 맞나요?")
    assert (result["refused"], result["citations"]) == (True, [])
    assert result["reason"] == "withdrawn: 17 is in the question, and not what the documents say"
    prompts = [str(prompt[-1].content) for prompt in resources.model.fake.prompts]  # type: ignore[attr-defined]
    assert "was rejected: 17 is in the question" in prompts[-1]


async def test_who_is_right_is_agreed_with() -> None:
    result = await ask(make_resources(Script(answer="네, 병가는 30일입니다.")), "병가는 30일 맞나요?")
    assert result["answer"] == "네, 병가는 30일입니다. [2]"


async def test_without_log_probabilities_the_word_decides_and_the_result_says_so() -> None:
    answered = await ask(make_resources(model=Wordy(Script())))
    assert answered["refused"] is False
    assert answered["notices"] == [NO_LOGPROBS]  # once, for all three calls
    refused = await ask(make_resources(model=Wordy(Script(grade=0.1))))
    assert (refused["refused"], refused["notices"]) == (True, [NO_LOGPROBS])


async def test_with_them_nothing_is_said() -> None:
    assert (await ask(make_resources()))["notices"] == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("병가는 30일입니다. 연차는", "병가는 30일입니다."),
        ("병가는 30일입니다.", "병가는 30일입니다."),
        (
            "일수가 다릅니다. 1년 미만은 1일, 3년은 18일, 5년은 1,9",
            "일수가 다릅니다. 1년 미만은 1일, 3년은 18일 …",
        ),
        ("1년 미만은 1일, 3년은 18일, 5년", "1년 미만은 1일, 3년은 18일 …"),
        ("끝나지 않는 한 낱말", "끝나지 않는 한 낱말"),
        ("퇴직금은, 계속 근로 기간 1년에 대하여 30일분", "퇴직금은, 계속 근로 기간 1년에 대하여 30일분"),
        ("- 연차: 17일\n- 병가: 30일\n- 출", "- 연차: 17일\n- 병가: 30일"),
        ("1. 연차\n2. 병가\n3. 경", "1. 연차\n2. 병가"),
        ("1. 연차\n2. 병가\n3.", "1. 연차\n2. 병가"),
        ("1) 연차\n2) 병가\n3", "1) 연차\n2) 병가"),
    ],
)
def test_a_cut_off_end_is_left_out_but_not_what_a_list_named_before_it(text: str, kept: str) -> None:
    assert trimmed(text, truncated=True) == kept
    assert trimmed(f" {text} ", truncated=False) == text


@pytest.mark.parametrize(
    ("question", "limit"), [(QUESTION, ANSWER_TOKENS), ("연차 휴가 규정을 알려 주세요", LONG_ANSWER_TOKENS)]
)
async def test_the_baselines_may_answer_as_long_as_the_graph(question: str, limit: int) -> None:
    model = Bounded(Script())
    resources = make_resources(model=model)
    history: list[Turn] = [{"role": "user", "content": "출장비를 설명해 줘"}]
    for asked in (Question(question=question), Question(question=question, history=history)):
        for answer in (build(resources).ainvoke, partial(answer_plainly, resources=resources)):
            model.limits.clear()
            await answer(asked)
            assert max(model.limits) == limit
