"""What a calculation gives, said without a model where its unit is plain.

A small model writes a sentence around the result in three seconds, and its unit is now and then another one:
"1년 이자는 86.4%입니다". The question names the unit ("몇 대", "며칠"), or it asks how much, and what is
computed with are won in the sources.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from graphs.calculation import sides
from graphs.claims import quantities_in
from graphs.counts import COUNTERS
from graphs.numbers import dates_in, figures_in, numbers_in
from graphs.numerals import numbers_told
from tools.calculator import grouped

# As `graphs.calculation.written` groups it.
_PLAIN = re.compile(r"\d{1,3}(?:,\d{3})*(?:\.\d+)?")
# Hours of the clock and months begin anew, "몇 대 1" is a rate, and "며칠까지" asks for a date.
_UNIT = (
    r"(?!시(?!간)|월|일(?:까|에)|대\s?\d|(?:%|퍼센트)\s?(?:포인트|p))"
    rf"(?:{COUNTERS}|%|km|cm|mm|kg|mL|kWh|Wh|m|g|L|㎡)"
)
_ASKED = re.compile(
    rf"몇\s?(?P<unit>{_UNIT})(?!이?(?:든|건|라도))(?=[이가을를은는인나으로였예요정쯤까]|\s|[?？]|$)"
    r"|(?P<days>며칠)(?!까지|에|날|부터|이?든)|얼마(?!나|큼|든|\s?만[에큼]|\s(?:전|뒤|후|동안))"
)
_ASKS = re.compile("몇|며칠|얼마")
_KINDS = tuple(
    frozenset(line.split())
    for line in ("초 분 시간 일 주 개월 년", "g kg t 그 킬 톤", "mm cm m km 미 센", "ml l 리")
)
"""Units that turn into each other, as `quantities_in` calls them."""
_WHOLE = re.compile(
    r"명|인|사람|회|번|차례|개|가지|종|건|대|장|매|부|권|편|곳|군데|마리|병|통|석|동|호|채|벌|척|칸|표|잔|곡|그루|조각"
    r"|봉지|자루|박|층"
)
_SHARES = ("%", "퍼센트")
_DAYS, _YEARS = frozenset("일박"), frozenset("년해세살")
_YEAR = re.compile(r"(?:19|20)\d\d")
_OF_DAYS = re.compile(r"days_between|age_days")
_PER_CENT = re.compile(r"\*\s*100(?![\d.])|(?<![\d.])100\s*\*|percent")
# As loaders write a row: "품목: 무 · 단가(원): 33000 · 재고(봉): 12".
_CELL = re.compile(r"\(([^()\n]{1,10})\): ([^·\n]*)")
# A function, "//", "**", or a sign of its own.
_NOT_BY_HAND = re.compile(r"[A-Za-z_]|[-+*/(]\s*[-+*/]|^\s*[-+]")
_ADDS = re.compile(r"[-+]")
_TERM = re.compile(r"\s*[+-]\s*")
_SIGN = re.compile(r"\s*([*/+-])\s*")
_WRITTEN = {"*": "×", "/": "÷"}
_WON = "원"
_OTHER_MONEY = ("달러", "불", "유로", "엔", "점")
_MONEY = re.compile("금액|총액|비용|요금|가격")
_GROUPED = 1000


def stated(calculation: str, question: str, sources: Sequence[str]) -> str:
    """`4,870,000 × 3 = 14,610,000원`; empty where that is no plain number or its unit cannot be told."""
    expression, result = sides(calculation)
    if "≈" in calculation or not _PLAIN.fullmatch(result):
        return ""
    unit = _unit(expression, question, sources)
    if not unit or ("." in result and _WHOLE.fullmatch(unit)):
        return ""
    if unit in _YEARS and _YEAR.fullmatch(result.replace(",", "")):
        result = result.replace(",", "")
    shown, said = _shown(expression, unit), f"{result}{' ' * unit.isascii() * unit.isalpha()}{unit}"
    return f"{shown} = {said}" if shown else said


def in_money_for_another(expression: str, question: str, sources: Sequence[str]) -> bool:
    """Whether the question names its unit ("몇 Wh") and what is computed with are prices."""
    asked = _asked_unit(question)
    if asked in ("", _WON, *_SHARES, *_OTHER_MONEY) or "/" in expression or _MONEY.search(question):
        return False
    counted = _counted([*sources, question])
    others = {value for value, unit in counted if unit not in ("", _WON)}
    return _is_of(expression, {value for value, unit in counted if unit == _WON} - others)


def as_share(expression: str, question: str, sources: Sequence[str]) -> str:
    """The expression in per cent, for who asks for that and is given a quotient that is not; else empty.

    What the sources give in per cent is so already: "6 / 12" of a year's 6%.
    """
    if _asked_unit(question) not in _SHARES or "/" not in expression or _PER_CENT.search(expression):
        return ""
    shares = {value for value, unit in _counted([*sources, question]) if unit == "%"}
    if shares & {value for _, _, value in figures_in(expression)}:
        return ""
    return f"({expression}) * 100" if _ADDS.search(expression) else f"{expression} * 100"


def _asked_unit(question: str) -> str:
    """The one unit that the question asks for, won where it asks how much; empty where that is not plain."""
    matches = list(_ASKED.finditer(question))
    asked = {match["unit"] or ("일" if match["days"] else _WON) for match in matches}
    return asked.pop() if len(asked) == 1 and len(matches) == len(_ASKS.findall(question)) else ""


def _unit(expression: str, question: str, sources: Sequence[str]) -> str:
    unit = _asked_unit(question)
    if not unit:
        return ""
    if unit == _WON:
        return unit if _is_in_won(expression, sources) else ""
    told = [*sources, question]
    return unit if _comes_in(unit, expression, told) and not _is_in_won(expression, told) else ""


def _comes_in(unit: str, expression: str, told: Sequence[str]) -> bool:
    """Whether nothing speaks against it: 90 minutes on 4 days are no "90 * 4" hours."""
    if "age_years" in expression:
        return unit in _YEARS
    if "/" not in expression and (dates_in(expression) or _OF_DAYS.search(expression)):
        return unit in _DAYS
    if unit in _SHARES:
        return "/" not in expression or bool(_PER_CENT.search(expression))
    name = next((quantity.unit for quantity in quantities_in(f"1{unit}")), "")
    kind = next((kind for kind in _KINDS if name in kind), frozenset())
    values = {value for _, _, value in figures_in(expression)}
    given = {other for value, other in _counted(told) if value in values and other in kind}
    # What nobody told turns the one into the other, as 60 does.
    turns = "/" in expression or not values <= numbers_told("\n".join(told))
    return not given or name in given or turns


def _counted(sources: Sequence[str]) -> set[tuple[Fraction, str]]:
    """What the sources give with its unit, beside it or in the name of its column: "단가(원): 33000"."""
    text = "\n".join(sources)
    found = {(quantity.value, quantity.unit) for quantity in quantities_in(text)}
    for unit, told in _CELL.findall(text):
        found |= {(value, unit.lower()) for value in numbers_in(told)}
    return found


def _is_in_won(expression: str, sources: Sequence[str]) -> bool:
    """As `_is_of`, with all amounts that the sources give in won."""
    return _is_of(expression, {value for value, unit in _counted(sources) if unit == _WON})


def _is_of(expression: str, won: set[Fraction]) -> bool:
    """Whether each term has one of these amounts, and nothing is divided by it."""
    for term in _TERM.split(expression):
        amounts = [start for start, _, value in figures_in(term) if value in won]
        if len(amounts) != 1 or "(" in term or "/" in term[: amounts[0]]:
            return False
    return True


def _shown(expression: str, unit: str) -> str:
    """As it is written by hand; empty where it has dates, or calls a function of the calculator."""
    if dates_in(expression) or _NOT_BY_HAND.search(expression):
        return ""
    for start, end, value in reversed(figures_in(expression)):
        year = unit in _YEARS and _YEAR.fullmatch(expression[start:end])
        if value >= _GROUPED and value.denominator == 1 and not year:
            expression = f"{expression[:start]}{grouped(str(value))}{expression[end:]}"
    return _SIGN.sub(lambda sign: f" {_WRITTEN.get(sign[1], sign[1])} ", expression)
