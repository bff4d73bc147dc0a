"""Markdown: headings, pipe tables, fenced code, front matter. Inline marks are taken off.

Not a full CommonMark parser: what matters here is where sections and tables begin and end.
"""

import re
from pathlib import Path

from app.corpus.load.base import DocumentBuilder, normalise, one_line
from app.corpus.load.encoding import decode
from app.corpus.load.headings import legal_heading
from app.corpus.load.table import records
from app.corpus.passage import LoadedDocument

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")
_DELIMITER_ROW = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_BARE_ROW = re.compile(r"\s*\|.+\|\s*")  # a row of a table that has no header, as HTML tables often are
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")
_FRONT_TITLE = re.compile(r"title\s*:\s*(.+)", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"\s*\{[#.][^{}]*\}\s*$")
_QUOTE = re.compile(r"^ {0,3}(?:> ?)+")

_MAX_INLINE_CHARS = 20_000
"""A longer line is no prose, and some of these patterns take quadratic time over a crafted one."""
_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)?\)")
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()]*(?:\([^()]*\)[^()]*)?\)")
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_STRIKE = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_TAG = re.compile(
    r"</?(?:br|b|i|u|em|strong|sub|sup|span|div|p|center|details|summary|kbd|a|img|font)\b[^<>]*>",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")


def load(data: bytes, path: Path) -> LoadedDocument:
    """Read a Markdown file. The title is the front matter's, else the first heading of level 1."""
    decoded = decode(data)
    builder = DocumentBuilder("markdown", path)
    if decoded.note:
        builder.note(decoded.note)
    lines = _without_comments(normalise(decoded.text)).split("\n")
    title, lines = _front_matter(lines)
    first_heading = add_markdown(builder, lines)
    builder.title = title or first_heading or builder.title
    return builder.build()


def add_markdown(builder: DocumentBuilder, lines: list[str]) -> str | None:
    """Add lines of Markdown as blocks. Returns the first heading of level 1, if there is one."""
    title: str | None = None
    paragraph: list[str] = []

    def flush() -> None:
        _add_paragraph(builder, paragraph)
        paragraph.clear()

    def heading(text: str, level: int) -> None:
        nonlocal title
        flush()
        text = _plain(_ATTRIBUTES.sub("", text))
        builder.heading(text, level)
        if level == 1 and title is None:
            title = one_line(text)

    index = 0
    while index < len(lines):
        line = _QUOTE.sub("", lines[index])
        below = lines[index + 1] if index + 1 < len(lines) else ""
        if fence := _FENCE.fullmatch(line):
            flush()
            index = _add_code(builder, lines, index, fence[1])
            continue
        if "|" in line and "|" in below and _DELIMITER_ROW.fullmatch(below):
            flush()
            index = _add_table(builder, lines, index, header_rows=1)
            continue
        if _BARE_ROW.fullmatch(line):
            flush()
            index = _add_table(builder, lines, index, header_rows=0)
            continue
        if (atx := _ATX.fullmatch(line)) is not None:
            heading(atx[2] or "", len(atx[1]))
        elif (
            paragraph
            and len(paragraph) == 1
            and _SETEXT.fullmatch(line)
            and not _LIST_ITEM.match(paragraph[0])
        ):
            text = paragraph.pop()
            heading(text, 1 if line.strip()[0] == "=" else 2)
        elif not line.strip() or _RULE.fullmatch(line):
            flush()
        else:
            paragraph.append(line.rstrip())
        index += 1
    flush()
    return title


def _without_comments(text: str) -> str:
    """The text without <!-- -->. By hand: a pattern takes quadratic time over many that are never closed."""
    parts: list[str] = []
    start = 0
    while (opening := text.find("<!--", start)) >= 0 and (closing := text.find("-->", opening)) >= 0:
        parts.append(text[start:opening])
        start = closing + 3
    return "".join(parts) + text[start:]


def _front_matter(lines: list[str]) -> tuple[str | None, list[str]]:
    """The title in a YAML block at the top, and the lines below that block."""
    if not lines or lines[0].rstrip() != "---":
        return None, lines
    for end in range(1, len(lines)):
        if lines[end].rstrip() in ("---", "..."):
            found = (match for line in lines[1:end] if (match := _FRONT_TITLE.fullmatch(line.rstrip())))
            match = next(found, None)
            return (match[1].strip().strip("\"'") or None) if match else None, lines[end + 1 :]
    return None, lines


def _add_paragraph(builder: DocumentBuilder, lines: list[str]) -> None:
    """A paragraph; one that opens with an article of a regulation is a heading and its body."""
    body: list[str] = []
    for line in lines:
        line = _plain(line)
        if (found := legal_heading(line)) is not None:
            builder.paragraph("\n".join(body))
            body = [found.rest] if found.rest else []
            builder.heading(found.text, found.level)
        else:
            body.append(line)
    builder.paragraph("\n".join(body))


def _add_code(builder: DocumentBuilder, lines: list[str], start: int, fence: str) -> int:
    """A fenced block as one paragraph, word for word. Returns the index after it."""
    for end in range(start + 1, len(lines)):
        closing = _FENCE.fullmatch(_QUOTE.sub("", lines[end]))
        if closing and closing[1].startswith(fence) and not closing[2].strip():
            break
    else:
        end = len(lines)
    builder.paragraph("\n".join(line.rstrip() for line in lines[start + 1 : end]))
    return end + 1


def _add_table(builder: DocumentBuilder, lines: list[str], start: int, *, header_rows: int) -> int:
    """A pipe table as records. Returns the index after it."""
    end = start + 1
    while end < len(lines) and "|" in lines[end]:
        end += 1
    rows = [_cells(line) for line in lines[start:end] if not _DELIMITER_ROW.fullmatch(line)]
    # Pipe tables with a delimiter row cannot leave the header out, so writers leave its cells empty.
    if not header_rows:
        body, header = records(rows)
    else:
        body, header = records(rows, header_rows=1 if any(rows[0]) else 0)
    builder.table(body, header=header)
    return end


def _cells(line: str) -> list[str]:
    line = _QUOTE.sub("", line).strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return [_plain(cell.strip()) for cell in _CELL_BORDER.split(line)]


def _plain(text: str) -> str:
    """The words without the marks around them."""
    if len(text) > _MAX_INLINE_CHARS or not any(mark in text for mark in "*_`[~<\\"):
        return text
    kept: list[str] = []

    def keep(words: str) -> str:
        kept.append(words)
        return f"\x00{len(kept) - 1}\x00"

    # Code and escaped marks are set aside first: they are text. NUL cannot occur, normalise() removes it.
    text = _CODE.sub(lambda match: keep(match[2].strip()), text)
    text = _ESCAPE.sub(lambda match: keep(match[1]), text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    text = _TAG.sub(" ", text)
    text = _STRONG.sub(r"\2", text)
    text = _EMPHASIS.sub(r"\1", text)
    text = _STRIKE.sub(r"\1", text)
    return re.sub("\x00(\\d+)\x00", lambda match: kept[int(match[1])], text)
