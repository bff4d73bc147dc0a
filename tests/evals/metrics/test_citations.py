from typing import Any

import pytest

from evals.metrics.citations import stands, supported, valid

FOUND: list[dict[str, Any]] = [
    {"source": "a.txt", "start": 0, "text": "첫 문장."},
    {"source": "규칙.docx", "start": 100, "text": "연차는 17일이다. 병가는 30일이다."},
]
TEXT = "연차는 17일이다."
CITATION = {"n": 2, "source": "규칙.docx", "start": 100, "end": 100 + len(TEXT), "text": TEXT}
QUESTION = "연차 휴가는 며칠인가요?"


def test_a_citation_that_stands() -> None:
    assert stands(CITATION, FOUND)


@pytest.mark.parametrize(
    "change",
    [
        {"n": 1},
        {"n": 0},
        {"n": 3},
        {"source": "다른.docx"},
        {"start": 101},
        {"start": 90},
        {"text": "연차는 27일이다."},
        {"text": "", "end": 100},
    ],
)
def test_a_citation_that_does_not_stand(change: dict[str, Any]) -> None:
    assert not stands(CITATION | change, FOUND)


def test_an_answer_that_its_citation_carries() -> None:
    assert supported("17일입니다. [1]", QUESTION, ["연차 휴가는 17일이다."])


def test_a_number_must_be_cited_calculated_or_asked() -> None:
    assert not supported("18일입니다. [1]", QUESTION, ["연차 휴가는 17일이다."])
    assert supported("모두 34일입니다.", "연차 두 번은 며칠인가요?", ["연차는 17일이다."], "17 * 2 = 34일")
    assert supported("740 기본형의 단가는 4,870,000원입니다.", "물결 740 단가는?", ["기본형 단가: 4870000원"])


def test_what_a_calculation_uses_must_be_cited_too() -> None:
    assert supported("34", "두 배는?", ["연차는 17일이다."], "17 * 2 = 34")
    assert not supported("36", "두 배는?", ["연차는 17일이다."], "18 * 2 = 36")
    assert not supported("35", "두 배는?", ["연차는 17일이다."], "17 * 2 = 34")
    assert supported(
        "1년", "입사하고 몇 년?", ["2025-11-21 입사"], "days_between(2025-11-21, 2026-11-21) / 365 = 1"
    )


def test_a_date_must_be_cited() -> None:
    assert supported("2026년 4월 20일입니다", "언제 배포하나요?", ["배포일: 2026-04-20"])
    # All three numbers are there, the date is not.
    assert not supported("2026년 4월 20일입니다", "언제 배포하나요?", ["배포일: 2026-05-20, 지점 4곳"])


def test_a_date_whose_year_is_said_once_is_cited() -> None:
    cited = ["2026년 4월 20일에 배포한다. 그에 앞서 4월 13일에 시범 지점에 올린다."]
    assert supported("시범 지점에는 2026년 4월 13일에 올립니다.", "언제 올리나요?", cited)
    assert not supported("시범 지점에는 2025년 4월 13일에 올립니다.", "언제 올리나요?", cited)
    assert not supported("시범 지점에는 2026년 4월 14일에 올립니다.", "언제 올리나요?", cited)
    assert not supported("2026년 4월 13일에 올립니다.", "언제 올리나요?", ["4월 13일에 올린다."])
    apart = ["2025년 4월 13일에 올린다. 2026년 4월 20일에 배포한다."]
    assert not supported("2026년 4월 13일에 올립니다.", "언제 올리나요?", apart)


def test_a_number_in_words_is_worth_what_it_says() -> None:
    assert supported("3만 5천원입니다.", "얼마인가요?", ["교육비는 35,000원이다."])
    assert not supported("3만 6천원입니다.", "얼마인가요?", ["교육비는 35,000원이다."])


def test_words_that_are_not_cited_carry_nothing() -> None:
    assert not supported("옥지안입니다", "보호책임자는 누구인가요?", ["보호책임자는 표선율이다."])
    assert not supported("17일입니다.", QUESTION, [])


PAGES: list[dict[str, Any]] = [
    {"heading": "취업규칙 > 휴가", "text": "연차 휴가는 17일이다. 신청서는 MT-740 단말기로 낸다."},
    {"heading": "취업규칙 > 병가", "text": "병가는 2026년 4월 20일부터 30일이다."},
]


