"""Word documents: reading order, headings, tables, and what must not be read or opened."""

import io
import zipfile
from pathlib import Path

import pytest
import word_package as word
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.table import Table

from app.corpus.load import load as load_file
from app.corpus.load.docx import load
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

PATH = Path("규정.docx")


def read(document: Document) -> LoadedDocument:
    return load(word.saved(document), PATH)


def texts(loaded: LoadedDocument) -> list[str]:
    return [loaded.text[block.start : block.end] for block in loaded.blocks]


def fill(table: Table, rows: list[list[str]]) -> None:
    for row, values in zip(table.rows, rows, strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value


def test_title_headings_paragraphs_and_tables_keep_their_order() -> None:
    document = word.new()
    document.add_heading("취업규칙", 0)
    document.add_heading("휴가", 1)
    document.add_paragraph("연차는 다음과 같다.")
    fill(document.add_table(3, 3), [["근속", "일수", "비고"], ["1년", "15", "유급"], ["3년", "16", ""]])
    document.add_heading("병가", 2)
    document.add_paragraph("진단서를 낸다.")

    loaded = read(document)

    assert loaded.title == "취업규칙"
    assert [(block.kind, block.section) for block in loaded.blocks] == [
        ("heading", ()),
        ("heading", ("취업규칙",)),
        ("paragraph", ("취업규칙", "휴가")),
        ("table", ("취업규칙", "휴가")),
        ("heading", ("취업규칙", "휴가")),
        ("paragraph", ("취업규칙", "휴가", "병가")),
    ]
    assert texts(loaded)[3] == "근속: 1년 · 일수: 15 · 비고: 유급\n근속: 3년 · 일수: 16"
    assert loaded.blocks[3].header == "근속 · 일수 · 비고"


def test_korean_style_names_and_outline_levels_are_headings() -> None:
    document = word.new()
    document.styles.add_style("제목 2", 1)
    document.styles.add_style("개요 3", 1)
    document.add_paragraph("둘째 단계", style="제목 2")
    document.add_paragraph("셋째 단계", style="개요 3")
    outlined = document.add_paragraph("첫째 단계")
    outlined._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="0"/>'))
    document.add_paragraph("본문")

    loaded = read(document)

    assert [block.kind for block in loaded.blocks] == ["heading", "heading", "heading", "paragraph"]
    assert loaded.blocks[2].section == () and loaded.blocks[1].section == ("둘째 단계",)


def test_articles_without_styles_are_headings_with_their_bodies() -> None:
    document = word.new()
    document.add_heading("규정", 1)
    document.add_paragraph("제3장 휴가")
    document.add_paragraph("제12조(연차 휴가) ① 직원에게 15일을 준다.")

    loaded = read(document)

    assert loaded.blocks[-1].section == ("규정", "제3장 휴가", "제12조(연차 휴가)")
    assert texts(loaded)[-1] == "① 직원에게 15일을 준다."


def test_merged_cells() -> None:
    document = word.new()
    table = document.add_table(4, 3)
    fill(
        table,
        [["구분", "휴가", "휴가"], ["구분", "일수", "비고"], ["경조", "5", "결혼"], ["경조", "3", "이사"]],
    )
    for cell in table.rows[0].cells[1:]:
        cell.text = ""
    table.cell(0, 1).merge(table.cell(0, 2)).text = "휴가"
    table.cell(1, 0).text = ""
    table.cell(0, 0).merge(table.cell(1, 0)).text = "구분"
    table.cell(3, 0).text = ""
    table.cell(2, 0).merge(table.cell(3, 0)).text = "경조"
    for row in table.rows[:1]:
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))

    loaded = read(document)

    assert texts(loaded) == [
        "구분: 경조 · 휴가 일수: 5 · 휴가 비고: 결혼\n구분: 경조 · 휴가 일수: 3 · 휴가 비고: 이사"
    ]


