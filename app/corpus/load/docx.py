"""Word documents: paragraphs and tables in reading order, with the numbers Word computes.

python-docx opens the package; the body is walked here, because its `Paragraph.text` leaves out inserted text,
content controls and text boxes, and knows no automatic numbers.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import docx
from docx.opc.exceptions import OpcError
from lxml import etree

from app.corpus.load.archive import check_archive
from app.corpus.load.base import DocumentBuilder, one_line
from app.corpus.load.docx_numbering import Label, Numbering, W
from app.corpus.load.headings import legal_heading
from app.corpus.load.sniff import one_of
from app.corpus.load.table import records
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
# Deleted and moved-away text, the second copy of a text box, field codes, and the readings above Hanja.
_SKIPPED = frozenset({W + "del", W + "moveFrom", W + "rt", W + "instrText", W + "delText", _FALLBACK})
_BREAKS = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-", W + "ptab": "\t"}
_NOTE_REFERENCES = {W + "footnoteReference": "footnotes", W + "endnoteReference": "endnotes"}
_HEADING_STYLE = re.compile(r"(?:heading|제목|개요)\s*([1-9])", re.IGNORECASE)
_TITLE_STYLE = re.compile(r"title|제목|문서\s*제목", re.IGNORECASE)
_CONTENTS_STYLE = re.compile(r"(?:toc|목차)\s*(?:\d|heading|제목)?|table of figures", re.IGNORECASE)
_BODY_OUTLINE = 9  # outlineLvl 9 is body text (ECMA-376 Part 1, 17.3.1.20)
_MAX_HEADER_ROWS = 3
_MAX_SPAN = 63  # columns a Word table can have
_PLAIN_FILLS = frozenset({"auto", "FFFFFF", "ffffff", ""})


def load(data: bytes, path: Path) -> LoadedDocument:
    """Read a Word document. The title is the paragraph in the style Title, else the file's name.

    Raises:
        LoadError: not a Word document python-docx can open, damaged, locked, or a zip bomb.
    """
    names = check_archive(data, path)
    builder = DocumentBuilder("docx", path)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        builder.note("문서에 매크로가 있습니다. 매크로는 읽지도 실행하지도 않았습니다.")
    try:
        package = docx.Document(io.BytesIO(data))
        body = package.element.body
        parts = {
            rel.reltype.rsplit("/", 1)[-1]: rel for rel in package.part.rels.values() if not rel.is_external
        }
        roots = {
            name: etree.fromstring(parts[name].target_part.blob, _xml_parser())
            for name in ("numbering", "styles", "footnotes", "endnotes")
            if name in parts
        }
    except (
        OpcError, etree.LxmlError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError,
        KeyError, ValueError, AttributeError, TypeError, IndexError, AssertionError, RuntimeError,
    ) as error:  # fmt: skip
        raise LoadError(f"{path.name}: cannot be read as a Word document ({one_of(error)}).") from error
    if body is None:
        raise LoadError(f"{path.name}: cannot be read as a Word document (it has no body).")
    _Reader(builder, roots).read(body)
    return builder.build()


def _xml_parser() -> etree.XMLParser:
    # No entities, no DTD, no network, and libxml2's own limits on depth and size.
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


class _Reader:
    """Walks the body once, in order, since automatic numbers depend on what came before."""

    def __init__(self, builder: DocumentBuilder, roots: "dict[str, etree._Element]") -> None:
        self._builder = builder
        self._numbering = Numbering(roots.get("numbering"), roots.get("styles"))
        self._notes: dict[tuple[str, str], etree._Element] = {
            (kind, str(note.get(W + "id"))): note
            for kind in ("footnotes", "endnotes")
            if kind in roots
            for note in roots[kind]
        }
        self._has_title = False

    def read(self, container: "etree._Element") -> None:
        for element in _blocks(container):
            if element.tag == W + "p":
                self._paragraph(element)
            else:
                self._table(element)

    def _paragraph(self, paragraph: "etree._Element") -> None:
        properties = paragraph.find(W + "pPr")
        styles = [_style_name(style) for style in self._numbering.style_chain(properties)]
        text, boxes, notes = self._text(paragraph)
        if styles and _CONTENTS_STYLE.fullmatch(styles[0]):
            return
        # An empty paragraph is not numbered on the page either, unless it is there for its number.
        label = self._numbering.label(properties) if text.strip() or boxes else None
        line = _labelled(label, text.strip())
        level = self._heading_level(properties, styles)
        if not line:
            pass
        elif styles and _TITLE_STYLE.fullmatch(styles[0]) and not self._has_title:
            self._has_title = True
            self._builder.title = one_line(line)
            self._builder.heading(line, 0)
        elif level is not None:
            self._builder.heading(line, level)
        elif "\n" not in line and (found := legal_heading(line)) is not None:
            self._builder.heading(found.text, found.level)
            self._builder.paragraph(found.rest)
        else:
            self._builder.paragraph(line, tight=label is not None)
        for note in notes:
            self._builder.paragraph(f"[주] {note}", tight=True)
        for box in boxes:
            self.read(box)

    def _heading_level(self, properties: "etree._Element | None", styles: list[str]) -> int | None:
        """1 to 9 for a heading, else None. The paragraph's own outline level wins, then the nearest style."""
        outline = _outline(properties)
        if outline is not None:
            return outline + 1 if outline < _BODY_OUTLINE else None
        for style, name in zip(self._numbering.style_chain(properties), styles, strict=True):
            if match := _HEADING_STYLE.fullmatch(name):
                return int(match[1])
            outline = _outline(style.find(W + "pPr"))
            if outline is not None:
                return outline + 1 if outline < _BODY_OUTLINE else None
        return None

    def _text(self, paragraph: "etree._Element") -> "tuple[str, list[etree._Element], list[str]]":
        """A paragraph's own text, the text boxes anchored in it, and the text of its notes."""
        parts: list[str] = []
        boxes: list[etree._Element] = []
        notes: list[str] = []
        pending = list(reversed(paragraph))
        while pending:
            element = pending.pop()
            tag = element.tag
            if tag in (W + "t", _MATH_TEXT):
                parts.append(element.text or "")
            elif tag in _BREAKS:
                # A break may be of a page or column; those are layout.
                parts.append(_BREAKS[tag] if element.get(W + "type") in (None, "textWrapping") else "\n")
            elif tag in _NOTE_REFERENCES:
                note = self._notes.get((_NOTE_REFERENCES[tag], str(element.get(W + "id"))))
                if note is not None and (text := one_line("".join(_plain_text(note)))):
                    notes.append(text)
            elif tag == W + "txbxContent":
                boxes.append(element)
            elif tag not in _SKIPPED:
                pending.extend(reversed(element))
        return "".join(parts), boxes, notes

    def _table(self, table: "etree._Element") -> None:
        rows = list(_children(table, W + "tr"))
        if not rows:
            return
        cells = [list(_children(row, W + "tc")) for row in rows]
        # A table of one column is a frame around text, and its content is read as text.
        if all(len(row) <= 1 for row in cells):
            for row in cells:
                for cell in row:
                    self.read(cell)
            return
        grid, header_rows = self._grid(rows, cells)
        if header_rows == 0 and _has_label_column(cells):
            self._builder.table(_label_records(grid))
        else:
            lines, header = records(grid, header_rows=header_rows or None)
            self._builder.table(lines, header=header)

    def _grid(
        self, rows: "list[etree._Element]", cells: "list[list[etree._Element]]"
    ) -> tuple[list[list[str]], int]:
        """The cells' text in a rectangle, and how many rows on top name the columns (0: not known).

        A cell over several rows is repeated in each, as every row becomes a record of its own. A cell over
        several columns stands in the first, except in the header, where it names them all.
        """
        grid: list[list[str]] = []
        spans: list[list[int]] = []  # beside each cell the column where it begins
        for row, row_cells in zip(rows, cells, strict=True):
            line = [""] * _skipped_columns(row)
            owners = list(range(len(line)))
            for cell in row_cells:
                properties = cell.find(W + "tcPr")
                merge = properties.find(W + "vMerge") if properties is not None else None
                column = len(line)
                if merge is not None and merge.get(W + "val") != "restart":
                    text = grid[-1][column] if grid and column < len(grid[-1]) else ""
                else:
                    text = self._cell_text(cell)
                span = _span(properties)
                line.extend([text] + [""] * (span - 1))
                owners.extend([column] * span)
            grid.append(line)
            spans.append(owners)
        header_rows = _header_rows(rows, cells)
        for line, owners in zip(grid[:header_rows], spans, strict=False):
            line[:] = [line[owner] for owner in owners]
        return grid, header_rows

    def _cell_text(self, cell: "etree._Element") -> str:
        """A cell as one line. Paragraphs are joined, and an inner table's cells with them."""
        pieces: list[str] = []
        for element in _blocks(cell):
            paragraphs = [element] if element.tag == W + "p" else element.iter(W + "p")
            for paragraph in paragraphs:
                text, boxes, notes = self._text(paragraph)
                label = self._numbering.label(paragraph.find(W + "pPr")) if text.strip() else None
                pieces.append(_labelled(label, text.strip()))
                pieces.extend(one_line(" ".join(_plain_text(box))) for box in boxes)
                pieces.extend(f"[주] {note}" for note in notes)
        return one_line(" ".join(filter(None, pieces)))


