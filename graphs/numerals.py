"""Numbers that are written in words, as digits: "두 명", "사흘", "7할", "six weeks"."""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from graphs.counts import COUNTERS, PARTICLE
from graphs.numbers import DAYS_IN_WORDS, figures_in, numbers_in, values_in
from tools.scales import number_of, stated_scale

_ONES = {"하나": 1, "둘": 2, "셋": 3, "넷": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9}
_TENS = {
    "열": 10, "스물": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70, "여든": 80, "아흔": 90,
}  # fmt: skip
# As they stand before what they count: "한 명", "석 달".
_SHORT = {"한": 1, "두": 2, "세": 3, "석": 3, "네": 4, "넉": 4, "스무": 20}
_UP_TO_99 = _ONES | _TENS | {ten + one: _TENS[ten] + _ONES[one] for ten in _TENS for one in _ONES}
_COUNTING = _UP_TO_99 | _SHORT | {ten + one: _TENS[ten] + _SHORT[one] for ten in _TENS for one in "한두세네"}
# Alone these are words of other kinds as well: a row or heat, and tired.
_ALONE = {word: value for word, value in _UP_TO_99.items() if word not in ("열", "쉰")} | {"혼자": 1}
_ENGLISH = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_AFTER_COUNTER = rf"(?:[^가-힣]|$|{PARTICLE}|까지|동안|부터|이내|이상|[간씩째꼴])"


def _any_of(words: Mapping[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_BEFORE_COUNTER = re.compile(
    rf"(?<![가-힣])({_any_of(_COUNTING)})"
    # Without a space a syllable may begin a word of its own: "세대", "한시".
    rf"(?:\s+(?=(?:{COUNTERS}){_AFTER_COUNTER})|(?=(?:개|명|번|시간|달|장|살|마리|가지){_AFTER_COUNTER}))"
)
_BEFORE_PARTICLE = re.compile(rf"(?<![가-힣])({_any_of(_ALONE)})(?=[^가-힣]|$|{PARTICLE})")
_DAY = re.compile(rf"(?<![가-힣])({_any_of(DAYS_IN_WORDS)})")
_IN_ENGLISH = re.compile(rf"\b({_any_of(_ENGLISH)})\b", re.IGNORECASE)
_TENTHS = re.compile(r"(?<!\d)(\d)할")
_HALF_HOUR = re.compile(r"(?<=\d)(시간?) 반(?=[^가-힣]|$|에|이|입|부터|까지|쯤)")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})(?=:\d\d|\s?시(?!간))")
_TIME = re.compile(rf"(?:(오전|오후|새벽|아침|낮|저녁|밤)\s?)?{_CLOCK.pattern}")
_HALF_DAY, _FIRST_OF_THE_MORNING = 12, 7
TEXTS_KEPT = 256
"""Whose numbers were read: the same sentences come by at each check of an answer."""
_BARE_AMOUNT = re.compile(r"(?<![\d.,])(\d[\d,]*)\s?(?:원|달러|엔)")


def in_digits(text: str, *, loose: bool = True) -> str:
    """The text with digits for such numerals: "2명", "3일", "70%", "6 weeks".

    Without `loose` those stay that often count nothing: ones ("한 번에") and what counts no unit ("둘 다").
    """

    def digits(values: Mapping[str, int], unit: str = "") -> Callable[["re.Match[str]"], str]:
        def written(found: "re.Match[str]") -> str:
            value = values[found[1].lower()]
            return f"{value}{unit}" if loose or value > 1 else found[0]

        return written

    text = _HALF_HOUR.sub(r"\1 30분", _TENTHS.sub(r"\g<1>0%", text))
    text = _BEFORE_COUNTER.sub(digits(_COUNTING), text)
    text = _DAY.sub(digits(DAYS_IN_WORDS, "일"), _IN_ENGLISH.sub(digits(_ENGLISH), text))
    return _BEFORE_PARTICLE.sub(digits(_ALONE, " "), text) if loose else text


@lru_cache(maxsize=TEXTS_KEPT)
def numbers_told(text: str, around: str = "") -> frozenset[Fraction]:
    """What numbers the text gives, in figures or in words: "두 부" gives 2, "사흘" 3.

    Under "(단위: 천원)", which may stand in what is `around` it, 120 gives 120000 too.
    """
    found = numbers_in(text) | numbers_in(in_digits(text, loose=False))
    scale = stated_scale(around or text)
    if scale > 1:
        found |= {value * scale for _, _, value in figures_in(text)}
    return frozenset(found)


def understated(answer: str, sources: Sequence[str]) -> set[Fraction]:
    """Amounts that the answer takes from a table in thousands as if they were in won.

    Each source is a passage; what one gives in won itself, or without such a table, may be said so.
    """
    said = _in_won(answer)
    bare, right = set[Fraction](), set[Fraction]()
    for text in sources:
        scale = stated_scale(text)
        if scale == 1:
            right |= values_in(text)
            continue
        values = {value for _, _, value in figures_in(text)}
        bare |= values
        right |= {value * scale for value in values} | _in_won(text)
    return (said & bare) - right


def _in_won(text: str) -> set[Fraction]:
    return {number_of(amount) for amount in _BARE_AMOUNT.findall(text)}


def hours_in(text: str) -> dict[Fraction, set[int]]:
    """Hours of the clock as they are written, with those of the day that each may be: 3 and 15 for "3시"."""
    hours: dict[Fraction, set[int]] = {}
    for half, written in _TIME.findall(text):
        hour = int(written)
        if hour >= _HALF_DAY or written.startswith("0") or half in ("오전", "새벽", "아침"):
            day = {hour}
        elif half:
            day = {hour + _HALF_DAY}
        else:
            # Nobody works at 3 without saying so; at 9 one does.
            day = {hour, hour + _HALF_DAY} if hour < _FIRST_OF_THE_MORNING else {hour}
        hours.setdefault(Fraction(hour), set()).update(day)
    return hours


def other_hours(text: str) -> set[Fraction]:
    """Hours of the clock as the other half of the day has them: 3 for "15:00", 15 for "오후 3시"."""
    hours = {int(hour) for hour in _CLOCK.findall(text)}
    return {Fraction(hour + (_HALF_DAY if hour < _HALF_DAY else -_HALF_DAY)) for hour in hours}
