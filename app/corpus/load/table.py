"""Rows of a table as records: "부서: 영업 · 인원: 12". A row is then understood and found alone.

A model of 1.5B parameters does not count columns, and a search finds a cell only with its column's name
beside it. A record that would not fit a chunk becomes several, each of which begins with the row's
first cell, so that every piece still says whose it is.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from app.corpus.load.base import one_line

CELL_GAP = " · "
RECORD_CHARS = 360
"""Just under the splitter's limit of 400 characters for a chunk."""

MAX_NAME_CHARS = 60
"""Names of columns are repeated in every row."""

_NUMERIC = re.compile(r"[\s\d.,:%+\-–~/()₩$€원년월일]*\d[\s\d.,:%+\-–~/()₩$€원년월일]*")


def records(
    rows: Sequence[Sequence[str]], *, header_rows: int | None = None
) -> tuple[Iterator[str], str | None]:
    """Each row as one or more lines, made one at a time, and the header as one line (None if there is none).

    `rows` are cells as text; a cell that continues the one on its left is "". `header_rows` is how many
    rows on top hold the names of the columns; None guesses.
    """
    grid = [[one_line(cell) for cell in row] for row in rows]
    grid = [row for row in grid if any(row)]
    captions = _captions(grid)
    grid = grid[len(captions) :]
    if header_rows:
        header_rows = max(1, header_rows - len(captions))
    elif header_rows is None:
        header_rows = guess_header_rows(grid)
    if not 0 < header_rows < len(grid):
        header_rows = 0
    names = _names(grid[:header_rows])
    lines = (line for row in grid[header_rows:] for line in _record(row, names))
    return chain(captions, lines), CELL_GAP.join(filter(None, names)) or None


def _captions(grid: Sequence[Sequence[str]]) -> list[str]:
    """Rows on top that are the table's title: one text, alone or in a cell over all columns."""
    if max((len(set(filter(None, row))) for row in grid), default=0) < 2:
        return []
    captions: list[str] = []
    for row in grid:
        texts = set(filter(None, row))
        if len(texts) > 1:
            break
        captions.extend(texts)
    return captions


def guess_header_rows(grid: Sequence[Sequence[str]]) -> int:
    """1 if the first row looks like names of columns, else 0.

    Names are all there, all different and no numbers. Tables of two columns are left alone: half of
    them are lists of "name | value" whose first row is data, and "name: value" reads well for both.
    """
    if len(grid) < 2:
        return 0
    first, width = grid[0], max(map(len, grid))
    if width <= 2 or len(first) < width or not all(first) or len(set(first)) < len(first):
        return 0
    return 0 if any(_NUMERIC.fullmatch(cell) for cell in first) else 1


def _names(header: Sequence[Sequence[str]]) -> list[str]:
    """The columns' names; names in several rows are joined: "휴가" over "일수" is "휴가 일수"."""
    width = max(map(len, header), default=0)
    names = []
    for column in range(width):
        parts = [row[column] for row in header if column < len(row) and row[column]]
        name = " ".join(dict.fromkeys(parts))
        names.append(name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…")
    return names


def _record(row: Sequence[str], names: Sequence[str]) -> list[str]:
    if not names:
        if len(row) == 2 and all(row):
            return [f"{row[0]}: {row[1]}"]
        cells = [cell for cell in row if cell]
    else:
        cells = [
            f"{names[column]}: {cell}" if column < len(names) and names[column] else cell
            for column, cell in enumerate(row)
            if cell
        ]
    line = CELL_GAP.join(cells)
    if len(line) <= RECORD_CHARS or len(cells) < 3 or len(cells[0]) > RECORD_CHARS // 4:
        return [line] if line else []
    lines, current = [], cells[0]
    for cell in cells[1:]:
        if len(current) + len(CELL_GAP) + len(cell) > RECORD_CHARS and current != cells[0]:
            lines.append(current)
            current = cells[0]
        current += CELL_GAP + cell
    return [*lines, current]
