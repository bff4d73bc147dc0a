"""Numbers and dates as Korean and English documents write them."""

import re
from collections.abc import Set
from datetime import date
from fractions import Fraction

from tools.scales import number_of, scaled_values, unscaled, without_scaled

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
_SIXTY = 60
_TWO_UNITS = re.compile(
    r"(\d{1,4})\s?시간\s?(\d{1,2})\s?분|(\d{1,4})\s?분\s?(\d{1,2})\s?초"
    r"|(\d{1,4}) (?:hours?|minutes?) (?:and )?(\d{1,2}) (?:minutes?|seconds?)"
)
_DASH = "[-−－–‐‑]"
# In "김영하 02-123" it is a name, and "deposit minus 10%" takes off.
_BELOW = re.compile(
    rf"(?<![가-힣])(?<!플러스\s)(?:영하|마이너스)(?:의|\s?약|\s?최[대저])?\s?(?:\({_DASH}?\)?|{_DASH})?\s?$|\({_DASH}\)\s?$"
    r"|(?:(?:^|[^\w\s)%])\s*|\b(?:is|are|was|were|be|at|to|from|of|by|about|around|below|above|than|and|between)\s)"
    rf"minus\s{_DASH}?$",
    re.IGNORECASE,
)
_BELOW_BEHIND = re.compile(
    r"\s?(?:degrees?|°)?\s?(?:[CF]|Celsius|Fahrenheit)?\s?below\s(?:zero|freezing)", re.IGNORECASE
)
_ABOVE = re.compile(r"(?:영상|(?<!±)[+＋])\s?(?:약\s?)?$")
# "영하 5도에서 10도", "5도(영하)": what holds for one of them may hold for the other. So may what books
# set before a loss, newspapers before a rise as well, and a typist for a dash; 지하 2층 is -2층.
_NEAR_BELOW = re.compile(
    r"(?:영하|마이너스|\b(?:minus|negative)\b)(?:(?!영상)[^.\n]|\.(?=\d)){0,30}$"
    r"|(?:[△▵∆Δ▲▽▼↓±—―‒﹣ㅡ]|지하|남위|서경)\s?$",
    re.IGNORECASE,
)
_BELOW_AFTER = re.compile(r"[^\d\n]{0,12}(?:영하|마이너스)")
_DASHED = re.compile(rf"(?P<left>\S?)(?P<gap>\s*){_DASH}(?P<space>\s?)$")
_OPENS = frozenset("([|=~∼∽〜<>≤≥")
_PARTICLE = re.compile(r"(?:[가-힣][은는을를]|\b(?:is|was|are|were|of|at|by|to|from))$", re.IGNORECASE)
# "2°-8℃", "25℃ +/-2℃", "20(℃)-25℃", "10℃ -5℃".
_WARMTH_RANGE = re.compile(rf"(?:[°º˚℃℉%)\]]|[+＋]\s?/?\s?){_DASH}$|\d\s?(?:°?[CF]|[°º˚℃℉%도])?\s+{_DASH}$")
_WARMTH = re.compile(
    rf"(?:\s?(?:[~∼∽〜–-]|to|에서)\s?{_DASH}?\d+(?:\.\d+)?)?\s?(?:[°º˚℃℉]|도(?![서시면])|degrees?\b)",
    re.IGNORECASE,
)
# Nothing has less than none of these: before them the dash is a list's, as in "대상은 -3년 이상 -5인 이상".
_COUNTED = re.compile(r"\s?(?:년|개월|인(?![가-힣])|부|매|장|층|호|급|회|월|시|years?|months?)")
_BOOKED = re.compile(r"\s?(?:원|달러|%p?)?\s?\)")
_CELL_ENDS = re.compile(r"\s*(?:[|·,)\]~]|$)")
_SEEN_BEFORE, _SEEN_AFTER = 48, 32
"""Characters beside a number by which its sign is told."""
BELOW, ABOVE = -1, 1

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


def durations_in(text: str) -> set[Fraction]:
    """What is told in two units of time, in the smaller: 210 of "3시간 30분", 265 of "4분 25초"."""
    told = ([int(part) for part in match.groups() if part] for match in _TWO_UNITS.finditer(text))
    return {Fraction(more * _SIXTY + rest) for more, rest in told}


def figures_in(text: str) -> list[tuple[int, int, Fraction]]:
    """Begin, end and worth of each number that is written in figures, in order, without words of scale.

    Of "2026.3.5" each part is one.
    """
    found = []
    for match in _NUMBER.finditer(text):
        if match["date"]:
            found += [
                (match.start() + part.start(), match.start() + part.end(), number_of(part[0]))
                for part in _PART.finditer(match[0])
            ]
        else:
            found.append((match.start(), match.end(), number_of(match[0])))
    return found


def signs_in(text: str) -> dict[Fraction, set[int]]:
    """The sides of zero that each number in figures is on: BELOW, ABOVE, or both where it may be either.

    A dash is a sign where it can be nothing else: before degrees, in a cell of its own, behind a particle. In
    a list, a range, a date or the name of a product it is none.
    """
    text = f"\n{unscaled(text)}"
    found: dict[Fraction, set[int]] = {}
    for start, end, value in figures_in(text):
        before, after = text[max(0, start - _SEEN_BEFORE) : start], text[end : end + _SEEN_AFTER]
        found.setdefault(value, set()).update(_signs(before, after))
    return found


def degrees_in(text: str) -> set[Fraction]:
    """The numbers of the text that are temperatures or angles, without their signs."""
    return {value for _, end, value in figures_in(text) if _WARMTH.match(text[end : end + _SEEN_AFTER])}


def _signs(before: str, after: str) -> set[int]:
    if _BELOW.search(before) or _BELOW_BEHIND.match(after):
        return {BELOW}
    if _ABOVE.search(before):
        return {ABOVE}
    dashed = _DASHED.search(before)
    if dashed:
        return _signs_of_dash(before, dashed, after)
    either = _NEAR_BELOW.search(before) or _BELOW_AFTER.match(after)
    # An amount in brackets is a loss in books.
    booked = before.endswith("(") and _BOOKED.match(after)
    return {BELOW, ABOVE} if either or booked else {ABOVE}


def _signs_of_dash(before: str, dashed: re.Match[str], after: str) -> set[int]:
    left, warm = dashed["left"], _WARMTH.match(after)
    either = {BELOW, ABOVE}
    # Behind a full stop a list may go on.
    if dashed["space"] or re.match(rf"{_DASH}|\.", left) or _WARMTH_RANGE.search(before):
        return either
    if left in _OPENS:
        return {BELOW}
    if left.isalnum() and not dashed["gap"]:
        return either if warm and not left.isdigit() else {ABOVE}
    if warm or (left == ":" and _CELL_ENDS.match(after)):
        return {BELOW}
    said = (
        "\n" not in dashed["gap"]
        and not _COUNTED.match(after)
        and _PARTICLE.search(before[: dashed.start("gap")])
    )
    return {BELOW} if said else either


def _written(text: str) -> set[Fraction]:
    return {value for _, _, value in figures_in(text)}
