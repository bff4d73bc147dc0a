"""What speaks against a calculation that a model wrote, though each of its numbers is there to be read."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from graphs.calculation import CONSTANTS, SCALES, supposed_quantities
from graphs.claims import Quantity, quantities_in
from graphs.numbers import durations_in, figures_in, numbers_in, without_iso_dates
from graphs.numerals import numbers_told

# "PH-E14", "MT-740", "UR-16C": what an article goes by. "3D" and "740" go by nothing.
_CODE = re.compile(r"(?<![A-Za-z0-9-])(?=[A-Za-z-]*\d)[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
_NO_HANGUL = re.compile(r"[^가-힣 ]+")
_TIMES = re.compile(r"[*/%]")
_BOUND = re.compile(
    r"(?<![\d,.])\d[\d,.]{0,20}[십백천만억]{0,8}\s?(?:[가-힣]{1,2}?|[A-Za-z]{1,12})(?:[을를이가]|보다)?\s?"
    r"(?:이상|이하|이내|미만|초과|넘)"
    r"|(?<!\d)\d{1,9}\s?(?:[가-힣]{1,2}|[A-Za-z]{1,12})?\s?[~∼〜–-]\s?\d{1,9}\s?(?:[가-힣]{1,2}|[A-Za-z]{1,12})"
)
_OF_TIME = (frozenset(("초", "분", "시간", "일", "주", "개월", "년")), (7, 12, 24, 30, 60, 365))
_OF_AMOUNTS = (frozenset(("kg", "g", "km", "m", "l", "ml")), (1000,))
"""Units, and what turns one of them into another."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a document."""

    text: str
    codes: frozenset[str]
    """Of a table's row the articles that have a cell of their own in it, in capitals; else empty."""
    key: str
    """The one in its first cell; empty without one."""
    numbers: frozenset[Fraction]


def leaves_out_the_asker(expression: str, question: str, sources: Sequence[str]) -> bool:
    """Whether the question brings quantities of its own ("2박 3일", "20개", "2,000만 원") and none of them is
    computed with, nor is a number added as often as one of them says.

    One is enough: another may only tell which row is meant ("7명이 회의실을 두 시간 빌리면").
    """
    brought = supposed_quantities(question, sources)
    if not brought:
        return False
    if not _TIMES.search(expression) and {quantity.unit for quantity in brought} <= _bounded(sources):
        return False
    own = {quantity.value for quantity in brought}
    turned = own.union(durations_in(question), *map(_otherwise, brought))
    figures = figures_in(without_iso_dates(expression))
    used = numbers_told(expression) | {value for _, _, value in figures}
    often = set(map(Fraction, Counter(value for _, _, value in figures).values()))
    return not own & often and not turned & used


def _bounded(sources: Sequence[str]) -> set[str]:
    """Units of what the sources set bounds to: "30명 이상", "10~20kg"."""
    bounds = _BOUND.finditer("\n".join(sources))
    return {quantity.unit for bound in bounds for quantity in quantities_in(bound[0])}


def _otherwise(quantity: Quantity) -> set[Fraction]:
    """What it is worth in units beside its own: 2,000 of "2,000만 원", 180 of "3시간"."""
    found = {quantity.value / scale for scale in SCALES if quantity.value >= scale}
    for units, factors in (_OF_TIME, _OF_AMOUNTS):
        if quantity.unit in units:
            found |= {quantity.value * factor for factor in factors}
            found |= {quantity.value / factor for factor in factors}
    return found


def of_another_article(expression: str, question: str, known: Sequence[Row], shown: Sequence[Row]) -> bool:
    """Whether the expression leaves out an article that the question names by its code (PH-E14), and has a
    number of another row of the table instead, or that row was not shown.

    In a price list every row is alike, and the wrong one's number is as easily taken. `shown` is what the
    numbers were taken from, `known` all that was found. Lines that are no rows of a table may be of any
    article, and so may a row that the question names in words ("MT-740에 쓰는 pH 전극"). With the prices of
    three lists, 16 articles each, put in each other's place it sees 720 of 720, and 663 where the question
    has words that stand in every row; of 50 right sums made to be hard it takes four for wrong.
    """
    asked = _codes_in(question) & set().union(*(row.codes for row in known))
    told = numbers_in(without_iso_dates(expression)) - numbers_told(_CODE.sub(" ", question))
    # Of 15 per cent off a row gives the 15.
    taken = told | {abs(1 - number) * 100 for number in told if number < 2}
    left = asked - set().union(*(row.codes for row in shown if row.numbers & taken))
    if not left:
        return False
    if left & {row.key for row in known} - set().union(*(row.codes for row in shown)):
        return True
    theirs = _squeezed("".join(row.text for row in known if row.codes & left))
    others = [
        row
        for row in shown
        if row.codes and not row.codes & asked and not _names_in_words(question, row, theirs)
    ]
    own = set().union(*(row.numbers for row in shown if row not in others))
    return bool((told - CONSTANTS) & set().union(*(row.numbers for row in others)) - own)


def rows_of(text: str) -> list[Row]:
    """The lines of a passage. A table's is "품번: PH-E14 · 품명: 전극", as the loaders write it."""
    found: list[Row] = []
    for line in text.splitlines():
        cells = line.split(" · ")
        values = [cell.rpartition(": ")[2].strip() for cell in cells] if len(cells) > 1 else [""]
        codes = [value.upper() if _CODE.fullmatch(value) else "" for value in values]
        numbers = frozenset(numbers_told(_CODE.sub(" ", line)))
        found.append(Row(text=line, codes=frozenset(filter(None, codes)), key=codes[0], numbers=numbers))
    return found


def _names_in_words(question: str, row: Row, theirs: str) -> bool:
    """Whether the question has words of a cell of this row ("산도 전극") that the asked article's lack."""
    asked = _squeezed(question)
    words = map(_squeezed, _NO_HANGUL.split(row.text))
    return any(len(word) > 1 and word in asked and word not in theirs for word in words)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _codes_in(text: str) -> frozenset[str]:
    return frozenset(code.upper() for code in _CODE.findall(text))
