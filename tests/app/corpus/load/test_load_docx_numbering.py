"""Automatic numbers of Word: lists written as numbering.xml, and what a reader sees on the page."""

from pathlib import Path

import pytest
import word_package as word
from docx.document import Document

from app.corpus.load.docx import load
from app.corpus.load.docx_numbering import format_number

PATH = Path("규정.docx")


def lines(document: Document) -> list[str]:
    loaded = load(word.saved(document), PATH)
    return [loaded.text[block.start : block.end] for block in loaded.blocks]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("decimal", "1 2 3 9 10 14 15 27"),
        ("decimalZero", "01 02 03 09 10 14 15 27"),
        ("upperRoman", "I II III IX X XIV XV XXVII"),
        ("lowerRoman", "i ii iii ix x xiv xv xxvii"),
        ("upperLetter", "A B C I J N O AA"),
        ("lowerLetter", "a b c i j n o aa"),
        ("ganada", "가 나 다 자 차 하 가가 파파"),
        ("chosung", "ㄱ ㄴ ㄷ ㅈ ㅊ ㅎ ㄱㄱ ㅍㅍ"),
        ("koreanCounting", "일 이 삼 구 십 십사 십오 이십칠"),
        ("koreanDigital", "일 이 삼 구 일영 일사 일오 이칠"),
        ("koreanDigital2", "一 二 三 九 十 十四 十五 二十七"),
        ("koreanLegal", "하나 둘 셋 아홉 열 열넷 열다섯 스물일곱"),
        ("decimalEnclosedCircle", "① ② ③ ⑨ ⑩ ⑭ ⑮ 27"),
        ("ordinal", "1st 2nd 3rd 9th 10th 14th 15th 27th"),
        ("not a format", "1 2 3 9 10 14 15 27"),
    ],
)
def test_number_formats(style: str, expected: str) -> None:
    assert " ".join(format_number(n, style) for n in (1, 2, 3, 9, 10, 14, 15, 27)) == expected


def test_heading_numbers_of_several_levels_come_from_the_styles() -> None:
    document = word.new()
    word.add_list(
        document,
        7,
        [
            word.level("decimal", "%1", '<w:pStyle w:val="Heading1"/>'),
            word.level("decimal", "%1.%2", '<w:pStyle w:val="Heading2"/>'),
            word.level("decimal", "%1.%2.%3", '<w:pStyle w:val="Heading3"/>'),
            word.level("decimal", "%1.%2.%3.%4", '<w:pStyle w:val="Heading4"/>'),
        ],
    )
    word.add_instance(document, 3, 7)
    for depth in (1, 2, 3, 4):
        # The level is not written in the style: it is where the list names the style.
        word.put_style_in_list(document, f"Heading {depth}", 3)
    for text, depth in (
        ("개요", 1), ("보증", 1), ("일반", 2), ("기간", 2), ("본체", 3), ("센서", 3), ("보증 범위", 4),
        ("예외", 4), ("배터리", 3), ("기타", 4),
    ):  # fmt: skip
        document.add_heading(text, depth)
    document.add_paragraph("본문")

    loaded = load(word.saved(document), PATH)

    assert [loaded.text[b.start : b.end] for b in loaded.blocks if b.kind == "heading"] == [
        "1 개요", "2 보증", "2.1 일반", "2.2 기간", "2.2.1 본체", "2.2.2 센서", "2.2.2.1 보증 범위",
        "2.2.2.2 예외", "2.2.3 배터리", "2.2.3.1 기타",
    ]  # fmt: skip
    assert loaded.blocks[-1].section == ("2 보증", "2.2 기간", "2.2.3 배터리", "2.2.3.1 기타")


def test_a_style_inherits_its_list_from_the_style_it_is_based_on() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("upperRoman", "%1."), word.level("ganada", "%2.")])
    word.add_instance(document, 1, 1)
    word.put_style_in_list(document, "List Number", 1, depth=1)
    child = document.styles.add_style("내 목록", 1)
    child.base_style = document.styles["List Number"]
    for text in ("하나", "둘"):
        document.add_paragraph(text, style="내 목록")

    assert lines(document) == ["가. 하나", "나. 둘"]


def test_items_of_korean_lists_and_restarts() -> None:
    document = word.new()
    word.add_list(
        document,
        1,
        [word.level("ganada", "%1."), word.level("decimal", "%2)"), word.level("chosung", "(%3)")],
    )
    word.add_instance(document, 5, 1)
    for text, depth in (("갑", 0), ("을", 1), ("병", 1), ("정", 2), ("무", 0), ("기", 1)):
        word.put_in_list(document.add_paragraph(text), 5, depth)

    assert lines(document) == ["가. 갑", "1) 을", "2) 병", "(ㄱ) 정", "나. 무", "1) 기"]


