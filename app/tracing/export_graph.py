"""The graph's picture: the way that was taken runs down the middle, the rest stands beside it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.markup import Markup, tag
from app.tracing.spans import Span, Trace

_WIDTH = 366
_SPINE_X = 122
_BESIDE_X = 276
_BOX_W, _BOX_H = 108, 30
_ROW = 54
_TOP = 26
_LANE = 15
"""Between two arcs on the left."""
_ENDS = ("__start__", "__end__")


@dataclass(frozen=True)
class Drawing:
    """What can be drawn of a graph: the names of its nodes, and edges from one to another."""

    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Box:
    name: str
    x: float
    y: float


def picture(trace: Trace, drawing: Drawing) -> Markup:
    """An SVG as wide as its frame. Nodes that a trace has and `drawing` has not are drawn as well."""
    steps = [step for step in trace.steps if step.kind == "step"]
    if not steps:
        return Markup("")
    taken = _taken(steps, finished=trace.header.status == "done")
    spine = list(dict.fromkeys(name for edge in taken for name in edge))
    if not spine:
        spine = [steps[0].name]
    beside = [name for name in drawing.nodes if name not in spine and name not in _ENDS]
    boxes = _placed(spine, beside, drawing)
    height = max(box.y for box in boxes.values()) + _TOP + 6
    return tag(
        "svg",
        tag("defs", _arrow("tip", "tip", 4), _arrow("tip-faint", "tip faint", 6)),
        *_faint_edges(boxes, drawing, set(taken)),
        *_taken_edges(boxes, taken, spine),
        *(_box(box, steps, on_path=box.name in spine) for box in boxes.values()),
        viewBox=f"0 0 {_WIDTH} {height:.0f}",
        class_="graph",
        role="img",
        aria_label=" → ".join(step.name for step in steps),
    )


def _taken(steps: Sequence[Span], *, finished: bool) -> list[tuple[str, str]]:
    """The edges in their order. A step that was paused and taken up again is one."""
    names = ["__start__"]
    for step in steps:
        paused = names[-1] == step.name and bool(step.data.get("next") or step.status)
        if not paused:
            names.append(step.name)
    if finished:
        names.append("__end__")
    return list(pairwise(names))


def _placed(spine: Sequence[str], beside: Sequence[str], drawing: Drawing) -> dict[str, _Box]:
    boxes = {name: _Box(name, _SPINE_X, _TOP + row * _ROW) for row, name in enumerate(spine)}
    rows = len(spine) - 1

    def wanted(name: str) -> float:
        near = [boxes[b].y for a, b in drawing.edges if a == name and b in boxes]
        near += [boxes[a].y for a, b in drawing.edges if b == name and a in boxes]
        return sum(near) / len(near) if near else _TOP

    # Each near its neighbours, none upon another.
    step = max(_BOX_H + 12.0, min(_ROW, rows * _ROW / max(len(beside), 1)))
    y = _TOP + _ROW / 2 - step
    for name in sorted(beside, key=wanted):
        left = sum(1 for other in beside if other not in boxes) - 1
        bottom = _TOP + (rows - 0.5) * _ROW - left * step
        y = max(y + step, min(wanted(name), bottom))
        boxes[name] = _Box(name, _BESIDE_X, y)
    return boxes


def _arrow(name: str, class_: str, size: int) -> Markup:
    path = tag("path", d="M0 0 L8 4 L0 8 z", class_=class_)
    return tag(
        "marker",
        path,
        id=name,
        viewBox="0 0 8 8",
        refX=7,
        refY=4,
        markerWidth=size,
        markerHeight=size,
        orient="auto",
    )


def _taken_edges(
    boxes: dict[str, _Box], taken: Sequence[tuple[str, str]], spine: Sequence[str]
) -> list[Markup]:
    drawn, lane = [], 0
    for (source, target), count in Counter(taken).items():
        a, b = boxes[source], boxes[target]
        if spine.index(target) == spine.index(source) + 1:
            path = f"M{a.x} {a.y + _BOX_H / 2} L{b.x} {b.y - _BOX_H / 2}"
            label = (a.x + 10, (a.y + b.y) / 2 + 4)
        else:
            lane += 1
            path, label = _around(a, b, lane)
        drawn.append(tag("path", d=path, class_="edge taken", marker_end="url(#tip)"))
        if count > 1:
            drawn.append(tag("text", f"×{count}", x=f"{label[0]:.1f}", y=f"{label[1]:.1f}", class_="count"))
    return drawn


def _around(a: _Box, b: _Box, lane: int) -> tuple[str, tuple[float, float]]:
    """A line that leaves a box on its left, passes the boxes between, and enters the other from the left."""
    side = _SPINE_X - _BOX_W / 2
    # The further it goes the wider it swings; later ones a little wider.
    x = max(6.0, side - 16 - min(24.0, abs(b.y - a.y) / 8) - (lane - 1) * _LANE / 2)
    down = 6 if b.y > a.y else -6
    path = f"M{side} {a.y + down} C{x} {a.y + down} {x} {b.y - down} {side - 1} {b.y - down}"
    return path, (max(2.0, x - 4), (a.y + b.y) / 2)


def _faint_edges(boxes: dict[str, _Box], drawing: Drawing, taken: set[tuple[str, str]]) -> list[Markup]:
    drawn = []
    for source, target in drawing.edges:
        a, b = boxes.get(source), boxes.get(target)
        if a is None or b is None or (source, target) in taken:
            continue
        if a.x == b.x:
            # In one column: a bow on the side towards the other column.
            bow = min(30.0, 10 + abs(a.y - b.y) / 14)
            x = a.x + _BOX_W / 2
            path = f"M{x} {a.y} C{x + bow} {a.y} {x + bow} {b.y} {x + 1} {b.y}"
        else:
            toward = 1 if b.x > a.x else -1
            start, end = a.x + toward * _BOX_W / 2, b.x - toward * (_BOX_W / 2 + 1)
            middle = (start + end) / 2
            path = f"M{start} {a.y} C{middle} {a.y} {middle} {b.y} {end} {b.y}"
        drawn.append(tag("path", d=path, class_="edge faint", marker_end="url(#tip-faint)"))
    return drawn


def _box(box: _Box, steps: Sequence[Span], *, on_path: bool) -> Markup:
    if box.name in _ENDS:
        return tag("circle", cx=box.x, cy=box.y, r=7, class_="end taken" if on_path else "end")
    numbers = [number for number, step in enumerate(steps, start=1) if step.name == box.name]
    status = steps[numbers[-1] - 1].status if numbers else ""
    content = [
        tag("rect", x=box.x - _BOX_W / 2, y=f"{box.y - _BOX_H / 2:.1f}", width=_BOX_W, height=_BOX_H, rx=8),
        tag("text", box.name, x=box.x, y=f"{box.y + 4.5:.1f}", text_anchor="middle"),
    ]
    if len(numbers) > 1:
        content.append(
            tag("text", f"×{len(numbers)}", x=box.x + _BOX_W / 2 - 4, y=f"{box.y - _BOX_H / 2 - 4:.1f}",
               class_="count", text_anchor="end")
        )  # fmt: skip
    group = tag("g", *content, class_=f"node {'on' if on_path else 'off'} {status}")
    return tag("a", group, href=f"#step-{numbers[0]}") if numbers else group
