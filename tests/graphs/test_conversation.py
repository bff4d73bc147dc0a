from typing import Literal

import pytest

from graphs.conversation import leans, stand


@pytest.mark.parametrize(
    "question",
    [
        "부산은요?",
        "주말에는요?",
        "그럼 다섯 명이면요?",
        "그건 누구한테 신청하나요?",
        "그 전에 무엇을 준비해야 하나요?",
        "거기서 주차할 수 있나요?",
    ],
)
def test_korean_follow_ups_lean_on_the_question_before(question: str) -> None:
    assert leans(question, "ko")


@pytest.mark.parametrize(
    "question",
    [
        "서울 지점은 몇 시에 문을 여나요?",
        "출장비 정산은 언제까지 해야 하나요?",
        "창고에 오래 넣어 둘 때 배터리는 얼마나 채우나요?",
        "법인카드를 잃어버리면 그 사실을 누구에게 알려야 하나요?",
        "우리 회사의 대표이사는 누구인가요?",
    ],
)
def test_whole_korean_questions_do_not(question: str) -> None:
    assert not leans(question, "ko")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What about Busan?", True),
        ("How long does it take to charge the pump?", True),
        ("How long is the warranty of the pump?", False),
    ],
)
def test_english(question: str, expected: bool) -> None:
    assert leans(question, "en") is expected


def test_a_leaning_question_is_read_and_searched_with_the_one_before() -> None:
    standing = stand("본사는 몇 시에 여나요?", "주말에는요?", "ko")
    assert (standing.question, standing.also) == ("본사는 몇 시에 여나요? 주말에는요?", "")


def test_a_whole_question_is_read_alone_and_searched_both_ways() -> None:
    standing = stand("본사는 몇 시에 여나요?", "출장비 정산은 언제까지 해야 하나요?", "ko")
    assert standing.question == "출장비 정산은 언제까지 해야 하나요?"
    assert standing.also == "본사는 몇 시에 여나요? 출장비 정산은 언제까지 해야 하나요?"


@pytest.mark.parametrize(
    ("language", "previous", "question"),
    [("ko", "본사는 몇 시에 여나요?", "얼마예요?"), ("en", "When does it open?", "Why so late?")],
)
def test_a_short_question_is_read_with_the_one_before_and_searched_both_ways(
    language: Literal["ko", "en"], previous: str, question: str
) -> None:
    standing = stand(previous, question, language)
    assert (standing.question, standing.also) == (f"{previous} {question}", question)


def test_the_first_question_of_a_conversation_stands_as_it_is() -> None:
    standing = stand("", "얼마예요?", "ko")
    assert (standing.question, standing.also) == ("얼마예요?", "")
