"""A calculator for a language model: exact arithmetic and dates from one line of text.

The text is spelled into plain Python (tools/notation.py), parsed with `ast`, and walked. The walk is the
allow-list: numbers, + - * / // % **, signs, and the functions of FUNCTIONS. Nothing is compiled, looked
up or called by a name from the text, so there is nothing to escape from.

Digits: fractions where the result has one, numexpr where it does not, with a bound on its rounding error
(tools/arithmetic.py), so that a wrong digit is never shown.
"""

import ast
import datetime
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field, ValidationError

from app.errors import CalculationError
from tools import arithmetic, calendar_dates
from tools.arithmetic import Number
from tools.notation import to_python

MAX_NODES = 200  # numbers, operators and calls in one expression

Value = Number | datetime.date


@dataclass(frozen=True)
class Calculation:
    """What came out.

    `value` is an int for whole numbers, a Decimal for decimals given in full, a float for rounded ones.
    `exact` is False when `text` is rounded: 1/3 or sqrt(2), to 12 significant digits or a few more.
    """

    expression: str
    value: int | Decimal | float | datetime.date
    text: str
    exact: bool = True


def calculate(expression: str, *, today: datetime.date, timeout_s: float = 1.0) -> Calculation:
    """Evaluate one expression; `today` is the only clock that the result depends on.

    Length (500 characters), nesting (32 parentheses), nodes (200), magnitude (1e-100 to 1e100) and the
    size of fractions are bounded before anything is computed, so the time is bounded too: the slowest
    expressions within the bounds take some tens of milliseconds. `timeout_s` is checked before every
    operation and only a starved machine meets it.

    Raises CalculationError, one line, for everything that is not an answer.
    """
    spelled = to_python(expression)
    try:
        tree = ast.parse(spelled, mode="eval")
    except SyntaxError:
        raise CalculationError(
            "The calculator cannot read the expression. Write one line such as (3 + 4) * 12, 200 * 15% "
            "or age_days(1970-07-30)."
        ) from None
    nodes = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if nodes > MAX_NODES:
        raise CalculationError(
            f"The expression has {nodes} numbers and operators; the calculator takes {MAX_NODES}."
        )
    walk = _Walk(spelled, today, time.monotonic() + timeout_s)
    result = walk.value(tree.body)
    if isinstance(result, datetime.date):
        return Calculation(expression, result, result.isoformat())
    value, text, exact = arithmetic.shown(result)
    return Calculation(expression, value, text, exact)


def grouped(text: str) -> str:
    """The text of a number with commas between thousands ("1260000.5" -> "1,260,000.5"); others as is."""
    match = re.fullmatch(r"(-?)(\d+)(\.\d+)?", text)
    return f"{match[1]}{int(match[2]):,}{match[3] or ''}" if match else text


class CalculatorInput(BaseModel):
    expression: str = Field(
        description="One line of arithmetic, such as 1260000 * 15% or age_days(1970-07-30)"
    )


DESCRIPTION = """Calculates exactly: use it for every number or date that must be computed. \
Operators: + - * / // % (remainder) ** and ( ). Percent: 200 * 15%. \
Functions: abs(x), round(x, decimals), min(a, b), max(a, b), sum(a, b), floor(x), ceil(x), sqrt(x), \
percent(part, whole), percent_change(old, new). \
Dates are YYYY-MM-DD: today(), days_between(from, to), age_days(birth), age_years(birth), \
add_days(date, n), add_months(date, n), add_years(date, n). \
Example: days_between(1970-07-30, 2023-07-21)"""


def calculator_tool(today: Callable[[], datetime.date]) -> BaseTool:
    """The LangChain tool "calculator". Its answer is always text: a result, or a line that starts with
    "Error:" and says what to write instead."""

    def calculator(expression: str) -> str:
        try:
            return calculate(expression, today=today()).text
        except CalculationError as error:
            return f"Error: {error}"

    def not_text(_: ValidationError) -> str:
        return "Error: give the calculator one text, expression."

    tool = StructuredTool.from_function(
        calculator, name="calculator", description=DESCRIPTION, args_schema=CalculatorInput
    )
    tool.handle_validation_error = not_text  # type: ignore[assignment]
    return tool


