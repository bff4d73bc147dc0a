"""Numbers and dates as Korean and English documents write them."""

import re
from collections.abc import Set
from datetime import date
from fractions import Fraction

from tools.scales import scaled_values, without_scaled

_DATES = (
    re.compile(r"(?P<y>\d{4})\s*[년./-]\s*(?P<m>\d{1,2})\s*[월./-]\s*(?P<d>\d{1,2})"),
    re.compile(r"(?P<mon>[A-Z][a-z]{2,8})\.? (?P<d>\d{1,2}),? (?P<y>\d{4})"),
    re.compile(r"(?P<d>\d{1,2}) (?P<mon>[A-Z][a-z]{2,8})\.?,? (?P<y>\d{4})"),
)
_MONTH_DAYS = (
    re.compile(r"(?<!\d)(?P<m>\d{1,2})\s*월\s*(?P<d>\d{1,2})\s*일"),
    re.compile(r"(?P<mon>[A-Z][a-z]{2,8})\.? (?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2}) (?P<mon>[A-Z][a-z]{2,8})"),
)
_ISO_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_NUMERIC_DATE = re.compile(r"(?<![\d.])\d{4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,2}(?![\d.])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")

DAYS_IN_WORDS = {
    "하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "이레": 7, "여드레": 8, "아흐레": 9,
    "열흘": 10, "보름": 15,
}  # fmt: skip
"""Korean counts days in words of their own."""


def dates_in(text: str) -> set[date]:
    """Calendar dates, in any of the usual written forms."""
    found = set()
    for pattern in _DATES:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            month = groups.get("m") or str(_month(groups.get("mon") or ""))
            try:
                found.add(date(int(groups["y"]), int(month), int(groups["d"])))
            except ValueError:
                continue
    return found


def month_days_in(text: str) -> set[tuple[int, int]]:
    """(month, day) of dates written with or without their year."""
    days = {(day.month, day.day) for day in dates_in(text)}
    for pattern in _MONTH_DAYS:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            month = int(groups.get("m") or _month(groups.get("mon") or ""))
            if month in range(1, 13) and int(groups["d"]) in range(1, 32):
                days.add((month, int(groups["d"])))
    return days


def yearless_days_in(text: str) -> set[tuple[int, int]]:
    """(month, day) of the dates that are written without a year."""
    for pattern in _DATES:
        text = pattern.sub(" ", text)
    return month_days_in(text)


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1 if name[:3].lower() in _MONTHS else 0


def iso_dates(text: str, known: Set[date]) -> str:
    """The text with 2024-03-05 in place of each date of numbers, 2024-3-5 or 2024/3/5, that is among `known`.

    "2024-3-5" could as well be a subtraction: that it is a date is told by the documents alone.
    """

    def written(match: re.Match[str]) -> str:
        found = dates_in(match[0])
        return min(found).isoformat() if found and found <= known else match[0]

    return _NUMERIC_DATE.sub(written, text)


def without_iso_dates(expression: str) -> str:
    """An expression without the dates that the calculator reads in it: their parts are no numbers of it."""
    return _ISO_DATE.sub(" ", expression)


def values_in(text: str) -> set[Fraction]:
    """What the numbers in `text` are worth: "3만 5천" is 35000."""
    return {*scaled_values(text), *_written(without_scaled(text))}


def numbers_in(text: str) -> set[Fraction]:
    """What they are worth, and also what is written: "3만 5천" holds 35000, 3 and 5."""
    return values_in(text) | _written(text)


def figures_in(text: str) -> list[tuple[int, int, Fraction]]:
    """Begin, end and worth of each number that is written in figures, in order, without words of scale."""
    return [
        (match.start(), match.end(), Fraction(match[0].replace(",", ""))) for match in _NUMBER.finditer(text)
    ]


def _written(text: str) -> set[Fraction]:
    return {value for _, _, value in figures_in(text)}
