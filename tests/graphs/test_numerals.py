from fractions import Fraction

import pytest

from graphs.numerals import in_digits, other_hours


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("두 명이 간다", "2명이 간다"),
        ("석 달 안에", "3달 안에"),
        ("열여섯 살에", "16살에"),
        ("여덟 주간", "8주간"),
        ("사흘 전까지", "3일 전까지"),
        ("새것 값의 7할", "새것 값의 70%"),
        ("보름 동안", "15일 동안"),
        ("6시 반에 모인다", "6시 30분에 모인다"),
        ("within four weeks", "within 4 weeks"),
        ("세대마다 한시 운영", "세대마다 한시 운영"),
        ("열이 나고 목이 쉰 뒤", "열이 나고 목이 쉰 뒤"),
    ],
)
def test_numerals_that_count_become_digits(text: str, digits: str) -> None:
    assert in_digits(text) == digits


@pytest.mark.parametrize("text", ["한 번에 됩니다", "하루 종일", "둘 다 됩니다", "혼자 갑니다"])
def test_what_often_counts_nothing_counts_loosely_alone(text: str) -> None:
    assert in_digits(text) != text
    assert in_digits(text, loose=False) == text


def test_an_hour_in_the_other_half_of_the_day() -> None:
    assert other_hours("입실 15:00") == {Fraction(3)}
    assert other_hours("오후 3시부터 2시간") == {Fraction(15)}
    assert other_hours("3시간") == set()
