import pytest

from graphs.counts import is_quantity, miscounted


@pytest.mark.parametrize(
    ("text", "known", "wrong"),
    [
        ("30분입니다", "병가는 30일이다", True),
        ("30일입니다", "병가는 30일이다", False),
        ("30일입니다", "30 영업일 안에", False),
        ("3개월입니다", "3달이다", False),
        ("3개월입니다", "3월에 한다", True),
        ("50퍼센트입니다", "50%를 준다", False),
        ("3만 5천원입니다", "35,000원", False),
        ("3만 5천 명입니다", "35,000원", True),
        ("14명입니다", "정원(명): 14", False),
        ("5장입니다", "5매", False),
        ("30분입니다", "30일이나 30분", False),
        ("4분의 3입니다", "4일에 3번", False),
        ("301세입니다", "세이브는 301개", True),
        ("301세이브를 올렸습니다", "세이브는 301개", False),
        ("7단입니다", "7겹이다", False),
    ],
)
def test_a_number_with_another_unit(text: str, known: str, wrong: bool) -> None:
    assert bool(miscounted(text, known)) is wrong


def test_a_quantity_is_no_name() -> None:
    assert is_quantity("15g") and is_quantity("500ml")
    assert not is_quantity("4K") and not is_quantity("MT-740")
