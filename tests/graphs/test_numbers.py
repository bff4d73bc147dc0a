from datetime import date
from fractions import Fraction

import pytest

from graphs.grounding import stray_numbers
from graphs.numbers import (
    ABOVE,
    BELOW,
    dates_in,
    degrees_in,
    durations_in,
    iso_dates,
    month_days_in,
    numbers_in,
    signs_in,
    values_in,
)
from tools.scales import plainly


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("41억 3,000만 원", {4_130_000_000}),
        ("3조 5천억 원", {3_500_000_000_000}),
        ("2조원", {2_000_000_000_000}),
        ("3만 5천", {35_000}),
        ("피자 8조각", {8}),
        ("3조로 나눕니다", {3}),
        ("1,234.5와 6", {1234.5, 6}),
        ("없음", set()),
        ("2026.3.5.", {2026, 3, 5}),
        ("2026. 3. 5.", {2026, 3, 5}),
        ("8.2.2.1절", {8.2, 2.1}),
        ("2026.3.5.1 판", {2026.3, 5.1}),
        ("제12조제3항", {12, 3}),
        ("제12조 제3항", {12, 3}),
        ("12조 3항", {12, 3}),
        ("제60조 내용", {60}),
        ("12조 원", {12_000_000_000_000}),
    ],
)
def test_what_numbers_are_worth(text: str, values: set[float]) -> None:
    assert {float(value) for value in values_in(text)} == values


@pytest.mark.parametrize("text", ["2026년 5월 3일", "2026-05-03", "2026.5.3.", "May 3, 2026", "3 May 2026"])
def test_dates_in_their_usual_forms(text: str) -> None:
    assert dates_in(text) == {date(2026, 5, 3)}
    assert (5, 3) in month_days_in(text)


def test_dates_without_a_year() -> None:
    assert month_days_in("5월 3일과 April 13") == {(5, 3), (4, 13)}
    assert month_days_in("13월 3일, 5월 32일") == set()


def test_a_date_in_points_is_told_from_a_decimal_number() -> None:
    assert month_days_in("3.5.(목)") == month_days_in("3. 5. ~") == {(3, 5)}
    assert month_days_in("2026.3.5.~3.20.") == {(3, 5), (3, 20)}
    assert month_days_in("3.5배, 3.5. 그리고") == set()
    assert numbers_in("3.5.(목)") >= {Fraction(3), Fraction(5)}
    assert numbers_in("길이 3.5") == {Fraction(7, 2)}


def test_a_year_of_two_digits_is_of_this_century_behind_its_mark() -> None:
    assert dates_in("'26.3.5.까지") == dates_in("’26. 3. 5.") == {date(2026, 3, 5)}
    assert Fraction(2026) in numbers_in("'26.3.5.까지")
    assert dates_in("26.3.5") == dates_in("'10.5.3' 버전") == set()


def test_a_longer_number_is_no_day() -> None:
    assert dates_in("2026년 3월 100명") == set()


def test_large_numbers_are_written_in_full() -> None:
    assert plainly(Fraction(1_350_000)) == "1350000"
    assert plainly(Fraction(31, 10)) == "3.1"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-3-15 - 2024-1-5", "2024-03-15 - 2024-1-5"),
        ("age_days(2024/3/15)", "age_days(2024-03-15)"),
        ("2024. 3. 15 + 5", "2024-03-15 + 5"),
        ("2024-3-16", "2024-3-16"),
        ("12024-3-15", "12024-3-15"),
        ("2024-13-15", "2024-13-15"),
    ],
)
def test_only_a_known_date_is_written_as_one(text: str, written: str) -> None:
    assert iso_dates(text, {date(2024, 3, 15)}) == written


@pytest.mark.parametrize(
    "text",
    [
        "-5℃", "보관 온도는 −5 °C", "영하 5도", "영하 약 5도", "영하(-)5도", "마이너스 5%", "5 degrees below zero",
        "minus 5", "-5~0도", "-20 ~ -5", "| -5 |", "(-5)", "증감: -5 · 비고", "잔액은 -5원", "it is -5 today", "**-5℃**",
        "냉동식품(육류) -5℃", "It is minus 5 degrees", "최저/최고: 3/-5℃",
    ],
)  # fmt: skip
def test_below_zero(text: str) -> None:
    assert signs_in(text)[Fraction(5)] == {BELOW}


@pytest.mark.parametrize(
    "text",
    ["5℃", "3-5일", "A-5", "2026-03-5", "02-5", "-3~5℃", "영하 3도에서 영상 5도", "+5℃", "1. 5℃", "3조-5"],
)
def test_above_zero(text: str) -> None:
    assert signs_in(text)[Fraction(5)] == {ABOVE}


@pytest.mark.parametrize(
    "text",
    [
        "- 5명", "-5명", "대상: -5인 이상", "3 -5일", "3일 - 5일", "- 5℃", "10℃ -5℃", "±5℃", "△5", "(5)", "영하 3~5도",
        "모델 X -5", "-5℃에서 5℃", "5도(영하)", "3℃-5℃", "3°–5°C", "3℃ +/-5℃", "+-5℃", "3(℃)-5℃", "켠다. -5℃ 이상",
        "담당 김영하 5팀", "플러스 마이너스 5도", "plus or minus 5 degrees", "the price minus 5%", "negative 5 days after",
        "—5℃", "ㅡ5℃", "∆5%", "(5원)", "(5 %)", "지하 5층", "남위 5도",
        "대상은 -5년 이상", "주차장은 -5층",
    ],
)  # fmt: skip
def test_a_dash_that_may_be_something_else_leaves_the_side_open(text: str) -> None:
    assert signs_in(text)[Fraction(5)] == {BELOW, ABOVE}


def test_the_sign_of_an_amount_with_a_word_of_scale() -> None:
    assert signs_in("잔액은 -3만 5천 원") == {Fraction(35_000): {BELOW}}


def test_degrees_are_told_from_other_numbers() -> None:
    assert degrees_in("-20~-15℃에서 3시간, 5도 이하, 7 도시") == {20, 15, 5}


def test_a_run_of_digits_that_is_no_number_is_read_without_harm() -> None:
    for text in ("1" * 5_000, "1." * 5_000, "3." + "1" * 5_000, "1" * 5_000 + "만 원", "1" * 5_000 + "%"):
        assert len(numbers_in(text)) < 3 and values_in(text)
        assert stray_numbers("3일입니다.", [text]) == ["3"]


def test_two_units_of_time_make_one_duration() -> None:
    assert durations_in("3시간 30분과 4분 25초") == {210, 265}
    assert durations_in("1 hour and 15 minutes, 2 minutes 5 seconds") == {75, 125}
    assert durations_in("3시간이나 30분, 10시 30분, 3 hours or 30") == set()
