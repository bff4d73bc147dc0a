import pytest

from evals.metrics.replacements import replaced

QUESTION = "알려 주세요"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("인사팀 김철수 과장에게 냅니다.", "인사팀 이영희 과장에게 낸다."),  # before a title
        ("김철수 과장에게 냅니다.", "신청서는 인사팀에 낸다."),
        ("본사는 부산에 있습니다.", "본사는 서울에 있다."),  # after the same word, with the same ending
        ("표는 총무팀이 보관합니다.", "표는 기획실이 보관한다."),
        ("더블린 건조장에서 받습니다.", "새터 건조장에서 받는다."),  # before the same word
        ("서울지점은 주말에 쉽니다.", "부산지점은 주말에 쉰다."),  # a part of it is there
        ("담당은 김철수입니다.", "담당은 이영희이다."),  # what the sentence ends in
        ("거품은 향수라고 합니다.", "위에 크레마라는 거품이 앉는다."),
        ("비바체호를 타고 갔습니다.", "배를 타고 갔다."),  # a long word of which nothing is there
        ("담당자는 생활지원팀 김철수입니다.", "담당: 생활지원팀 이영희 (내선 14)"),  # in a list
        ("회의는 수요일에 엽니다.", "회의는 월요일에 연다."),
        ("회의는 금요일에 엽니다.", "회의는 월·수에 연다."),
        ("오후 9시에 엽니다.", "오전 9시에 연다."),
        ("5년 이하인 직원입니다.", "5년 이상인 직원이다."),
        ("국내 출장에 씁니다.", "해외 출장에 쓴다."),
    ],
)
def test_another_word_in_its_place(text: str, known: str) -> None:
    assert replaced(text, known, QUESTION)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("인사팀 이영희 과장님께 내면 됩니다.", "인사팀 이영희 과장에게 낸다."),
        ("새로운 팀장이 정합니다.", "팀장이 정한다."),
        ("박물관은 원래 왕궁이었습니다.", "박물관은 프랑스 파리에 있는 왕궁이었다."),
        ("보관했다가 꺼냅니다.", "냉장 보관하다가 꺼낸다."),
        ("반납하거나 값을 냅니다.", "반납하시거나 값을 내셔야 한다."),
        ("조카인 안나가 이었습니다.", "조카 안나가 이었다."),
        ("신청 서류를 냅니다.", "신청서류를 낸다."),
        ("식빵 다섯 개를 주문합니다.", "단골 주문: 식빵 다섯 개"),
        ("회의는 수요일에 엽니다.", "회의는 월·수·금에 연다."),
        ("회의는 화요일에 엽니다.", "회의는 월~금에 연다."),
        ("6월 17일 화요일입니다.", "6월 17일(화) 10시"),
        ("오후 3시에 엽니다.", "오전 9시에 열고 15시에 다시 연다."),
        ("무료로 고쳐 줍니다.", "한 번은 돈을 받지 않고 고쳐 준다."),
    ],
)
def test_words_of_the_answer_itself(text: str, known: str) -> None:
    assert not replaced(text, known, QUESTION)


def test_words_of_the_question_may_stay() -> None:
    assert replaced("엘리베이터는 무료로 씁니다.", "승강기는 무료로 쓴다.", QUESTION)
    assert not replaced("엘리베이터는 무료로 씁니다.", "승강기는 무료로 쓴다.", "엘리베이터 사용료는?")
