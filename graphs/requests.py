"""Requests for all that the documents say of a topic, told from questions for one fact without a model."""

import re

# "연차 휴가 규정을 알려 주세요", "출장비 정리", "보증 안내 부탁드립니다", "절차가 궁금합니다".
_REQUEST_KO = re.compile(
    r"(?:(?:알려|설명|정리|요약|안내|소개|나열|말씀|말|가르쳐|보여|풀어|들려|일러)\s?(?:해\s?)?"
    r"(?:줘|주라|주세요|주십시오|주시|줄래|줄 수|달라|다오|봐|라$|부탁|바랍|바라)"
    r"|(?:설명|정리|요약|안내|소개|나열|개요|총정리)(?:\s?(?:부탁|요청).*|해라|하라|하시오)?[.!?\s]*$"
    r"|(?:궁금|알고 싶|부탁드)[가-힣\s]*[.!?\s]*$)"
)
_REQUEST_EN = re.compile(
    r"\b(?:explain|describe|summari[sz]e|summary|list|outline|overview|tell me (?:all )?about)\b",
    re.IGNORECASE,
)
# "대표가 누구인지 알려 주세요" is for one fact.
_FACT = re.compile(
    r"누구|누가|언제|어디|무슨|몇|며칠|얼마|어느|번호"
    r"|\b(?:who|when|where|which|how (?:many|much|long|old))\b",
    re.IGNORECASE,
)


def is_broad(question: str) -> bool:
    """Whether a question asks for what there is on a topic, so that its answer may well be long."""
    if _FACT.search(question):
        return False
    return bool(_REQUEST_KO.search(question) or _REQUEST_EN.search(question))
