"""Whether a question may need arithmetic, and reading the expression that a model wrote for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from graphs.claims import Quantity, quantities_in
from graphs.numbers import (
    dates_in,
    durations_in,
    figures_in,
    iso_dates,
    month_days_in,
    numbers_in,
    values_in,
    without_iso_dates,
    yearless_days_in,
)
from graphs.numerals import in_digits, numbers_told
from tools.calculator import grouped
from tools.scales import number_of, plainly, scaled_figures, unscaled

# "베트남은", "강남은", "차남은" are names before a particle; blanks are often left out ("연차남은거").
_LEFT_OVER = r"(?<![트충경호영강성하처전])(?<!(?<!연)차)남은"
# A false alarm costs one short model call, a miss the answer. A bare "얼마" or "며칠" asks for a figure
# that stands in the document; with a quantity of the asker's own ("3대 사면 얼마") something is computed.
_COMPUTES = re.compile(
    r"합계|합산|합하|합치|합쳐|총액|총합|모두|통틀어|더하|더한|빼고|빼면|뺀|차이|차액|평균|비율|퍼센트|%|"
    r"몇 ?배|배인가|곱하|나누면|나이|몇 ?(?:세|살)(?=[\s인이예였?에]|$)|태어난 지|지났|남았|남는|남나|"
    rf"{_LEFT_OVER}|걸렸|늘어|줄어|넓어|절감|할인|이자|환산|일수|반올림"
    r"|합한|합해|나머지|얼마꼴|얼마씩|배로 (?:내|물|갚|배상)"
    r"|얼마나 (?:더 |많이 )?(?:늘|줄|오르|올랐|올라|내렸|비싸|비싼|싸|싼|많|적|길|짧|증가|감소)"
    r"|까지(?:는)? (?:모두 |총 )?며칠(?! (?:안|이내|내|전))"
    r"|\btotal|\bsum\b|altogether|together|combined|average|difference|percent|\bage\b|how old|\btimes\b"
    r"|in days|how many days|days (?:between|until|since|left|after|before)|\bleft over|\bremain"
    r"|\bratio\b|\bincrease|\bdecrease",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    r"합계|합산|합하|합해|합치|합쳐|총|모두|다 해서|통틀어|더하|더한|빼고|빼면|차이|차액|평균|얼마나 더"
    rf"|{_LEFT_OVER}|뺀|남았|남나|지났|태어난 지|나이|몇 ?(?:세|살)(?=[\s인이예였?에]|$)"
    r"|\btotal|\bsum\b|altogether|together|combined|average|difference|\bage\b|how old"
    r"|days (?:between|until|since|left|after|before)",
    re.IGNORECASE,
)
# "몇 시", "몇 층", "몇 호" ask which one it is: that is written down, and nothing is counted for it.
_ASKS_QUANTITY = re.compile(
    r"얼마|며칠|how much|how many|how long"
    r"|몇(?!\s*(?:시(?![간즌])|층(?:에|인|이)|호(?:실|에|인|로)|월|쪽에|조(?:에|인)|항에|급|등(?!분)|위(?!안)))",
    re.IGNORECASE,
)
# A count with its unit; a year, a date, a clock time or a model's number is nothing to compute with, and
# of one thing the document says the figure itself.
_OWN_QUANTITY = re.compile(
    r"(?:(?<![\d.,])(?!1\s*(?![만억])[가-힣a-zA-Z])\d[\d,.]*"
    # "세대당", "진열대", "스물다섯 명".
    r"|(?<![가-힣])(?!세대|열대)(?:(?:열|스물|서른|마흔|쉰)?(?:두|세|네|다섯|여섯|일곱|여덟|아홉)|열|스무))\s*"
    r"(?:개월|개|대|명|번|회|봉|묶음|상자|박스|세트|병|통|권|장|매|건|시간|분|박|달|원"
    r"|[만억](?:\s?\d[\d,]*\s?[천백십만억]+)*(?:\s?\d[\d,]*(?=\s?원))?(?:\s?원)?|(?:kg|km|m|L)(?![a-zA-Z]))"
    # "두 회사", "두 건물", "3달러".
    r"(?!(?<=회)사|(?<=건)[물설]|(?<=분)[기야]|(?<=매)[장출]|(?<=대)[표학리]|(?<=장)[소비치]|(?<=번)호|(?<=명)[단절]"
    r"|(?<=개)[발인선점]|(?<=통)[장신]|(?<=권)[한리]|(?<=병)원|(?<=박)사|(?<=달)러)"
    # In words of their own; "사흘에 한 번" is how often, and nothing to compute with.
    r"|(?<![가-힣])(?:(?:이틀|사흘|나흘|닷새|엿새|열흘|보름)(?!에)|(?:둘|셋|넷|다섯|여섯)이(?:서|면|\s))"
    r"|(?<![월\d])(?<!월 )\d+일(?! ?(?:자|부터|까지))"
    r"|\b\d+ (?:units?|pieces?|people|hours?|days?|weeks?|months?|nights?)\b"
)
# What is added up or compared is supposed by nobody.
_SUPPOSED = re.compile(
    r"[^.?!]*?(?<![합산더교]하)(?<!합치)(?<!합친다)(?<!빼)(?<!나누)(?<![쳐해빼눠] 보)(?<![화측반])면(?=[\s,])"
    r"|\s?어치|(?<=박)\s"
    r"|(?:(?<=[개대명봉음자스트병통권장매])|(?<=[두세네]\s번))(?:[와과랑]|하고)\s|(?<=[se])(?=\s(?!before|or|of))"
)
_NO_COUNT = re.compile(
    r"째|차|의실|\s?보험|(?<=\d번)\s|(?:이|가|을|를|은|보다)?\s?(?:넘|맞|이상|이하|미만|초과|이내|안에)"
    r"|\s?전(?:에|까지|\s)"
)
_MAX_DECIMALS = 4
_COMPUTING = re.compile(r"[-+*/%×÷(^]")
_PER_CENT = re.compile(r"(?<![\d,.])(\d[\d,]{0,20}(?:\.\d{1,20})?)\s*(?:%|퍼센트|per ?cent)")
# As Python writes dates; the calculator takes 2026-03-12 as well.
_PARTS = r"\s*(\d{4})\s*,\s*(\d{1,2})\s*,\s*(\d{1,2})\s*"
_DATE_BY_PARTS = re.compile(rf"\bdate\({_PARTS}\)|(?:(?<=age_days\()|(?<=age_years\()){_PARTS}(?=\))")
_APART = re.compile(r"차이|사이|\bdifference\b|\bapart\b|\bbetween\b", re.IGNORECASE)
_DIFFERENCES = (
    (re.compile(r"(\d[\d,.]*)\s*-\s*(\d[\d,.]*)"), "{1} - {0}"),
    (re.compile(r"days_between\(\s*([\d-]+)\s*,\s*([\d-]+)\s*\)"), "days_between({1}, {0})"),
)
_MAY_BE_BELOW = re.compile(
    r"남|이익|손익|손실|손해|수지|잔액|적자|흑자|차|증감|증가|감소|변화|변동|성장|상승|하락|늘|줄|오르|올랐|내[리렸]|떨어"
    r"|초과|넘|부족|모자|더|덜|지났|빼|뺀|까지|기온|온도"
    r"|\b(?:left|remain|profit|loss|balance|chang|differ|more|less|than|until|since|grow|grew|fell|rose"
    r"|increas|decreas|temperature)",
    re.IGNORECASE,
)
_ISO = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?=년)")
_YEAR_BESIDE = re.compile(
    r"작년|지난\s?해|전년|직전\s?연도|내년|다음\s?해|이듬해|익년|(?:last|next|previous|following) year",
    re.IGNORECASE,
)
_FENCE = re.compile(r"```\w*|`")
SCALES = frozenset(map(Fraction, (1000, 10_000, 1_000_000, 100_000_000)))
"""Of amounts: 천, 만, 백만, 억."""
CONSTANTS = frozenset(map(Fraction, (0, 1, 2, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000, 10000)))
"""Of units that turn into each other: hours, minutes, months, weeks, per cent and the like."""


@dataclass(frozen=True)
class Plan:
    """What a model said is to be done: a calculation, or a fact to look up first."""

    expression: str = ""
    lookup: str = ""


def may_calculate(question: str) -> bool:
    """Whether the words of the question allow that its answer must be computed."""
    if _COMPUTES.search(question):
        return True
    return bool(_ASKS_QUANTITY.search(question) and _OWN_QUANTITY.search(question))


def surely_calculates(question: str, sources: Sequence[str] = ()) -> bool:
    """Whether the answer is not perhaps written: it asks for what several figures make together, or for what
    becomes of a quantity of the asker's own.

    What the sources give, as "당면 14kg", is none of the asker's own.
    """
    return bool(_TOGETHER.search(question)) or has_own_quantity(question, sources)


def has_own_quantity(question: str, sources: Sequence[str]) -> bool:
    """Whether the question names a quantity that none of the sources gives, in figures or in words."""
    return any(brought is None or brought for _, brought in _own_quantities(question, sources))


def supposed_quantities(question: str, sources: Sequence[str]) -> set[Quantity]:
    """Those that no source gives and of which the asker supposes something: "3대를 사면", "2박 3일을 가면".

    "두 건물의 차이" only counts what is named, "5일 전에 취소하면" and "20만 원이 넘나요" set a bound.
    """
    found = set[Quantity]()
    for own, brought in _own_quantities(question, sources):
        end = own.end()
        if brought and _SUPPOSED.match(question, end) and not _NO_COUNT.match(question, end):
            found |= brought
    return found


def _own_quantities(
    question: str, sources: Sequence[str]
) -> list[tuple[re.Match[str], set[Quantity] | None]]:
    """Each that the question names, with what no source gives of it; None where it cannot be compared."""
    there = _quantities_in("\n".join(sources))
    named = [(own, _quantities_in(own[0])) for own in _OWN_QUANTITY.finditer(question)]
    # "셋이서" has no unit to compare.
    return [(own, quantities - there if quantities else None) for own, quantities in named]


def _quantities_in(text: str) -> set[Quantity]:
    return quantities_in(in_digits(text, loose=False))


def read_plan(text: str, *, truncated: bool = False) -> Plan:
    """The first line that is `CALC: expression` or `FIND: search query`; an empty plan otherwise.

    A bare figure is no calculation: it stands in a document and is answered from there. Of an expression that
    was cut off ("24000 * 2 + 24000 * 2 + 24") nobody knows how it goes on.
    """
    lines = _FENCE.sub("", text).splitlines()
    for number, line in enumerate(lines, start=1):
        head, colon, rest = line.strip().partition(":")
        rest = rest.strip().rstrip(";")
        if colon and head.strip().upper() == "CALC":
            expression = rest.split("=")[0].strip()
            if truncated and number == len(lines) and "=" not in rest:
                return Plan()
            return Plan(expression=expression if _computes(expression) else "")
        if colon and head.strip().upper() == "FIND":
            return Plan(lookup=rest.strip("\"' "))
    return Plan()


def _computes(expression: str) -> bool:
    """Whether anything is done to what is written: "96%" and "-3" are figures."""
    several = len(figures_in(without_iso_dates(expression))) + len(dates_in(expression)) > 1
    return bool(_COMPUTING.search(expression)) and (several or "(" in expression)


def turned(expression: str, question: str) -> str:
    """The difference of the same two the other way round, for who asks how far apart they are; else empty.

    What is left until a day may well be less than nothing, and so may a profit.
    """
    if not _APART.search(question):
        return ""
    for pattern, form in _DIFFERENCES:
        if match := pattern.fullmatch(expression.strip()):
            return form.format(*match.groups())
    return ""


def below_nothing(value: float | Decimal, question: str) -> bool:
    """Whether a value is less than nothing for who asks how much something is, and not what became of it."""
    return value < 0 and not _MAY_BE_BELOW.search(question)


def written(expression: str, result: str) -> str:
    """`expression = result`, or `expression ≈ result` with four decimals where it has more."""
    _, point, decimals = result.partition(".")
    if point and decimals.isdecimal() and len(decimals) > _MAX_DECIMALS:
        rounded = round(Decimal(result), _MAX_DECIMALS).normalize()
        return f"{expression} ≈ {grouped(f'{rounded:f}')}"
    return f"{expression} = {grouped(result)}"


def sides(calculation: str) -> tuple[str, str]:
    """The expression and the result of what `written` wrote; two empty texts for an empty one."""
    expression, _, result = calculation.replace("≈", "=").rpartition("=")
    return expression.strip(), result.strip()


def gives(answer: str, result: str) -> bool:
    """Whether an answer says a result: its number as it is or rounded, or its date."""
    if dates := dates_in(result):
        return bool(dates & dates_in(answer))
    wanted = numbers_in(result)
    return not wanted or any(_rounds_to(value, said) for value in wanted for said in numbers_in(answer))


def _rounds_to(value: Fraction, said: Fraction) -> bool:
    places = next((n for n in range(_MAX_DECIMALS + 1) if (said * 10**n).denominator == 1), None)
    return places is not None and abs(value - said) * 10**places * 2 <= 1


def grounded_operands(expression: str, sources: Sequence[str], year: int) -> bool:
    """Whether the expression computes with anything that the sources say: today alone answers nothing.

    A number that may be a unit's factor is one of theirs where all the others are too: 10000 * 2. `year` is
    that of their days without one.
    """
    text = "\n".join(sources)
    known = numbers_told(text)
    # The year of today's date stands in many documents.
    values = numbers_in(without_iso_dates(expression))
    dates = dates_in(expression)
    if dates - _strange_days(dates, text, year) or (values - CONSTANTS) & known:
        return True
    return not dates and len(values) > 1 and values <= known


def with_dates(expression: str, sources: Sequence[str]) -> str:
    """The expression with the dates of the sources, 2024-3-5 or 2024/3/5, as the calculator reads them.

    So are all that are written as `date(2024, 3, 5)`: they can be nothing else.
    """

    def written_out(match: re.Match[str]) -> str:
        year, month, day = (part for part in match.groups() if part)
        return f"{year}-{int(month):02}-{int(day):02}"

    return iso_dates(_DATE_BY_PARTS.sub(written_out, expression), dates_in("\n".join(sources)))


def with_years(expression: str, sources: Sequence[str], year: int) -> str:
    """The expression with `year` in the dates of which the sources give month and day alone, and that are in
    a year that they do not name: a model that is told no year makes one up.

    Where the sources name one year, that is taken, but not for `year` itself, which the model is told. What
    goes from December to January goes on doing so, and "내년" may be meant by the year beside `year`.
    """
    text = "\n".join(sources)
    yearless, days = yearless_days_in(text), dates_in(expression)
    named = {*map(int, _YEAR.findall(text)), *(day.year for day in dates_in(text))}
    right = min(named) if len(named) == 1 else year
    kept = named | {year}
    if _YEAR_BESIDE.search(text) or "today(" in expression:
        kept |= {year - 1, year + 1}
    if year in named:  # From today on to April is no next April then.
        told = month_days_in(text)
        days = {day for day in days if (day.month, day.day) in told}

    def year_of(day: date) -> int:
        if day.year in kept or (day.month, day.day) not in yearless:
            return day.year
        before = [other for other in days if _turns_the_year(other, day)]
        after = [other for other in days if _turns_the_year(day, other)]
        if any(other.year in kept for other in before + after):
            return day.year
        return right + bool(before)

    def mended(match: re.Match[str]) -> str:
        found = dates_in(match[0])
        return "".join(f"{year_of(day):04}-{day:%m-%d}" for day in found) or match[0]

    return _ISO.sub(mended, expression)


def _turns_the_year(day: date, other: date) -> bool:
    """Whether from one to the other it is less than a year, and over its end."""
    return other.year == day.year + 1 and (other.month, other.day) < (day.month, day.day)


def with_scales(expression: str, sources: Sequence[str]) -> str:
    """The expression with 72000000 for the 7200 of "7,200만 원", where the sources have no other 7200.

    Left as it is where it has a scale itself, in a word or as a factor, and where it counts days.
    """
    text = "\n".join(sources)
    has_scale = unscaled(expression) != expression or SCALES & values_in(expression)
    if has_scale or dates_in(expression) or _DATE_BY_PARTS.search(expression):
        return expression
    worth: dict[Fraction, set[Fraction]] = {}
    for written_as, value in scaled_figures(text):
        worth.setdefault(written_as, set()).add(value)
    others = values_in(text) | values_in(in_digits(text, loose=False)) | CONSTANTS
    for start, end, value in reversed(figures_in(expression)):
        if len(worth.get(value, ())) == 1 and value not in others:
            expression = f"{expression[:start]}{plainly(*worth[value])}{expression[end:]}"
    return expression


def unsupported(expression: str, sources: Sequence[str]) -> list[str]:
    """Numbers and dates of the expression that stand in no source and are no unit's factor.

    What is left of 12 per cent off, .88 or 88, and what 12 per cent more make, stand there as the 12 do.
    """
    text = "\n".join(sources)
    dates = _strange_days(dates_in(expression), text)
    rest = without_iso_dates(expression)
    known = numbers_told(text) | durations_in(text)
    changes = {number_of(share) for share in _PER_CENT.findall(text)}
    strange = {
        n
        for n in numbers_in(rest)
        if n not in known and n not in CONSTANTS and n * 100 not in known and not _changes_by(n, changes)
    }
    return sorted(day.isoformat() for day in dates) + sorted(plainly(value) for value in strange)


def _strange_days(days: set[date], text: str, year: int | None = None) -> set[date]:
    """Those that do not stand there; "4월 10일" does with its year, if that stands there too or is `year` or
    the next, and "1월 10일" with the year after the one of "12월 20일"."""
    yearless, numbers = yearless_days_in(text), numbers_in(text)
    there = {
        day
        for day in days
        if (day.month, day.day) in yearless
        and (Fraction(day.year) in numbers or (year is not None and day.year - year in (0, 1)))
    }
    there |= days & dates_in(text)
    turned_to = {day for day in days if any(_turns_the_year(other, day) for other in there)}
    return {day for day in days - there if (day.month, day.day) not in yearless or day not in turned_to}


def _changes_by(factor: Fraction, shares: set[Fraction]) -> bool:
    return abs(1 - factor) * 100 in shares or abs(100 - factor) in shares
