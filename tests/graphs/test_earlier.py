"""Answers to follow-ups that say the turn before once more."""

from typing import Any

import pytest
from fakes import FakeCorpus, Script, make_resources, passage

from graphs.earlier import says_only, without_earlier
from graphs.rag import build
from graphs.state import Question

WARRANTY = "본체의 보증 기간은 얼마인가요? 보증 기간은 구입일부터 30개월입니다."
LEAVE = "연차 휴가는 며칠인가요? 연차 휴가는 17일입니다."


OFFICE = "사무실은 몇 시에 여나요? 사무실은 9시부터 18시까지 엽니다. [1]"
DAYS = "연차 휴가와 병가는 며칠인가요? 연차 휴가는 17일, 병가는 30일입니다. [1]"
SIGNS = "구매 승인은 누가 하나요? 팀장, 본부장, 대표이사 순으로 승인합니다. [1]"
SICK = "병가는 유급인가요? 병가는 연 30일까지 유급입니다. [1]"
PRICE = "본체 가격은 얼마인가요? 본체 가격은 120만원입니다. [1]"
LODGING = "과장의 숙박비 한도는 얼마인가요? 과장의 숙박비 한도는 1박당 8만원입니다. [1]"
WEDDING = "아들 결혼 경조 휴가는 며칠인가요? 아들 결혼 경조 휴가는 2일입니다. [1]"


@pytest.mark.parametrize(
    ("before", "question", "answer", "left"),
    [
        (
            WARRANTY,
            "그럼 배터리는요?",
            "본체의 보증 기간은 30개월입니다. 배터리는 15개월입니다.",
            "배터리는 15개월입니다.",
        ),
        (LEAVE, "병가는?", "연차 휴가: 17일\n병가: 30일", "병가: 30일"),
        (
            DAYS,
            "출장비는 얼마인가요?",
            "연차 휴가는 17일입니다. 병가는 30일입니다. 출장비는 하루 45,000원입니다.",
            "출장비는 하루 45,000원입니다.",
        ),
        (WEDDING, "그럼 딸은요?", "아들 결혼은 2일입니다. 딸 결혼은 3일입니다.", "딸 결혼은 3일입니다."),
        (
            "How long is the warranty? The warranty is 30 months.",
            "What about the battery?",
            "The warranty is 30 months. The battery has 15 months.",
            "The battery has 15 months.",
        ),
    ],
)
def test_what_was_said_a_moment_ago_is_left_out(before: str, question: str, answer: str, left: str) -> None:
    assert without_earlier(answer, question, before, "") == left


@pytest.mark.parametrize(
    ("before", "question", "answer"),
    [
        # Another figure than a moment ago, the mark of a citation aside: that one is wrong is to be seen.
        (WARRANTY, "그럼 배터리는요?", "본체의 보증 기간은 24개월입니다. 배터리는 15개월입니다."),
        (WEDDING, "그럼 신청 서류는?", "아들 결혼 경조 휴가는 1일입니다. 신청 서류는 청첩장입니다."),
        # What is asked now has the same figure, and something else follows.
        (LODGING, "그럼 부장은요?", "부장의 숙박비 한도는 1박당 8만원입니다. 임원은 12만원입니다."),
        (WEDDING, "딸은요?", "딸 결혼 경조 휴가는 2일입니다. 손녀는 1일입니다."),
        (OFFICE, "What about weekends?", "On a weekend it is open from 9 to 18. On Sundays it opens at 10."),
        # The same is asked again, to be sure or in other words.
        (WARRANTY, "30개월 맞죠?", "네, 보증 기간은 30개월입니다. 배터리는 15개월입니다."),
        (LEAVE, "연차 휴가는 며칠인가요?", "연차 휴가는 17일입니다. 3년 이상 근속하면 18일입니다."),
        (LEAVE, "다시 알려 주세요", "연차 휴가는 17일입니다. 신청은 3일 전까지 합니다."),
        (SIGNS, "최종 승인은?", "대표이사입니다. 결재 기한은 3일입니다."),
        # A step, a name, a refusal or a denial that only looks like what was said.
        (LEAVE, "신청은 어떻게 하나요?", "연차 휴가는 전자 결재로 올립니다. 신청은 3일 전까지 합니다."),
        (SICK, "그럼 진단서를 안 내면?", "병가는 유급이 아닙니다. 진단서를 3일 안에 내야 합니다."),
        (SICK, "진단서는 언제 내나요?", "병가는 연 30일까지 유급이 아닙니다. 진단서는 3일 안에 냅니다."),
        (LEAVE, "계약직에게도 주나요?", "네, 연차 휴가는 17일입니다. 계약직은 입사 1년 뒤부터입니다."),
        # A list is whole or wrong.
        (LEAVE, "그럼 병가는?", "1. 연차 휴가: 17일\n2. 병가: 30일"),
        (LEAVE, "그럼 병가는?", "- 연차 휴가: 17일\n- 병가: 30일"),
        # Both are a part of the answer.
        (LEAVE, "병가와는 무슨 차이가 있나요?", "연차 휴가는 17일입니다. 병가는 30일입니다."),
        (LEAVE, "병가랑 어느 쪽이 길어요?", "연차 휴가는 17일입니다. 병가는 30일입니다."),
        (PRICE, "설치비까지 하면 얼마예요?", "본체 가격은 120만원입니다. 설치비는 8만원입니다."),
        (DAYS, "무급인 날도 있나요?", "병가는 30일입니다. 이 가운데 10일은 무급입니다."),
        # Nothing of what is asked now is named: what there is stays.
        (LEAVE, "병가는요?", "연차 휴가는 17일입니다."),
        (LEAVE, "정말인가요?", "연차 휴가는 17일입니다. 그렇습니다."),
        (LEAVE, "병가는요?", ""),
    ],
)
def test_what_may_be_a_part_of_the_answer_stays(before: str, question: str, answer: str) -> None:
    assert without_earlier(answer, question, before, "") == answer