def test_a_form_of_labels_and_values() -> None:
    document = word.new()
    table = document.add_table(2, 4)
    fill(table, [["성명", "김하나", "부서", "영업"], ["직급", "대리", "내선", "4107"]])
    for row in table.rows:
        for cell in (row.cells[0], row.cells[2]):
            cell._tc.get_or_add_tcPr().append(parse_xml(f'<w:shd {nsdecls("w")} w:fill="D9D9D9"/>'))

    assert texts(read(document)) == ["성명: 김하나 · 부서: 영업\n직급: 대리 · 내선: 4107"]


def test_a_table_of_one_cell_is_a_frame() -> None:
    document = word.new()
    cell = document.add_table(1, 1).cell(0, 0)
    cell.text = "알림"
    cell.add_paragraph("내일은 쉽니다.")
    cell.add_table(2, 2).cell(0, 0).text = "안쪽 표"

    loaded = read(document)

    assert texts(loaded) == ["알림", "내일은 쉽니다.", "안쪽 표"]
    assert [block.kind for block in loaded.blocks] == ["paragraph", "paragraph", "table"]


def test_inserted_text_is_read_and_deleted_text_is_not() -> None:
    document = word.new()
    paragraph = document.add_paragraph("기한은 ")
    for xml in (
        "<w:del><w:r><w:delText>3일</w:delText></w:r></w:del>",
        "<w:ins><w:r><w:t>5일</w:t></w:r></w:ins>",
        "<w:r><w:t>이다.</w:t></w:r>",
    ):
        paragraph._p.append(parse_xml(xml.replace(">", f" {nsdecls('w')}>", 1)))
    body = document.element.body
    control = (
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>상자 안</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    body.insert(len(body) - 1, parse_xml(control))

    assert texts(read(document)) == ["기한은 5일이다.", "상자 안"]


def test_text_boxes_are_read_once_and_the_table_of_contents_is_not() -> None:
    document = word.new()
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("제1장 총칙\t3", style="toc 1")
    paragraph = document.add_paragraph("그림 옆")
    box = "<w:txbxContent><w:p><w:r><w:t>상자 글</w:t></w:r></w:p></w:txbxContent>"
    spaces = nsdecls("w") + ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    paragraph._p.append(
        parse_xml(
            f"<w:r {spaces}><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
            f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>"
        )
    )

    assert texts(read(document)) == ["그림 옆", "상자 글"]


def test_macros_are_noted() -> None:
    data = io.BytesIO(word.saved(_with_text()))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")

    assert load(data.getvalue(), PATH).notes == (
        "문서에 매크로가 있습니다. 매크로는 읽지도 실행하지도 않았습니다.",
    )


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    data = io.BytesIO(word.saved(_with_text()))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/a.xml", b"0" * (20 * 1024 * 1024))
    path = tmp_path / "폭탄.docx"
    path.write_bytes(data.getvalue())

    with pytest.raises(
        LoadError, match=r"폭탄\.docx: unpacks to 2\d MiB in \d+ parts\. This looks like a zip bomb"
    ):
        load_file(path)


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("word/document.xml", b"<w:document"),
        ("word/document.xml", b"<a/>"),
        ("[Content_Types].xml", b"<a/>"),
        ("word/_rels/document.xml.rels", b"x"),
        ("word/styles.xml", b""),
    ],
)
def test_broken_parts_are_load_errors(tmp_path: Path, member: str, content: bytes) -> None:
    source = zipfile.ZipFile(io.BytesIO(word.saved(_with_text())))
    path = tmp_path / "깨짐.docx"
    with zipfile.ZipFile(path, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, content if name == member else source.read(name))

    with pytest.raises(LoadError, match=r"^깨짐\.docx: "):
        load_file(path)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    source = zipfile.ZipFile(io.BytesIO(word.saved(_with_text())))
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        b"<w:t>x&b;</w:t></w:r></w:p></w:body></w:document>"
    )
    path = tmp_path / "개체.docx"
    with zipfile.ZipFile(path, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, bomb if name == "word/document.xml" else source.read(name))

    assert "aaaa" not in load_file(path).text


def _with_text() -> Document:
    document = word.new()
    document.add_paragraph("본문")
    return document
