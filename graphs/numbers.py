"""Numbers and dates as Korean and English documents write them."""

import re
from collections.abc import Set
from datetime import date
from fractions import Fraction

from tools.scales import scaled_values, without_scaled

_DATES = (
    re.compile(r"(?P<y>\d{4})\s*[년./-]\s*(?P<m>\d{1,2})\s*[월./-]\s*(?P<d>\d{1,2})(?!\d)"),
    # '26. 3. 5.
    re.compile(r"(?<=['’‘`])(?P<yy>\d{2})\s?[./-]\s?(?P<m>\d{1,2})\s?[./-]\s?(?P<d>\d{1,2})(?!\d|['’])"),
    re.compile(r"(?P<mon>[A-Z][a-z]{2,8})\.? (?P<d>\d{1,2}),? (?P<y>\d{4})"),
    re.compile(r"(?P<d>\d{1,2}) (?P<mon>[A-Z][a-z]{2,8})\.?,? (?P<y>\d{4})"),
)
_MONTH_DAYS = (
    re.compile(r"(?<!\d)(?P<m>\d{1,2})\s*월\s*(?P<d>\d{1,2})\s*일"),
    re.compile(r"(?P<mon>[A-Z][a-z]{2,8})\.? (?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2}) (?P<mon>[A-Z][a-z]{2,8})"),
    # "3. 5.(목)", "~ 3. 20.", "3.5.까지": the second stop, and what follows or precedes, tell it from 3.5.
    re.compile(
        r"(?<![\d.])(?P<m>\d{1,2})\.\s?(?P<d>\d{1,2})\.(?=\s?(?:[(~∼∽〜–-]|부터|까지|자\b|에|이후|이전))"
    ),
    re.compile(r"(?<=[~∼∽〜–-])\s?(?P<m>\d{1,2})\.\s?(?P<d>\d{1,2})\.(?!\d)"),
)
_ISO_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_NUMERIC_DATE = re.compile(r"(?<![\d.])\d{4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,2}(?![\d.])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# "2026.3.5" is no decimal number.
_NUMBER = re.compile(
    r"(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?"
    r"|(?P<date>(?:(?<![\d.])\d{4}|(?<=['’‘`])\d{2})\.\d{1,2}\.\d{1,2}(?!\.?\d|['’]))"
    r"|\d+(?:\.\d+)?"
)
_PART = re.compile(r"\d+")
_CENTURY = 2000

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
                year = int(groups["y"]) if groups.get("y") else _CENTURY + int(groups["yy"])
                found.add(date(year, int(month), int(groups["d"])))
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
    """What they are worth, and also what is written: "3만 5천" holds 35000, 3 and 5, "'26.3.5." 2026 too."""
    parts = {part for day in yearless_days_in(text) for part in day}
    parts |= {part for day in dates_in(text) for part in (day.year, day.month, day.day)}
    return values_in(text) | _written(text) | set(map(Fraction, parts))


def figures_in(text: str) -> list[tuple[int, int, Fraction]]:
    """Begin, end and worth of each number that is written in figures, in order, without words of scale.

    Of "2026.3.5" each part is one.
    """
    found = []
    for match in _NUMBER.finditer(text):
        if match["date"]:
            found += [
                (match.start() + part.start(), match.start() + part.end(), Fraction(part[0]))
                for part in _PART.finditer(match[0])
            ]
        else:
            found.append((match.start(), match.end(), Fraction(match[0].replace(",", ""))))
    return found


def _written(text: str) -> set[Fraction]:
    return {value for _, _, value in figures_in(text)}
