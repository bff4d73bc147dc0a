import pytest

from evals.metrics.denials import denies


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("신청할 수 없습니다.", "첫날부터 신청할 수 있다."),
        ("신청할 수 있습니다.", "신입은 신청할 수 없다."),
        ("환불합니다.", "개봉한 상품은 환불하지 않는다."),
        ("환불되지 않습니다.", "개봉한 상품도 환불한다."),
        ("돈을 받지 않습니다.", "인턴은 한 달에 215만 원을 받는다."),
        ("취사가 가능합니다.", "경주 지점은 취사가 불가하다."),
        ("재고가 없습니다.", "백신 재고가 있다."),
        ("수모를 쓰지 않으면 입수할 수 있습니다.", "수모를 쓰지 않으면 입수할 수 없습니다."),
        ("교통카드도 쓸 수 없습니다.", "교통카드도 쓸 수 있다."),
        ("담당하지 않습니다.", "배차 담당은 한세아 대리이다."),
    ],
)
def test_the_same_predicate_the_other_way_round(text: str, known: str) -> None:
    assert denies(text, known, "어떤가요")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("신청할 수 있습니다.", "신입은 신청할 수 있다."),
        ("신청할 수 없습니다.", "신입은 신청할 수 없다."),
        ("네, 받습니다.", "인턴은 한 달에 215만 원을 받는다."),
        ("아니요, 네 개를 한꺼번에 갈아야 합니다.", "네 개를 한꺼번에 갈고 홈에 맞춘다."),
        ("취소하면 환불됩니다.", "취소하지 않으면 환불되지 않는다."),
        ("7일 이내에는 반품할 수 있습니다.", "7일이 지나면 반품할 수 없다."),
        ("세 개는 달 수 없습니다.", "간판은 두 개까지 달 수 있다."),
        ("회원은 신청할 수 있습니다.", "회원은 신청할 수 있다. 손님은 신청할 수 없다."),
        ("빌릴 수 없습니다.", "석 달 동안 못 빌린다."),
    ],
)
def test_the_same_in_other_words(text: str, known: str) -> None:
    assert not denies(text, known, "어떤가요")


def test_a_question_that_asks_which_says_its_predicate() -> None:
    known = "은행과 위택스에서 낸다."
    assert denies("납부할 수 없습니다.", known, "어디에서 납부할 수 있나요?")
    assert denies("합격하지 않았습니다.", "1977년까지 공부하였다.", "몇 년에 합격하였나요?")
    assert not denies("납부할 수 없습니다.", "그 밖에서는 받지 않는다.", "주민세도 납부할 수 있나요?")
