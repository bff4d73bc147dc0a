import ast
import contextlib
import datetime
import random
import re
import time
from decimal import Decimal, localcontext
from fractions import Fraction

import numexpr
import pytest

from app.errors import CalculationError
from tools.calculator import DESCRIPTION, FUNCTIONS, Calculation, calculate, calculator_tool, grouped

TODAY = datetime.date(2026, 3, 1)


def text(expression: str) -> str:
    return calculate(expression, today=TODAY).text


def refusal(expression: str) -> str:
    with pytest.raises(CalculationError) as raised:
        calculate(expression, today=TODAY)
    line = str(raised.value)
    assert line and len(line.splitlines()) == 1 and line.isprintable()
    return line


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(3 + 4) * 12", "84"),
        ("5만원 * 3", "150000"),
        ("45,000원 × 3일", "135000"),
        ("8시간 * 5일", "40"),
        ("12개월 * 3만 5천", "420000"),
        ("1억 2천만원 / 12개월", "10000000"),
        ("3대 × 1.5만원", "45000"),
        ("7 / 2", "3.5"),
        ("7 // 2", "3"),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("2 ** -3", "0.125"),
        ("-2 ** 2", "-4"),
        ("+5 - -5", "10"),
        ("abs(-3)", "3"),
        ("min(1, 2, 3)", "1"),
        ("max(1, 2, sqrt(5))", "2.2360679775"),
        ("max(sqrt(2), sqrt(3))", "1.73205080757"),
        ("min(sqrt(2), sqrt(3))", "1.41421356237"),
        ("sum(1, 2, 3)", "6"),
        ("floor(-1.5)", "-2"),
        ("ceil(1.2)", "2"),
        ("ceil(sqrt(2))", "2"),
        ("sqrt(2)", "1.41421356237"),
        ("sqrt(0)", "0"),
        ("27 ** (1/3)", "3"),
        ("10.5 % sqrt(4)", "0.5"),
        ("5 % sqrt(2)", "0.757359312881"),
        ("sqrt(2) // 1", "1"),
        ("-sqrt(2)", "-1.41421356237"),
        ("abs(-sqrt(2))", "1.41421356237"),
        ("0 * sqrt(2)", "0"),
        ("0 ** 0.5", "0"),
        ("0 ** 0.3", "0"),
        ("0 ** 0", "1"),
        ("(-1) ** (10**90 + 1)", "-1"),
        ("(-2) ** 3", "-8"),
        ("(-sqrt(2)) ** 3", "-2.82842712475"),
        ("percent(30, 120)", "25"),
        ("percent_change(80, 100)", "25"),
        ("percent_change(100, 80)", "-20"),
        ("SQRT(16)", "4"),
        ("007 + 1", "8"),
        (".5 + 1.", "1.5"),
        ("1.5e3", "1500"),
    ],
)
def test_arithmetic(expression: str, expected: str) -> None:
    assert text(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected", "exact"),
    [
        ("0.1 + 0.2", "0.3", True),
        ("1.1 * 1.1", "1.21", True),
        ("1 / 7 * 7", "1", True),
        ("2**53 + 1", "9007199254740993", True),
        ("9007199254740993 * 3", "27021597764222979", True),
        ("9223372036854775807 + 1", "9223372036854775808", True),  # int64 would wrap here
        ("2**200", str(2**200), True),
        ("10**99 + 1", str(10**99 + 1), True),
        ("0.1234567890123456789 * 10", "1.234567890123456789", True),
        ("10**20 / 7", "14285714285714285714.29", False),
        ("1 / 3", "0.333333333333", False),
        ("2 / 3", "0.666666666667", False),
        ("1e-6 / 3", "3.33333333333e-7", False),
        ("1000000 * 1.05**30", "4321942.37515", False),
        ("1.00375**360", "3.84769804996", False),
        ("1.0000001**1000000", "1.10517091", False),  # e**0.1 cut at the last certain digit
        ("sqrt(10**40)", "1" + "0" * 20, True),
        ("sqrt(1/4)", "0.5", True),
        ("sqrt(2) ** 2", "2", False),
        ("sqrt(2) * 10**20", "1.41421356237e20", False),
    ],
)
def test_digits(expression: str, expected: str, exact: bool) -> None:
    result = calculate(expression, today=TODAY)
    assert (result.text, result.exact) == (expected, exact)