def test_instances_share_counters_until_one_starts_again() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("decimal", "%1.")])
    word.add_instance(document, 1, 1)
    word.add_instance(document, 2, 1)
    word.add_instance(
        document, 3, 1, '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    )
    for number in (1, 1, 2, 3, 3, 1):
        word.put_in_list(document.add_paragraph("항목"), number)

    assert lines(document) == ["1. 항목", "2. 항목", "3. 항목", "5. 항목", "6. 항목", "7. 항목"]


def test_an_override_can_replace_a_level() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("decimal", "%1.")])
    letters = word.level("upperLetter", "%1)")
    override = f'<w:lvlOverride w:ilvl="0"><w:lvl w:ilvl="0">{letters}</w:lvl></w:lvlOverride>'
    word.add_instance(document, 1, 1, override)
    word.put_in_list(document.add_paragraph("항목"), 1)

    assert lines(document) == ["A) 항목"]


def test_level_restart_and_legal_numbers() -> None:
    document = word.new()
    word.add_list(
        document,
        1,
        [
            word.level("upperRoman", "제%1장"),
            word.level("decimal", "제%2조", '<w:lvlRestart w:val="0"/>'),
            word.level("decimal", "%1-%2-%3", "<w:isLgl/>"),
        ],
    )
    word.add_instance(document, 1, 1)
    for text, depth in (("총칙", 0), ("(목적)", 1), ("근무", 0), ("(시간)", 1), ("항", 2)):
        word.put_in_list(document.add_paragraph(text), 1, depth)

    # Articles go on counting through the chapters; the label and "(목적)" stand together as printed.
    assert lines(document) == ["제I장 총칙", "제1조(목적)", "제II장 근무", "제2조(시간)", "2-2-1 항"]


def test_an_unused_outer_level_shows_its_start() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("decimal", "%1", start=3), word.level("decimal", "%1.%2")])
    word.add_instance(document, 1, 1)
    word.put_in_list(document.add_paragraph("항목"), 1, 1)

    assert lines(document) == ["3.1 항목"]


def test_number_zero_takes_a_paragraph_out_of_its_styles_list() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("decimal", "%1.")])
    word.add_instance(document, 1, 1)
    word.put_style_in_list(document, "List Number", 1, depth=0)
    document.add_paragraph("하나", style="List Number")
    word.put_in_list(document.add_paragraph("밖", style="List Number"), 0)
    document.add_paragraph("둘", style="List Number")

    assert lines(document) == ["1. 하나", "밖", "2. 둘"]


def test_bullets_and_padded_custom_formats() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("bullet", "\uf0b7")])
    word.add_list(
        document, 2, ['<w:numFmt w:val="custom" w:format="001, 002, 003, ..."/><w:lvlText w:val="%1"/>']
    )
    word.add_instance(document, 1, 1)
    word.add_instance(document, 2, 2)
    word.put_in_list(document.add_paragraph("점"), 1)
    word.put_in_list(document.add_paragraph("수"), 2)

    assert lines(document) == ["• 점", "001 수"]


def test_a_list_through_a_numbering_style() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("ganada", "%1)")])
    word.add_instance(document, 1, 1)
    style = document.styles.add_style("모양", 1)
    word.put_style_in_list(document, "모양", 1)
    word.append(
        document,
        f'<w:abstractNum {word.nsdecls("w")} w:abstractNumId="2">'
        f'<w:numStyleLink w:val="{style.style_id}"/></w:abstractNum>',
    )
    word.add_instance(document, 2, 2)
    word.put_in_list(document.add_paragraph("항목"), 2)

    assert lines(document) == ["가) 항목"]


@pytest.mark.parametrize("number", ["99", "-3", "", "x"])
def test_pointers_to_nowhere_are_no_label(number: str) -> None:
    document = word.new()
    paragraph = document.add_paragraph("항목")
    paragraph._p.get_or_add_pPr().append(
        word.parse_xml(f'<w:numPr {word.nsdecls("w")}><w:numId w:val="{number}"/></w:numPr>')
    )

    assert lines(document) == ["항목"]


def test_styles_that_are_based_on_each_other_do_not_hang() -> None:
    document = word.new()
    first, second = document.styles.add_style("가", 1), document.styles.add_style("나", 1)
    first.base_style, second.base_style = second, first
    document.add_paragraph("본문", style="가")

    assert lines(document) == ["본문"]


def test_enormous_start_numbers_stay_short() -> None:
    document = word.new()
    word.add_list(document, 1, [word.level("upperRoman", "%1.", start=999_999_999)])
    word.add_instance(document, 1, 1)
    word.put_in_list(document.add_paragraph("항목"), 1)

    assert len(lines(document)[0]) < 100
