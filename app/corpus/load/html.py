"""HTML: the main text by trafilatura, as Markdown, then the Markdown blocks. Nothing is fetched."""

import re
from pathlib import Path

import trafilatura
from lxml import etree
from trafilatura.settings import use_config

from app.corpus.load.base import DocumentBuilder, normalise, one_line
from app.corpus.load.encoding import decode
from app.corpus.load.markdown import add_markdown
from app.corpus.load.sniff import one_of
from app.corpus.load.text import add_lines
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]+)", re.IGNORECASE)
_HEAD_BYTES = 4096
MAX_HTML_BYTES = 32 * 1024 * 1024
"""A parsed page takes about ten times its size in memory."""
MIN_EXTRACTED_CHARS = 40
"""Below this trafilatura gives up the structure and takes everything. Its own 250 is meant for English, and a
Korean notice of 200 characters lost its headings and tables."""
MAX_SPAN = 200
MAX_SPAN_CHARS = 200
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def load(data: bytes, path: Path) -> LoadedDocument:
    """Read one page's text with its headings, lists and tables; menus and footers are left out.

    Raises:
        LoadError: the page is larger than `MAX_HTML_BYTES` or cannot be parsed.
    """
    if len(data) > MAX_HTML_BYTES:
        raise LoadError(
            f"{path.name}: larger than {MAX_HTML_BYTES >> 20} MiB, the most that is read of a web page."
        )
    declared = _CHARSET.search(data[:_HEAD_BYTES])
    decoded = decode(data, declared=declared[1].decode("ascii") if declared else None)
    builder = DocumentBuilder("html", path)
    if decoded.note:
        builder.note(decoded.note)
    # lxml refuses text that still declares an encoding of its bytes.
    page = _XML_DECLARATION.sub("", normalise(decoded.text))
    config = use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(MIN_EXTRACTED_CHARS))
    try:
        tree = trafilatura.load_html(page)
        title = _title(tree)
        if tree is not None:
            _fill_spans(tree)
        markdown = trafilatura.extract(
            page if tree is None else tree,
            output_format="markdown",
            favor_recall=True,
            include_tables=True,
            with_metadata=False,
            config=config,
        )
        plain = "" if markdown else trafilatura.html2txt(page)
    except (etree.LxmlError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise LoadError(f"{path.name}: the page cannot be read as HTML ({one_of(error)}).") from error
    if markdown:
        first_heading = add_markdown(builder, normalise(markdown).split("\n"))
    else:
        first_heading = None
        add_lines(builder, normalise(plain).split("\n"))
    builder.title = title or first_heading or builder.title
    return builder.build()


def _fill_spans(tree: "etree._Element") -> None:
    """Give each row of a table all its cells: a cell over several rows is repeated in each of them."""
    for table in tree.iter("table"):
        below: dict[int, tuple[int, etree._Element]] = {}  # column -> rows still to fill, the cell
        for row in table.iter("tr"):
            if next(row.iterancestors("table")) is not table:
                continue
            cells = [cell for cell in row if cell.tag in ("td", "th")]
            column = 0
            while cells or column in below:
                if column in below:
                    left, source = below.pop(column)
                    copy = source.makeelement(source.tag)
                    copy.text = text if len(text := _text(source)) <= MAX_SPAN_CHARS else ""
                    if cells:
                        cells[0].addprevious(copy)
                    else:
                        row.append(copy)
                    if left > 1:
                        below[column] = (left - 1, source)
                    column += 1
                    continue
                cell = cells.pop(0)
                rows, columns = _span(cell, "rowspan"), _span(cell, "colspan")
                if rows > 1:
                    below[column] = (rows - 1, cell)
                for _ in range(columns - 1):
                    cell.addnext(cell.makeelement(cell.tag))
                column += columns


def _span(cell: "etree._Element", name: str) -> int:
    """The attribute as a number of rows or columns; it is hostile input, so it is small."""
    value = str(cell.attrib.pop(name, "1")).strip()
    return min(max(int(value), 1), MAX_SPAN) if value.isdecimal() and len(value) < 6 else 1


def _title(tree: "etree._Element | None") -> str | None:
    """The page's own title: <title>, else the first <h1>."""
    if tree is None:
        return None
    for tag in ("title", "h1"):
        for element in tree.iter(tag):
            if text := _text(element):
                return text
    return None


def _text(element: "etree._Element") -> str:
    return one_line(normalise("".join(map(str, element.itertext()))))