def test_the_value_keeps_its_kind() -> None:
    assert calculate("2 * 3", today=TODAY) == Calculation("2 * 3", 6, "6", True)
    assert type(calculate("2 * 3", today=TODAY).value) is int
    assert calculate("0.1 + 0.2", today=TODAY).value == Decimal("0.3")
    assert calculate("1 / 3", today=TODAY).value == pytest.approx(1 / 3, rel=1e-15)
    assert calculate("today()", today=TODAY).value == TODAY


@pytest.mark.parametrize(
    "expression",
    [
        "sqrt(2) + 10**20 - 10**20",  # float64 says 0
        "sqrt(2) * sqrt(2) - 2",  # float64 says 4e-16
        "floor(sqrt(2) * 10**20)",  # float64 has 16 of the 21 digits
        "ceil(sqrt(2) * sqrt(2))",  # float64 says 3
        "1 / (sqrt(2) * sqrt(2) - 2)",
        "(sqrt(2) * sqrt(2) - 2) ** 0.5",
        "(sqrt(2) * sqrt(2) - 2) ** 0.3",
        "(1 + 1e-90) ** (10**90)",  # float64 says 1; it is e
    ],
)
def test_a_digit_that_is_not_certain_is_not_given(expression: str) -> None:
    assert re.search("certain|told from zero", refusal(expression))


def test_rounded_results_agree_with_60_digit_arithmetic() -> None:
    chance = random.Random(20260301)

    def term() -> str:
        base, power = chance.randint(2, 10**9), chance.choice(["0.5", "0.25", "0.3", "1.7", "-0.9"])
        return f"{base}.{chance.randint(0, 999)} ** {power}"

    checked = 0
    with localcontext() as context:
        context.prec = 60
        for _ in range(300):
            terms = [term() for _ in range(3)]
            signs = chance.choices("+-*/", k=2)
            expression = f"({terms[0]} {signs[0]} {terms[1]}) {signs[1]} {terms[2]}"
            powers = [Decimal(base) ** Decimal(power) for base, power in (t.split(" ** ") for t in terms)]
            expected = _apply(signs[1], _apply(signs[0], powers[0], powers[1]), powers[2])
            shown = Decimal(text(expression))
            digits = len(shown.as_tuple().digits)
            assert abs(shown - expected) <= abs(expected) * Decimal(10) ** (1 - digits) * Decimal("0.51"), (
                expression
            )
            checked += 1
    assert checked == 300


def _apply(sign: str, a: Decimal, b: Decimal) -> Decimal:
    return {"+": a + b, "-": a - b, "*": a * b, "/": a / b}[sign]


def test_exact_results_agree_with_fractions() -> None:
    chance = random.Random(7)
    for _ in range(300):
        a, b, c = (chance.randint(-(10**20), 10**20) for _ in range(3))
        d = chance.randint(1, 10**6)
        expected = Fraction(a) * b + Fraction(c, 2) - a // d + b % d
        assert calculate(f"{a} * {b} + {c} / 2 - {a} // {d} + {b} % {d}", today=TODAY).value == expected


