import pytest

from evals.declined import declines


@pytest.mark.parametrize(
    "answer",
    [
        "문서에 그 내용이 없습니다.",
        "제공된 문서에는 주차 요금에 대한 정보가 없습니다.",
        "죄송합니다. 주어진 자료만으로는 알 수 없습니다.",
        "해당 질문에 대한 답을 찾을 수 없습니다. 담당 부서에 문의해 주세요.",
        "반려동물 동반에 관한 규정은 문서에 명시되어 있지 않습니다.",
        "모르겠습니다.",
        "문서에 2027년 예산에 대한 내용이 없습니다.",
        "The documents do not mention a parking fee.",
        "There is no information about that in the context.",
        "I'm sorry, but I cannot determine this from the passages.",
    ],
)
def test_what_only_says_that_nothing_is_known(answer: str) -> None:
    assert declines(answer, "2027년 예산은 얼마인가요?")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "17일입니다.",
        "비밀번호는 120일마다 바꾸며, 최근에 쓴 5개는 다시 쓸 수 없습니다.",
        "예약금은 돌려받을 수 없습니다.",
        "소개한 사람에게 주는 돈은 없습니다.",
        "문서에 없는 비품은 총무팀에 신청합니다. 담당은 김하늘입니다.",
        "주차 요금은 문서에 없지만 보통 3,000원입니다.",
        "모르는 사람에게는 문을 열어 주지 않습니다.",
        "개인정보는 제3자에게 제공하지 않습니다.",
        "이 문서는 밖으로 가져갈 수 없습니다.",
        "자료실에서는 음식을 먹을 수 없습니다.",
        "다른 부서의 기록은 확인할 수 없습니다.",
        "No deposit is required.",
        "No, the documents do not need to be notarized.",
        "This information is not shared with third parties.",
        "대외비 문서에는 사진을 포함하지 않습니다.",
        "비밀번호를 잊으면 아이디를 찾을 수 없습니다.",
    ],
)
def test_what_says_anything_else_is_an_answer(answer: str) -> None:
    assert not declines(answer, "2027년 예산은 얼마인가요?")
