"""Markdown: sections, tables, code and front matter."""

from pathlib import Path

from app.corpus.load.markdown import load
from app.corpus.passage import LoadedDocument


def read(text: str) -> LoadedDocument:
    return load(text.encode(), Path("안내.md"))


def blocks(text: str) -> list[tuple[str, tuple[str, ...], str]]:
    loaded = read(text)
    return [(b.kind, b.section, loaded.text[b.start : b.end]) for b in loaded.blocks]


def test_both_kinds_of_headings() -> None:
    assert blocks(
        "# 안내 #\n머리말\n\n휴가\n----\n본문\n\n### 깊은 제목 {#id}\n끝\n\n다른 큰 제목\n===\n글"
    ) == [
        ("heading", (), "안내"),
        ("paragraph", ("안내",), "머리말"),
        ("heading", ("안내",), "휴가"),
        ("paragraph", ("안내", "휴가"), "본문"),
        ("heading", ("안내", "휴가"), "깊은 제목"),
        ("paragraph", ("안내", "휴가", "깊은 제목"), "끝"),
        ("heading", (), "다른 큰 제목"),
        ("paragraph", ("다른 큰 제목",), "글"),
    ]


def test_the_title_is_the_front_matters_then_the_first_headings_then_the_files() -> None:
    assert read('---\ntitle: "복리후생 안내"\ntags: [a]\n---\n# 제목\n본문').title == "복리후생 안내"
    assert read("## 작은 제목\n\n# 큰 제목\n본문").title == "큰 제목"
    assert read("본문").title == "안내"
    assert read("---\ntitle: x\n---\n본문").text == "본문"


def test_tables_become_records() -> None:
    text = (
        "| 대상 | 한도 | 비고 |\n|:---|---:|---|\n| 직원 | 48만 원 | a \\| b |\n"
        "| **배우자** | `26만` | |\n\n다음"
    )

    loaded = read(text)

    assert blocks(text) == [
        ("table", (), "대상: 직원 · 한도: 48만 원 · 비고: a | b\n대상: 배우자 · 한도: 26만"),
        ("paragraph", (), "다음"),
    ]
    assert loaded.blocks[0].header == "대상 · 한도 · 비고"


def test_tables_without_a_header() -> None:
    assert blocks("|  |  |\n|---|---|\n| 대표 | 홍길동 |\n")[0][2] == "대표: 홍길동"
    assert blocks("| 대표 | 홍길동 |\n| 주소 | 서울 |\n")[0][2] == "대표: 홍길동\n주소: 서울"


def test_code_is_kept_word_for_word_and_its_hashes_are_no_headings() -> None:
    text = "앞\n```python\n# 제목 아님\nx = **1**\n\n| a | b |\n```\n뒤\n\n~~~\n```\n~~~\n"

    assert blocks(text) == [
        ("paragraph", (), "앞"),
        ("paragraph", (), "# 제목 아님\nx = **1**\n\n| a | b |"),
        ("paragraph", (), "뒤"),
        ("paragraph", (), "```"),
    ]


def test_a_fence_that_is_never_closed_holds_the_rest() -> None:
    assert blocks("```\n# 안\n글") == [("paragraph", (), "# 안\n글")]


def test_inline_marks_are_taken_off() -> None:
    text = (
        "**굵게** *기울임* `코드 **그대로**` [링크](http://a.b/c_(d)) ![그림](x.png) ~~취소~~ 2 * 3 * 4 "
        "snake_case_name \\*별\\* <br> a<b<!-- 숨김 -->"
    )

    assert (
        blocks(text)[0][2]
        == "굵게 기울임 코드 **그대로** 링크 그림 취소 2 * 3 * 4 snake_case_name *별*   a<b"
    )


def test_lists_and_quotes() -> None:
    assert blocks("- 하나\n- 둘\n  - 셋\n\n> 인용\n> 둘째\n\n---\n\n끝") == [
        ("paragraph", (), "- 하나\n- 둘\n  - 셋"),
        ("paragraph", (), "인용\n둘째"),
        ("paragraph", (), "끝"),
    ]


def test_articles_of_a_regulation_are_sections() -> None:
    assert blocks("# 규칙\n**제3조(휴가)** 15일을 준다.\n제4조(병가)\n12일을 준다.")[1:] == [
        ("heading", ("규칙",), "제3조(휴가)"),
        ("paragraph", ("규칙", "제3조(휴가)"), "15일을 준다."),
        ("heading", ("규칙",), "제4조(병가)"),
        ("paragraph", ("규칙", "제4조(병가)"), "12일을 준다."),
    ]
