import pytest

from evals.metrics.wording import plain, words_of


@pytest.mark.parametrize(
    ("word", "stem", "role"),
    [
        ("서울에서", "서울", "at"),
        ("서울로", "서울", "by"),
        ("부산으로", "부산", "by"),
        ("회사는", "회사", "topic"),
        ("직원은", "직원", "topic"),
        ("팀장이", "팀장", "subject"),
        ("이영희입니다", "이영희", "is"),
        ("이영희이며", "이영희", "is"),
        ("토요일까지", "토요일", "until"),
        ("회의", "회의", "bare"),
        ("결과", "결과", "bare"),
        ("신청합니다", "신청", "verb"),
        ("제출하는", "제출", "verb"),
        ("반납하거나", "반납", "verb"),
        ("받을", "받을", "verb"),
        ("있으며", "있으며", "verb"),
        ("17일", "17일", "bare"),
    ],
)
def test_a_word_and_its_ending(word: str, stem: str, role: str) -> None:
    (found,) = words_of(word)
    assert (found.stem, found.role) == (stem, role)


def test_a_mark_closes_a_word() -> None:
    assert [word.closes for word in words_of("담당: 이영희 대리(내선)")] == [True, False, True, True]


def test_plain_text_has_one_form() -> None:
    assert plain("MT-740 Ｋ") == plain("mt 740k")
