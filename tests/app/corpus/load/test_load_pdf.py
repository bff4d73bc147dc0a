"""PDF: pages, headings, wrapped Korean lines, tables, running heads, scans and locks."""

from pathlib import Path

import korean_pdf as pdf
import pytest

from app.corpus.load import load as load_file
from app.corpus.load.pdf import load
from app.corpus.load.pdf_join import Joiner
from app.corpus.load.pdf_page import Rule
from app.corpus.load.pdf_table import find_grids
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

BODY = (
    "신청서는 담당자에게 낸다. 회사는 새로 들어온 사람의 업무를 도울 담당자를 정하여 알리고, "
    "그 담당자는 석 달 동안 함께 일하며 업무를 가르친다. 석 달이 지나면 담당자는 결과를 적어 "
    "부서장에게 보고한다. 부서장은 이를 살펴 다음 단계를 정한다."
)


def read(pages: list[str], *, title: str = "") -> LoadedDocument:
    return load(pdf.write(pages, title=title), Path("지침.pdf"))


def blocks(loaded: LoadedDocument) -> list[tuple[int | None, str, str]]:
    return [(b.page, b.kind, loaded.text[b.start : b.end]) for b in loaded.blocks]


def wrapped(words: str, *, top: float = 700, width: int = 37, keep_spaces: bool = False) -> str:
    """Text broken after every `width` characters, wherever that is, as Korean word processors do."""
    pieces = [words[start : start + width] for start in range(0, len(words), width)]
    return "".join(
        pdf.text(70, top - 14 * number, piece if keep_spaces else piece.strip())
        for number, piece in enumerate(pieces)
    )


def table(rows: list[list[str]], *, top: float = 700) -> str:
    xs = [70 + 130 * column for column in range(len(rows[0]) + 1)]
    ys = [top - 20 * row for row in range(len(rows) + 1)]
    cells = "".join(
        pdf.text(xs[column] + 4, ys[row] - 14, cell)
        for row, line in enumerate(rows)
        for column, cell in enumerate(line)
    )
    return pdf.grid(xs, ys) + cells


@pytest.mark.parametrize("keep_spaces", [True, False])
def test_lines_broken_inside_words_are_joined(keep_spaces: bool) -> None:
    loaded = read([wrapped(BODY, keep_spaces=keep_spaces)])

    assert blocks(loaded) == [(1, "paragraph", BODY)]


def test_lines_broken_between_words_are_joined_with_spaces() -> None:
    lines = [
        "회사는 새로 들어온 사람의 업무를 도울 담당자를",
        "정하여 알리고 교육",
        "책임자와 함께 일정을 정하며 예산",
    ]
    words = "회사는 새로 들어온 사람의 업무를 도울 담당자를 정하여 알린다."
    joiner = Joiner([*lines, words], wraps_words=True)

    assert joiner.join(lines[1], lines[2]) == "정하여 알리고 교육 책임자와 함께 일정을 정하며 예산"


@pytest.mark.parametrize(
    ("left", "right", "gap", "expected"),
    [
        ("기한은 15", "일로 한다", "\n", "기한은 15일로 한다"),
        ("the quick", "brown fox", "\n", "the quick brown fox"),
        ("exam-", "ple", "-\n", "example"),
        ("state-of-", "the-art", "\n", "state-of-the-art"),
        ("끝났다.", "다음은", "\n", "끝났다. 다음은"),
        ("다음(", "이하 같다)", "\n", "다음(이하 같다)"),
        ("규정 제", "3조를", "\n", "규정 제3조를"),
        ("담", "당자는", "\n", "담당자는"),
        ("담", "당자는", " \n", "담 당자는"),
    ],
)
def test_joining_two_lines(left: str, right: str, gap: str, expected: str) -> None:
    assert Joiner(["그는 담당자를 정하여 알린다"]).join(left, right, gap) == expected


def test_large_type_and_numbers_are_headings() -> None:
    loaded = read(
        [
            pdf.text(70, 760, "정보보호 지침", 22)
            + pdf.text(70, 720, "1. 목적", 14)
            + wrapped(BODY, top=690)
            + pdf.text(70, 560, "2. 범위", 14)
            + pdf.text(70, 530, "제3조(적용) 모든 직원에게 적용한다.")
        ]
    )

    assert [(b.kind, b.section) for b in loaded.blocks] == [
        ("heading", ()),
        ("heading", ("정보보호 지침",)),
        ("paragraph", ("정보보호 지침", "1. 목적")),
        ("heading", ("정보보호 지침",)),
        ("heading", ("정보보호 지침", "2. 범위")),
        ("paragraph", ("정보보호 지침", "2. 범위", "제3조(적용)")),
    ]


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = [
        pdf.text(70, 810, "주식회사 묻다 사내 규정")
        + wrapped(f"{word} {BODY}")
        + pdf.text(280, 30, f"- {number} -")
        for number, word in enumerate(["첫째로", "둘째로", "셋째로", "넷째로"], start=1)
    ]

    loaded = read(pages)

    assert [(page, text[:3]) for page, _, text in blocks(loaded)] == [
        (1, "첫째로"),
        (2, "둘째로"),
        (3, "셋째로"),
        (4, "넷째로"),
    ]
    assert "사내 규정" not in loaded.text and "- 1 -" not in loaded.text


