"""Which questions ask for what there is on a topic."""

import pytest

from graphs.prefix import ANSWER_TOKENS, LONG_ANSWER_TOKENS, answer_tokens
from graphs.requests import is_broad


@pytest.mark.parametrize(
    "question",
    [
        "연차 휴가 규정을 알려 주세요",
        "출장비 규정 설명해 줘",
        "개인정보 보호 관련 내용 정리해줘",
        "제품 보증 안내 부탁드립니다.",
        "경조 휴가 절차가 궁금합니다",
        "반품 방법 요약",
        "회의에서 정한 것을 정리해 주시겠어요?",
        "다음 주에 결혼하는데 경조 휴가에 대해 알고 싶어요",
        "Explain the leave rules.",
        "Tell me about the warranty",
    ],
)
def test_a_request_for_a_topic_may_have_a_long_answer(question: str) -> None:
    assert is_broad(question) and answer_tokens(question) == LONG_ANSWER_TOKENS


@pytest.mark.parametrize(
    "question",
    [
        "연차 휴가는 며칠인가요?",
        "대표가 누구인지 알려 주세요",
        "고장 신고 번호 좀 알려줘.",
        "연차 휴가",
        "출장비를 정리하는 부서는?",
        "회의록에 요약이 있나요?",
        "When does the warranty end? Tell me about it",
        "",
    ],
)
def test_a_question_for_a_fact_does_not(question: str) -> None:
    assert answer_tokens(question) == ANSWER_TOKENS
