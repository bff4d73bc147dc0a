"""Whether a question may need arithmetic, and reading the expression that a model wrote for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graphs.numbers import dates_in, numbers_in

# Broad on purpose: a false alarm costs one short model call, a miss costs the answer.
_MAY_CALCULATE = re.compile(
    r"얼마|몇|며칠|합계|합하|총|모두|더하|더한|빼|차이|평균|비율|퍼센트|프로|%|배(?:인|가|나)|곱|나누|나이|지났|남았|걸리"
    r"|how many|how much|how old|how long|total|sum\b|average|difference|percent|age\b|times\b|days",
    re.IGNORECASE,
)
_FENCE = re.compile(r"```\w*|`")
# Units that turn into each other: hours, minutes, months, weeks, per cent and the like.
_UNITS = {0, 1, 2, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000, 10000}


@dataclass(frozen=True)
class Plan:
    """What a model said is to be done: a calculation, or a fact to look up first."""

    expression: str = ""
    lookup: str = ""


def may_calculate(question: str) -> bool:
    """False only when the question has no word of quantity, comparison or duration."""
    return bool(_MAY_CALCULATE.search(question))


def read_plan(text: str) -> Plan:
    """The first line that is `CALC: expression` or `FIND: search query`; an empty plan otherwise."""
    for line in _FENCE.sub("", text).splitlines():
        head, colon, rest = line.strip().partition(":")
        rest = rest.strip().rstrip(";")
        if colon and head.strip().upper() == "CALC":
            return Plan(expression=rest.split("=")[0].strip())
        if colon and head.strip().upper() == "FIND":
            return Plan(lookup=rest.strip("\"' "))
    return Plan()


def unsupported(expression: str, sources: Sequence[str]) -> list[str]:
    """Numbers and dates of the expression that stand in no source and are no unit's factor."""
    text = "\n".join(sources)
    dates = dates_in(expression) - dates_in(text)
    rest = expression
    for pattern in (r"\d{4}-\d{1,2}-\d{1,2}", r"\d{4}\s*,\s*\d{1,2}\s*,\s*\d{1,2}"):
        rest = re.sub(pattern, " ", rest)
    known = numbers_in(text)
    strange = {n for n in numbers_in(rest) if n not in known and n not in _UNITS and n * 100 not in known}
    return sorted(day.isoformat() for day in dates) + sorted(f"{float(value):g}" for value in strange)
