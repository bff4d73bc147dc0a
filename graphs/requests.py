"""Requests for all that the documents say of a topic, told from questions for one fact without a model.

Nothing is decided by it but how long an answer may be, and whether what answers less likely is shown too.
"""

import re

# "연차 휴가 규정을 알려 주세요", "출장비 정리 좀 해줘", "보증 안내 부탁드립니다", "절차가 궁금해요".
_REQUEST_KO = re.compile(
    r"(?:알려|설명|정리|요약|안내|소개|나열|(?<![가-힣])말씀?|가르쳐|보여|풀어|들려|일러)\s?(?:좀\s?)?(?:해\s?)?"
    r"(?:줘|줄래|주라|주세|주십|주시(?!는)|주실|주면|주셔|달라|다오|봐|하세요|해라|하라|하시오|해요?[^가-힣]*$)"
    r"|(?:설명|정리|요약|안내|소개|나열|개요)(?:를|을)?\s?(?:부탁|바랍|요청|[^가-힣]*$)"
    r"|(?:궁금|알고\s?싶)[가-힣\s]{0,12}[^가-힣]*$"
)
_REQUEST_EN = re.compile(
    r"(?:^|[.,!?]\s*|\b(?:please|can you|could you|to)\s+)(?:explain|describe|summari[sz]e|list|outline)\b"
    r"|\b(?:give|make|write)\b[^.?!]{0,30}\b(?:summary|overview|outline|list)\b"
    r"|\btell me (?:\w+ ){0,3}about\b",
    re.IGNORECASE,
)
# "제출 서류는 무엇인가요?", "절차는 어떻게 되나요?", "어떤 것들이 있나요?", "What are the steps?"
_LISTS = re.compile(
    r"(?:무엇|뭐|어떤\s?[가-힣]+?)(?:들)?(?:이|가)?\s?있(?:나|어|습|을|는)"
    r"|(?:서류|준비물|항목|조건|요건|종류|대상|혜택|목록|사항|사유|의무|기준|절차|방법|순서|과정|단계|규칙)(?:들)?(?:은|는|이|가)?"
    r"\s?(?:무엇|뭐|뭔|어떤|어떻게|모두|다\s)"
    r"|\bwhat (?:are|documents|items|steps|kinds|types|conditions)\b|\bhow (?:do|can|should) (?:i|we|you)\b",
    re.IGNORECASE,
)
# "대표가 누구인지 알려 주세요" is for one fact; "누구나 쓸 수 있는 휴가" and "비밀번호 변경" ask for none.
_FACT = re.compile(
    r"누구(?!나|든)|누가|언제(?!나|든)|어디(?!서?나|서?든)|몇|며칠|얼마|어느|(?<!비밀)번호"
    r"|(?:^|[.,;!?]\s*|\b(?:me|know)\s+)(?:who|when|where|which|how (?:many|much|long|old))\b",
    re.IGNORECASE,
)
# "국내와 해외의 일비는 각각 얼마인가요?", "A, B 중에", "how do A and B differ?"
_SEVERAL = re.compile(
    r"각각|각자|[가-힣]씩|[가-힣](?:와|과|랑|하고|이나|거나)\s|및\s|또는|혹은|비교|차이|다른 점|중에|사이"
    r"|,\s|[·/]|\b(?:and|or|both|each|either|versus|vs|compare|compared|differ|difference|between)\b",
    re.IGNORECASE,
)
# "며칠이나 쉴 수 있나요?" asks how much; "병가나 연차" for two things.
_HOW_MUCH = re.compile(r"(?:며칠[가-힣]{0,2}|몇\s?[가-힣]{1,3}?)이나\s(?!\s*(?:며칠|몇|얼마|언제))")


def may_be_long(question: str) -> bool:
    """Whether a right answer may list many things: a request, or a question for papers, steps or kinds."""
    return is_broad(question) or (not _FACT.search(question) and bool(_LISTS.search(question)))


def is_broad(question: str) -> bool:
    """Whether a question asks for what there is on a topic, so that its answer may well be long."""
    if _FACT.search(question):
        return False
    return bool(_REQUEST_KO.search(question) or _REQUEST_EN.search(question))


def names_several(question: str) -> bool:
    """Whether a question may be about several things, so that more than one passage may be needed."""
    return is_broad(question) or bool(_SEVERAL.search(_HOW_MUCH.sub(" ", question)))
