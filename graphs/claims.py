"""Quantities that an asker puts into the question and an answer states as facts: "네, 30일입니다."

Who asks "연차 휴가는 30일 맞나요?" brings the 30 along, and a small model likes to agree. What the question
says is no source for it. A number that only tells what is asked about claims nothing ("제7조에 따르면",
"3년 근무하면 17일입니다", "2026년의 한도는 …"), nor does one that is denied ("30일이 아니라 15일입니다").
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from graphs.numbers import DAYS_IN_WORDS, figures_in
from tools.scales import unscaled

CLAUSE = re.compile(r"(?:(?<=며|고)|(?<=[^\d십백천]만)),?\s+|,\s+|;\s+|\s+and\s+")
"""Between the clauses of a sentence."""
_KOREAN = re.compile("[가-힣]")
_COUNTS = {
    "한": 1, "두": 2, "세": 3, "석": 3, "네": 4, "넉": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8,
    "아홉": 9, "열": 10,
}  # fmt: skip
_COUNTED = "시간|달|번|차례|명|사람|분|개|주|해|살|배|장|대|권|건|곳|시|가지"
_IN_WORDS = re.compile(
    rf"(?<![가-힣])(?:(?P<days>{'|'.join(DAYS_IN_WORDS)})|(?P<count>{'|'.join(_COUNTS)})\s?(?P<unit>{_COUNTED}))"
)
_MONTH = re.compile(r"\d월\s?$")
_FIRST_YEAR = 1000
# One unit under several names, by how the name begins.
_SAME = {
    "영업일": "일", "근무일": "일", "거래일": "일", "달러": "달러", "달": "개월", "개월": "개월",
    "시간": "시간", "번": "회", "차례": "회", "인치": "인치", "인분": "인분", "인": "명", "사람": "명",
    "퍼": "%", "프로": "%", "per": "%", "해": "년",
}  # fmt: skip
_SPACED = re.compile(
    r"\s(?=(?:일|개월|시간|분|초|명|인|원|퍼센트|프로|회|번|건|점|배|년|주|달|days?|%)(?![가-힣]{3}))"
)
_UNIT = re.compile(r"[가-힣]+|%|[A-Za-z]+")
_NO_UNIT = re.compile(
    r"(?:입니다|이다|이에요|예요|이며|이고|임|은|는|이|가|을|를|의|에|와|과|로|으로|만|까지|부터|하고)(?![가-힣])"
)
_UNIT_EN = re.compile(r"(day|week|month|year|hour|minute|second)s?$|[a-z]{1,2}$|%")
# "제7조", "PH-E14", "M8", "7-2"; # stands for the number.
_PART_OF_NAME = re.compile(r"(?:제\s?|[A-Za-z]-?)#|#(?:-?[A-Z]|-\d)")
# Told apart by number, not counted: a floor, a section, a class, a year, the month of a date.
_NAMES_WHICH = re.compile(
    r"(?:층|호|조(?!각)|항|절|쪽|페이지|학년|학기|차|급|등|위|기|월|세대|년도|번째|번\s|단계|판|시(?!간))"
)
_IS = re.compile(
    r"\s?[가-힣%A-Za-z]{0,6}?(?:\s?(?:이상|이하|이내|미만|초과|정도|전|후|까지|부터|동안|씩|간))*\s?"
    r"(?:입니다|이다|이에요|예요|이며|이고|임|이었습니다|였습니다|됩니다|이 맞습니다|[.!]?$)"
)
_DENIED = re.compile(r"아니|아닙|않|없|못|불가|\bnot\b|n't\b")
# After the quantity's own word: there is a condition or the topic still to come.
_OWN_GOES_ON = re.compile(
    r"(?:은|(?<!까지)(?<!이내)는|면|인|의|에서|짜리|어치|마다|당|라도|경우|때|데|지만|차|하고|처럼|(?<![내전안후간])에)$"
)
_GOES_ON = re.compile(
    r"(?:은|는|경우|경우에|때|때에|라도|도|데|니까|므로|려면|이|(?<!다)가|한|된|던)(?:\s|$)|면(?!\s(?:됩|돼|된))(?:\s|$)"
)
_SAYS_EN = re.compile(
    r"\b(?:is|are|was|were|be|lasts?|costs?|takes?|has|have|gets?|receives?|within|until|up to"
    r"|at (?:most|least))\b"
)
_AGREES_EN = re.compile(r"^\W*(?:yes|no)\b", re.IGNORECASE)
_ABOUT_EN = re.compile(
    r"\b(?:if|when|for|of|after|before|with|who|that|in|on|at|section|article|clause|page|chapter|room|floor|year)"
    r"\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A number with what it counts; two are the same where they are worth the same, of the same unit."""

    value: Fraction
    unit: str
    """The beginning of its name, one name for each; empty where none is written beside the number."""
    of_date: bool = False
    """The day of a month, or a year of the calendar."""

    def is_given_by(self, other: "Quantity") -> bool:
        """Whether both may count the same: a table's cell has its unit elsewhere; 6시 may be 18시."""
        values = (self.value, self.value + 12) if self.unit == "시" else (self.value,)
        return other.value in values and (not self.unit or not other.unit or self.unit == other.unit)

    def rivals(self, other: "Quantity") -> bool:
        """Whether one stands in the other's place."""
        return self.unit != "" and (self.unit, self.of_date) == (other.unit, other.of_date)


