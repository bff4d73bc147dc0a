"""What people write -> one line of Python arithmetic in plain ASCII.

    "1,260,000원 × 15%"          -> "1260000 * 15[0]"
    "days_between(1970년 7월 30일, today()) ="  -> "days_between(date(1970, 7, 30), today())"

`15[0]` is how "15 percent" travels through Python's own parser: it binds as tightly as the sign does
on paper, and a bracket can come from nowhere else, because brackets in the input are refused.
"""

import datetime
import re
import unicodedata

from app.errors import CalculationError
from tools.scales import unscaled

MAX_LENGTH = 500  # characters
MAX_DEPTH = 32  # parentheses inside parentheses

# With one argument a comma can only be a thousands separator.
ONE_ARGUMENT = frozenset({"abs", "floor", "ceil", "sqrt"})

_SIGNS = str.maketrans(
    {
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},  # full-width digits
        **dict(zip("（）＋－＊／％，．＝？＾", "()+-*/%,.=?^", strict=True)),
        **dict.fromkeys("\t\u00a0\u2009\u202f\u3000", " "),
        **dict.fromkeys("−–—", "-"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("‘’", "'"),
        "×": "*",
        "∗": "*",
        "÷": "/",
        "∕": "/",
        "^": "**",
        "＾": "**",
    }
)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<m>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATES = tuple(
    re.compile(rf"(?<![\w.])(?P<q>[\"']?){form}(?!\w)(?P=q)", re.ASCII | re.IGNORECASE)
    for form in (
        r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)",
        r"(?P<y>\d{4})\. ?(?P<m>\d{1,2})\. ?(?P<d>\d{1,2})\.?",
        r"(?P<y>\d{4}) *년 *(?P<m>\d{1,2}) *월 *(?P<d>\d{1,2}) *일",
        rf"{_MONTH} +(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:, *| +)(?P<y>\d{{4}})",
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)? +{_MONTH},? +(?P<y>\d{{4}})",
    )
)

_UNIT = re.compile(
    r"(?<=\d) *(?:(?P<time>년|개월|달|주일|주|일|시간|분|초)(?:간|치)?"
    r"|원|개|대|명|번|회|봉|묶음|상자|박스|세트|병|통|권|장|매|건|박|살|세|점|쪽|층|배|인분|인|kg|km|cm|mm)"
    r"(?![가-힣A-Za-z])"
)
_SUM = re.compile(r"[-+]")
_TOUCHING = re.compile(r"\d *[가-힣]+ *\d")
_TOKEN = re.compile(
    r"""
      (?P<space>\ +)
    | (?P<number>(?:\d{1,3}(?:,\d{3})+(?!,?\d)|\d+)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\*\*|//|[-+*/%(),])
    """,
    re.VERBOSE | re.ASCII,
)
_NUMBER_RUNS_ON = re.compile(r"[A-Za-z0-9_.]")
_TWO_READINGS = re.compile(r"\d{1,3},\d{3}(?!\d)", re.ASCII)


def to_python(expression: str) -> str:
    """Translate people's notation; the result holds only ASCII digits, names and arithmetic signs.

    The rules where a text could be read in two ways:

    * `%` with an operand after it is the remainder (`7 % 3`, `7%3`); otherwise it is percent
      (`15% * 200`, `200 * 15%`, `10% + 5%`). Before a sign, a space decides: `7 % -3` is the remainder.
    * `2024-12-25`, four digits and twice two without spaces, is a date, never a subtraction.
    * `1,260,000` is one number, except among the arguments of a function that takes several: there
      the comma is ambiguous and refused.
    * `^` is power, as on a calculator.
    * Units after a number are left out, `3만 5천원` is 35000; of two units of time only a
      product is not refused.

    Raises CalculationError, one line, for what is too long, too deep or not arithmetic.
    """
    if len(expression) > MAX_LENGTH:
        raise CalculationError(
            f"The expression is {len(expression):,} characters long; the calculator takes {MAX_LENGTH}."
        )
    text = re.sub(r"[ =?]+$", "", expression.strip().translate(_SIGNS))
    if not text:
        raise CalculationError("The expression is empty. Write one such as (3 + 4) * 12.")
    for form in _DATES:
        text = form.sub(_iso, text)
    text = re.sub(r"[₩￦$€] *(?=[\d.])", "", text)
    text = _without_units(unscaled(text))
    text = re.sub(r"% *of\b", "% * ", text)
    text = re.sub(r"(?<=[\d)]) *의 *(?=[\d.,]+ *%)", " * ", text)
    return _spell(text)


