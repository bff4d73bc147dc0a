import sqlite3
import unicodedata

import pytest

from app.corpus.bigrams import MAX_TOKEN_CHARS, bigrams


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("보증은", ["보증", "증은"]),
        ("보증 기간", ["보증", "기간"]),
        ("책", ["책"]),
        ("東京都", ["東京", "京都"]),
        ("Warranty period", ["warranty", "period"]),
        ("2026", ["2026"]),
        ("", []),
        ("?! 😀 — …", []),
        ("snake_case", ["snake", "case"]),
    ],
)
def test_words_of_one_script(text: str, tokens: list[str]) -> None:
    assert bigrams(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("2026년", ["2026", "6년"]),
        ("GPU용", ["gpu", "u용"]),
        ("RTX4090", ["rtx4090", "rtx", "4090"]),
        ("제3조에", ["조에", "3", "제3", "3조"]),
    ],
)
def test_scripts_that_meet_inside_a_word_are_found_apart(text: str, tokens: list[str]) -> None:
    assert sorted(bigrams(text)) == sorted(tokens)


def test_a_number_finds_the_number_with_its_unit() -> None:
    assert set(bigrams("2026")) <= set(bigrams("2026년도에"))


def test_forms_of_the_same_text_give_the_same_tokens() -> None:
    assert bigrams(unicodedata.normalize("NFD", "한국어")) == bigrams("한국어") == ["한국", "국어"]
    assert bigrams("ＧＰＵ　２０２６") == bigrams("gpu 2026")


def test_a_run_without_end_is_cut() -> None:
    assert [len(token) for token in bigrams("a" * 100_000)] == [MAX_TOKEN_CHARS]


def test_every_token_is_one_token_of_the_keyword_index() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5(tokens, tokenize = 'ascii')")
    db.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, 'row')")
    text = "".join(chr(code) for code in range(1, 0x2FFFF, 3) if not 0xD800 <= code < 0xE000)
    tokens = set(bigrams(text)) | set(bigrams(" ".join(text)))
    db.execute("INSERT INTO words VALUES(?)", (" ".join(tokens),))
    assert {row[0] for row in db.execute("SELECT term FROM vocabulary")} == tokens
