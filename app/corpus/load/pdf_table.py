"""Tables with ruled lines on a PDF page: the lines make a grid, and each glyph falls into a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.corpus.load.pdf_page import Glyph, Rule

_NEAR_PT = 3.0  # a thick line is drawn as a thin rectangle with two edges
_TOUCH_PT = 3.0
_MIN_FILLED = 0.3
_MAX_EDGES = 300


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table's edges in points: `xs` from left to right, `ys` from top to bottom, and its lines."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    rules: tuple[Rule, ...]

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of a point, or None outside the table."""
        if not (self.xs[0] <= x <= self.xs[-1] and self.ys[-1] <= y <= self.ys[0]):
            return None
        row = sum(1 for edge in self.ys[1:-1] if y < edge)
        column = sum(1 for edge in self.xs[1:-1] if x > edge)
        return row, column


def find_grids(rules: Sequence[Rule]) -> list[Grid]:
    """The grids of at least two rows and two columns, made of lines that touch each other."""
    merged = _merge(rules)
    grids = []
    for group in _groups(merged):
        horizontal = [rule for rule in group if rule.is_horizontal]
        vertical = [rule for rule in group if not rule.is_horizontal]
        if not horizontal or not vertical:
            continue
        # Many Korean tables are open at the sides; their rows' lines then tell where the table ends.
        xs = _cluster([
            *(rule.at for rule in vertical),
            min(rule.start for rule in horizontal),
            max(rule.end for rule in horizontal),
        ])  # fmt: skip
        ys = _cluster([
            *(rule.at for rule in horizontal),
            min(rule.start for rule in vertical),
            max(rule.end for rule in vertical),
        ])  # fmt: skip
        if 3 <= len(xs) <= _MAX_EDGES and 3 <= len(ys) <= _MAX_EDGES:
            grids.append(Grid(xs=tuple(xs), ys=tuple(reversed(ys)), rules=tuple(group)))
    return grids


def owners(grid: Grid) -> list[list[tuple[int, int]]]:
    """For each cell the upper left cell it is merged with, which is itself where lines stand around it."""
    rows, columns = len(grid.ys) - 1, len(grid.xs) - 1
    result = [[(row, column) for column in range(columns)] for row in range(rows)]
    for row in range(rows):
        y = (grid.ys[row] + grid.ys[row + 1]) / 2
        for column in range(columns):
            x = (grid.xs[column] + grid.xs[column + 1]) / 2
            if column and not _has_line(grid, False, grid.xs[column], y):
                result[row][column] = result[row][column - 1]
            elif row and not _has_line(grid, True, grid.ys[row], x):
                result[row][column] = result[row - 1][column]
    return result


def is_table(grid: Grid, filled: set[tuple[int, int]]) -> bool:
    """Whether enough cells hold text for the lines to be a table and not a drawing or a frame."""
    cells = {owner for line in owners(grid) for owner in line}
    columns = {column for _, column in filled}
    return len(columns) > 1 and len(filled) >= max(3, _MIN_FILLED * len(cells))


def rows(grid: Grid, texts: dict[tuple[int, int], str]) -> list[list[str]]:
    """The cells' texts in rows. A cell over several rows is repeated; one over several columns is not."""
    merged = owners(grid)
    joined: dict[tuple[int, int], str] = {}
    for (row, column), text in sorted(texts.items()):
        owner = merged[row][column]
        joined[owner] = f"{joined[owner]} {text}" if owner in joined else text
    return [
        [
            "" if column and line[column - 1] == owner else joined.get(owner, "")
            for column, owner in enumerate(line)
        ]
        for line in merged
    ]  # fmt: skip


def cell_of(grid: Grid, glyph: Glyph) -> tuple[int, int] | None:
    """The cell that holds the middle of a glyph."""
    return grid.cell((glyph.x0 + glyph.x1) / 2, (glyph.y0 + glyph.y1) / 2)


def _has_line(grid: Grid, is_horizontal: bool, at: float, across: float) -> bool:
    return any(
        rule.is_horizontal == is_horizontal
        and abs(rule.at - at) <= _NEAR_PT
        and rule.start - _NEAR_PT <= across <= rule.end + _NEAR_PT
        for rule in grid.rules
    )


def _merge(rules: Sequence[Rule]) -> list[Rule]:
    """Lines drawn in pieces, cell by cell, made whole; lines on top of each other made one."""
    merged: list[Rule] = []
    for is_horizontal in (True, False):
        same = sorted(
            (rule for rule in rules if rule.is_horizontal == is_horizontal), key=lambda rule: rule.at
        )
        band: list[Rule] = []
        for rule in same:
            if band and rule.at - band[0].at > _NEAR_PT:
                merged.extend(_merge_band(band))
                band = []
            band.append(rule)
        merged.extend(_merge_band(band))
    return merged


def _merge_band(band: list[Rule]) -> list[Rule]:
    merged: list[Rule] = []
    for rule in sorted(band, key=lambda rule: rule.start):
        if merged and rule.start <= merged[-1].end + _TOUCH_PT:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, rule.end))
        else:
            merged.append(rule._replace(at=band[0].at))
    return merged


def _groups(rules: list[Rule]) -> list[list[Rule]]:
    """Lines that cross or touch, transitively."""
    horizontal = [rule for rule in rules if rule.is_horizontal]
    vertical = [rule for rule in rules if not rule.is_horizontal]
    if len(horizontal) > _MAX_EDGES or len(vertical) > 4 * _MAX_EDGES:
        return []
    groups: list[tuple[list[Rule], list[Rule]]] = []
    for rule in horizontal:
        touching = [
            group for group in groups
            if any(_touch(rule, other) for other in group[1])
        ]  # fmt: skip
        fresh = [
            other
            for other in vertical
            if _touch(rule, other) and not any(other in group[1] for group in groups)
        ]
        joined: tuple[list[Rule], list[Rule]] = ([rule], fresh)
        for group in touching:
            joined[0].extend(group[0])
            joined[1].extend(group[1])
            groups.remove(group)
        groups.append(joined)
    return [[*group[0], *group[1]] for group in groups]


def _touch(horizontal: Rule, vertical: Rule) -> bool:
    return (
        horizontal.start - _TOUCH_PT <= vertical.at <= horizontal.end + _TOUCH_PT
        and vertical.start - _TOUCH_PT <= horizontal.at <= vertical.end + _TOUCH_PT
    )


def _cluster(values: list[float]) -> list[float]:
    """Values in order, with those nearer than a line's thickness made one."""
    result: list[float] = []
    for value in sorted(values):
        if not result or value - result[-1] > _NEAR_PT:
            result.append(value)
    return result
