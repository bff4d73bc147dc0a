from datetime import date
from fractions import Fraction

import pytest

from graphs.numbers import dates_in, iso_dates, month_days_in, numbers_in, values_in
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
