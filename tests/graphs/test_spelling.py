"""Misspelt names are mended, and a word that says something else is left alone."""

import pytest

from app.corpus.passage import Passage
from graphs.spelling import repair


def mended(answer: str, text: str, question: str = "무엇인가요?") -> str:
    return repair(answer, question, [Passage(id="1", source="a", heading="", text=text)])


@pytest.mark.parametrize(
    ("answer", "text", "right"),
    [
        ("서종대학교에서 열렸습니다.", "세종대학교에서 열렸다.", "세종대학교에서 열렸습니다."),
        ("담당은 홍길덩 과장입니다.", "인사는 홍길동 과장에게 묻는다.", "담당은 홍길동 과장입니다."),
        ("홍길덩입니다.", "담당: 홍길동", "홍길동입니다."),
        ("손기종이었습니다.", "감독은 손기정이었다.", "손기정이었습니다."),
        (
            "다운정보통신이 공급합니다.",
            "공급사는 (주)다온정보통신이다.",
            "다온정보통신이 공급합니다.",
        ),
        ("믽가람에게 냅니다.", "신청서는 민가람에게 낸다.", "민가람에게 냅니다."),
        ("고려대학교에서 17일", "세종대학교에서 열렸다.", "고려대학교에서 17일"),
    ],
)
def test_a_misspelt_name_is_mended(answer: str, text: str, right: str) -> None:
    assert mended(answer, text) == right


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("아니요, 월요일은 정기 휴무가 아닙니다.", "화요일은 정기 휴무입니다."),
        ("아니요, 일요일은 쉬지 않습니다.", "월요일은 쉽니다."),
        ("상반기 성과급 지급률은 120%입니다.", "하반기 성과급 지급률은 120%이다."),
        ("입사일부터 셉니다.", "퇴사일부터 센다."),
        ("첫번째 신청자입니다.", "두번째 신청자이다."),
        ("촬영하지 마십시오.", "촬영하고 나가십시오."),
        ("해지일에 돌려줍니다.", "해제일에 돌려준다."),
        ("신청인이 냅니다.", "신청일에 낸다."),
        ("한빛고등학교에서 합니다.", "한빛초등학교에서 한다."),
        ("서울사립병원입니다.", "서울시립병원이다."),
        ("이상인 경우 대표가 정합니다.", "100만 원 이상은 과장이 정한다."),
    ],
)
def test_another_word_is_not_taken_for_a_slip(answer: str, text: str) -> None:
    assert mended(answer, text) == answer


def test_what_the_question_or_a_passage_says_stays() -> None:
    text = "세종대학교에서 열렸다."
    asked = "서종대학교에서 열렸나요?"
    assert mended("아니요, 서종대학교가 아닙니다.", text, asked) == "아니요, 서종대학교가 아닙니다."
    both = "홍길동 과장과 홍길돈 팀장이 정한다."
    assert mended("홍길돈 팀장입니다.", both) == "홍길돈 팀장입니다."
    assert mended("홍길돌 팀장입니다.", both) == "홍길돌 팀장입니다.", "it may be either"
