"""Numbers that are written with a word of scale: "3만 5천", "1억 2천만", "2.5조"."""

import re
from collections.abc import Iterator
from fractions import Fraction
from math import prod

_SCALES = {"십": 10, "백": 100, "천": 1_000, "만": 10_000, "억": 100_000_000, "조": 1_000_000_000_000}
# "3조 원" is a sum, "3조로 나눕니다" a group, "8조각" are pieces, "제3조" and "12조 3항" articles of a rule.
_SCALED = re.compile(
    r"(?<!(?<![가-힣])[제第])(?<!(?<![가-힣])[제第]\s)(?<![\d,])(?:\d[\d,]*(?:\.\d+)?\s*"
    r"(?:[십백천만억]|조(?![가-힣]|\s*제?\s*(?:\d+|[①-⑳])\s*[항호목의])|조(?=[원달엔위유파]))+\s*)+(?:\d[\d,]*)?"
)
_STATED = re.compile(
    r"단위\s*+[:：]?[^)\]\n]{0,20}?(?<![가-힣\d])(?P<scale>[십백천만억]{1,2})\s?(?:원|달러|엔)"
)
_MOST_DIGITS, _MOST_SCALES = 100, 8
_PART = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*([십백천만억조]*)")


def stated_scale(text: str) -> int:
    """By how much the bare amounts of a table are to be multiplied: 1000 for "(단위: 천원)", else 1."""
    stated = _STATED.search(text)
    return _worth_of(stated["scale"]) if stated else 1


def scaled_values(text: str) -> Iterator[Fraction]:
    """What each of them in `text` is worth, in order."""
    return (_worth(match) for match in _SCALED.finditer(text))


def scaled_figures(text: str) -> Iterator[tuple[Fraction, Fraction]]:
    """The figure that each amount of one figure and its words of scale is written with, and what it is worth:
    7,200 and 72,000,000 of "7,200만"."""
    for match in _SCALED.finditer(text):
        parts = _PART.findall(match[0])
        if len(parts) == 1:
            yield number_of(parts[0][0]), _worth(match)


def without_scaled(text: str) -> str:
    """The text with a blank in place of each."""
    return _SCALED.sub(" ", text)


def unscaled(text: str) -> str:
    """The text with the digits of its worth in place of each: "3만 5천 + 2" is "35000 + 2"."""

    def digits(match: re.Match[str]) -> str:
        end = " " if match[0][-1].isspace() else ""
        return plainly(_worth(match)) + end

    return _SCALED.sub(digits, text)


def number_of(digits: str) -> Fraction:
    """What digits with or without commas and a decimal point are worth; of a run of hundreds its beginning.

    That is no number of anybody's, and Python reads no more than 4,300.
    """
    return Fraction(digits.replace(",", "")[:_MOST_DIGITS])


def plainly(value: Fraction) -> str:
    """A number as people write it: "1350000", "3.1"; never "1.35e+06"."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"


def _worth(match: re.Match[str]) -> Fraction:
    return sum((_scaled(*part) for part in _PART.findall(match[0])), Fraction(0))


def _scaled(digits: str, scales: str) -> Fraction:
    return number_of(digits) * _worth_of(scales)


def _worth_of(scales: str) -> int:
    return prod(_SCALES[scale] for scale in scales[:_MOST_SCALES])
