"""The columns of a table's row, as loaders write one: "품목: 무 · 일반단가(원): 3300 · 우수단가(원): 3180".

A small model that reads such a row takes the figure of the column next to the one that was asked for. Of 62
questions over the office documents on the fitting halves whose answer is a figure of a row, that figure is
never taken for another column's; of the other figures of their rows the 10 are, whose column is of the same
kind as one that the question names.
"""

import re
from collections.abc import Iterator, Sequence, Set
from fractions import Fraction

from app.corpus.bigrams import bigrams
from graphs.numbers import dates_in, figures_in, numbers_in
from tools.scales import plainly, without_scaled

LEAST_NAMED = 0.5
"""Share of the bigrams of a column, without those of the one beside, that a question has which names it."""
_BETWEEN = " · "
_UNIT_OF_COLUMN = re.compile(r"\(([^()]*)\)")
_UNIT_OF_VALUE = re.compile(r"^[^\d]*[\d,.]+\s?([가-힣A-Za-z%℃]+)")

Row = Sequence[tuple[str, str]]
"""Columns and their values."""


def rows_in(text: str) -> Iterator[Row]:
    """The lines of a passage that are rows of two and more named values."""
    return (row for row in map(_row, text.split("\n")) if row)


def _row(line: str) -> Row:
    parts = (part.partition(": ") for part in line.lstrip("- ").split(_BETWEEN))
    cells = [(key.strip(), value.strip()) for key, colon, value in parts if colon]
    return cells if len(cells) > 1 else []


def asked_instead(value: Fraction, question: str, texts: Sequence[str]) -> tuple[str, str, str] | None:
    """A figure's column, the column of the same kind that the question names in its place, and what it gives.

    None where one place that has the figure is no row, its column is named too, or no other one of its row is
    named, or several are. Columns are of one kind where their names share two letters, or their unit.
    """
    found = None
    words = set(bigrams(question))
    for line in "\n".join(texts).split("\n"):
        row = _row(line)
        if not row and value in numbers_in(line):
            return None
        for at, (column, told) in enumerate(row):
            if value in numbers_in(told):
                others = [cell for cell in row if _is_named(cell, row[at], words)]
                if len(others) != 1:
                    return None
                found = found or (column, *others[0])
    return found


def misread(answer: str, question: str, texts: Sequence[str]) -> str:
    """What is wrong with a figure of the answer that is another column's than was asked for; else empty.

    Beside the one that was asked for it may well be told.
    """
    said = numbers_in(answer)
    for value in sorted(said - numbers_in(question)):
        found = asked_instead(value, question, texts)
        if found and not said & numbers_in(found[2]):
            column, asked, _ = found
            return f"{plainly(value)} is of {column}, and {asked} is asked for"
    return ""


def read_again(expression: str, question: str, texts: Sequence[str], units: Set[Fraction]) -> str:
    """The expression with the figures of the columns that were asked for; `units` are factors that stand in
    no document, as 60 minutes."""
    if dates_in(expression) or without_scaled(expression) != expression:
        return expression
    kept = numbers_in(question) | units
    for start, end, value in reversed(figures_in(expression)):
        found = None if value in kept else asked_instead(value, question, texts)
        figures = numbers_in(found[2]) if found else set()
        if len(figures) == 1:
            expression = f"{expression[:start]}{plainly(figures.pop())}{expression[end:]}"
    return expression


def _is_named(cell: tuple[str, str], beside: tuple[str, str], words: set[str]) -> bool:
    """Whether the question names its column and not that of the one beside, which is of its kind."""
    here, there = set(bigrams(cell[0])), set(bigrams(beside[0]))
    alone = here - there
    if not alone or len(alone & words) < LEAST_NAMED * len(alone) or (there - here) & words:
        return False
    return _alike(beside, cell)


def _alike(one: tuple[str, str], other: tuple[str, str]) -> bool:
    if not numbers_in(other[1]):
        return False
    names = [set(bigrams(_UNIT_OF_COLUMN.sub(" ", key))) for key, _ in (one, other)]
    units = [_units(cell) for cell in (one, other)]
    return bool(names[0] & names[1]) or (any(units[0]) and units[0] == units[1])


def _units(cell: tuple[str, str]) -> tuple[str, str]:
    column, value = _UNIT_OF_COLUMN.search(cell[0]), _UNIT_OF_VALUE.match(cell[1])
    return (column[1] if column else "", value[1] if value else "")
