"""CSV and the records that tables become."""

from pathlib import Path

import pytest

from app.corpus.load.csv import load, sniff_delimiter
from app.corpus.load.table import RECORD_CHARS, records
from app.corpus.passage import LoadedDocument
from app.errors import LoadError


def read(text: str, encoding: str = "utf-8") -> LoadedDocument:
    return load(text.encode(encoding), Path("가격표.csv"))


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_each_row_is_a_record(delimiter: str, encoding: str) -> None:
    rows = [["품명", "단가", "비고"], ["볼펜", "500", "검정"], ["공책", "1200", ""]]
    loaded = read("\r\n".join(delimiter.join(row) for row in rows), encoding)

    assert loaded.text == "품명: 볼펜 · 단가: 500 · 비고: 검정\n품명: 공책 · 단가: 1200"
    assert [(block.kind, block.header) for block in loaded.blocks] == [("table", "품명 · 단가 · 비고")]


def test_quoted_delimiters_and_newlines_stay_in_their_cell() -> None:
    loaded = read('이름,주소\n홍길동,"서울, 종로구\n세종대로 209"\n"김 ""하나""",부산\n')

    assert loaded.text == '이름: 홍길동 · 주소: 서울, 종로구 세종대로 209\n이름: 김 "하나" · 주소: 부산'


def test_ragged_rows() -> None:
    loaded = read("가,나,다\n1\n1,2,3,4,5\n\n,,3\n")

    assert loaded.text == "가: 1\n가: 1 · 나: 2 · 다: 3 · 4 · 5\n다: 3"


def test_a_caption_above_the_header() -> None:
    loaded = read("2026년 가격표,,\n,,\n품명,단가,비고\n볼펜,500,검정\n")

    assert [(b.kind, loaded.text[b.start : b.end]) for b in loaded.blocks] == [
        ("paragraph", "2026년 가격표"),
        ("table", "품명: 볼펜 · 단가: 500 · 비고: 검정"),
    ]


def test_rows_without_a_header() -> None:
    assert read("1,서울,10\n2,부산,20\n").text == "1 · 서울 · 10\n2 · 부산 · 20"
    assert read("지역,2024,2025\n서울,10,20\n").text == "지역: 서울 · 2024: 10 · 2025: 20"


def test_one_column() -> None:
    assert read("이름\n홍길동\n김하나\n").text == "이름: 홍길동\n이름: 김하나"


def test_a_quote_that_is_never_closed_does_not_swallow_the_file() -> None:
    loaded = read('규격,단가\n3.5" 나사,10\n"큰 나사,20\n' + "작은 나사,30\n" * 20_000)

    assert loaded.text.count("규격: 작은 나사 · 단가: 30") == 20_000


def test_a_cell_too_large_in_any_reading_is_a_load_error() -> None:
    with pytest.raises(LoadError, match=r"^가격표\.csv: the rows cannot be told apart"):
        read("a,b\n1," + "x" * 200_000)


def test_the_delimiter_is_the_one_rows_agree_on() -> None:
    assert sniff_delimiter("이름;주소\n홍길동;서울, 종로구, 1\n김하나;부산\n") == ";"
    assert sniff_delimiter("본문에는 쉼표가, 있지만\n표는\t아니다\n") in ",\t"


def test_a_long_record_is_cut_between_cells_and_each_part_says_whose_it_is() -> None:
    header = ["품번", *(f"항목{number}" for number in range(40))]
    row = ["MT-740", *(f"값이 조금 길다 {number}" for number in range(40))]
    lines = list(records([header, row], header_rows=1)[0])

    assert len(lines) > 1
    assert all(line.startswith("품번: MT-740 · 항목") and len(line) <= RECORD_CHARS for line in lines)
    assert [cell for line in lines for cell in line.split(" · ")[1:]] == [
        f"항목{number}: 값이 조금 길다 {number}" for number in range(40)
    ]


def test_two_header_rows_are_joined_and_a_caption_is_set_apart() -> None:
    rows = [
        ["휴가 일람", "휴가 일람", "휴가 일람"],
        ["구분", "휴가", "휴가"],
        ["구분", "일수", "비고"],
        ["경조", "5", ""],
    ]
    lines, header = records(rows, header_rows=3)

    assert list(lines) == ["휴가 일람", "구분: 경조 · 휴가 일수: 5"]
    assert header == "구분 · 휴가 일수 · 휴가 비고"


def test_enormous_column_names_are_shortened() -> None:
    loaded = read("이" * 5000 + ",나\n" + "1,2\n" * 1000)

    assert len(loaded.text) < 100_000
