"""The plots of a report, as SVG: accuracy against cost, risk against coverage, calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.markup import Markup, join, text
from evals.axes import SHAPES, SHARE, Axes, Axis, Labels, legend, plot
from evals.metrics.calibration import Bin
from evals.metrics.risk import Point
from evals.metrics.standard_error import Estimate

_ROOM = 1.12
"""Above the largest value of an axis."""
_SMALL, _LARGE = 5, 8
"""Pixels from the middle of a point to its edge."""


@dataclass(frozen=True, kw_only=True)
class CostPoint:
    """One system over one kind of question."""

    system: str
    kind: str
    """Empty for all questions together."""
    accuracy: Estimate
    cost: Estimate


def accuracy_against_cost(name: str, points: Sequence[CostPoint], *, title: str, unit: str) -> Markup:
    """A point for each system and kind, a larger one with error bars for all questions of a system."""
    known = [point for point in points if point.accuracy.value is not None and point.cost.value is not None]
    if not known:
        return text("")
    systems = list(dict.fromkeys(point.system for point in known))
    most = max(_value(point.cost) + (point.cost.error or 0) for point in known)
    axes = Axes(x=Axis(label=unit, low=0, high=most * _ROOM or 1), y=replace(SHARE, label="맞은 질문의 비율"))
    # Larger points last: they lie above the others.
    known.sort(key=lambda point: not point.kind)
    labels = Labels([(*axes.at(_value(point.cost), _value(point.accuracy)), _size(point)) for point in known])
    bars: list[Markup] = []
    marks: list[Markup] = []
    words: list[Markup] = []
    for point in reversed(known):
        x, y = _value(point.cost), _value(point.accuracy)
        css, shape = series(systems.index(point.system))
        kind = point.kind or "전체"
        tip = f"{point.system} · {kind}: {y:.1%}, {x:,.4g} {unit} (n={point.accuracy.n})"
        if not point.kind:
            bars.append(axes.errors(x, y, point.cost.error or 0, point.accuracy.error or 0, f"bar {css}"))
        marks.insert(
            0, axes.mark(x, y, shape, f"mark {css}" + ("" if point.kind else " all"), tip, size=_size(point))
        )
        words.append(
            labels.beside(*axes.at(x, y), _size(point), kind, "label" + ("" if point.kind else " strong"))
        )
    told = "; ".join(
        f"{point.system}: {_value(point.accuracy):.1%}, {_value(point.cost):,.4g} {unit}"
        for point in known
        if not point.kind
    )
    entries = [(series(n)[1], f"mark {series(n)[0]}", system) for n, system in enumerate(systems)]
    return join((plot(name, title, told, axes.frame(), *bars, *marks, *words), legend(entries)))


def risk_against_coverage(
    name: str, curves: Mapping[str, Sequence[Point]], order: Sequence[str], *, title: str, graded: bool = True
) -> Markup:
    """Share of wrong answers as more questions are answered, surest first; one point is a fixed policy.

    Where questions are not `graded`, the risk is of answers to what has none, and is named so.
    """
    label, fault = (
        ("답 가운데 틀린 비율 (risk)", "틀림")
        if graded
        else ("답한 것 가운데 답이 없는 질문의 비율 (risk)", "답이 없는 질문")
    )
    axes = Axes(x=replace(SHARE, label="답한 질문의 비율 (coverage)"), y=replace(SHARE, label=label))
    lines, ends, told, entries = [], [], [], []
    for system, points in curves.items():
        if not points:
            continue
        css, shape = series(order.index(system))
        last = points[-1]
        lines.append(axes.path([(point.coverage, point.risk) for point in points], f"curve {css}"))
        for point in points[:-1]:
            tip = f"{system}: 근거 {point.evidence:.2f} 이상 {point.answered}개, {fault} {point.risk:.1%}"
            ends.append(axes.mark(point.coverage, point.risk, shape, f"mark {css}", tip, size=2.5))
        tip = f"{system}: 모두 {last.answered}개에 답함, {fault} {last.risk:.1%}"
        ends.append(axes.mark(last.coverage, last.risk, shape, f"mark {css} all", tip, size=7))
        told.append(f"{system}: {last.coverage:.1%}에 답하고 그 가운데 {last.risk:.1%}가 {fault}")
        entries.append((shape, f"mark {css}", system))
    if not entries:
        return text("")
    return join((plot(name, title, "; ".join(told), axes.frame(), *lines, *ends), legend(entries)))


def calibration(name: str, curves: Mapping[str, Sequence[Bin]], *, title: str) -> Markup:
    """Each bin's share of what came true against its mean probability, with the number of questions."""
    axes = Axes(x=replace(SHARE, label="근거 확률 (evidence)"), y=replace(SHARE, label="실제 비율"))
    diagonal = axes.path([(0, 0), (1, 1)], "ideal")
    lines, marks, words, told, entries = [], [], [], [], []
    places = [(*axes.at(item.probability, item.share), _SMALL) for items in curves.values() for item in items]
    labels = Labels(places)
    for number, (words_of_series, items) in enumerate(curves.items()):
        if not items:
            continue
        css, shape = series(number)
        lines.append(axes.path([(item.probability, item.share) for item in items], f"curve {css}"))
        for item in items:
            tip = f"{words_of_series}: 근거 {item.probability:.2f}, 실제 {item.share:.1%} (n={item.n})"
            marks.append(axes.mark(item.probability, item.share, shape, f"mark {css}", tip))
            words.append(labels.beside(*axes.at(item.probability, item.share), _SMALL, str(item.n), "label"))
        told.append(
            f"{words_of_series}: "
            + ", ".join(f"{item.probability:.2f}→{item.share:.2f} (n={item.n})" for item in items)
        )
        entries.append((shape, f"mark {css}", words_of_series))
    if not entries:
        return text("")
    return join(
        (plot(name, title, "; ".join(told), axes.frame(), diagonal, *lines, *marks, *words), legend(entries))
    )


def series(number: int) -> tuple[str, str]:
    """CSS class and shape of the system or curve with this number, from 0."""
    return f"s{number % len(SHAPES)}", SHAPES[number % len(SHAPES)]


def _size(point: CostPoint) -> int:
    return _SMALL if point.kind else _LARGE


def _value(estimate: Estimate) -> float:
    assert estimate.value is not None
    return estimate.value
