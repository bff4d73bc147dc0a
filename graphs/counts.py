"""Numbers with what they count: "30분" is not "30일", and "3달" is "3개월"."""

import re
from fractions import Fraction

from graphs.numbers import values_in

# Each line is one unit, however it is written; the counters of things are taken for one.
_UNITS = tuple(
    tuple(line.split())
    for line in """
    원
    달러 불
    유로
    엔
    % 퍼센트
    초
    분
    시간
    시
    일 영업일 근무일 박
    주 주일
    개월 달
    월
    년 해 연
    세 살
    명 인 사람
    회 번 차례
    개 가지 종 건 대 장 매 부 권 점 편 곳 군데 마리 병 통 석 동 호 채 벌 척 칸 표 잔 곡 그루 조각 봉지 자루
    층
    쪽 페이지
    m 미터
    km 킬로미터
    cm 센티미터 센티
    mm 밀리미터 밀리
    kg 킬로그램 킬로
    g 그램
    t 톤
    l 리터
    ml 밀리리터
    도 ℃ °c
    평
    """.strip().splitlines()
)
_UNIT_OF = {spelling: number for number, spellings in enumerate(_UNITS) for spelling in spellings}
PARTICLE = (
    r"(?:[은는이가을를의에로와과도만씩째간당짜치](?![가-힣])"
    r"|이나|으로|에서|에는|에도|입|이[다며고]|인데|이었|였)"
)
"""What follows a counted word and is none of it, for a pattern."""
_SPELT = "|".join(
    "시(?!간)" if unit == "시" else re.escape(unit) for unit in sorted(_UNIT_OF, key=len, reverse=True)
)
# Each is counted in its own words nearly always, and in no others: people, money and shares.
_OF_ONE_KIND = frozenset(_UNIT_OF[unit] for unit in ("명", "원", "%"))
_OF_CALENDAR = frozenset(_UNIT_OF[unit] for unit in ("시", "월", "년", "일"))
# What the same may be said with, in other words.
_OTHERWISE = (
    (re.compile(r"\d\s?(?:분|석|자리|좌석|인)|[한두세네섯]\s?(?:자녀|식구|가족|남매|쌍|아이|팀)"), "명"),
    (re.compile(r"무료|무상|[십백천만]\s?원"), "원"),
    (re.compile(r"전액|절반|반액|반값|전부|\d할"), "%"),
)
# What may follow a unit; else it begins another word ("3세대", "301세이브", "4분의 3").
_AFTER = (
    rf"(?=[^0-9A-Za-z가-힣]|$|{PARTICLE}|[까부]지|부터|마다|동안|이내|이상|이하|미만|초과|정도|가량|쯤|보다|[간씩째당치꼴]"
    r"|[전후뒤인]|(?<=[가-힣])\d)(?!의\s?\d)"
)
_COUNTED = re.compile(
    r"(?<![\d.,A-Za-z])(?P<number>\d[\d,]*(?:\.\d+)?(?:\s?[십백천만억조]+(?:\s?\d[\d,]*[십백천만억조]+)*(?:\s?\d[\d,]*)?)?)"
    rf"\s?(?P<unit>{_SPELT}){_AFTER}",
    re.IGNORECASE,
)
COUNTERS = "|".join(unit for units in _UNITS for unit in units if "가" <= unit[0] <= "힣")
"""Units and counters of Korean, for a pattern."""


def miscounted(text: str, known: str) -> set[Fraction]:
    """Numbers of the text that stand in `known` only as a count of something else.

    A number that also stands there without a unit, as in a table, may count anything; a unit that is not
    known here may be another word for one that is.
    """
    there = _counted(known)
    bare = values_in(_COUNTED.sub(" ", known))
    return {
        value
        for value, units in _counted(text).items()
        if value in there and value not in bare and not units & there[value]
    }


def of_another_kind(text: str, known: str) -> set[Fraction]:
    """People, money or shares of the text whose number `known` only gives to something else.

    Where `known` counts any of that kind, with another number too, nothing is said: it may have been worked
    out. Nor where it may say the same in other words, as "전액" for 100%, nor of one, which counts anything.
    """
    kinds = _OF_ONE_KIND - set().union(*_counted(known).values())
    kinds -= {_UNIT_OF[unit] for words, unit in _OTHERWISE if words.search(known)}
    counted = _counted(text)
    return {value for value in miscounted(text, known) if value != 1 and counted[value] <= kinds}


def counted_alike(text: str, known: str) -> bool:
    """Whether `known` gives each counted number of the text with the same unit; hours and dates aside."""
    there = _counted(known)
    counted = {value: units - _OF_CALENDAR for value, units in _counted(text).items()}
    return all(units & there.get(value, set()) for value, units in counted.items() if units)


def without_units(text: str) -> str:
    """The text with its numbers bare: "1박당 8만 원" becomes "1 당 8만 "."""
    return _COUNTED.sub(r"\g<number> ", text)


def is_quantity(text: str) -> bool:
    """Whether the text is a number and its unit, and no name: "15g", and not "15K"."""
    return _COUNTED.fullmatch(text) is not None


def _counted(text: str) -> dict[Fraction, set[int]]:
    found: dict[Fraction, set[int]] = {}
    for match in _COUNTED.finditer(text):
        for value in values_in(match["number"]):
            found.setdefault(value, set()).add(_UNIT_OF[match["unit"].lower()])
    return found
