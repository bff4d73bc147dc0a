import pytest

from evals.metrics.f1 import f1


def test_characters_in_common_by_hand() -> None:
    # "연차는17일입니다" has nine characters, three of them in "17일".
    assert f1("연차는 17일입니다. [1]", ["17일"]) == pytest.approx(2 * (3 / 9) * 1 / (3 / 9 + 1))


def test_a_repeated_character_counts_as_often_as_both_have_it() -> None:
    assert f1("가가가", ["가가"]) == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))


def test_the_best_gold_answer_counts_spaces_and_order_do_not() -> None:
    assert f1("박 경리", ["혼불", "박경리"]) == 1
    assert f1("나가", ["가나"]) == 1
    assert f1("전혀", ["다름"]) == 0
    assert f1("...", ["17일"]) == f1("17일", []) == 0
