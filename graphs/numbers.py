"""Numbers and dates as Korean and English documents write them."""

import re
from datetime import date
from fractions import Fraction

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
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_SCALES = {"십": 10, "백": 100, "천": 1_000, "만": 10_000, "억": 100_000_000, "조": 1_000_000_000_000}
# "3조 원" is a sum, "3조로 나눕니다" a group and "8조각" are pieces.
_SCALED = re.compile(
    r"(?:\d[\d,]*(?:\.\d+)?\s*(?:[십백천만억]|조(?![가-힣])|조(?=[원달엔위유파]))+\s*)+(?:\d[\d,]*)?"
)
_PART = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*([십백천만억조]*)")


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


def without_scaled(text: str) -> str:
    """The text without numbers such as "1억 2천만", whose worth is told by `values_in`."""
    return _SCALED.sub(" ", text)


def plainly(value: Fraction) -> str:
    """A number as people write it: "1350000", "3.1"; never "1.35e+06"."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1 if name[:3].lower() in _MONTHS else 0


def values_in(text: str) -> set[Fraction]:
    """What the numbers in `text` are worth: "3만 5천" is 35000."""
    scaled = {
        sum((_scaled(*part) for part in _PART.findall(match[0])), Fraction(0))
        for match in _SCALED.finditer(text)
    }
    return scaled | _written(_SCALED.sub(" ", text))


def numbers_in(text: str) -> set[Fraction]:
    """What they are worth, and also what is written: "3만 5천" holds 35000, 3 and 5."""
    return values_in(text) | _written(text)


def _written(text: str) -> set[Fraction]:
    return {Fraction(match[0].replace(",", "")) for match in _NUMBER.finditer(text)}


def _scaled(digits: str, scales: str) -> Fraction:
    value = Fraction(digits.replace(",", ""))
    for scale in scales:
        value *= _SCALES[scale]
    return value
