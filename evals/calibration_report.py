"""What a calibration shows on the screen: tables before and after, the curve as a line of bars."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from app.wording import plain
from evals.calibration_figures import ALL, LEVELS
from evals.fit import GRADER_ALONE
from evals.measures import number_text, text_of
from evals.metrics.standard_error import Estimate
from evals.policy import Policy

Figures = Mapping[str, Any]

_BARS = " ▁▂▃▄▅▆▇█"
SIDES = ("before", "after")
_LOOKS = ("narrow", "wide", "last")


def tables(figures: Figures) -> Iterator[Table]:
    """Balanced accuracy of each suite and kind, the AUC of each signal, and the risk at each coverage."""
    yield _balanced(figures)
    yield _aucs(figures)
    yield _risks(figures)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", padding=0)
    for name in columns[:2]:
        table.add_column(name, overflow="fold")
    for name in columns[2:]:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _balanced(figures: Figures) -> Table:
    table = _table("Balanced accuracy ± one standard error", ("suite", "kind", "n", *SIDES))
    for suite, rows in figures["balanced"].items():
        for kind, row in rows.items():
            cells = [text_of(Estimate(**row[side])) for side in SIDES]
            name = "all" if kind == ALL else escape(plain(kind))
            table.add_row(escape(plain(suite)), name, str(row["n"]), *cells, end_section=kind == ALL)
    for name, key in (("all suites and kinds alike", "overall"), ("calibration error", "calibration_error")):
        table.add_row("", name, str(figures["questions"]), *_cells(figures[key]))
    table.add_row("", "looked wider", "", *(number_text(figures["widened"][side]) for side in SIDES))
    return table


def _cells(both: Mapping[str, Any]) -> list[str]:
    return [text_of(Estimate(**both[side])) for side in SIDES]


def _aucs(figures: Figures) -> Table:
    table = _table("AUC at each look ± one standard error", ("suite", "signal", *_LOOKS))
    for suite, rows in figures["auc"].items():
        for number, (signal, looks) in enumerate(rows.items(), start=1):
            cells = [text_of(Estimate(**looks[look])) if look in looks else "" for look in _LOOKS]
            table.add_row(escape(plain(suite)), signal, *cells, end_section=number == len(rows))
    return table


def _risks(figures: Figures) -> Table:
    table = Table(
        title="Answers without evidence, the surest first",
        title_justify="left",
        padding=0,
    )
    table.add_column("answered")
    for level in LEVELS:
        table.add_column(f"{level:.0%}", justify="right", no_wrap=True)
    for side in SIDES:
        table.add_row(side, *(_share(risk) for risk in figures["risk"][side]))
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else number_text(value)


def risk_lines(figures: Figures) -> Iterator[str]:
    """The same as a line of bars, and where the thresholds stop; a line for each policy."""
    highest = max((risk for side in SIDES for risk in figures["risk"][side] if risk is not None), default=0.0)
    for side in SIDES:
        point = figures["point"][side]
        yield (
            f"{side:<6} {sparkline(figures['risk'][side], highest)}  "
            f"answers {point['coverage']:.0%}, of these {_share(point['risk'])} without evidence"
        )


def sparkline(values: Sequence[float | None], highest: float) -> str:
    """A bar for each value, the tallest for `highest`; nothing for none."""
    top = len(_BARS) - 1
    return "".join(
        " " if value is None else _BARS[max(1, round(top * value / highest))] if highest else _BARS[1]
        for value in values
    )


def verdict(figures: Figures) -> str:
    """Whether the new one is better, in a sentence."""
    before, after = (Estimate(**figures["overall"][side]) for side in SIDES)
    gain = Estimate(**figures["gain"])
    assert gain.value is not None and gain.error is not None
    text = (
        f"Balanced accuracy, suites and kinds alike: {text_of(before)} before, {text_of(after)} after, "
        f"difference {gain.value:+.3f}±{gain.error:.3f}."
    )
    if gain.value > 2 * gain.error:
        return text
    if gain.value < -2 * gain.error:
        return f"{text} The new one is worse on these questions."
    return f"{text} That is within chance: these questions do not tell them apart."


def behind(figures: Figures) -> bool:
    """Whether the new one is not even as good, by the difference that `verdict` tells."""
    gain = Estimate(**figures["gain"]).value
    assert gain is not None
    # As it is told: what rounds to nothing may be the order of a sum.
    return round(gain, 3) < 0


def policy_lines(policy: Policy) -> list[str]:
    """The fitted numbers, a line each."""
    weights = ", ".join(f"{name} {value:+.3f}" for name, value in policy.weights.items())
    alone = set(policy.weights) == {"bias", *GRADER_ALONE}
    bars = policy.thresholds
    return [
        f"Evidence: {weights}"
        + (" (the grader and missing numbers: no other signal was ahead by an error)" if alone else ""),
        f"Answers from {bars.narrow:.2f} after the first look and {bars.wide:.2f} after the wider one; "
        f"gives up below {bars.hopeless:.2f}.",
    ]
