from fractions import Fraction

import pytest

from tools.scales import number_of, plainly, scaled_values, stated_scale, unscaled, without_scaled


@pytest.mark.parametrize(
    ("text", "plain", "worth"),
    [
        ("3만 5천원", "35000원", [35_000]),
        ("1억 2천만 + 3만", "120000000 + 30000", [120_000_000, 30_000]),
        ("2.5만", "25000", [25_000]),
        ("3조로 나눕니다", "3조로 나눕니다", []),
        ("3조 원", "3000000000000 원", [3_000_000_000_000]),
        ("17일", "17일", []),
        ("제12조 제3항", "제12조 제3항", []),
        ("12조 ③항", "12조 ③항", []),
        ("기본공제 150만 원", "기본공제 1500000 원", [1_500_000]),
        ("실제 2만 원", "실제 20000 원", [20_000]),
    ],
)
def test_scales_are_read_for_what_they_are_worth(text: str, plain: str, worth: list[int]) -> None:
    assert unscaled(text) == plain
    assert list(scaled_values(text)) == [Fraction(each) for each in worth]


def test_a_text_without_them_has_blanks_in_their_place() -> None:
    assert without_scaled("값은 3만 5천원").split() == ["값은", "원"]


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("(단위: 천원)", 1000),
        ("[단위 : 백만 원]", 1_000_000),
        ("단위 만원", 10_000),
        ("(단위: 원)", 1),
        ("단위: 개", 1),
    ],
)
def test_the_scale_of_a_table_is_read(text: str, scale: int) -> None:
    assert stated_scale(text) == scale


@pytest.mark.parametrize("text", ["1" * 5_000, "1" * 5_000 + "만", "1" + "만" * 5_000, "9," * 5_000 + "9"])
def test_a_run_of_digits_that_is_no_number_is_read_without_harm(text: str) -> None:
    for value in (number_of(text.strip("만")), *scaled_values(text)):
        assert len(plainly(value)) < 200
    assert len(unscaled(text)) <= len(text) + 200
