"""load(): what a file is, whatever its name says, and errors a person can act on."""

import io
import random
import subprocess
import sys
import zipfile
from importlib import import_module
from inspect import signature
from pathlib import Path

import korean_pdf as pdf
import pytest
import word_package as word

from app.corpus.load import FORMATS, SUPPORTED_SUFFIXES, is_supported, load, unread_format
from app.corpus.split import split
from app.errors import LoadError


def zipped(*names: str, **contents: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in [*((name, "") for name in names), *contents.items()]:
            archive.writestr(name, content)
    return buffer.getvalue()


def ole(*streams: str) -> bytes:
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\0" * 504
        + b"".join(name.encode("utf-16-le") for name in streams)
    )


def docx_bytes() -> bytes:
    document = word.new()
    document.add_paragraph("문서 본문입니다.")
    return word.saved(document)


@pytest.mark.parametrize(
    ("name", "data", "loader"),
    [
        ("이름만.txt", pdf.write([pdf.text(70, 700, "본문입니다")]), "pdf"),
        ("이름만.pdf", docx_bytes(), "docx"),
        ("이름만.doc", docx_bytes(), "docx"),
        ("이름만.xls", "<html><body><p>표처럼 보이는 웹 문서</p></body></html>".encode("cp949"), "html"),
        (
            "이름만.txt",
            "<!-- x -->\n<!DOCTYPE html><html><body><p>본문입니다</p></body></html>".encode(),
            "html",
        ),
        ("문서.md", "<div>그림</div>\n\n# 제목\n본문".encode(), "markdown"),
        ("표.csv", "가,나\n다,라\n".encode("cp949"), "csv"),
        ("메모", "이름에 점이 없는 글".encode(), "text"),
        ("기록.log", "한 줄 기록".encode("utf-16"), "text"),
        ("ID3.txt", "ID3 태그란 무엇인가".encode(), "text"),
    ],
)
def test_the_bytes_decide_and_not_the_name(tmp_path: Path, name: str, data: bytes, loader: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    assert load(path).loader == loader


@pytest.mark.parametrize(
    ("data", "format_name"),
    [
        (ole("FileHeader", "HwpSummaryInformation"), "Hangul word processor (HWP)"),
        (ole("WordDocument"), "old Word (DOC)"),
        (ole("Workbook"), "old Excel (XLS)"),
        (ole("PowerPoint Document"), "old PowerPoint (PPT)"),
        (ole("x"), "old Office (OLE)"),
        (b"HWP Document File V3.00 \x1a\x01\x02", "Hangul word processor (HWP)"),
        (zipped("Contents/content.hpf"), "Hangul word processor (HWPX)"),
        (zipped(mimetype="application/hwp+zip"), "Hangul word processor (HWPX)"),
        (zipped(mimetype="application/vnd.oasis.opendocument.text"), "OpenDocument"),
        (zipped(mimetype="application/epub+zip"), "EPUB"),
        (zipped("xl/workbook.xml"), "Excel (XLSX)"),
        (zipped("ppt/presentation.xml"), "PowerPoint (PPTX)"),
        (zipped("a.txt"), "ZIP archive"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image"),
        (b"\xff\xd8\xff\xe0\0", "image"),
        (b"{\\rtf1 x}", "RTF"),
        (b"\x1f\x8b\x08\0", "compressed archive"),
        (bytes(range(256)) * 8, "binary"),
        (random.Random(1).randbytes(4000), "binary"),
    ],
)
def test_formats_without_a_loader_are_named(tmp_path: Path, data: bytes, format_name: str) -> None:
    path = tmp_path / "보고서.txt"
    path.write_bytes(data)

    with pytest.raises(LoadError) as raised:
        load(path)

    assert str(raised.value) == f"보고서.txt: {format_name} files are not read by this version yet."


def test_errors_a_person_can_act_on(tmp_path: Path) -> None:
    def message(path: Path, **options: int) -> str:
        with pytest.raises(LoadError) as raised:
            load(path, **options)
        return str(raised.value)

    path = tmp_path / "a.txt"
    assert message(path) == "a.txt: there is no such file."
    assert message(tmp_path).endswith(": not a file.")
    path.write_bytes(b" \n\n")
    assert message(path) == "a.txt: the file is empty."
    path.write_text("· · ·\n")
    assert message(path) == "a.txt: there is no text in the file."
    path.write_bytes(b"x" * 1025)
    assert message(path, max_size_bytes=1024) == "a.txt: larger than 0 MiB, the most that is loaded."
    path.write_bytes(ole("EncryptedPackage"))
    assert message(path) == "a.txt: the document has a password. Save a copy without one and load that."
    path.write_bytes(b"PK\x03\x04 and then nothing")
    assert message(path).startswith("a.txt: the file is damaged or was not copied whole")


def test_a_walk_tries_only_what_can_be_read() -> None:
    assert {".txt", ".md", ".html", ".csv", ".docx", ".pdf"} <= SUPPORTED_SUFFIXES
    assert is_supported(Path("규정.PDF"))
    assert not is_supported(Path("~$규정.docx"))
    assert not is_supported(Path(".secret.txt"))
    assert not is_supported(Path("그림.png"))
    assert unread_format(Path("규정.HWP")) == "Hangul word processor (HWP)"
    assert unread_format(Path("규정.docx")) is None
    assert unread_format(Path("main.py")) is None


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_the_same_interface(name: str) -> None:
    module = import_module(FORMATS[name].module)

    assert list(signature(module.load).parameters) == ["data", "path"]


def test_reading_text_imports_no_library_of_another_format(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("본문입니다")
    code = (
        "import sys, pathlib, app.corpus.load as l; l.load(pathlib.Path(sys.argv[1]));"
        "print([m for m in ('docx', 'trafilatura', 'pypdfium2', 'lxml') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_load_errors_or_readable(tmp_path: Path, samples: Path, seed: int) -> None:
    chance = random.Random(seed)
    source = chance.choice(sorted(path for path in samples.iterdir() if is_supported(path)))
    data = bytearray(source.read_bytes())
    match seed % 3:
        case 0:
            del data[chance.randrange(1, len(data)) :]
        case 1:
            for _ in range(chance.choice((1, 20, 400))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        case _:
            start = chance.randrange(len(data))
            del data[start : start + chance.randrange(1, 4000)]
    path = tmp_path / source.name
    path.write_bytes(data)
    try:
        document = load(path)
    except LoadError as error:
        assert str(error).startswith(f"{source.name}: ") and "\n" not in str(error)
    else:
        assert split(document)


@pytest.mark.parametrize(
    "text",
    [
        "제1조" + "." * 300_000 + "x", "a" + "." * 300_000 + "x", "**a " * 60_000, "<!-- " * 60_000 + "x",
        "<!-- --> " * 1000 + "x", "[x](" * 60_000, "`a``" * 60_000,
        "|a" * 30_000 + "|\n" + "|-" * 30_000 + "|\n" + "|b" * 30_000 + "|", "x" + "\n" * 300_000 + "y",
    ],
    ids=["article", "dots", "stars", "comments", "closed comments", "links", "ticks", "cells", "newlines"],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".txt", ".md"])
@pytest.mark.timeout(120)
def test_crafted_text_takes_no_quadratic_time(tmp_path: Path, text: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text(text)

    assert split(load(path))
