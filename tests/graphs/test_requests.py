"""Which questions ask for what there is on a topic."""

import pytest

from graphs.prefix import ANSWER_TOKENS, LONG_ANSWER_TOKENS, answer_tokens
from graphs.requests import is_broad, may_be_long, names_several


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
        "연차 휴가 규정을 알려주실 수 있나요?",
        "연차 규정 설명 좀 해 주세요",
        "병가 규정을 설명하세요",
        "알려주시면 감사하겠습니다",
        "휴가 규정을 알고싶어요",
        "출장비 정산이 궁금해요~",
        "누구나 쓸 수 있는 휴가를 모두 알려 주세요",
        "비밀번호 변경 절차를 설명해 주세요",
        "Explain the leave rules.",
        "Please list all the documents that I need when I return a product",
        "Give me a short overview of the policy",
        "Tell me everything about the leave policy",
        "Tell me about the warranty",
    ],
)
def test_a_request_for_a_topic_may_have_a_long_answer(question: str) -> None:
    assert is_broad(question) and answer_tokens(question, 4096) == LONG_ANSWER_TOKENS


@pytest.mark.parametrize(
    "question",
    [
        "연차 휴가는 며칠인가요?",
        "대표가 누구인지 알려 주세요",
        "고장 신고 번호 좀 알려줘.",
        "연차 휴가",
        "출장비를 정리하는 부서는?",
        "회의록에 요약이 있나요?",
        "제품을 설명해 주시는 분은 정규직인가요?",
        "고객 정보를 다른 부서에 알려 줄 수 있나요?",
        "정말 바라는 대로 반품이 되나요?",
        "양말 주세요",
        "Is there a waiting list for the training?",
        "Tell me when the warranty ends and explain it",
        "When does the warranty end? Tell me about it",
        "",
    ],
)
def test_a_question_for_a_fact_does_not(question: str) -> None:
    assert not is_broad(question) and answer_tokens(question, 4096) == ANSWER_TOKENS


@pytest.mark.parametrize(
    "question",
    [
        "퇴직할 때 제출해야 하는 서류는 무엇인가요?",
        "휴가 신청 절차는 어떻게 되나요?",
        "복리후생에는 어떤 것들이 있나요?",
        "경조 휴가의 종류는 무엇이 있나요?",
        "What are the steps to return a product?",
    ],
)
def test_what_may_be_a_list_has_room_for_one(question: str) -> None:
    assert may_be_long(question) and answer_tokens(question, 4096) == LONG_ANSWER_TOKENS
    assert not is_broad(question)


def test_in_a_small_context_an_answer_leaves_room_for_passages() -> None:
    assert answer_tokens("휴가 규정을 알려 주세요", 1024) == ANSWER_TOKENS
    assert answer_tokens("휴가 규정을 알려 주세요", 2048) == 256


@pytest.mark.parametrize(
    "question",
    [
        "국내와 해외의 일비는 각각 얼마인가요?",
        "연차, 병가 가운데 어느 쪽이 먼저인가요?",
        "기본형과 고급형의 차이는?",
        "낮이나 밤에 걸어도 되나요?",
        "몇 층이나 몇 호로 가면 되나요?",
        "연차 휴가 규정을 알려 주세요",
        "How do the basic and the large model differ?",
    ],
)
def test_several_things_may_need_several_passages(question: str) -> None:
    assert names_several(question)


@pytest.mark.parametrize(
    "question",
    [
        "연차 휴가는 며칠인가요?",
        "교육 효과는 언제까지인가요?",
        "아기가 태어나면 며칠이나 쉴 수 있나요?",
        "한 해에 몇 번이나 갈 수 있나요?",
        "며칠간이나 쉬나요?",
        "Who approves overseas trips?",
    ],
)
def test_one_thing_needs_one(question: str) -> None:
    assert not names_several(question)
