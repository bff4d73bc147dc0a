"""PDF: text by page with pdfium; headings by size and numbering, ruled tables as records."""

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import sub
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from app.corpus.load.base import DocumentBuilder, normalise, one_line
from app.corpus.load.headings import find_heading
from app.corpus.load.pdf_join import Joiner, learn_joiner
from app.corpus.load.pdf_lines import (
    Line,
    furniture,
    group_paragraphs,
    make_lines,
    without_furniture,
)
from app.corpus.load.pdf_page import Glyph, Page, read_page
from app.corpus.load.pdf_table import Grid, cell_of, find_grids, is_table, rows
from app.corpus.load.sniff import one_of
from app.corpus.load.table import guess_header_rows, records
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

MAX_PAGES = 5_000
_SCAN_CHARS = 16
"""A page with a picture and fewer letters than this is a scan; a stamp or a page number may be text."""
_HEADING_RATIO = 1.12
_MAX_HEADING_CHARS = 60
_GARBLED_SHARE = 0.3
_SAME_EDGE_PT = 4.0
_JUNK_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel) - .*|untitled.*|제목 ?없음.*|"
    r".*\.(?:hwpx?|docx?|pptx?|xlsx?|pdf|html?))",
    re.IGNORECASE,
)

# pdfium keeps global state and may be called from one thread at a time.
_PDFIUM = threading.Lock()


def load(data: bytes, path: Path) -> LoadedDocument:
    """Read a PDF. Blocks carry their page's number, from 1.

    Raises:
        LoadError: locked with a password, damaged, more than `MAX_PAGES` pages, or pictures only.
    """
    builder = DocumentBuilder("pdf", path)
    with _PDFIUM:
        pages, title, broken = _read_pages(data, path)
    scans = [page.number for page in pages if page.has_image and page.letters < _SCAN_CHARS]
    if sum(page.letters for page in pages) < _SCAN_CHARS and scans:
        raise LoadError(
            f"{path.name}: the pages are pictures (a scan). This version has no text recognition (OCR) yet."
        )
    if scans:
        builder.note(f"{_ranges(scans)}쪽: 글자가 없습니다(스캔으로 보입니다).")
    if broken:
        builder.note(f"{_ranges(broken)}쪽: 손상되어 읽지 못했습니다.")
    if _is_garbled(pages):
        builder.note("글꼴에 글자 정보가 없어 내용이 깨져 보일 수 있습니다.")
    if title:
        builder.title = title
    _add_pages(builder, pages)
    return builder.build()


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A ruled table and the lines in each of its cells."""

    grid: Grid
    cells: dict[tuple[int, int], list[Line]]


@dataclass(frozen=True, kw_only=True)
class _Laid:
    """A page as lines and tables. Its glyphs are let go: they take a hundred times the text's memory."""

    number: int
    height: float
    lines: list[Line]
    tables: list[_Table]
    has_image: bool
    letters: int
    garbled: int  # characters that stand for no character
    characters: int


def _read_pages(data: bytes, path: Path) -> tuple[list[_Laid], str, list[int]]:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD or "password" in str(error).lower():
            raise LoadError(
                f"{path.name}: the PDF has a password. Save a copy without one and load that."
            ) from error
        raise LoadError(
            f"{path.name}: the PDF is damaged or was not copied whole ({one_of(error)})."
        ) from error
    try:
        count = len(document)
        if count > MAX_PAGES:
            raise LoadError(
                f"{path.name}: {count:,} pages, more than the {MAX_PAGES:,} that are loaded. Split it."
            )
        pages: list[_Laid] = []
        broken: list[int] = []
        for index in range(count):
            try:
                page = document[index]
                pages.append(_lay_out(read_page(page, index + 1)))
                page.close()
            except pdfium.PdfiumError:
                broken.append(index + 1)
        title = one_line(normalise(document.get_metadata_value("Title")))
    finally:
        document.close()
    if not pages:
        raise LoadError(f"{path.name}: the PDF is damaged; none of its {count:,} pages can be read.")
    # Word processors write their own file names and templates' titles there.
    return pages, "" if _JUNK_TITLE.fullmatch(title) or _is_noise(title) else title, broken


def _lay_out(page: Page) -> _Laid:
    tables = []
    inside: set[int] = set()
    for grid in find_grids(page.rules):
        cells: dict[tuple[int, int], list[Glyph]] = {}
        own: set[int] = set()
        for index, glyph in enumerate(page.glyphs):
            if index not in inside and (cell := cell_of(grid, glyph)) is not None:
                cells.setdefault(cell, []).append(glyph)
                own.add(index)
        if is_table(grid, set(cells)):
            inside |= own
            tables.append(
                _Table(grid=grid, cells={cell: make_lines(glyphs) for cell, glyphs in cells.items()})
            )
    outside: list[Glyph] = []
    for index, glyph in enumerate(page.glyphs):
        if index not in inside:
            # The first glyph after a table begins a line, though no break stands between.
            after_table = index - 1 in inside and "\n" not in glyph.gap
            outside.append(glyph._replace(gap="\n") if after_table else glyph)
    categories = Counter(unicodedata.category(glyph.text) for glyph in page.glyphs)
    return _Laid(
        number=page.number,
        height=page.height,
        lines=make_lines(outside),
        tables=sorted(tables, key=lambda table: -table.grid.ys[0]),
        has_image=page.has_image,
        letters=sum(glyph.text.isalnum() for glyph in page.glyphs),
        garbled=categories["Co"] + categories["Cn"] + categories["Cc"],
        characters=len(page.glyphs),
    )