def test_numexpr_sees_fixed_formulas_and_no_names_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    evaluate = numexpr.evaluate

    def spy(formula: str, **options: object) -> object:
        calls.append((formula, options["global_dict"], sorted(options["local_dict"])))  # type: ignore[call-overload]
        return evaluate(formula, **options)

    monkeypatch.setattr(numexpr, "evaluate", spy)
    text("(sqrt(2) + 1) * 3 / 2 ** 0.5")
    assert [call[0] for call in calls] == ["sqrt(a)", "a + b", "a * b", "sqrt(a)", "a / b"]
    assert all(call[1:] == ({}, ["a", "b"]) for call in calls)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(2.675, 2)", "2.68"),
        ("round(1234.5, -2)", "1200"),
        ("round(sqrt(2), 4)", "1.4142"),
        ("round(1/3, 2)", "0.33"),
    ],
)
def test_halves_round_away_from_zero(expression: str, expected: str) -> None:
    assert text(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("15% * 200", "30"),
        ("200 * 15%", "30"),
        ("200 * 15 %", "30"),
        ("15% of 200", "30"),
        ("200의 15%", "30"),
        ("50%", "0.5"),
        ("(10 + 5)% * 300", "45"),
        ("10% + 5%", "0.15"),
        ("200 * (1 - 15%)", "170"),
        ("2 ** 50% ** 1", "1.41421356237"),
        ("7 % 3", "1"),
        ("7%3", "1"),
        ("7 % -3", "-2"),
        ("(7)%(3)", "1"),
        ("7 % abs(3)", "1"),
    ],
)
def test_percent_and_remainder(expression: str, expected: str) -> None:
    assert text(expression) == expected


def test_a_percent_added_to_a_number_has_two_readings() -> None:
    expected = "Adding a percent to a number can be read in two ways. Write 200 * (1 + 15%), or 200 + 0.15."
    assert refusal("200 + 15%") == expected
    assert refusal("200 - -15%") == expected
    assert text("15% + 3") == "3.15"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1,260,000원 × 15%", "189000"),
        ("₩1,260,000 ÷ 12", "105000"),
        ("$5.50 * 3", "16.5"),
        ("1,234.5 + 1", "1235.5"),
        ("(1,260,000 + 5) * 2", "2520010"),
        ("sqrt(1,000,000)", "1000"),
        ("max(10, 1000)", "1000"),
        ("max(10,1000)", "1000"),
        ("max((1,200), 3)", "1200"),
        ("２＋３＝", "5"),
        ("（１２－２）×３", "30"),
        ("12 ÷ 4 = ?", "3"),
        ("3 × 4?", "12"),
        ("2^10", "1024"),
        ("-2^2", "-4"),
        ("5 − 2", "3"),
        ("  1\u00a0+\t1  ", "2"),
    ],
)
def test_peoples_notation(expression: str, expected: str) -> None:
    assert text(expression) == expected


def test_a_comma_among_arguments_is_not_guessed() -> None:
    expected = (
        "The comma in sum(... 100,200 ...) can be read in two ways. Write numbers without commas, "
        "and a space after the comma between two arguments."
    )
    assert refusal("sum(100,200)") == expected
    assert "two ways" in refusal("max(1,260,000, 5)")
    assert "two ways" in refusal("round(1,260)")


@pytest.mark.parametrize(
    "birth",
    [
        "1970-07-30",
        "'1970-07-30'",
        '"1970-07-30"',
        "date(1970, 7, 30)",
        "date(1970, 07, 30)",
        'date("1970-07-30")',
        "1970년 7월 30일",
        "1970년7월30일",
        "date('1970년 7월 30일')",
        "1970.07.30",
        "1970. 7. 30.",
        "July 30, 1970",
        "July 30th 1970",
        "Jul. 30, 1970",
        "30 July 1970",
        "30th jul 1970",
        "1970–07–30",
    ],
)
def test_date_forms(birth: str) -> None:
    assert text(f"age_days({birth})") == str((TODAY - datetime.date(1970, 7, 30)).days)
    assert text(f"days_between({birth}, {birth})") == "0"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("today()", "2026-03-01"),
        ("days_between(1970-07-30, 2023-07-21)", "19349"),
        ("days_between(July 30, 1970, July 21, 2023)", "19349"),
        ("days_between(2023-07-21, 1970-07-30)", "-19349"),
        ("age_years(1970-07-30)", "55"),
        ("age_years(1970-07-30, 2023-07-21)", "52"),
        ("age_years(1970-07-30, 2023-07-30)", "53"),
        ("age_years(2004-02-29, 2025-02-28)", "20"),
        ("age_years(2004-02-29, 2025-03-01)", "21"),
        ("age_days(2026-03-01)", "0"),
        ("add_days(today(), 100)", "2026-06-09"),
        ("add_days(2024-03-01, -1)", "2024-02-29"),
        ("add_months(2024-01-31, 1)", "2024-02-29"),
        ("add_months(2024-01-31, -2)", "2023-11-30"),
        ("add_years(2024-02-29, 1)", "2025-02-28"),
        ("add_years(2024-02-29, 4)", "2028-02-29"),
        ("today() - 2026-01-01", "59"),
        ("2024-12-25 - 2024-01-01", "359"),
        ("2024-02-28 + 2", "2024-03-01"),
        ("2024-03-01 - 1", "2024-02-29"),
        ("age_days(1970-07-30) // 365", "55"),
        ("2024 - 10 - 12", "2002"),
    ],
)
def test_dates(expression: str, expected: str) -> None:
    assert text(expression) == expected


