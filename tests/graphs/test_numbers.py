from datetime import date
from fractions import Fraction

import pytest

from graphs.numbers import dates_in, iso_dates, month_days_in, values_in
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