def test_each_cited_part_is_held_against_its_own_passages() -> None:
    answer = "연차 휴가는 17일입니다. [1] 병가는 30일입니다. [2]"
    assert valid(answer, QUESTION, PAGES) == [True, True]
    swapped = "연차 휴가는 17일입니다. [2] 병가는 30일입니다. [1]"
    assert valid(swapped, QUESTION, PAGES) == [False, False]
    assert valid("연차는 17일, 병가는 30일입니다. [1][2]", QUESTION, PAGES) == [True]
    assert valid("연차는 17일, 병가는 30일입니다. [1]", QUESTION, PAGES) == [False]


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        ("연차 휴가는 18일입니다. [1]", False),
        ("2026년 4월 20일부터 병가입니다. [2]", True),
        ("2026년 5월 20일부터 병가입니다. [2]", False),
        ("신청서는 MT-740 단말기로 냅니다. [1]", True),
        ("신청서는 mt 740 단말기로 냅니다. [1]", True),
        ("신청서는 KX-740 단말기로 냅니다. [1]", False),
        ("신청서는 “단말기”로 냅니다. [1]", True),
        ("신청서는 “우체통”으로 냅니다. [1]", False),
        ("회사 소풍은 바닷가로 갑니다. [1]", False),
        ("연차 휴가는 17일입니다. [3]", False),
    ],
)
def test_numbers_dates_names_and_words_must_be_there(answer: str, holds: bool) -> None:
    assert valid(answer, QUESTION, PAGES) == [holds]


def holds(answer: str, passage: str, question: str) -> bool:
    return all(valid(answer, question, [{"heading": "규정", "text": passage}]))


@pytest.mark.parametrize(
    ("answer", "passage", "question"),
    [
        (  # another person
            "신청서는 인사팀 김철수 과장에게 제출합니다. [1]",
            "신청서는 인사팀 이영희 과장에게 제출한다.",
            "신청서는 누구에게 내나요?",
        ),
        (  # another place
            "본사는 부산에 있고 공장은 대구에 있습니다 [1]",
            "본사는 서울에 있고 공장은 대구에 있다.",
            "본사와 공장은 어디에 있나요?",
        ),
        (  # the opposite
            "신입 사원은 신청할 수 없습니다. [1]",
            "신입 사원은 신청할 수 있다.",
            "신입 사원도 신청할 수 있나요?",
        ),
        ("휴식 시간은 30분입니다. [1]", "휴식 시간은 30일이다.", "휴식은 얼마나 되나요?"),
        ("세 명이 갑니다. [1]", "두 명이 간다.", "몇 명이 가나요?"),
        ("교육비는 3만 6천원입니다. [1]", "교육비는 35,000원이다.", "교육비는 얼마인가요?"),
        ("담당자는 김철수입니다. [1]", "담당: 생활지원팀 이영희 (내선 14)", "담당자는 누구인가요?"),
        ("부산입니다. [1]", "본사는 서울에 있다.", "본사는 어디인가요?"),
    ],
)
def test_what_the_passage_does_not_say_is_not_held(answer: str, passage: str, question: str) -> None:
    assert not holds(answer, passage, question)


@pytest.mark.parametrize(
    ("answer", "passage", "question"),
    [
        (
            "신청서는 인사팀 이영희 과장님께 내면 됩니다. [1]",
            "신청서는 인사팀 이영희 과장에게 제출한다.",
            "신청서는 누구에게 내나요?",
        ),
        ("본사는 서울에 있습니다. [1]", "본사는 서울에 있고 공장은 대구에 있다.", "본사는 어디인가요?"),
        ("네, 신청할 수 있습니다. [1]", "신입 사원은 신청할 수 있다.", "신입도 신청할 수 있나요?"),
        (
            "취소하면 환불됩니다. [1]",
            "전날까지 취소하지 않으면 환불되지 않는다.",
            "취소하면 환불되나요?",
        ),
        ("휴식은 30 일 동안입니다. [1]", "휴식 시간은 30일이다.", "휴식은 얼마나 되나요?"),
        ("사흘입니다. [1]", "조부모 사망은 3일을 준다.", "며칠인가요?"),
        ("두 명이 함께 갑니다. [1]", "혼자 사는 집에는 둘이 간다.", "몇 명이 가나요?"),
        ("교육비는 3만 5천원입니다. [1]", "교육비는 35,000원이다.", "교육비는 얼마인가요?"),
        ("급여의 70%를 줍니다. [1]", "급여의 7할을 준다.", "얼마를 주나요?"),
        ("입실 시간은 오후 3시입니다. [1]", "입실 15:00 퇴실 11:00", "입실은 몇 시인가요?"),
        ("종균 15g을 넣습니다. [1]", "봉지 하나에 종균 15g.", "종균은 얼마나 넣나요?"),
        ("소회의실 B의 정원은 14명입니다. [1]", "시설: 소회의실 B · 정원(명): 14", "정원은요?"),
        (
            "사용료는 48,000원이며 5월 2일까지 납부해야 합니다. [1]",
            "사용료 48,000원은 5월 2일까지 낸다.",
            "사용료는 얼마이고 언제까지 내나요?",
        ),
        (
            "1. 휴가는 15일입니다.\n2. 병가는 30일입니다. [1]",
            "휴가는 15일이다. 병가는 30일이다.",
            "휴가와 병가는 며칠인가요?",
        ),
        ("The office is located in Seoul. [1]", "The office is in Seoul.", "Where is the office?"),
    ],
)
def test_the_same_said_otherwise_is_held(answer: str, passage: str, question: str) -> None:
    assert holds(answer, passage, question)


