import pytest

from evals.metrics.exact_match import exact_match, normalised


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("《토지》", "토지"),
        ("'나'와 (너)", "나 와 너"),
        ("‘17일’", "17일"),
        ("<A> 〈B〉", "a b"),
        ("1,200.5%!", "12005"),
        ("  띄어   쓰기 ", "띄어 쓰기"),
        ("17일 [1][2]", "17일"),
        # The script drops ASCII punctuation alone.
        ("가·나", "가·나"),
    ],
)
def test_normalised_as_korquads_script_does(text: str, plain: str) -> None:
    assert normalised(text) == plain


def test_any_gold_answer_will_do_but_spaces_count() -> None:
    assert exact_match("《토지》. [1]", ["혼불", "토지"])
    assert not exact_match("토지입니다", ["토지"])
    assert not exact_match("박 경리", ["박경리"])
    assert not exact_match("토지", [])
