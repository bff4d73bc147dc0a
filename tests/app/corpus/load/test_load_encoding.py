"""Encodings of Korean text files, short ones most of all."""

import pytest

from app.corpus.load.encoding import decode

SHORT = [
    "안녕하세요",
    "회의록",
    "연차 휴가는 15일이다.",
    "제12조(연차 휴가) ① 사원은",
    "가격: 3,500원\n수량: 2개\n",
    "서울특별시 종로구 세종대로 209",
    "Q. 환불되나요? A. 네, 7일 안에요!",
    "2024년 3월 1일(금) 14:30",
    "□ 개요\n ○ 목적: 업무 효율화",
    "담당자 e-mail: hong@example.com",
    "똠방각하가 펲시콜라를 쓩쓩 샀다",  # syllables outside KS X 1001, which euc-kr cannot hold
    "㈜묻다 · ℃ · ㎡ · ① ② ③",
    "메모\r\n",
    "네.",
]


@pytest.mark.parametrize("text", SHORT)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "utf-32"]
)
def test_short_korean_files(text: str, encoding: str) -> None:
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip("cp949 lacks a character")
    decoded = decode(data)

    assert decoded.text == text
    assert decoded.note is None


@pytest.mark.parametrize(
    "text", ["plain", "25°C", "3×4", "Größe", "café", "дом", "こんにちは", "你好", "naïve\n", "a,b\n1,2\n"]
)
def test_short_files_of_other_languages_are_utf8(text: str) -> None:
    assert decode(text.encode()).text == text


def test_one_korean_word_in_cp949_that_is_also_valid_utf8() -> None:
    assert "카".encode("cp949").decode("utf-8") == "ī"
    assert decode("카".encode("cp949")).text == "카"


def test_korean_after_much_plain_text() -> None:
    text = "x = 1\n" * 2000 + "끝입니다"

    assert decode(text.encode("cp949")).text == text
    assert decode(text.encode("utf-16-le")).text == text


def test_a_cut_utf8_file_is_not_taken_for_cp949() -> None:
    decoded = decode(("한글 문서입니다. " * 30).encode()[:-3])

    assert decoded.encoding == "utf-8"
    assert decoded.text.startswith("한글 문서입니다. 한글")
    assert decoded.note == "utf-8로 읽었으며, 읽지 못한 글자 1개는 �로 바꾸었습니다."


def test_bytes_that_are_not_cp949_are_replaced_and_noted() -> None:
    decoded = decode(("한글 문서입니다. " * 30).encode("cp949") + b"\xff\xff")

    assert decoded.encoding == "cp949"
    assert decoded.note == "cp949로 읽었으며, 읽지 못한 글자 2개는 �로 바꾸었습니다."


def test_a_declared_encoding_is_believed_when_the_bytes_fit() -> None:
    assert decode("é".encode("latin-1"), declared="ISO-8859-1").text == "é"
    assert decode("日本".encode("shift_jis"), declared="Shift_JIS").text == "日本"
    assert decode("한글".encode(), declared="euc-kr").text == "한글"


def test_codecs_that_are_no_encoding_of_text_are_not_used() -> None:
    for name in ("unicode_escape", "utf-7", "zip", "idna", "nonsense"):
        assert decode(b"+AGE- \\u0041", declared=name).text == "+AGE- \\u0041"