class _Walk:
    def __init__(self, source: str, today: datetime.date, deadline: float) -> None:
        self.source = source
        self.today = today
        self.deadline = deadline  # on the monotonic clock, seconds

    def value(self, node: ast.expr) -> Value:
        if time.monotonic() >= self.deadline:
            raise CalculationError("The calculation took too long.")
        match node:
            case ast.Constant():
                return arithmetic.parse(self.source[node.col_offset : node.end_col_offset])
            case ast.Subscript():  # only to_python writes one: percent
                return arithmetic.divide(_number("%", self.value(node.value)), arithmetic.HUNDRED)
            case ast.UnaryOp(op=ast.UAdd()):
                return _number("+", self.value(node.operand))
            case ast.UnaryOp(op=ast.USub()):
                return arithmetic.negate(_number("-", self.value(node.operand)))
            case ast.BinOp():
                return self.operation(node)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
                return self.call(name, node.args)
            case ast.Name(id=name) if name in FUNCTIONS:
                raise CalculationError(f"'{name}' is a function: write {name}(...).")
            case ast.Call(func=ast.Name(id=name)) | ast.Name(id=name) if name not in FUNCTIONS:
                known = ", ".join(FUNCTIONS)
                raise CalculationError(f"The calculator does not know '{name[:40]}'. It knows: {known}.")
            case _:
                raise CalculationError(
                    "The calculator takes numbers, dates, + - * / // % ** and its functions, nothing else."
                )

    def operation(self, node: ast.BinOp) -> Value:
        sign = OPERATORS.get(type(node.op))
        if sign is None:
            raise CalculationError("The calculator takes the operators + - * / // % **.")
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, datetime.date) or isinstance(right, datetime.date):
            return _date_operation(node.op, left, right)
        additive = isinstance(node.op, ast.Add | ast.Sub)
        if additive and left != 1 and _all_percent(node.right) and not _all_percent(node.left):
            raise CalculationError(
                "Adding a percent to a number can be read in two ways. Write 200 * (1 + 15%), or 200 + 0.15."
            )
        return sign(left, right)

    def call(self, name: str, arguments: list[ast.expr]) -> Value:
        least, most, function = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            takes = f"{least}" if least == most else f"{least} to {most}"
            raise CalculationError(
                f"Wrong number of arguments: {name}() takes {takes}, not {len(arguments)}."
            )
        return function(_Arguments(f"{name}()", [self.value(argument) for argument in arguments], self.today))


@dataclass(frozen=True)
class _Arguments:
    """The arguments of one call, each taken out as the kind that the function needs."""

    label: str  # what an error calls the function
    values: list[Value]
    today: datetime.date

    def __len__(self) -> int:
        return len(self.values)

    def number(self, position: int) -> Number:
        return _number(self.label, self.values[position])

    def numbers(self) -> Iterator[Number]:
        return (self.number(position) for position in range(len(self)))

    def whole(self, position: int) -> int:
        number = self.number(position)
        if isinstance(number, arithmetic.Approximate) or number.denominator != 1:
            raise CalculationError(f"{self.label} needs a whole number as argument {position + 1}.")
        return number.numerator

    def date(self, position: int) -> datetime.date:
        value = self.values[position]
        if not isinstance(value, datetime.date):
            raise CalculationError(
                f"{self.label} needs a date such as 1970-07-30 as argument {position + 1}."
            )
        return value

    def date_or_today(self, position: int) -> datetime.date:
        return self.date(position) if position < len(self) else self.today


def _number(where: str, value: Value) -> Number:
    if isinstance(value, datetime.date):
        raise CalculationError(f"{where} needs a number, not the date {value}.")
    return value


