"""What every loader shares: its interface, the clean-up of text, and the builder of blocks."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from app.corpus.passage import Block, LoadedDocument
from app.errors import LoadError

MAX_TEXT_CHARS = 100_000_000
"""Small files can unpack to much: a header of a megabyte over a million rows."""
MAX_HEADING_CHARS = 120
"""A longer "heading" is a paragraph in a heading's style: as a section it would fill every prompt."""

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls (not tab and newline), soft hyphen, zero-width space, BOM, surrogates, noncharacters. The
# zero-width joiners stay: they carry meaning in other scripts and in emoji.
_DROPPED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]"
)
_WIDE_SPACES = re.compile(r"[\xa0\u2000-\u200a\u202f\u205f\u3000]")
_SPACES = re.compile(r"\s+")
# Sorting combining marks takes quadratic time. 30 on one letter is Unicode's own limit (UAX #15, 13).
_MARKS = (
    r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff"
    r"\u20d0-\u20ff\ufe20-\ufe2f]"
)
_MANY_MARKS = re.compile(f"({_MARKS}{{30}}){_MARKS}++")


class Loader(Protocol):
    """One format. Each module of a format is a loader: it has this function."""

    def load(self, data: bytes, path: Path) -> LoadedDocument:
        """Read the bytes of one file. `path` serves the title and messages; it is not opened.

        Raises:
            LoadError: the bytes cannot be read as this format.
        """
        ...


def normalise(text: str) -> str:
    """Unicode NFC, newlines as LF, plain spaces, no control characters. Keeps tabs and newlines."""
    text = _LINE_ENDS.sub("\n", text)
    text = _DROPPED.sub("", text)
    text = _WIDE_SPACES.sub(" ", text)
    text = _MANY_MARKS.sub(r"\1", text)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """The text with every run of whitespace made one space."""
    return _SPACES.sub(" ", text).strip()


class DocumentBuilder:
    """Collects headings, paragraphs and tables, and gives a document whose offsets are exact.

    Levels of headings are any integers: a heading closes those of the same and of larger levels.
    Adding raises LoadError when the text grows beyond `MAX_TEXT_CHARS`.
    """

    def __init__(self, loader: str, path: Path) -> None:
        self.title = one_line(normalise(path.stem)) or path.name
        self._loader = loader
        self._file_name = path.name
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._open: list[tuple[int, str]] = []
        self._section: tuple[str, ...] = ()
        self._notes: list[str] = []

    @property
    def is_empty(self) -> bool:
        """Whether no block was added yet."""
        return not self._blocks

    def heading(self, text: str, level: int, *, page: int | None = None) -> None:
        """Add a heading; what follows stands under it."""
        text = one_line(normalise(text))
        if len(text) > MAX_HEADING_CHARS:
            self.paragraph(text, page=page)
            return
        if not text:
            return
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._section = tuple(heading for _, heading in self._open)
        self._add("heading", text, page=page)
        self._open.append((level, text))
        self._section = (*self._section, text)

    def paragraph(self, text: str, *, page: int | None = None, tight: bool = False) -> None:
        """Add a paragraph; newlines inside it stay. `tight` sets it on the next line, as in a list."""
        self._add("paragraph", normalise(text).strip(), page=page, tight=tight)

    def table(self, rows: Iterable[str], *, header: str | None = None, page: int | None = None) -> None:
        """Add a table of rows that are ready as text, one line each (`table.records`)."""
        lines: list[str] = []
        length = 0
        for row in rows:
            if line := one_line(normalise(row)):
                lines.append(line)
                length += len(line) + 1
                self._check(length)
        self._add("table", "\n".join(lines), header=header, page=page)

    def note(self, text: str) -> None:
        """Say something a reader of the document should know; once."""
        if text not in self._notes:
            self._notes.append(text)

    def build(self) -> LoadedDocument:
        """The document so far."""
        return LoadedDocument(
            title=self.title,
            text="".join(self._parts),
            blocks=tuple(self._blocks),
            loader=self._loader,
            notes=tuple(self._notes),
        )

    def _check(self, added_chars: int) -> None:
        if self._length + added_chars > MAX_TEXT_CHARS:
            raise LoadError(
                f"{self._file_name}: more than {MAX_TEXT_CHARS:,} characters of text. Split the file."
            )

    def _add(
        self, kind: str, text: str, *, header: str | None = None, page: int | None = None, tight: bool = False
    ) -> None:
        if not text:
            return
        self._check(len(text))
        if self._parts:
            gap = "\n" if tight else "\n\n"
            self._parts.append(gap)
            self._length += len(gap)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        self._blocks.append(
            Block(kind=kind, start=start, end=self._length, section=self._section, page=page, header=header)
        )