async def test_the_graph_gives_only_what_is_new() -> None:
    found = [passage(1, "연차 휴가는 17일입니다. 병가는 30일입니다.")]
    script = Script(answer="연차 휴가는 17일입니다. 병가는 30일입니다.")
    resources = make_resources(script, corpus=FakeCorpus(default=found))
    history: Any = [
        {"role": "user", "content": "연차 휴가는 며칠인가요?"},
        {"role": "assistant", "content": "연차 휴가는 17일입니다. [1]"},
    ]

    async def answer_to(question: str, **said: Any) -> str:
        state = await build(resources).ainvoke(Question(question=question, **said))
        return str(state["result"]["answer"])

    assert await answer_to("그럼 병가는요?", history=history) == "병가는 30일입니다. [1]"
    asked_at_once = "연차 휴가와 병가는 며칠인가요?"
    assert await answer_to(asked_at_once) == "연차 휴가는 17일입니다. 병가는 30일입니다. [1]"


ROOM = ("작은방은 하룻밤에 얼마인가요?", "작은방은 하룻밤 52,000원입니다. [1]")
MAIL = ("지운 편지는 며칠 뒤에 사라지나요?", "지운 편지는 24일 뒤에 사라집니다.")
CLAIM = ("과장의 숙박비 한도는 얼마인가요?", "과장의 숙박비 한도는 8만원입니다.")


@pytest.mark.parametrize(
    ("before", "question", "answer"),
    [
        (ROOM, "사람이 더 오면요?", "작은방은 하룻밤에 52,000원입니다."),
        (MAIL, "그렇게 사라진 건 되살릴 수 있나요?", "지운 편지는 24일 뒤에 사라집니다."),
        (CLAIM, "그럼 부장은요?", "과장의 숙박비 한도는 8만원입니다."),
        (("When is dinner?", "Dinner is at 19:10."), "And who serves lunch?", "Dinner is at 19:10."),
    ],
)
def test_an_answer_to_the_question_before_is_none(
    before: tuple[str, str], question: str, answer: str
) -> None:
    assert says_only(answer, question, *before)


@pytest.mark.parametrize(
    ("before", "question", "answer"),
    [
        (CLAIM, "그럼 부장은요?", "부장의 숙박비 한도는 8만원입니다."),
        (CLAIM, "그럼 부장은요?", "12만원입니다."),
        (CLAIM, "그럼 부장은요?", "과장의 숙박비 한도는 12만원입니다."),
        (CLAIM, "8만원 맞나요?", "네, 과장의 숙박비 한도는 8만원입니다."),
        (CLAIM, "다시 알려 주세요", "과장의 숙박비 한도는 8만원입니다."),
        (CLAIM, "정말인가요?", "과장의 숙박비 한도는 8만원입니다."),
        (ROOM, "사람이 더 오면요?", "한 사람에 13,000원을 더 받습니다."),
        (ROOM, "사람이 더 오면요?", "네, 작은방은 하룻밤에 52,000원입니다."),
        (ROOM, "사람이 더 오면요?", ""),
    ],
)
def test_what_is_asked_now_may_have_the_same_answer(
    before: tuple[str, str], question: str, answer: str
) -> None:
    assert not says_only(answer, question, *before)


async def test_an_answer_to_the_question_before_is_tried_again_and_else_refused() -> None:
    found = [passage(1, "작은방은 하룻밤 52,000원입니다. 사람이 더 오면 한 사람에 13,000원을 받습니다.")]
    history: Any = [
        {"role": role, "content": text} for role, text in zip(("user", "assistant"), ROOM, strict=True)
    ]
    old, new = "작은방은 하룻밤에 52,000원입니다.", "사람이 더 오면 한 사람에 13,000원을 받습니다."
    for second, answer in ((new, f"{new} [1]"), (old, "문서에서 이 질문의 답을 찾지 못했습니다.")):
        script = Script(answer=old, again=second)
        resources = make_resources(script, corpus=FakeCorpus(default=found))
        state = await build(resources).ainvoke(Question(question="사람이 더 오면요?", history=history))
        assert state["result"]["answer"] == answer
        assert "again" in script.seen
