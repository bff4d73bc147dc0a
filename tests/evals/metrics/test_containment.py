import pytest

from evals.metrics.containment import contained, holds


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("보증 기간은 8 개월입니다. [1]", "8개월"),
        ("모두 204,000원입니다.", "204000"),
        ("모두 204000원입니다.", "204,000"),
        ("1,234,567원", "1234567"),
        ("값은 3496800.0 입니다", "3,496,800"),
        ("MT-740 3대를 삽니다", "3대"),
        ("정답은 [2] 서울입니다", "정답은 서울"),
        ("NEW YORK에 있다", "New York"),
        ("면적은 940㎡ 넓어집니다", "940 m2"),
        ("8.9%입니다.", "8.9 %"),
        ("10:30까지", "10:30"),
        ("17.", "17"),
    ],
)
def test_gold_stands_in_the_answer(answer: str, gold: str) -> None:
    assert holds(answer, gold)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("18개월입니다", "8개월"),
        ("8개월", "18개월"),
        ("1,204,000원", "204,000"),
        ("204,0001원", "204,000"),
        ("8.9%", "8"),
        ("3.5일", "5일"),
        ("17 42", "1742"),
        ("[17]", "17"),
        ("", "17"),
    ],
)
def test_gold_does_not_stand_in_the_answer(answer: str, gold: str) -> None:
    assert not holds(answer, gold)


def test_any_gold_answer_will_do() -> None:
    assert contained("침수되었습니다", ["물이 들어", "침수"])
    assert not contained("모릅니다", ["물이 들어", "침수"])
    assert not contained("모릅니다", [])
