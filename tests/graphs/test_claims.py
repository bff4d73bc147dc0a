"""Which numbers of the question an answer states as facts, and which it only repeats."""

from fractions import Fraction

import pytest

from graphs.claims import Quantity, claimed, quantities_in
from graphs.numbers import numbers_in


@pytest.mark.parametrize(
    ("answer", "claims"),
    [
        ("네, 연차 휴가는 30일입니다.", {"30일"}),
        ("네, 30일.", {"30일"}),
        ("네, 30일 전까지 신청해야 합니다.", {"30일"}),
        ("네, 30일까지 쓸 수 있습니다.", {"30일"}),
        ("네, 30일 이내에 내면 됩니다.", {"30일"}),
        ("네, 3만 5천 원을 지급합니다.", {"35000원"}),
        ("연차는 30일이며, 신청은 3일 전입니다.", {"30일", "3일"}),
        ("Yes, it is 30 days.", {"30day"}),
        ("7.", {"7"}),
        ("네, 2026년입니다.", {"2026년"}),
    ],
)
def test_a_number_that_the_sentence_says_of_its_topic_is_claimed(answer: str, claims: set[str]) -> None:
    assert {f"{claim.value}{claim.unit}" for claim in claimed(answer, numbers_in(answer))} == claims


@pytest.mark.parametrize(
    "answer",
    [
        "3년 근무하면 받을 수 있습니다.",
        "3년 이상 근무한 직원은 받습니다.",
        "3명인 경우 회의실을 씁니다.",
        "제7조에 따르면 휴가를 줍니다.",
        "7층 회의실에서 음식을 먹을 수 있습니다.",
        "2026년 예산은 이사회가 정합니다.",
        "4월 13일에 올립니다.",
        "PH-14의 보증은 본사가 맡습니다.",
        "30일이 아닙니다.",
        "30일은 쓸 수 없습니다.",
        "40일을 넘지 않습니다.",
        "Yes, after 3 years you get leave.",
        "It is not 30 days.",
    ],
)
def test_a_condition_a_name_and_what_is_denied_claim_nothing(answer: str) -> None:
    assert claimed(answer, numbers_in(answer)) == set()


def test_what_the_answer_adds_is_none_of_the_question_s() -> None:
    assert claimed("연차는 15일입니다.", numbers_in("연차는 30일 맞나요?")) == set()
    assert claimed("1박에 3만 원입니다.", numbers_in("1박에 얼마인가요?")) == set()


def quantity(value: int, unit: str) -> Quantity:
    return Quantity(Fraction(value), unit)


def test_quantities_are_read_in_figures_and_in_words() -> None:
    assert quantities_in("두 시간까지, 3만 5천원, 열흘 안에") == {
        quantity(2, "시간"),
        quantity(35_000, "원"),
        quantity(10, "일"),
    }
    assert quantities_in("5영업일 · 3번 · 12 달러") == {
        quantity(5, "일"), quantity(3, "회"), quantity(12, "달러"),
    }  # fmt: skip


def test_a_cell_of_a_table_may_have_its_unit_elsewhere_and_a_date_is_no_span() -> None:
    days = quantity(15, "일")
    assert days.is_given_by(quantity(15, "")) and not days.is_given_by(quantity(15, "명"))
    assert days.rivals(quantity(30, "일")) and not days.rivals(quantity(30, ""))
    (of_month,) = quantities_in("4월 13일") - {quantity(4, "월")}
    assert quantity(13, "일").is_given_by(of_month) and not days.rivals(of_month)
    assert quantity(6, "시").is_given_by(quantity(18, "시"))