def _blocks(container: "etree._Element") -> "Iterator[etree._Element]":
    """The paragraphs and tables right under an element, through content controls and tracked insertions."""
    for element in container:
        if element.tag in (W + "p", W + "tbl"):
            yield element
        elif element.tag == W + "sdt":
            if not _is_contents(element):
                for content in element.findall(W + "sdtContent"):
                    yield from _blocks(content)
        elif element.tag in (W + "ins", W + "moveTo", W + "customXml", W + "smartTag"):
            yield from _blocks(element)


def _children(element: "etree._Element", tag: str) -> "Iterator[etree._Element]":
    """Rows of a table or cells of a row, through content controls and custom XML."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in (W + "sdt", W + "sdtContent", W + "customXml", W + "ins"):
            yield from _children(child, tag)


def _is_contents(control: "etree._Element") -> bool:
    """Whether a content control is the table of contents, which repeats every heading."""
    gallery = control.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return gallery is not None and gallery.get(W + "val") == "Table of Contents"


def _plain_text(element: "etree._Element") -> list[str]:
    return [text.text or "" for text in element.iter(W + "t")]


def _labelled(label: Label | None, text: str) -> str:
    """The number before the text; "제3조" before "(목적)" without a space, as it is printed."""
    if label is None or not label.text:
        return text
    return (
        f"{label.text}{text}"
        if text.startswith(("(", "【")) and label.text[-1].isalnum()
        else f"{label.text} {text}"
    )


def _style_name(style: "etree._Element") -> str:
    name = style.find(W + "name")
    return str(name.get(W + "val") or "").strip() if name is not None else ""


def _outline(properties: "etree._Element | None") -> int | None:
    outline = properties.find(W + "outlineLvl") if properties is not None else None
    value = outline.get(W + "val") if outline is not None else None
    return int(value) if value is not None and re.fullmatch(r"\d", value) else None


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


def _has_label_column(cells: "list[list[etree._Element]]") -> bool:
    """A form: in every row the first cell is shaded or bold and some other is not."""
    return all(row and _is_emphasised(row[0]) and not all(map(_is_emphasised, row)) for row in cells)


def _label_records(grid: list[list[str]]) -> list[str]:
    """A form's rows: "성명: 김하나", and in pairs where a row holds two labels and two values."""
    lines = []
    for row in grid:
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