@pytest.mark.parametrize(
    ("rest", "claims"),
    [
        ("또한 대표는 김철수이며 999만원을 줍니다.", True),
        ("병가는 30일입니다.", True),
        ("대표는 김철수입니다.", True),
        ("The office is in Busan.", True),
        ("따라서 15일을 쓸 수 있습니다.", False),
        ("휴가는 보름입니다.", False),
        ("더 궁금한 점이 있으면 말씀해 주세요.", False),
        ("자세한 내용은 인사팀에 문의하시기 바랍니다.", False),
        ("문서에서 이 질문의 답을 찾지 못했습니다.", False),
        ("The documents do not hold an answer to this question.", False),
    ],
)
def test_a_claim_after_the_last_mark_cites_nothing(rest: str, claims: bool) -> None:
    pages = [{"heading": "휴가", "text": "휴가는 15일이다. 병가는 30일이다."}]
    expected = [True, False] if claims else [True]
    assert valid(f"휴가는 15일입니다 [1]. {rest}", "휴가는 며칠인가요?", pages) == expected
    assert valid(f"휴가는 15일입니다. [1]\n{rest}", "휴가는 며칠인가요?", pages) == expected


def test_a_calculated_answer_is_asked_for_its_numbers_alone() -> None:
    question, calculation = "두 번 쓰면 모두 며칠인가요?", "17 * 2 = 34"
    assert valid("17일씩 2회이므로 합하여 34일입니다. [1]", question, PAGES, calculation) == [True]
    assert valid("연차는 17일입니다. [1] 모두 34일입니다.", question, PAGES, calculation) == [True]
    assert valid("연차는 17일입니다. [1] 모두 35일입니다.", question, PAGES, calculation) == [True, False]


def test_what_cites_nothing_is_not_asked_and_a_calculation_needs_its_operands() -> None:
    assert valid("17일입니다.", QUESTION, PAGES) == []
    assert valid("34일 [1]", "두 번은 며칠인가요?", PAGES, "17 * 2 = 34") == [True]
    assert valid("36일 [1]", "두 번은 며칠인가요?", PAGES, "18 * 2 = 36") == [False]


@pytest.mark.parametrize(("said", "stands"), [("8.9%", True), ("8.88%", True), ("9%", True), ("8.8%", False)])
def test_a_calculated_result_may_be_rounded_but_not_changed(said: str, stands: bool) -> None:
    cited = ["19명이 링크를 눌렀다. 전 직원은 214명이다."]
    answer, question = f"누른 직원은 {said}입니다.", "누른 직원은 전체의 몇 퍼센트인가요?"
    assert supported(answer, question, cited, "19 / 214 * 100 ≈ 8.8785") is stands
    assert not supported(answer, question, cited)


LEAVE = [{"heading": "휴가", "text": "연차는 15일이다."}, {"heading": "휴가", "text": "병가는 30일이다."}]


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        ("연차는 15일입니다. [1]", [True]),
        ("연차는 15일이고 병가는 30일입니다. [1] [2]", [True]),
        ("연차는 15일입니다. [1] [2]", [False]),
        ("연차는 15일입니다. [1] [9]", [False]),
        ("연차는 15일입니다. [9]", [False]),
    ],
)
def test_a_passage_that_carries_nothing_of_the_answer_is_cited_wrongly(answer: str, held: list[bool]) -> None:
    assert valid(answer, "며칠 쉴 수 있나요?", LEAVE) == held


def test_of_a_calculation_a_passage_gives_an_operand() -> None:
    calculation = "15 + 30 = 45"
    assert valid("모두 45일입니다. [1] [2]", "연차와 병가를 더하면 며칠인가요?", LEAVE, calculation) == [True]
    third = {"heading": "여비", "text": "숙박비는 8만 원이다."}
    assert valid("모두 45일입니다. [1] [2] [3]", "더하면?", [*LEAVE, third], calculation) == [False]
