"""Plain text: paragraphs and the headings of Korean regulations, manuals and reports."""

from pathlib import Path

import pytest

from app.corpus.load.base import normalise
from app.corpus.load.text import load
from app.corpus.passage import LoadedDocument


def read(text: str) -> LoadedDocument:
    return load(text.encode(), Path("규정.txt"))


def outline(text: str) -> list[tuple[str, ...]]:
    """The whole path of each heading."""
    loaded = read(text)
    return [(*b.section, loaded.text[b.start : b.end]) for b in loaded.blocks if b.kind == "heading"]


def paragraphs(text: str) -> list[str]:
    loaded = read(text)
    return [loaded.text[b.start : b.end] for b in loaded.blocks if b.kind == "paragraph"]


def test_blank_lines_separate_paragraphs_and_the_name_is_the_title() -> None:
    loaded = read("첫 줄\n둘째 줄\n\n\n다음 문단\n")

    assert loaded.title == "규정"
    assert loaded.text == "첫 줄\n둘째 줄\n\n다음 문단"
    assert [b.section for b in loaded.blocks] == [(), ()]


def test_chapters_and_articles() -> None:
    text = (
        "제1편 총설\n제3장 휴가\n제1절 연차\n"
        "제12조(연차 휴가) ① 사원에게 15일을 준다.\n② 나누어 쓸 수 있다.\n"
        "제12조의2 (반차)\n반일 단위로 쓴다.\n부칙\n이 규칙은 1월 1일부터 시행한다.\n"
    )

    assert outline(text) == [
        ("제1편 총설",),
        ("제1편 총설", "제3장 휴가"),
        ("제1편 총설", "제3장 휴가", "제1절 연차"),
        ("제1편 총설", "제3장 휴가", "제1절 연차", "제12조(연차 휴가)"),
        ("제1편 총설", "제3장 휴가", "제1절 연차", "제12조의2 (반차)"),
        ("제1편 총설", "부칙"),
    ]
    assert paragraphs(text) == [
        "① 사원에게 15일을 준다.\n② 나누어 쓸 수 있다.",
        "반일 단위로 쓴다.",
        "이 규칙은 1월 1일부터 시행한다.",
    ]


def test_numbers_of_several_levels() -> None:
    text = "8. 보증\n\n8.2 범위\n\n8.2.2.1 보증 범위\n센서는 8개월이다.\n\n9. 기타\n\n본문"

    assert outline(text) == [
        ("8. 보증",),
        ("8. 보증", "8.2 범위"),
        ("8. 보증", "8.2 범위", "8.2.2.1 보증 범위"),
        ("9. 기타",),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "1. 개요",
        "2. 1~2월 실적 (보고: 편도현)",
        "Ⅱ. 추진 배경",
        "가. 대상",
        "□ 개요",
        "[공지]",
        "【주의】",
        "[공지] 3월 휴무 안내",
        "1.1 목적",
    ],
)
def test_short_numbered_lines_that_stand_alone_are_headings(line: str) -> None:
    assert outline(f"앞 문단이다.\n\n{line}\n\n본문이 이어진다.\n") == [(line,)]


@pytest.mark.parametrize(
    "text",
    [
        "제3장 및 제4장에 따른다",
        "제3장의 규정을 따른다.",
        "제12조(연차 휴가)에 따라 15일을 준다.",
        "제12조(연차 휴가) 및 제13조를 따른다.",
        "제1장 총칙 ················ 3",
        "제1조 이 규칙은 1월 1일부터 시행한다.",
        "1. 사과\n2. 배\n3. 감",
        "1. 사과\n\n2. 배\n\n3. 감",
        "가. 사과\n나. 배",
        "□ 동의함\n□ 동의하지 않음",
        "2.5 kg 이하의 물건",
        "3. 1. 운동",
        "2024. 3. 1. 시행",
        "1. 연차 휴가는 근속 기간이 1년 이상인 직원에게 준다.",
        "앞말이 이어지다가 합계는\n3. 다만 예외가 있다",
        "10.5 % 인상",
        "[1] [2]",
    ],
)
def test_sentences_lists_and_amounts_are_not_headings(text: str) -> None:
    assert outline(f"{text}\n") == []
    assert "\n".join(paragraphs(text)).split() == text.split()


def test_underlined_headings_and_rules() -> None:
    text = "설치 안내\n=========\n본문\n\n준비물\n------\n- 나사\n\n==========\n\n끝 문단"

    assert outline(text) == [("설치 안내",), ("설치 안내", "준비물")]
    assert paragraphs(text) == ["본문", "- 나사", "끝 문단"]


def test_text_is_normalised() -> None:
    decomposed = "한글"

    assert normalise(f"{decomposed}\r\nA\xa0B\0\x07\u200b\ufeff\rC\x0cD\ud800") == "한글\nA B\nC\nD"


def test_thousands_of_marks_on_one_letter_do_not_hang() -> None:
    assert len(normalise("a" + "\u0301\u0316" * 500_000)) < 40


def test_decoding_notes_reach_the_document() -> None:
    loaded = load(("한글 문서입니다. " * 30).encode("cp949") + b"\xff", Path("a.txt"))

    assert loaded.notes == ("cp949로 읽었으며, 읽지 못한 글자 1개는 �로 바꾸었습니다.",)
