"""One PDF page as pdfium sees it: glyphs with their places, ruled lines, and whether there are pictures.

pdfium gives characters in reading order of the page's own program, with spaces and line breaks
added where the glyphs stand apart. Coordinates are points from the lower left corner.
"""

import ctypes
from dataclasses import dataclass, field
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

MAX_GLYPHS = 200_000
MAX_PATHS = 4_000
"""A page with more drawn shapes is a map or a plot; its lines are not a table's."""
MAX_SEGMENTS = 40_000
_MAX_FORM_DEPTH = 3
_MIN_RULE_PT = 6.0
_SLANT_PT = 1.0
_SOFT_HYPHENS = "\ufffe\x02\xad"


class Glyph(NamedTuple):
    """A character, its box in points, and the white space before it.

    `gap` is "" or " " or "\\n", or " \\n" where the line before ended with a real space, or "-\\n" where it
    ended with a hyphen that only the line break put there.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    gap: str


class Rule(NamedTuple):
    """A drawn line: at `at`, from `start` to `end`. Horizontal: at y, from x to x; else at x, from y to y."""

    is_horizontal: bool
    at: float
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is on a page. `has_image`: at least one picture, as a scan has."""

    number: int
    width: float
    height: float
    glyphs: tuple[Glyph, ...] = ()
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    has_image: bool = False


def read_page(page: pdfium.PdfPage, number: int) -> Page:
    """Read a page. Raises what pdfium raises for a broken one."""
    width, height = page.get_size()
    textpage = page.get_textpage()
    try:
        glyphs = _glyphs(textpage)
    finally:
        textpage.close()
    rules, has_image = _drawings(page, width, height)
    return Page(number=number, width=width, height=height, glyphs=glyphs, rules=rules, has_image=has_image)


def _glyphs(textpage: pdfium.PdfTextPage) -> tuple[Glyph, ...]:
    handle = textpage.raw
    box = pdfium_c.FS_RECTF()
    box_pointer = ctypes.byref(box)
    glyphs: list[Glyph] = []
    gap = ""
    for index in range(min(pdfium_c.FPDFText_CountChars(handle), MAX_GLYPHS)):
        code = pdfium_c.FPDFText_GetUnicode(handle, index)
        text = chr(code) if 0 < code < 0x110000 else ""
        if text in ("\r", "\n"):
            gap = gap if gap.endswith("\n") else f"{gap}\n"
        elif text and text in _SOFT_HYPHENS:
            gap = "-"
        elif not text or text.isspace():
            gap = gap or " "
        elif pdfium_c.FPDFText_GetLooseCharBox(handle, index, box_pointer):
            glyphs.append(Glyph(text, box.left, box.bottom, box.right, box.top, gap))
            gap = ""
    return tuple(glyphs)


def _drawings(page: pdfium.PdfPage, width: float, height: float) -> tuple[tuple[Rule, ...], bool]:
    rules: list[Rule] = []
    has_image, paths, segments = False, 0, 0
    for item in page.get_objects(
        filter=(pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_IMAGE), max_depth=_MAX_FORM_DEPTH
    ):
        if item.type == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            has_image = True
            continue
        paths += 1
        count = pdfium_c.FPDFPath_CountSegments(item)
        segments += max(count, 0)
        if paths > MAX_PATHS or segments > MAX_SEGMENTS:
            return (), has_image
        rules.extend(_rules(item, count))
    # Lines around the whole page are its background or frame.
    return tuple(
        rule for rule in rules
        if _MIN_RULE_PT <= rule.end - rule.start < 0.97 * (width if rule.is_horizontal else height)
    ), has_image  # fmt: skip


def _rules(path: pdfium.PdfObject, count: int) -> list[Rule]:
    """The horizontal and vertical strokes and edges of a drawn path."""
    matrix = path.get_matrix()
    x, y = ctypes.c_float(), ctypes.c_float()
    x_pointer, y_pointer = ctypes.byref(x), ctypes.byref(y)
    rules: list[Rule] = []
    here = first = (0.0, 0.0)
    for index in range(count):
        segment = pdfium_c.FPDFPath_GetPathSegment(path, index)
        if not segment or not pdfium_c.FPDFPathSegment_GetPoint(segment, x_pointer, y_pointer):
            continue
        point = matrix.on_point(x.value, y.value)
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
            first = point
        elif kind == pdfium_c.FPDF_SEGMENT_LINETO:
            rules.extend(_rule(here, point))
        here = point
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            rules.extend(_rule(here, first))
            here = first
    return rules


def _rule(a: tuple[float, float], b: tuple[float, float]) -> list[Rule]:
    if abs(a[1] - b[1]) <= _SLANT_PT < abs(a[0] - b[0]):
        return [Rule(True, (a[1] + b[1]) / 2, min(a[0], b[0]), max(a[0], b[0]))]
    if abs(a[0] - b[0]) <= _SLANT_PT < abs(a[1] - b[1]):
        return [Rule(False, (a[0] + b[0]) / 2, min(a[1], b[1]), max(a[1], b[1]))]
    return []
