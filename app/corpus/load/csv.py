"""CSV and TSV: every row a record that is understood alone."""

import csv
import io
from collections import Counter
from pathlib import Path

from app.corpus.load.base import DocumentBuilder, normalise
from app.corpus.load.encoding import decode
from app.corpus.load.table import guess_header_rows, records
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

_DELIMITERS = ",\t;|"
_SAMPLE_CHARS = 64 * 1024
_SAMPLE_ROWS = 50


def load(data: bytes, path: Path) -> LoadedDocument:
    """Read a table of comma-, tab-, semicolon- or bar-separated values as one table block.

    Raises:
        LoadError: the quoting is broken beyond reading.
    """
    decoded = decode(data)
    text = normalise(decoded.text)
    builder = DocumentBuilder("csv", path)
    if decoded.note:
        builder.note(decoded.note)
    delimiter = sniff_delimiter(text)
    rows = [row for row in _rows(text, delimiter, path) if any(cell.strip() for cell in row)]
    top = _title_rows(rows)
    for row in rows[:top]:
        builder.paragraph(" ".join(cell.strip() for cell in row if cell.strip()))
    body = rows[top:]
    # A file of columns nearly always names them, in two columns too; only numbers there say otherwise.
    first = [cell.strip() for cell in body[0]] if body else []
    named = len(body) > 1 and any(first) and not guess_is_data(first)
    lines, header = records(body, header_rows=1 if named else guess_header_rows(body))
    builder.table(lines, header=header)
    return builder.build()


def sniff_delimiter(text: str) -> str:
    """The delimiter that cuts the first rows into the same number of cells most often.

    csv.Sniffer guesses letters as delimiters in Korean text, so the choice is among four.
    """
    sample = text[:_SAMPLE_CHARS]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        if delimiter not in sample:
            continue
        try:
            widths = [
                len(row)
                for row, _ in zip(
                    csv.reader(io.StringIO(sample), delimiter=delimiter), range(_SAMPLE_ROWS), strict=False
                )
                if row
            ]
        except csv.Error:
            continue
        width, count = Counter(widths).most_common(1)[0]
        # Agreement first; among equals the one that makes more columns.
        score = (count / len(widths)) * (1 + width / 1000) if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def guess_is_data(row: list[str]) -> bool:
    """Whether a first row is data and no names: it holds a number or the same value twice."""
    filled = [cell for cell in row if cell]
    return len(set(filled)) < len(filled) or any(_is_number(cell) for cell in filled)


def _is_number(cell: str) -> bool:
    digits = cell.replace(",", "").replace(".", "", 1).removeprefix("-").removesuffix("%")
    return digits.isdigit() and not (
        len(digits) == 4 and digits.startswith(("19", "20"))
    )  # 2024 names a column


def _rows(text: str, delimiter: str, path: Path) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        pass
    # A quote that is never closed swallows the rest of the file into one cell, which then is too large.
    # Reading quotes as plain characters keeps every row.
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        raise LoadError(f"{path.name}: the rows cannot be told apart ({error}).") from error


def _title_rows(rows: list[list[str]]) -> int:
    """How many rows on top are a caption: one filled cell each, above rows that have several."""
    filled = [sum(1 for cell in row if cell.strip()) for row in rows[:_SAMPLE_ROWS]]
    if not filled or max(filled) < 2:
        return 0
    return next((index for index, count in enumerate(filled) if count > 1), 0)
