"""Tables of Word documents: merged cells, the rows that name the columns, and forms."""

import re
from collections.abc import Callable, Iterator

from lxml import etree

from app.corpus.load.docx_numbering import W

_MAX_HEADER_ROWS = 3
_MAX_SPAN = 63  # columns a Word table can have
_PLAIN_FILLS = frozenset({"auto", "FFFFFF", "ffffff", ""})


def children(element: "etree._Element", tag: str) -> "Iterator[etree._Element]":
    """Rows of a table or cells of a row, through content controls and custom XML."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in (W + "sdt", W + "sdtContent", W + "customXml", W + "ins"):
            yield from children(child, tag)


def grid(
    rows: "list[etree._Element]",
    cells: "list[list[etree._Element]]",
    cell_text: "Callable[[etree._Element], str]",
) -> tuple[list[list[str]], int]:
    """The cells' text in a rectangle, and how many rows on top name the columns (0: not known).

    A cell over several rows is repeated in each, as every row becomes a record of its own. A cell over
    several columns stands in the first, except in the header, where it names them all.
    """
    result: list[list[str]] = []
    spans: list[list[int]] = []  # beside each cell the column where it begins
    for row, row_cells in zip(rows, cells, strict=True):
        line = [""] * _skipped_columns(row)
        owners = list(range(len(line)))
        for cell in row_cells:
            properties = cell.find(W + "tcPr")
            merge = properties.find(W + "vMerge") if properties is not None else None
            column = len(line)
            if merge is not None and merge.get(W + "val") != "restart":
                text = result[-1][column] if result and column < len(result[-1]) else ""
            else:
                text = cell_text(cell)
            span = _span(properties)
            line.extend([text] + [""] * (span - 1))
            owners.extend([column] * span)
        result.append(line)
        spans.append(owners)
    header_rows = _header_rows(rows, cells)
    for line, owners in zip(result[:header_rows], spans, strict=False):
        line[:] = [line[owner] for owner in owners]
    return result, header_rows


def _span(properties: "etree._Element | None") -> int:
    span = properties.find(W + "gridSpan") if properties is not None else None
    return _count(span)


def _has(properties: "etree._Element | None", name: str) -> bool:
    return properties is not None and properties.find(W + name) is not None


def _skipped_columns(row: "etree._Element") -> int:
    before = row.find(f"{W}trPr/{W}gridBefore")
    return 0 if before is None else _count(before)


def _count(element: "etree._Element | None") -> int:
    value = element.get(W + "val") if element is not None else None
    return min(max(int(value), 1), _MAX_SPAN) if value is not None and re.fullmatch(r"\d{1,4}", value) else 1


def _header_rows(rows: "list[etree._Element]", cells: "list[list[etree._Element]]") -> int:
    """How many rows on top name the columns, by what the document says; 0 where it says nothing."""
    marked = 0
    for row in rows:
        mark = row.find(f"{W}trPr/{W}tblHeader")
        if mark is None or mark.get(W + "val") in ("0", "false", "off"):
            break
        marked += 1
    if not marked:
        emphasised = [any(map(_runs, row)) and all(map(_is_emphasised, row)) for row in cells]
        marked = 1 if emphasised[0] and not all(emphasised) else 0
        while 0 < marked < len(rows) and emphasised[marked]:
            marked += 1
    # "휴가" over "일수" and "비고": the names need the row below, where the first row has cells over columns
    # beside cells over rows.
    first = [cell.find(W + "tcPr") for cell in cells[0]]
    over_columns = any(_span(cell) > 1 for cell in first)
    if marked == 1 and over_columns and any(_has(cell, "vMerge") for cell in first):
        marked = 2
    return marked if marked <= min(_MAX_HEADER_ROWS, len(rows) - 1) else 0


def has_label_column(cells: "list[list[etree._Element]]") -> bool:
    """A form: in every row the first cell is shaded or bold and some other is not."""
    return all(row and _is_emphasised(row[0]) and not all(map(_is_emphasised, row)) for row in cells)


def label_records(rows: list[list[str]]) -> list[str]:
    """A form's rows: "성명: 김하나", and in pairs where a row holds two labels and two values."""
    lines = []
    for row in rows:
        filled = [cell for cell in row if cell]
        if len(filled) == 4:
            lines.append(f"{filled[0]}: {filled[1]} · {filled[2]}: {filled[3]}")
        elif len(filled) > 1:
            lines.append(f"{filled[0]}: {' · '.join(filled[1:])}")
        else:
            lines.extend(filled)
    return lines


def _is_emphasised(cell: "etree._Element") -> bool:
    """Shaded, or bold throughout. An empty cell says nothing against it."""
    shade = cell.find(f"{W}tcPr/{W}shd")
    if shade is not None and shade.get(W + "fill") not in _PLAIN_FILLS and shade.get(W + "fill") is not None:
        return True
    return all(map(_is_bold, _runs(cell)))


def _runs(cell: "etree._Element") -> "list[etree._Element]":
    """The runs of a cell that hold text."""
    return [run for run in cell.iter(W + "r") if any((text.text or "").strip() for text in run.iter(W + "t"))]


def _is_bold(run: "etree._Element") -> bool:
    bold = run.find(f"{W}rPr/{W}b")
    return bold is not None and bold.get(W + "val") not in ("0", "false", "off")