def test_a_ruled_table_is_read_as_records() -> None:
    rows = [["구분", "일수", "비고"], ["경조", "5", "본인 결혼"], ["병가", "60", "유급"]]
    loaded = read(
        [pdf.text(70, 740, "아래 표를 본다.") + table(rows) + pdf.text(70, 600, "표 다음 문단이다.")]
    )

    assert blocks(loaded) == [
        (1, "paragraph", "아래 표를 본다."),
        (1, "table", "구분: 경조 · 일수: 5 · 비고: 본인 결혼\n구분: 병가 · 일수: 60 · 비고: 유급"),
        (1, "paragraph", "표 다음 문단이다."),
    ]
    assert loaded.blocks[1].header == "구분 · 일수 · 비고"


def test_a_table_that_goes_on_keeps_its_header() -> None:
    first = [["구분", "일수", "비고"], ["경조", "5", "본인 결혼"]]
    loaded = read([table(first, top=120), table([["병가", "60", "유급"], ["공가", "1", "투표"]], top=800)])

    assert blocks(loaded)[1] == (
        2,
        "table",
        "구분: 병가 · 일수: 60 · 비고: 유급\n구분: 공가 · 일수: 1 · 비고: 투표",
    )


def test_a_cell_over_two_rows_is_in_both_records() -> None:
    xs, ys = [70, 200, 330, 460], [700, 680, 660, 640]
    lines = "".join(
        [
            *(pdf.line(70, y, 460, y) for y in (700, 680, 640)),
            pdf.line(200, 660, 460, 660),
            *(pdf.line(x, 640, x, 700) for x in xs),
        ]
    )
    cells = [
        ("구분", 0, 0),
        ("대상", 0, 1),
        ("일수", 0, 2),
        ("본인", 1, 1),
        ("5", 1, 2),
        ("자녀", 2, 1),
        ("1", 2, 2),
    ]
    drawn = "".join(pdf.text(xs[column] + 4, ys[row] - 14, cell) for cell, row, column in cells)
    loaded = read([lines + drawn + pdf.text(74, 656, "결혼")])

    assert blocks(loaded)[0][2] == "구분: 결혼 · 대상: 본인 · 일수: 5\n구분: 결혼 · 대상: 자녀 · 일수: 1"


def test_cells_without_lines_stay_apart() -> None:
    loaded = read(
        [
            pdf.text(70, 700, "본체")
            + pdf.text(250, 700, "30개월")
            + pdf.text(70, 686, "센서")
            + pdf.text(250, 686, "8개월")
        ]
    )

    assert [text for _, _, text in blocks(loaded)] == ["본체 · 30개월", "센서 · 8개월"]


def test_scattered_lines_are_no_table() -> None:
    assert find_grids([Rule(True, 100, 50, 500), Rule(False, 300, 400, 700)]) == []
    assert find_grids([]) == []


def test_a_title_from_the_properties_unless_a_program_put_it_there() -> None:
    assert read([wrapped(BODY)], title="정보보호 지침").title == "정보보호 지침"
    assert read([wrapped(BODY)], title="Microsoft Word - 초안.docx").title == "지침"
    assert read([wrapped(BODY)], title="최종본.hwp").title == "지침"


def test_scanned_pages_are_noted() -> None:
    loaded = read(
        [wrapped(BODY), pdf.image(), pdf.image(), wrapped(BODY), pdf.image() + pdf.text(280, 30, "5")]
    )

    assert loaded.notes == ("2–3, 5쪽: 글자가 없습니다(스캔으로 보입니다).",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            pdf.write([pdf.image(), pdf.image()]),
            "a.pdf: the pages are pictures (a scan). This version has no text recognition (OCR) yet.",
        ),
        (pdf.write(["", ""]), "a.pdf: there is no text in the file."),
        (
            pdf.write([pdf.text(70, 700, "비밀")], encrypted=True),
            "a.pdf: the PDF has a password. Save a copy without one and load that.",
        ),
        (b"%PDF-1.7\n", "a.pdf: the PDF is damaged or was not copied whole"),
    ],
    ids=["scan", "blank", "locked", "cut"],
)
def test_what_cannot_be_read(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(data)

    with pytest.raises(LoadError) as raised:
        load_file(path)

    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
