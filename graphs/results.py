"""What a calculation gives, said without a model where its unit is plain.

A small model writes a sentence around the result in three seconds, and its unit is now and then another one:
"1년 이자는 86.4%입니다". The question names the unit ("몇 대", "며칠"), or it asks how much, and what is
computed with are won in the sources.
"""

import re
from collections.abc import Sequence

from graphs.calculation import sides
from graphs.claims import quantities_in
from graphs.columns import rows_in
from graphs.counts import COUNTERS
from graphs.numbers import dates_in, figures_in, numbers_in
from tools.calculator import grouped

_PLAIN = re.compile(r"\d+(?:\.\d+)?(?:,\d+)*|\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_UNIT = rf"{COUNTERS}|%|km|cm|mm|kg|mL|kWh|Wh|m|g|L|㎡"
_ASKED = re.compile(
    rf"몇\s?(?P<unit>{_UNIT})(?=[이가을를은는인나으로였예요정쯤까]|\s|[?？]|$)"
    r"|(?P<days>며칠)|얼마(?!나|큼|\s전)"
)
_TERM = re.compile(r"\s*[+-]\s*")
_SIGN = re.compile(r"\s*([*/+-])\s*")
_WRITTEN = {"*": "×", "/": "÷"}
_WON = "원"
_GROUPED = 1000


def stated(calculation: str, question: str, sources: Sequence[str]) -> str:
    """`4,870,000 × 3 = 14,610,000원`; empty where that is no plain number or its unit cannot be told."""
    expression, result = sides(calculation)
    if "≈" in calculation or not _PLAIN.fullmatch(result):
        return ""
    unit = _unit(expression, question, sources)
    if not unit:
        return ""
    shown = _shown(expression)
    return f"{shown} = {result}{unit}" if shown else f"{result}{unit}"


def _unit(expression: str, question: str, sources: Sequence[str]) -> str:
    asked = {match["unit"] or ("일" if match["days"] else _WON) for match in _ASKED.finditer(question)}
    if len(asked) != 1:
        return ""
    unit = asked.pop()
    return "" if unit == _WON and not _is_in_won(expression, sources) else unit


def _is_in_won(expression: str, sources: Sequence[str]) -> bool:
    """Whether each term has one amount in won, and nothing is divided by it."""
    text = "\n".join(sources)
    won = {quantity.value for quantity in quantities_in(text) if quantity.unit == _WON}
    for row in rows_in(text):
        for column, value in row:
            won |= numbers_in(value) if f"({_WON})" in column else set()
    for term in _TERM.split(expression):
        amounts = [start for start, _, value in figures_in(term) if value in won]
        if len(amounts) != 1 or "(" in term or "/" in term[: amounts[0]]:
            return False
    return True


def _shown(expression: str) -> str:
    """As it is written by hand; empty where it has dates, or calls a function of the calculator."""
    if dates_in(expression) or re.search(r"[A-Za-z_]", expression):
        return ""
    for start, end, value in reversed(figures_in(expression)):
        if value >= _GROUPED and value.denominator == 1:
            expression = f"{expression[:start]}{grouped(str(value))}{expression[end:]}"
    return _SIGN.sub(lambda sign: f" {_WRITTEN.get(sign[1], sign[1])} ", expression)