def quantities_in(text: str) -> set[Quantity]:
    """What a sentence of the documents gives, in figures or in words."""
    text = unscaled(text)
    found = {_quantity(text, *figure) for figure in figures_in(text)}
    for match in _IN_WORDS.finditer(text):
        if match["days"]:
            found.add(Quantity(Fraction(DAYS_IN_WORDS[match["days"]]), "일"))
        else:
            found.add(Quantity(Fraction(_COUNTS[match["count"]]), _unit(match["unit"])))
    return found


def claimed(sentence: str, asked: set[Fraction]) -> set[Quantity]:
    """The numbers of the question (`asked`) that a sentence of the answer states as facts."""
    claims = set()
    text = unscaled(sentence)
    figures = figures_in(text)
    adds = any(value not in asked for _, _, value in figures)
    for start, end, value in figures:
        if value in asked and _states(text[:start], text[end:], value, adds=adds):
            claims.add(_quantity(text, start, end, value))
    return claims


def _quantity(text: str, start: int, end: int, value: Fraction) -> Quantity:
    unit = _unit(text[end:])
    of_date = (unit == "일" and bool(_MONTH.search(text[:start]))) or (unit == "년" and value >= _FIRST_YEAR)
    return Quantity(value, unit, of_date)


def _unit(after: str) -> str:
    """Of what stands after a number."""
    match = _UNIT.match(_SPACED.sub("", after, count=1) if _SPACED.match(after) else after)
    if not match or _NO_UNIT.match(match[0]):
        return ""
    name = match[0].lower()
    for beginning, same in _SAME.items():
        if name.startswith(beginning):
            return same
    if name.isascii():
        named = _UNIT_EN.match(name)
        return (named[1] or named[0]) if named else ""
    return name[0]


def _states(before: str, after: str, value: Fraction, *, adds: bool) -> bool:
    """Whether a number between these is what the sentence says, and not what it says it of.

    With `adds` the sentence has a number of its own, for which one of the question may be the condition.
    """
    if _PART_OF_NAME.search(f"{before}#{after}"):
        return False
    clause = CLAUSE.split(after, maxsplit=1)[0]
    if not _KOREAN.search(before + after):
        return _states_en(CLAUSE.split(before)[-1], clause)
    if _DENIED.search(clause):
        return False
    if _IS.match(after):
        return True
    if adds or _NAMES_WHICH.match(after.lstrip()) or (value >= _FIRST_YEAR and after.startswith("년")):
        return False
    own, _, rest = after.lstrip().partition(" ")
    return not _OWN_GOES_ON.search(own) and not _GOES_ON.search(rest)


def _states_en(before: str, after: str) -> bool:
    if _DENIED.search(before + after):
        return False
    alone = not re.search(r"\w", _AGREES_EN.sub("", before))
    return alone or (bool(_SAYS_EN.search(before)) and not _ABOUT_EN.search(before))
