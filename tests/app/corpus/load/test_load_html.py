"""HTML: the main text with its structure, without a network."""

from pathlib import Path

import pytest

from app.corpus.load import load as load_file
from app.corpus.load.html import load
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

PAGE = """<!doctype html><html><head><meta charset="{charset}"><title>휴가 규정 | 사내 위키</title>
<script src="http://192.0.2.1/x.js"></script><link rel="stylesheet" href="http://192.0.2.1/x.css"></head><body>
<nav><a href="/">홈</a> <a href="/rules">규정</a></nav>
<main><h1>휴가 규정</h1><p>이 규정은 임직원의 휴가에 관한 사항을 정하며 모든 임직원에게 적용한다.</p>
<h2>연차 휴가</h2><p>1년 동안 80퍼센트 이상 출근한 직원에게 <b>15일</b>의 유급 휴가를 준다.</p>
<ul><li>신청은 3일 전까지 한다</li><li>승인은 팀장이 한다</li></ul>
<h2>경조 휴가</h2>
<table><tr><th>구분</th><th>일수</th><th>비고</th></tr>
<tr><td rowspan="2">결혼</td><td>5</td><td>본인</td></tr>
<tr><td>1</td><td>자녀</td></tr></table>
<img src="http://192.0.2.1/a.png"></main>
<footer>저작권 회사</footer></body></html>"""


def read(page: str, encoding: str = "utf-8") -> LoadedDocument:
    return load(page.encode(encoding), Path("휴가.html"))


@pytest.mark.parametrize(
    ("charset", "encoding"), [("utf-8", "utf-8"), ("euc-kr", "cp949"), ("utf-8", "cp949")]
)
def test_sections_lists_and_tables(charset: str, encoding: str) -> None:
    loaded = read(PAGE.format(charset=charset), encoding)

    assert loaded.title == "휴가 규정 | 사내 위키"
    assert [(b.kind, b.section, loaded.text[b.start : b.end]) for b in loaded.blocks] == [
        ("heading", (), "휴가 규정"),
        (
            "paragraph",
            ("휴가 규정",),
            "이 규정은 임직원의 휴가에 관한 사항을 정하며 모든 임직원에게 적용한다.",
        ),
        ("heading", ("휴가 규정",), "연차 휴가"),
        (
            "paragraph",
            ("휴가 규정", "연차 휴가"),
            "1년 동안 80퍼센트 이상 출근한 직원에게 15일의 유급 휴가를 준다.",
        ),
        ("paragraph", ("휴가 규정", "연차 휴가"), "- 신청은 3일 전까지 한다\n- 승인은 팀장이 한다"),
        ("heading", ("휴가 규정",), "경조 휴가"),
        (
            "table",
            ("휴가 규정", "경조 휴가"),
            "구분: 결혼 · 일수: 5 · 비고: 본인\n구분: 결혼 · 일수: 1 · 비고: 자녀",
        ),
    ]


def test_a_page_of_one_line() -> None:
    loaded = read("<html><body><div>연차는 15일입니다.<br>병가는 12일입니다.</div></body></html>")

    assert loaded.title == "휴가"
    assert "연차는 15일입니다." in loaded.text and "병가는 12일입니다." in loaded.text


def test_the_first_heading_is_the_title_where_there_is_no_other() -> None:
    assert (
        read(PAGE.format(charset="utf-8").replace("<title>휴가 규정 | 사내 위키</title>", "")).title
        == "휴가 규정"
    )


def test_an_xml_declaration_is_no_obstacle() -> None:
    page = '<?xml version="1.0" encoding="euc-kr"?>' + PAGE.format(charset="utf-8")

    assert "15일의 유급 휴가" in read(page).text


def test_a_page_without_text_is_a_load_error(tmp_path: Path) -> None:
    path = tmp_path / "빈.html"
    path.write_text("<html><body><script>var x = 1;</script></body></html>")

    with pytest.raises(LoadError, match=r"^빈\.html: there is no text in the file\.$"):
        load_file(path)


def test_wide_spans_do_not_multiply(tmp_path: Path) -> None:
    path = tmp_path / "넓은.html"
    cell = '<td rowspan="99999" colspan="99999">셀</td>'
    path.write_text(
        f"<html><body><p>본문입니다.</p><table>{'<tr>' + cell * 20 + '</tr>'}</table></body></html>"
    )

    assert len(load_file(path).text) < 10_000
