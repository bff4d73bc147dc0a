from typing import Literal

import pytest

from graphs.conversation import MAX_PREVIOUS_CHARS, leans, stand, stand_after


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
        "연차 휴가는 며칠이에요?",
        "출장비는 며칠 만에 통장으로 들어와요?",
        "저 병가는 며칠 쓸 수 있나요?",
        "저 대신 남편이 나가도 될까요?",
        "저기 화장실은 몇 층에 있나요?",
    ],
)
def test_whole_korean_questions_do_not(question: str) -> None:
    assert not leans(question, "ko")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What about Busan?", True),
        ("How long is the warranty of the pump?", False),
        ("Is it paid?", True),
        ("How long does it take?", True),
        ("Is parking available there?", True),
        ("Are there lockers there?", True),
        ("Is it possible to use it on Sundays?", True),
        ("Is it allowed to be carried over?", True),
        ("Is it easy to use?", True),
        ("Which one is cheaper?", True),
        ("Is there a dress code?", False),
        ("There was a blackout, which sign will I see?", False),
        ("Is it possible to work from home?", False),
        ("Is it OK for part-time staff to take leave in hours?", False),
        ("How long does it take to charge the pump?", False),
        ("Whose job is it to lock up?", False),
        ("Who is the one in charge of payroll?", False),
    ],
)
def test_english(question: str, expected: bool) -> None:
    assert leans(question, "en") is expected


def test_a_leaning_question_is_read_and_searched_with_the_one_before() -> None:
    standing = stand("본사는 몇 시에 여나요?", "주말에는요?", "ko")
    assert (standing.question, standing.also) == ("본사는 몇 시에 여나요? 주말에는요?", "")


def test_a_long_english_question_that_begins_like_a_follow_up_is_one() -> None:
    standing = stand("When is it open?", "And what about the days on which nobody works at all?", "en")
    assert standing.also == ""
    assert stand("How much leave?", "Can I carry it over to next year?", "en").also == ""


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


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("ko", "저 규정은 언제부터예요?"),
        ("ko", "저 병가는 한 해에 며칠까지 쓸 수 있나요?"),
        ("en", "Is there a dress code?"),
        ("en", "Is it possible to cancel?"),
        ("en", "Who do I tell that my uncle can't eat nuts?"),
    ],
)
def test_what_may_and_may_not_point_is_read_with_the_one_before_and_searched_both_ways(
    language: Literal["ko", "en"], question: str
) -> None:
    standing = stand("Before?", question, language)
    assert (standing.question, standing.also) == (f"Before? {question}", question)


def test_a_long_question_whose_words_point_at_nothing_is_read_alone_and_searched_both_ways() -> None:
    question = "Is it mandatory for new hires to attend the training?"
    standing = stand("Before?", question, "en")
    assert (standing.question, standing.also) == (question, f"Before? {question}")


LEAVE, SICK = "연차 휴가는 며칠인가요?", "병가는 며칠인가요?"
TEN, TWENTY = "그럼 10년이면요?", "그럼 20년이면요?"


@pytest.mark.parametrize(
    ("asked", "question", "read"),
    [
        ([LEAVE, TEN], TWENTY, f"{LEAVE} {TWENTY}"),
        ([LEAVE, TEN, TWENTY], "그럼 30년이면요?", f"{LEAVE} 그럼 30년이면요?"),
        ([LEAVE, "그럼 병가는요?"], "그건 누가 승인하나요?", f"{LEAVE} 그럼 병가는요? 그건 누가 승인하나요?"),
        ([LEAVE, "누가 승인하나요?"], TEN, f"{LEAVE} 누가 승인하나요? {TEN}"),
        ([LEAVE, SICK], TEN, f"{SICK} {TEN}"),
        ([LEAVE, TEN, SICK], TWENTY, f"{SICK} {TWENTY}"),
        ([LEAVE, "병가는 며칠?"], TEN, f"병가는 며칠? {TEN}"),
        ([TEN], TWENTY, f"{TEN} {TWENTY}"),
        (["", "  "], TWENTY, TWENTY),
        ([], TWENTY, TWENTY),
    ],
)
def test_a_follow_up_is_read_beside_the_turn_that_names_the_topic(
    asked: list[str], question: str, read: str
) -> None:
    assert stand_after(asked, question, "ko").question == read


@pytest.mark.parametrize(
    ("asked", "question", "read"),
    [
        (["How long is leave?", "What about after 10 years?"], "And after 20 years?", "{0} {2}"),
        (["How long is leave?", "What about Busan?"], "Who approves it?", "{0} {1} {2}"),
        (["How long is leave?", "Is there a dress code?"], "And on Fridays?", "{1} {2}"),
        (["How long is leave?", "Who wrote it?"], "And when?", "{0} {1} {2}"),
        (["How long is leave?", "Who wrote the rules, and when did he leave?"], "And why?", "{1} {2}"),
    ],
)
def test_english_turns_that_lean_are_walked_back_over_too(asked: list[str], question: str, read: str) -> None:
    assert stand_after(asked, question, "en").question == read.format(*asked, question)


def test_a_question_that_may_stand_alone_is_also_searched_beside_the_topic() -> None:
    question = "출장비 정산은 언제까지 해야 하나요?"
    standing = stand_after([LEAVE, TEN], question, "ko")
    assert (standing.question, standing.also) == (question, f"{LEAVE} {TEN} {question}")


def test_a_topic_named_long_ago_is_not_gone_back_to() -> None:
    between = [f"{letter}는요?" for letter in "나다라마바사"]
    assert "휴가" in stand_after([LEAVE, *between[1:]], TEN, "ko").question
    assert "휴가" not in stand_after([LEAVE, *between], TEN, "ko").question


def test_however_much_was_said_the_topic_stands_first_and_the_question_last() -> None:
    turns = [f"{letter * 500}는요?" for letter in "나다라마"]
    read = stand_after(["가" * 500, *turns], TWENTY, "ko").question
    assert read.startswith("가" * 100) and read.endswith(f" {TWENTY}")
    assert "라" * 50 in read and "마" * 50 in read
    assert len(read) <= MAX_PREVIOUS_CHARS + 1 + len(TWENTY)


def test_the_first_question_of_a_conversation_stands_as_it_is() -> None:
    standing = stand("", "얼마예요?", "ko")
    assert (standing.question, standing.also) == ("얼마예요?", "")