def test_today_is_the_given_day_only() -> None:
    assert calculate("age_years(2000-01-01)", today=datetime.date(2001, 1, 1)).text == "1"
    assert calculate("age_years(2000-01-01)", today=datetime.date(2000, 12, 31)).text == "0"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "2024-02-30",
            "2024-02-30 is not a day in the calendar. To subtract, put spaces around each '-'.",
        ),
        ("date(2024, 13, 1)", "date(2024, 13, 1) is not a day in the calendar."),
        ("date(2024, 1)", "date() takes one date, or a year, a month and a day."),
        ("age_days(2027-01-01)", "The birth date 2027-01-01 is later than 2026-03-01."),
        ("age_days(1970-7-30)", "age_days() needs a date such as 1970-07-30 as argument 1."),
        ("add_days(9999-12-31, 1)", "The date lies outside the years 1 to 9999."),
        ("add_days(2024-01-01, 10**90)", "The date lies outside the years 1 to 9999."),
        ("add_months(2024-01-31, 10**90)", "The date lies outside the years 1 to 9999."),
        ("add_days(2024-01-01, 1/2)", "add_days() needs a whole number as argument 2."),
        ("2024-01-01 + sqrt(2)", "date + days needs a whole number as argument 2."),
        (
            "2024-01-01 * 2",
            "With dates the calculator takes date - date, date + days and date - days.",
        ),
        ("max(2024-01-01, 1)", "max() needs a number, not the date 2024-01-01."),
        ("-2024-01-01", "- needs a number, not the date 2024-01-01."),
        ("round(1.5, 31)", "round() takes -30 to 30 decimals."),
        ("max()", "Wrong number of arguments: max() takes 1 to 200, not 0."),
        ("abs(1, 2)", "Wrong number of arguments: abs() takes 1, not 2."),
        ("1 / 0", "Division by zero."),
        ("0 / 0", "Division by zero."),
        ("5 % 0", "Division by zero."),
        ("5 // 0", "Division by zero."),
        ("0 ** -1", "Division by zero."),
        ("0 ** -0.5", "Division by zero."),
        ("sqrt(2) / 0", "Division by zero."),
        ("sqrt(-1)", "The square root of a negative number is not a real number."),
        ("(-8) ** (1/3)", "A negative number to a fractional power is not a real number."),
        ("today", "'today' is a function: write today(...)."),
        ("(1 + 2)(3)", "Write the sign between ')' and '(', such as (1 + 2) * (3 + 4)."),
        ("3평", "The calculator does not know '평' (U+D3C9)."),
        (
            "2시간 * 60 + 30분",
            "The expression mixes 분 and 시간. Write all of it in one of them.",
        ),
        ("1시간30분 * 2", "The expression mixes 분 and 시간. Write all of it in one of them."),
        ("3x4", "The calculator cannot read the number at '3x'."),
        ("", "The expression is empty. Write one such as (3 + 4) * 12."),
        (" =?", "The expression is empty. Write one such as (3 + 4) * 12."),
        (
            "3 +",
            "The calculator cannot read the expression. Write one line such as (3 + 4) * 12, 200 * 15% "
            "or age_days(1970-07-30).",
        ),
    ],
)
def test_errors_say_what_to_do(expression: str, message: str) -> None:
    assert refusal(expression) == message


