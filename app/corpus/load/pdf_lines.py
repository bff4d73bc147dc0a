"""Lines of a PDF page: made of glyphs, without running heads, and grouped into paragraphs."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from app.corpus.load.pdf_page import Glyph

CELL_GAP = " · "
_WIDE_GAP_EM = 1.6
"""Glyphs farther apart than this many line heights stand in different cells; justified text stays below."""
_MARGIN = 0.12
_EDGE_LINES = 3
_MIN_REPEATS = 3

_PAGE_NUMBER = re.compile(
    r"[-–—<\[(]?\s*(?:p\.?\s?|page\s?)?\d{1,4}(?:\s*(?:/|of|중)\s*\d{1,4})?\s*(?:쪽|페이지|page)?\s*[-–—>\])]?",
    re.IGNORECASE,
)
_MARKER = re.compile(
    r"(?:[①-⑳㉮-㉻ⓐ-ⓩ•·∙◦●○◎■□▣▪▫◆◇▶▷►※★☆✓✔→*]|[-–—]\s|\(?\d{1,2}[.)]\s|\(?[가나다라마바사아자차카타파하][.)]\s|제\s?\d+\s?[편장절관조])"
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of text, its box in points, and how it ended: see `Glyph.gap`."""

    text: str
    x0: float
    x1: float
    y0: float
    y1: float
    gap: str = "\n"  # the white space between the line before and this one

    @property
    def height(self) -> float:
        """The height of the glyphs' boxes: the size of the type, whatever the page's scale is."""
        return self.y1 - self.y0


def make_lines(glyphs: Sequence[Glyph]) -> list[Line]:
    """Glyphs in reading order as lines; cells of one row without ruled lines stand on one line."""
    lines: list[Line] = []
    current: list[Glyph] = []
    for glyph in glyphs:
        if current and not _same_line(current[-1], glyph):
            lines.append(_line(current))
            current = []
        current.append(glyph)
    if current:
        lines.append(_line(current))
    return lines


def _same_line(last: Glyph, glyph: Glyph) -> bool:
    """Whether a glyph goes on to the right at the same height. Columns of cells do, wrapped lines do not."""
    overlap = min(last.y1, glyph.y1) - max(last.y0, glyph.y0)
    height = max(min(last.y1 - last.y0, glyph.y1 - glyph.y0), 0.1)
    if "\n" in glyph.gap:
        return overlap > 0.6 * height and glyph.x0 >= last.x1
    return overlap > 0.2 * height


def _line(glyphs: list[Glyph]) -> Line:
    parts = [glyphs[0].text]
    for last, glyph in pairwise(glyphs):
        height = last.y1 - last.y0
        if glyph.x0 - last.x1 > _WIDE_GAP_EM * height:
            parts.append(CELL_GAP)
        elif glyph.gap:
            parts.append(" ")
        parts.append(glyph.text)
    return Line(
        text="".join(parts),
        x0=min(glyph.x0 for glyph in glyphs),
        x1=max(glyph.x1 for glyph in glyphs),
        y0=median(glyph.y0 for glyph in glyphs),
        y1=median(glyph.y1 for glyph in glyphs),
        gap=glyphs[0].gap or "\n",
    )


def furniture(pages: Sequence[tuple[float, Sequence[Line]]]) -> set[str]:
    """Keys (`furniture_key`) of running heads and footers: lines in the margins of most pages.

    `pages` are each page's height in points and its lines.
    """
    counts: Counter[str] = Counter()
    for height, lines in pages:
        counts.update({furniture_key(line.text) for line in _edges(height, lines)})
    needed = max(_MIN_REPEATS, len(pages) // 2 + 1)
    return {key for key, count in counts.items() if count >= needed}


def furniture_key(text: str) -> str:
    """A line with every number made the same, so that page numbers do not make it look new."""
    return re.sub(r"\d+", "#", "".join(text.split()))


def without_furniture(page_height: float, lines: Sequence[Line], keys: set[str]) -> list[Line]:
    """The lines without running heads, footers and page numbers."""
    edges = {id(line) for line in _edges(page_height, lines)}
    return [
        line for line in lines
        if id(line) not in edges
        or not (furniture_key(line.text) in keys or _PAGE_NUMBER.fullmatch(line.text.strip()))
    ]  # fmt: skip


def _edges(page_height: float, lines: Sequence[Line]) -> list[Line]:
    """The first and last few lines, as far as they stand in the margins."""
    by_height = sorted(lines, key=lambda line: -line.y0)
    return [
        *(line for line in by_height[:_EDGE_LINES] if line.y0 > page_height * (1 - _MARGIN)),
        *(line for line in by_height[-_EDGE_LINES:] if line.y1 < page_height * _MARGIN),
    ]


def group_paragraphs(lines: Sequence[Line], right_edge: float) -> list[list[Line]]:
    """Lines that belong together, by size, by distance, by room left, and by bullets and numbers."""
    pitches = [
        a.y0 - b.y0 for a, b in pairwise(lines)
        if 0 < a.y0 - b.y0 < 3 * a.height and _same_size(a, b)
    ]  # fmt: skip
    # The distance inside a paragraph is the common small one; a median would mix in the gaps between.
    pitch = sorted(pitches)[len(pitches) // 4] if pitches else 0.0
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _continues(groups[-1][-1], line, pitch, right_edge):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _continues(last: Line, line: Line, pitch: float, right_edge: float) -> bool:
    step = last.y0 - line.y0
    if not _same_size(last, line) or not 0 < step <= max(1.25 * pitch, 1.1 * last.height):
        return False
    if _MARKER.match(line.text) or CELL_GAP in last.text or CELL_GAP in line.text:
        return False
    # A line that left room for the next word was ended on purpose.
    first_word_pt = len(line.text.split()[0]) * (line.x1 - line.x0) / max(len(line.text), 1)
    return right_edge - last.x1 <= first_word_pt + 1.5 * last.height


def _same_size(a: Line, b: Line) -> bool:
    return abs(a.height - b.height) <= 0.12 * max(a.height, b.height)