def _all_percent(node: ast.expr) -> bool:
    match node:
        case ast.Subscript():
            return True
        case ast.UnaryOp():
            return _all_percent(node.operand)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return _all_percent(node.left) and _all_percent(node.right)
    return False


def _date_operation(operator: ast.operator, left: Value, right: Value) -> Value:
    match operator, left, right:
        case ast.Sub(), datetime.date(), datetime.date():
            return arithmetic.whole(calendar_dates.days_between(right, left))
        case ast.Add() | ast.Sub(), datetime.date(), _ if not isinstance(right, datetime.date):
            days = _Arguments("date + days", [left, right], left).whole(1)
            return calendar_dates.add_days(left, days if isinstance(operator, ast.Add) else -days)
    raise CalculationError("With dates the calculator takes date - date, date + days and date - days.")


def _date(given: _Arguments) -> datetime.date:
    if len(given) == 1:
        return given.date(0)
    if len(given) == 2:
        raise CalculationError("date() takes one date, or a year, a month and a day.")
    return calendar_dates.date_of(given.whole(0), given.whole(1), given.whole(2))


def _round(given: _Arguments) -> Number:
    places = given.whole(1) if len(given) == 2 else 0
    if abs(places) > arithmetic.MAX_PLACES:
        raise CalculationError(f"round() takes {-arithmetic.MAX_PLACES} to {arithmetic.MAX_PLACES} decimals.")
    return arithmetic.round_half_up(given.number(0), places)


def _percent(given: _Arguments) -> Number:
    return arithmetic.multiply(arithmetic.divide(given.number(0), given.number(1)), arithmetic.HUNDRED)


def _percent_change(given: _Arguments) -> Number:
    old = given.number(0)
    change = arithmetic.subtract(given.number(1), old)
    return arithmetic.multiply(arithmetic.divide(change, arithmetic.absolute(old)), arithmetic.HUNDRED)


OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: arithmetic.add,
    ast.Sub: arithmetic.subtract,
    ast.Mult: arithmetic.multiply,
    ast.Div: arithmetic.divide,
    ast.FloorDiv: arithmetic.floor_divide,
    ast.Mod: arithmetic.modulo,
    ast.Pow: arithmetic.power,
}

# name -> (fewest arguments, most arguments, function)
FUNCTIONS: dict[str, tuple[int, int, Callable[[_Arguments], Value]]] = {
    "abs": (1, 1, lambda given: arithmetic.absolute(given.number(0))),
    "round": (1, 2, _round),
    "min": (1, MAX_NODES, lambda given: reduce(arithmetic.smaller, given.numbers())),
    "max": (1, MAX_NODES, lambda given: reduce(arithmetic.larger, given.numbers())),
    "sum": (1, MAX_NODES, lambda given: reduce(arithmetic.add, given.numbers())),
    "floor": (1, 1, lambda given: arithmetic.floor(given.number(0))),
    "ceil": (1, 1, lambda given: arithmetic.ceil(given.number(0))),
    "sqrt": (1, 1, lambda given: arithmetic.sqrt(given.number(0))),
    "percent": (2, 2, _percent),
    "percent_change": (2, 2, _percent_change),
    "date": (1, 3, _date),
    "today": (0, 0, lambda given: given.today),
    "days_between": (
        2,
        2,
        lambda given: arithmetic.whole(calendar_dates.days_between(given.date(0), given.date(1))),
    ),
    "age_days": (
        1,
        2,
        lambda given: arithmetic.whole(calendar_dates.age_days(given.date(0), given.date_or_today(1))),
    ),
    "age_years": (
        1,
        2,
        lambda given: arithmetic.whole(calendar_dates.age_years(given.date(0), given.date_or_today(1))),
    ),
    "add_days": (2, 2, lambda given: calendar_dates.add_days(given.date(0), given.whole(1))),
    "add_months": (2, 2, lambda given: calendar_dates.add_months(given.date(0), given.whole(1))),
    "add_years": (2, 2, lambda given: calendar_dates.add_years(given.date(0), given.whole(1))),
}