TOO_LARGE = "A number in the calculation has more than 100 digits."
TOO_SMALL = "A number in the calculation is closer to zero than 1e-100."


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("9**9**9", TOO_LARGE),
        ("9**9**9 * 0", TOO_LARGE),
        ("1 / 9**9**9", TOO_LARGE),
        ("1.5**999999", TOO_LARGE),
        ("sqrt(2)**999999", TOO_LARGE),
        ("sqrt(2) * 10**99 * 10**99", TOO_LARGE),
        ("10**100", TOO_LARGE),
        ("10**60 * 10**60", TOO_LARGE),
        ("1e308*10", TOO_LARGE),
        ("1e999999999", TOO_LARGE),
        ("9" * 500, TOO_LARGE),
        ("10**-400", TOO_SMALL),
        ("1e-400", TOO_SMALL),
        ("0.5**99999", TOO_SMALL),  # float64 says 0
        ("sqrt(2)**-999999", TOO_SMALL),
        ("1e-60 * 1e-60", TOO_SMALL),
        ("sqrt(2) * 1e-60 * 1e-60", TOO_SMALL),
        ("1e" + "9" * 30, "The exponent in 1e9999999999... is too large."),
        (
            "(" * 10_000 + "1" + ")" * 10_000,
            "The expression is 20,001 characters long; the calculator takes 500.",
        ),
        ("1" * 10**6, "The expression is 1,000,000 characters long; the calculator takes 500."),
        ("(" * 33 + "1" + ")" * 33, "More than 32 parentheses are open at once."),
        ("abs(" * 33 + "1" + ")" * 33, "More than 32 parentheses are open at once."),
        ("-" * 499 + "1", "The expression has 500 numbers and operators; the calculator takes 200."),
        ("+".join("1" * 101), "The expression has 201 numbers and operators; the calculator takes 200."),
    ],
)
def test_what_is_too_much_is_refused_at_once(expression: str, message: str) -> None:
    started = time.thread_time()
    assert refusal(expression) == message
    assert time.thread_time() - started < 0.5


def test_the_bounds_themselves_are_allowed() -> None:
    assert text("(" * 32 + "1" + ")" * 32) == "1"
    assert text("+".join("1" * 100)) == "100"
    assert text("-" * 198 + "1") == "1"
    assert text("9" * 100) == "9" * 100
    assert text("0e999999999") == "0"


def test_the_worst_within_the_bounds_is_quick() -> None:
    started = time.thread_time()
    for expression in (
        "+".join(f"1.000{i}**1400" for i in range(1, 30)),
        "+".join(f"1.0{i}**{i}" for i in range(10, 50)),
        "1.0001**200000",  # exact, its fraction would have millions of digits
    ):
        calculate(expression, today=TODAY, timeout_s=60)
    assert time.thread_time() - started < 5


def test_the_deadline_holds_even_for_small_work() -> None:
    with pytest.raises(CalculationError, match=r"^The calculation took too long\.$"):
        calculate("1 + 1", today=TODAY, timeout_s=0)


