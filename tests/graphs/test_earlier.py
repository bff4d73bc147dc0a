"""Answers to follow-ups that say the turn before once more."""

from typing import Any

import pytest
from fakes import FakeCorpus, Script, make_resources, passage

from graphs.earlier import without_earlier
from graphs.rag import build
from graphs.state import Question

WARRANTY = "본체의 보증 기간은 얼마인가요? 보증 기간은 구입일부터 30개월입니다."
LEAVE = "연차 휴가는 며칠인가요? 연차 휴가는 17일입니다."


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
            LEAVE,
            "신청은 누가 받나요?",
            "신청은 팀장이 받습니다. 연차 휴가는 17일입니다.",
            "신청은 팀장이 받습니다.",
        ),
        (
            "How long is the warranty? The warranty is 30 months.",
            "What about the battery?",
            "The warranty is 30 months. The battery has 15 months.",
            "The battery has 15 months.",
        ),
    ],
)
def test_what_was_said_a_moment_ago_is_left_out(before: str, question: str, answer: str, left: str) -> None:
    assert without_earlier(answer, question, before) == left


@pytest.mark.parametrize(
    ("before", "question", "answer"),
    [
        # Another figure than a moment ago: one of them is wrong, and that is to be seen.
        (WARRANTY, "그럼 배터리는요?", "본체의 보증 기간은 24개월입니다. 배터리는 15개월입니다."),
        # Of the same thing, and new.
        (LEAVE, "신청은 어떻게 하나요?", "연차 휴가는 전자 결재로 올립니다. 신청은 3일 전까지 합니다."),
        # It compares the two.
        (LEAVE, "병가와는 무슨 차이가 있나요?", "연차 휴가는 17일입니다. 병가는 30일입니다."),
        (LEAVE, "둘 다 유급인가요?", "연차 휴가는 17일입니다. 병가는 유급이 아닙니다."),
        # Nothing new is said: what there is stays.
        (LEAVE, "병가는요?", "연차 휴가는 17일입니다."),
        (LEAVE, "정말인가요?", "네. 연차 휴가는 17일입니다."),
        (LEAVE, "병가는요?", ""),
    ],
)
def test_what_may_be_a_part_of_the_answer_stays(before: str, question: str, answer: str) -> None:
    assert without_earlier(answer, question, before) == answer


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