def _add_pages(builder: DocumentBuilder, pages: Sequence[_Laid]) -> None:
    """Learn from all pages, then add headings, paragraphs and tables in order."""
    keys = furniture([(page.height, page.lines) for page in pages])
    lines = {page.number: without_furniture(page.height, page.lines, keys) for page in pages}
    groups: dict[int, list[list[Line]]] = {}
    right_edge: dict[int, float] = {}
    for page in pages:
        edge = max((line.x1 for line in lines[page.number]), default=0.0)
        groups[page.number] = group_paragraphs(lines[page.number], edge)
        right_edge.update({id(line): edge for line in lines[page.number]})
    joiner = learn_joiner([group for page in pages for group in groups[page.number]], right_edge)
    levels = _levels(lines.values())
    header: _Header | None = None
    for page in pages:
        texts = [_joined(group, joiner) for group in groups[page.number]]
        spaced = _with_gaps(groups[page.number], texts)
        tables = list(page.tables)
        for number, (group, text) in enumerate(zip(groups[page.number], texts, strict=True)):
            while tables and _is_above(tables[0].grid, group[0]):
                header = _add_table(builder, page.number, tables.pop(0), joiner, header)
            header = None  # text stands between this page's end and a table that goes on
            level = levels.get(_size(group[0].height))
            if level is not None and len(text) <= _MAX_HEADING_CHARS and any(map(str.isalpha, text)):
                builder.heading(text, level, page=page.number)
            elif (found := find_heading(spaced, 2 * number)) is not None:
                builder.heading(found.text, found.level, page=page.number)
                builder.paragraph(found.rest, page=page.number)
            else:
                builder.paragraph(text, page=page.number)
        for table in tables:
            header = _add_table(builder, page.number, table, joiner, header)


@dataclass(frozen=True, kw_only=True)
class _Header:
    """The header of the table that stood last, its page, and its columns' edges."""

    page: int
    xs: tuple[float, ...]
    names: list[str]


def _add_table(
    builder: DocumentBuilder, page: int, table: _Table, joiner: Joiner, above: _Header | None
) -> _Header | None:
    """Add a table. One that goes on from the page before takes that one's header. Returns the header."""
    texts = {cell: _joined(lines, joiner) for cell, lines in table.cells.items()}
    cells = rows(table.grid, texts)
    has_names = guess_header_rows(cells)
    xs = table.grid.xs
    if above is not None and above.page == page - 1 and _same_edges(above.xs, xs) and cells[0] != above.names:
        cells, has_names = [above.names, *cells], 1
    lines, header = records(cells, header_rows=has_names)
    builder.table(lines, header=header, page=page)
    return _Header(page=page, xs=xs, names=cells[0]) if has_names else None


def _same_edges(a: Sequence[float], b: Sequence[float]) -> bool:
    return len(a) == len(b) and max(map(abs, map(sub, a, b))) < _SAME_EDGE_PT


def _is_above(grid: Grid, line: Line) -> bool:
    """Whether a table begins higher on the page than a line does."""
    return grid.ys[0] > line.y1


def _joined(lines: Sequence[Line], joiner: Joiner) -> str:
    text = lines[0].text
    for line in lines[1:]:
        text = joiner.join(text, line.text, line.gap)
    return one_line(normalise(text))


def _with_gaps(groups: Sequence[Sequence[Line]], texts: Sequence[str]) -> list[str]:
    """The paragraphs with an entry between each two: blank where the page leaves a gap, as in a text file."""
    result: list[str] = []
    for number, group in enumerate(groups):
        if number:
            above = groups[number - 1][-1]
            gap = above.y0 - group[0].y1
            result.append("" if gap > 0.8 * above.height or gap < 0 else "-")
        result.append(texts[number])
    return result


def _levels(pages: Iterable[Sequence[Line]]) -> dict[float, int]:
    """Sizes of type larger than the body's, and the level of heading each makes, the largest first."""
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[_size(line.height)] += len(line.text)
    body_height = max(sizes, key=sizes.__getitem__, default=0.0)
    large = sorted((size for size in sizes if size >= _HEADING_RATIO * body_height), reverse=True)
    levels: dict[float, int] = {}
    level, last = 0, 0.0
    for size in large:
        if not last or size < 0.94 * last:
            level, last = level + 1, size
        levels[size] = level
    return levels


def _size(height: float) -> float:
    """A height to the half point, as sizes of type differ by rounding."""
    return round(height * 2) / 2


def _is_garbled(pages: Sequence[_Laid]) -> bool:
    """Whether many glyphs have no real character: their font does not say which ones they are."""
    return sum(page.garbled for page in pages) > _GARBLED_SHARE * max(
        sum(page.characters for page in pages), 1
    )


def _is_noise(title: str) -> bool:
    return not any(map(str.isalpha, title)) or "\ufffd" in title


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as "1–3, 7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("–".join(map(str, part)) for part in parts)