def _without_units(text: str) -> str:
    # "2시간 + 30분" and "2시간 30분" are not 32 of anything; "8시간 * 5일" is 40 hours.
    units = {match["time"] for match in _UNIT.finditer(text) if match["time"]}
    if len(units) > 1 and (_SUM.search(text) or _TOUCHING.search(text)):
        mixed = " and ".join(sorted(units))
        raise CalculationError(f"The expression mixes {mixed}. Write all of it in one of them.")
    return _UNIT.sub("", text)


def _iso(match: re.Match[str]) -> str:
    month = match["m"]
    number = int(month) if month.isdecimal() else _MONTHS.index(month[:3].lower()) + 1
    try:
        day = datetime.date(int(match["y"]), number, int(match["d"]))
    except ValueError:
        raise CalculationError(
            f"{match[0].strip()} is not a day in the calendar. To subtract, put spaces around each '-'."
        ) from None
    return f"date({day.year}, {day.month}, {day.day})"


def _spell(text: str) -> str:
    out: list[str] = []
    callers: list[str] = []  # for each open parenthesis, the function it belongs to, or ""
    before = ""  # the last piece that was not a space
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise CalculationError(f"The calculator does not know {_shown(text[position])}.")
        piece = match[0]
        position = match.end()
        if match["space"]:
            out.append(" ")
            continue
        if match["number"]:
            if _NUMBER_RUNS_ON.match(text, position):
                raise CalculationError(f"The calculator cannot read the number at '{piece}{text[position]}'.")
            caller = callers[-1] if callers else ""
            if caller and caller not in ONE_ARGUMENT and _TWO_READINGS.match(text, match.start()):
                raise CalculationError(
                    f"The comma in {caller}(... {piece} ...) can be read in two ways. "
                    "Write numbers without commas, and a space after the comma between two arguments."
                )
            out.append(_plain(piece))
        elif match["name"]:
            piece = piece.lower()
            out.append(piece)
        elif piece == "%":
            glued = text[match.start() - 1] != " "
            out.append("[0]" if _is_percent(before, text[position:], glued) else "%")
        else:
            if piece == "(":
                if before == ")":
                    raise CalculationError("Write the sign between ')' and '(', such as (1 + 2) * (3 + 4).")
                callers.append(before if before[:1].isalpha() else "")
                if len(callers) > MAX_DEPTH:
                    raise CalculationError(f"More than {MAX_DEPTH} parentheses are open at once.")
            elif piece == ")" and callers:
                callers.pop()
            out.append(piece)
        before = piece
    return "".join(out).strip()


def _is_percent(before: str, rest: str, glued: bool) -> bool:
    if not (before[-1:].isdigit() or before[-1:] in (")", ".")):
        return False
    following = rest.lstrip(" ")[:1]
    if following in ("+", "-"):
        return glued
    return not following.isalnum() and following not in ("(", ".", "_")


def _plain(number: str) -> str:
    """Without thousands separators and without the leading zeros that Python refuses."""
    number = number.replace(",", "")
    return re.sub(r"^0+(?=\d)", "", number)


def _shown(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if unicodedata.category(character)[0] in "CZ":
        return f"the invisible character {code}"
    return f"'{character}'" if character.isascii() else f"'{character}' ({code})"
