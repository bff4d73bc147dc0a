"""The frame of a plot as SVG: two axes with their ticks and labels, and points on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.markup import Markup, join, tag, text

WIDTH, HEIGHT = 600, 400
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 16, 56
SHAPES = ("circle", "square", "triangle", "diamond")
"""Of the systems, in their order: colours alone do not tell everyone everything."""
_LETTER, _WIDE_LETTER, _LETTER_HEIGHT = 6.4, 11.5, 12
"""Pixels of a character at the labels' size."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From `low` to `high`, with what it says."""

    label: str
    low: float
    high: float
    percent: bool = False

    def ticks(self) -> list[float]:
        """Round values, about five."""
        raw = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(raw))
        step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def text(self, value: float) -> str:
        """A tick's label."""
        return f"{value * 100:.0f} %" if self.percent else f"{value:,.10g}"


SHARE = Axis(label="", low=0, high=1, percent=True)


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Both axes; turns values into pixels."""

    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels, rounded to tenths."""
        across = (x - self.x.low) / (self.x.high - self.x.low)
        up = (y - self.y.low) / (self.y.high - self.y.low)
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
        )

    def frame(self) -> Markup:
        """Grid, ticks and the axes' labels."""
        pieces: list[Markup] = []
        for value in self.x.ticks():
            x, _ = self.at(value, self.y.low)
            pieces.append(tag("line", class_="grid", x1=x, y1=TOP, x2=x, y2=HEIGHT - BOTTOM))
            pieces.append(tag("text", self.x.text(value), x=x, y=HEIGHT - BOTTOM + 18, text_anchor="middle"))
        for value in self.y.ticks():
            _, y = self.at(self.x.low, value)
            pieces.append(tag("line", class_="grid", x1=LEFT, y1=y, x2=WIDTH - RIGHT, y2=y))
            pieces.append(tag("text", self.y.text(value), x=LEFT - 8, y=y + 4, text_anchor="end"))
        across, up = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
        words = {"class_": "axis", "text_anchor": "middle"}
        pieces.append(tag("text", self.x.label, x=across, y=HEIGHT - 14, **words))
        pieces.append(tag("text", self.y.label, x=16, y=up, transform=f"rotate(-90 16 {up})", **words))
        return join(pieces)

    def path(self, points: Sequence[tuple[float, float]], css: str) -> Markup:
        """A line through the points."""
        corners = " ".join(f"{x},{y}" for x, y in (self.at(*point) for point in points))
        return tag("polyline", class_=css, points=corners)

    def errors(self, x: float, y: float, x_error: float, y_error: float, css: str) -> Markup:
        """Bars of one standard error to each side, cut at the frame."""
        left, bottom = self.at(max(self.x.low, x - x_error), max(self.y.low, y - y_error))
        right, top = self.at(min(self.x.high, x + x_error), min(self.y.high, y + y_error))
        middle, level = self.at(x, y)
        return join(
            (
                tag("line", class_=css, x1=left, y1=level, x2=right, y2=level),
                tag("line", class_=css, x1=middle, y1=bottom, x2=middle, y2=top),
            )
        )

    def mark(self, x: float, y: float, shape: str, css: str, tip: str, *, size: float = 5) -> Markup:
        """A point; `tip` shows where a pointer rests on it."""
        across, down = self.at(x, y)
        return _shape(across, down, shape, css, tip, size)


def _shape(x: float, y: float, shape: str, css: str, tip: str, size: float) -> Markup:
    told = tag("title", tip) if tip else text("")
    match shape:
        case "circle":
            return tag("circle", told, class_=css, cx=x, cy=y, r=size)
        case "square":
            return tag("rect", told, class_=css, x=x - size, y=y - size, width=2 * size, height=2 * size)
        case "triangle":
            corners = [(x, y - 1.2 * size), (x - 1.2 * size, y + size), (x + 1.2 * size, y + size)]
        case _:
            corners = [(x, y - 1.3 * size), (x + 1.3 * size, y), (x, y + 1.3 * size), (x - 1.3 * size, y)]
    return tag("polygon", told, class_=css, points=" ".join(f"{a:.1f},{b:.1f}" for a, b in corners))


def legend(entries: Sequence[tuple[str, str, str]]) -> Markup:
    """(shape, CSS class, words) of each series, below the plot as HTML that wraps."""
    lines = []
    for shape, css, words in entries:
        sign = tag("svg", _shape(8, 8, shape, css, "", 5), viewBox="0 0 16 16", aria_hidden="true")
        lines.append(tag("li", sign, words))
    return tag("ul", *lines, class_="legend")


def plot(name: str, title: str, description: str, *content: Markup) -> Markup:
    """The SVG with its title and description; `name` is unique in the page."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        *content,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


class Labels:
    """Words beside points, where they cover neither a point nor each other; else they are left out."""

    def __init__(self, points: Sequence[tuple[float, float, float]]) -> None:
        """`points` as x, y and radius in pixels."""
        self._taken = [(x - r, y - r, x + r, y + r) for x, y, r in points]

    def beside(self, x: float, y: float, radius: float, words: str, css: str) -> Markup:
        """The label of one of the points, or nothing."""
        gap = radius + 3
        width = sum(_WIDE_LETTER if ord(letter) > 0x1100 else _LETTER for letter in words)
        before, after, middle = x - gap - width, x + gap, x - width / 2
        above, below = y - gap, y + gap + 8
        beside = [(after, y + 4), (before, y + 4), (middle, above), (middle, below)]
        corners = [(after, above), (after, below), (before, above), (before, below)]
        for left, base in beside + corners:
            box = (left, base - _LETTER_HEIGHT + 2, left + width, base + 2)
            inside = box[0] >= LEFT and box[2] <= WIDTH - 2 and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM
            if inside and not any(_overlap(box, other) for other in self._taken):
                self._taken.append(box)
                return tag("text", words, class_=css, x=round(left, 1), y=round(base, 1))
        return text("")


Box = tuple[float, float, float, float]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
