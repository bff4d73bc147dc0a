"""Plain text: paragraphs between blank lines, and headings by their numbering."""

import re
from pathlib import Path

from app.corpus.load.base import DocumentBuilder, normalise
from app.corpus.load.encoding import decode
from app.corpus.load.headings import MAX_LINE_CHARS, find_heading
from app.corpus.passage import LoadedDocument

_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,})\s*")
_RULE = re.compile(r"\s*(?:[=\-_*#~─━═]\s?){5,}\s*")
_UNDERLINED_LEVELS = {"=": 1, "-": 2}


def load(data: bytes, path: Path) -> LoadedDocument:
    """Read a text file in any encoding Korean files come in."""
    decoded = decode(data)
    builder = DocumentBuilder("text", path)
    if decoded.note:
        builder.note(decoded.note)
    add_lines(builder, normalise(decoded.text).split("\n"))
    return builder.build()


def add_lines(builder: DocumentBuilder, lines: list[str]) -> None:
    """Add lines as paragraphs and headings. A blank line ends a paragraph, and so does a heading."""
    paragraph: list[str] = []

    def flush() -> None:
        if paragraph:
            builder.paragraph("\n".join(paragraph))
            paragraph.clear()

    index = 0
    while index < len(lines):
        line = lines[index].rstrip()
        below = lines[index + 1] if index + 1 < len(lines) else ""
        if not line.strip() or _RULE.fullmatch(line):
            flush()
        elif not paragraph and len(line) <= MAX_LINE_CHARS and _UNDERLINE.fullmatch(below):
            flush()
            builder.heading(line, _UNDERLINED_LEVELS[below.strip()[0]])
            index += 1
        elif (found := find_heading(lines, index)) is not None:
            flush()
            builder.heading(found.text, found.level)
            if found.rest:
                paragraph.append(found.rest)
        else:
            paragraph.append(line)
        index += 1
    flush()
