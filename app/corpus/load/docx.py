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
from app.corpus.load.docx_table import children, grid, has_label_column, label_records
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
        rows = list(children(table, W + "tr"))
        if not rows:
            return
        cells = [list(children(row, W + "tc")) for row in rows]
        # A table of one column is a frame around text, and its content is read as text.
        if all(len(row) <= 1 for row in cells):
            for row in cells:
                for cell in row:
                    self.read(cell)
            return
        texts, header_rows = grid(rows, cells, self._cell_text)
        if header_rows == 0 and has_label_column(cells):
            self._builder.table(label_records(texts))
        else:
            lines, header = records(texts, header_rows=header_rows or None)
            self._builder.table(lines, header=header)

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