ATTACKS = [
    "__import__('os')",
    "__import__('os').system('id')",
    "().__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "today.__class__",
    "today().__class__",
    "date.__globals__",
    "a.real",
    "1 .real",
    "(1).real",
    "sqrt.__globals__['os']",
    '"1"*10**9',
    "'a' * 3",
    "b'1'",
    "f'{1}'",
    "'%s' % 1",
    "'{0.__class__}'.format(1)",
    "date('x')",
    "date('1970-07-30'.__class__)",
    "𝐬𝐪𝐫𝐭(4)",
    "ｓｑｒｔ(4)",
    "__𝐢𝐦𝐩𝐨𝐫𝐭__('os')",
    "1\x002",
    "1\n2",
    "1\\\n+2",
    "1;2",
    "1; __import__('os')",
    "1 # comment",
    "where(1, 2, 3)",
    "arange(3)",
    "arctan2(1, 2)",
    "contains('a', 'b')",
    "sum(a)",
    "numexpr.evaluate(1)",
    "os",
    "self",
    "arithmetic",
    "print(1)",
    "eval(1)",
    "lambda: 1",
    "(lambda: 1)()",
    "[x for x in (1, 2)]",
    "sum(i for i in date(1, 1, 1))",
    "[1][0]",
    "{1}",
    "{1: 2}",
    "(1, 2)",
    "1, 2",
    "()",
    "x := 1",
    "(x := 1)",
    "x = 1",
    "round(1.5, ndigits=1)",
    "round(**3)",
    "max(*(1, 2))",
    "1 if 1 else 0",
    "1 and 2",
    "1 or 2",
    "not 1",
    "1 == 1",
    "1 < 2",
    "1 is 1",
    "1 in 1",
    "1 & 2",
    "1 | 2",
    "1 << 2",
    "1 @ 2",
    "~1",
    "1j",
    "0x10",
    "0b1",
    "1_000",
    "1e",
    "1..2",
    "1.5.2",
    "...",
    "True",
    "None",
    "nan",
    "inf",
    "await 1",
    "yield 1",
    "abs(abs)",
    "abs(abs)(1)",
    "date(99999999999999999999, 1, 1)",
    "5%%",
    "1[0]",
    "\u202e1+1",
    "1\u200b0",
    "٣ + ٤",
    "²",
    "½",
    "√2",
    "`id`",
    "$(id)",
    "!1",
    "1 ? 2 : 3",
    ")" * 400,
    "-",
    ",",
    "1 2",
]


@pytest.mark.parametrize("expression", ATTACKS, ids=ascii)
def test_attacks_are_refused_in_one_line(expression: str) -> None:
    refusal(expression)


def test_nothing_of_the_text_is_ever_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    parse = ast.parse

    def spy(source: str, *args: object, **options: object) -> ast.AST:
        seen.append(source)
        return parse(source, *args, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("tools.calculator.ast.parse", spy)
    for expression in [*ATTACKS, "days_between(1970년 7월 30일, today()) + 15% * 1,000원"]:
        with contextlib.suppress(CalculationError):
            calculate(expression, today=TODAY)
    assert len(seen) > 20
    # What reaches Python's parser: no quote, no attribute, no bracket but percent's, no letter but ASCII's.
    assert all(re.fullmatch(r"(?:[0-9a-z_+\-*/%(), ]|(?<=\d)\.|\.(?=\d)|\[0\])+", source) for source in seen)


def test_grouped() -> None:
    assert grouped("1260000") == "1,260,000"
    assert grouped("-1234567.25") == "-1,234,567.25"
    assert grouped("999") == "999"
    assert grouped("1.5e20") == "1.5e20"
    assert grouped("2026-03-01") == "2026-03-01"


def test_the_tool_answers_in_text_and_never_raises() -> None:
    tool = calculator_tool(lambda: TODAY)
    assert tool.name == "calculator"
    assert tool.invoke({"expression": "age_days(1970-07-30)"}) == "20303"
    assert tool.invoke({"expression": "1/0"}) == "Error: Division by zero."
    assert tool.invoke({}) == "Error: give the calculator one text, expression."
    assert tool.invoke({"expression": [1]}) == "Error: give the calculator one text, expression."
    assert list(tool.args) == ["expression"]


def test_the_tool_reads_the_clock_at_each_call() -> None:
    days = iter([datetime.date(2026, 3, 1), datetime.date(2026, 3, 2)])
    tool = calculator_tool(lambda: next(days))
    assert [tool.invoke({"expression": "today()"}) for _ in range(2)] == ["2026-03-01", "2026-03-02"]


def test_the_description_names_every_function() -> None:
    assert set(re.findall(r"(\w+)\(", DESCRIPTION)) | {"date"} == set(FUNCTIONS)
