"""PDF: text by page with pdfium; headings by size and numbering, ruled tables as records."""

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from app.corpus.load.base import DocumentBuilder, normalise, one_line
from app.corpus.load.headings import find_heading
from app.corpus.load.pdf_lines import (
    Joiner,
    Line,
    furniture,
    group_paragraphs,
    learn_joiner,
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
    letters = {page.number: sum(glyph.text.isalnum() for glyph in page.glyphs) for page in pages}
    scans = [page.number for page in pages if page.has_image and letters[page.number] < _SCAN_CHARS]
    if sum(letters.values()) < _SCAN_CHARS and scans:
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


def _read_pages(data: bytes, path: Path) -> tuple[list[Page], str, list[int]]:
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
        pages, broken = [], []
        for index in range(count):
            try:
                page = document[index]
                pages.append(read_page(page, index + 1))
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


def _add_pages(builder: DocumentBuilder, pages: Sequence[Page]) -> None:
    """Lay out every page, learn from all of them, then add headings, paragraphs and tables in order."""
    grids = {page.number: _tables(page) for page in pages}
    lines = {page.number: make_lines(_outside(page, grids[page.number])) for page in pages}
    keys = furniture([(page, lines[page.number]) for page in pages])
    for page in pages:
        lines[page.number] = without_furniture(page, lines[page.number], keys)
    body_height = _body_height(lines.values())
    groups: dict[int, list[list[Line]]] = {}
    right_edge: dict[int, float] = {}
    for page in pages:
        edge = max((line.x1 for line in lines[page.number]), default=0.0)
        groups[page.number] = group_paragraphs(lines[page.number], edge)
        right_edge.update({id(line): edge for line in lines[page.number]})
    joiner = learn_joiner([group for page in pages for group in groups[page.number]], right_edge)
    levels = _levels(lines.values(), body_height)
    header: tuple[tuple[float, ...], list[str]] | None = None
    for page in pages:
        texts = [_joined(group, joiner) for group in groups[page.number]]
        spaced = _with_gaps(groups[page.number], texts)
        tables = list(grids[page.number])
        for number, (group, text) in enumerate(zip(groups[page.number], texts, strict=True)):
            while tables and _is_above(tables[0][0], group[0]):
                header = _add_table(builder, page, *tables.pop(0), joiner, header)
            level = levels.get(_size(group[0].height))
            if level is not None and len(text) <= _MAX_HEADING_CHARS and any(map(str.isalpha, text)):
                builder.heading(text, level, page=page.number)
            elif (found := find_heading(spaced, 2 * number)) is not None:
                builder.heading(found.text, found.level, page=page.number)
                builder.paragraph(found.rest, page=page.number)
            else:
                builder.paragraph(text, page=page.number)
        for grid, glyphs in tables:
            header = _add_table(builder, page, grid, glyphs, joiner, header)


def _tables(page: Page) -> list[tuple[Grid, dict[tuple[int, int], list[Glyph]]]]:
    """The page's ruled tables from top to bottom, with the glyphs of each cell."""
    tables = []
    for grid in find_grids(page.rules):
        cells: dict[tuple[int, int], list[Glyph]] = {}
        for glyph in page.glyphs:
            if (cell := cell_of(grid, glyph)) is not None:
                cells.setdefault(cell, []).append(glyph)
        if is_table(grid, set(cells)):
            tables.append((grid, cells))
    return sorted(tables, key=lambda table: -table[0].ys[0])


def _outside(page: Page, tables: Sequence[tuple[Grid, dict[tuple[int, int], list[Glyph]]]]) -> list[Glyph]:
    """The glyphs in no table. The first after a table begins a line."""
    result: list[Glyph] = []
    skipped = False
    for glyph in page.glyphs:
        if any(cell_of(grid, glyph) is not None for grid, _ in tables):
            skipped = True
            continue
        result.append(glyph._replace(gap="\n") if skipped and "\n" not in glyph.gap else glyph)
        skipped = False
    return result


def _add_table(
    builder: DocumentBuilder,
    page: Page,
    grid: Grid,
    cells: dict[tuple[int, int], list[Glyph]],
    joiner: Joiner,
    header: tuple[tuple[float, ...], list[str]] | None,
) -> tuple[tuple[float, ...], list[str]] | None:
    """Add a table. One that goes on from the page before takes that one's header, which is returned."""
    texts = {cell: _joined(make_lines(glyphs), joiner) for cell, glyphs in cells.items()}
    table = [[normalise(text) for text in row] for row in rows(grid, texts)]
    own_header = guess_header_rows(table)
    goes_on = header is not None and len(header[0]) == len(grid.xs) and not own_header
    if (
        goes_on
        and header is not None
        and max(abs(a - b) for a, b in zip(header[0], grid.xs, strict=True)) < 4
    ):
        table, own_header = [header[1], *table], 1
    lines, names = records(table, header_rows=own_header)
    builder.table(lines, header=names, page=page.number)
    return (grid.xs, table[0]) if own_header else None


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


def _body_height(pages: Iterable[Sequence[Line]]) -> float:
    """The size of type most of the text is set in."""
    counts: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            counts[_size(line.height)] += len(line.text)
    return counts.most_common(1)[0][0] if counts else 0.0


def _levels(pages: Iterable[Sequence[Line]], body_height: float) -> dict[float, int]:
    """Sizes of type larger than the body's, and the level of heading each makes, the largest first."""
    sizes = {_size(line.height) for lines in pages for line in lines}
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


def _is_garbled(pages: Sequence[Page]) -> bool:
    """Whether many glyphs have no real character: their font does not say which ones they are."""
    counts = Counter(unicodedata.category(glyph.text) for page in pages for glyph in page.glyphs)
    return counts["Co"] + counts["Cn"] + counts["Cc"] > _GARBLED_SHARE * max(sum(counts.values()), 1)


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
