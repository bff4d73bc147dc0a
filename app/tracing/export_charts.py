"""Where the time went and what the prompts cost: bars that are as wide as their frame."""

from collections.abc import Sequence

from app.markup import Markup, tag
from app.tracing.export_words import word
from app.tracing.spans import Span, Timeline, Trace

_ROW = 30
_BAR = 24
_AXIS = 20
_TICKS = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    1800,
    3600,
)
_MIN_NAMED_SHARE = 4.0
"""In narrower bars, in percent, a name would be a letter or two; it is in the tooltip."""
_MIN_SHARE = 0.15
"""Narrower bars are drawn this wide, in percent: a step that took no time was there all the same."""


def seconds_text(seconds: float | None) -> str:
    """E.g. 3 ms, 240 ms, 1.24 s."""
    if seconds is None:
        return "…"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


def time_chart(trace: Trace) -> Markup:
    """The run, its steps, and under them the model calls: reading the prompt and writing apart."""
    timeline = Timeline(trace)
    total_s = timeline.seconds or 1e-9
    parts: list[Markup] = [*_grid(total_s, rows=3)]
    parts += [
        _bar(run, timeline, total_s, row=0, class_=f"f-run {run.status}", label=run.name)
        for run in trace.runs
    ]
    for number, step in enumerate(trace.steps, start=1):
        if step.kind != "step":
            continue
        bar = _bar(step, timeline, total_s, row=1, class_=f"f-step {step.status}", label=step.name)
        parts.append(tag("a", bar, href=f"#step-{number}"))
    for call in trace.calls:
        parts += _call_bars(call, timeline, total_s)
    height = _AXIS + 3 * _ROW
    return tag("svg", *parts, width="100%", height=height, class_="flame", role="img")


def _grid(total_s: float, *, rows: int) -> list[Markup]:
    step = next((tick for tick in _TICKS if total_s / tick <= 6), total_s)
    marks = []
    for number in range(int(total_s / step) + 1):
        x = f"{100 * number * step / total_s:.2f}%"
        marks.append(tag("line", x1=x, x2=x, y1=_AXIS - 4, y2=_AXIS + rows * _ROW, class_="grid"))
        late = number * step / total_s > 0.93
        marks.append(
            tag("text", _tick(number * step), x=x, dx=-3 if late else 3, y=11, class_="tick",
               text_anchor="end" if late else None)
        )  # fmt: skip
    return marks


def _tick(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if 0 < seconds < 1 else f"{seconds:g} s"


def _bar(span: Span, timeline: Timeline, total_s: float, *, row: int, class_: str, label: str) -> Markup:
    start, end = timeline.at(span.started_s), timeline.end(span)
    return _block(
        start / total_s, end / total_s, row, class_, label, f"{label} · {seconds_text(span.seconds)}"
    )


def _call_bars(call: Span, timeline: Timeline, total_s: float) -> list[Markup]:
    start, end = timeline.at(call.started_s), timeline.end(call)
    first = timeline.at(call.first_token_s) if call.first_token_s else end
    read = call.data.get("prompt_tokens", 0) - call.data.get("cached_tokens", 0)
    about = (
        f"{call.data.get('model', '')} · {seconds_text(call.seconds)} · {read:,} + "
        f"{call.data.get('cached_tokens', 0):,} → {call.data.get('output_tokens', 0):,}"
    )
    bars = [_block(start / total_s, first / total_s, 2, f"f-read {call.status}", f"{read:,}", about)]
    if first < end:
        label = f"{call.data.get('output_tokens', 0):,}"
        bars.append(_block(first / total_s, end / total_s, 2, f"f-write {call.status}", label, about))
    return bars


def _block(start: float, end: float, row: int, class_: str, label: str, about: str) -> Markup:
    """A bar with its name, which the bar's own frame cuts off."""
    x, width = 100 * min(start, 1 - _MIN_SHARE / 100), max(_MIN_SHARE, 100 * (end - start))
    return tag(
        "svg",
        tag("title", about),
        tag("rect", width="100%", height=_BAR, rx=3, class_=class_),
        tag("text", label, x=6, y=_BAR / 2 + 4, class_="name") if width >= _MIN_NAMED_SHARE else None,
        x=f"{x:.3f}%", y=_AXIS + row * _ROW + (_ROW - _BAR) / 2, width=f"{width:.3f}%", height=_BAR,
    )  # fmt: skip


def token_chart(calls: Sequence[Span], names: Sequence[str]) -> Markup:
    """A line for each model call: tokens that were reused, read and written, all to one measure."""
    totals = [call.data.get("prompt_tokens", 0) + call.data.get("output_tokens", 0) for call in calls]
    most = max(totals, default=0) or 1
    rows = []
    for call, name in zip(calls, names, strict=True):
        data = call.data
        cached, output = data.get("cached_tokens", 0), data.get("output_tokens", 0)
        read = data.get("prompt_tokens", 0) - cached
        bars, x = [], 0.0
        for count, class_ in ((cached, "t-cached"), (read, "t-read"), (output, "t-out")):
            share = 100 * count / most
            if count:
                bars.append(tag("rect", x=f"{x:.2f}%", width=f"{share:.2f}%", height=16, class_=class_))
            x += share
        numbers = tag(
            "span",
            tag("b", f"{cached:,}", class_="c-cached"), " + ",
            tag("b", f"{read:,}", class_="c-read"), " → ",
            tag("b", f"{output:,}", class_="c-out"),
            class_="numbers",
        )  # fmt: skip
        bar = tag("svg", *bars, width="100%", height=16, class_="tokens", role="img")
        rows.append(tag("li", tag("span", name, class_="of"), bar, numbers))
    return tag("ul", *rows, class_="tokenrows")


def legend(*entries: tuple[str, str]) -> Markup:
    """Colours and their words: class and key of the word."""
    return tag(
        "p",
        *(
            tag("span", tag("i", class_=f"dot {class_}"), word(key), class_="entry")
            for class_, key in entries
        ),
        class_="legend",
    )


def probability(value: float, threshold: float | None, class_: str) -> Markup:
    """A probability as a bar from 0 to 1, with a mark at its threshold."""
    share = f"{100 * min(max(value, 0.0), 1.0):.1f}%"
    parts = [
        tag("rect", width="100%", height=10, rx=5, class_="rail"),
        tag("rect", width=share, height=10, rx=5, class_=f"fill {class_}"),
    ]
    if threshold is not None:
        x = f"{100 * min(max(threshold, 0.0), 1.0):.1f}%"
        parts.append(tag("line", x1=x, x2=x, y1=-3, y2=13, class_="bar-mark"))
    return tag("svg", *parts, width="100%", height=10, class_="gauge", role="img", aria_label=f"{value:.2f}")
