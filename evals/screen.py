"""What a run shows on the screen: a line for each outcome, and tables at the end."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from app.wording import plain
from evals.measures import GROUPS, Group, Measure, measured, text_of
from evals.provenance import provenance
from evals.report import Report
from evals.runner import Outcome
from evals.summary import Score

_STYLE = {"right": "green", "wrong": "red", "refused": "yellow", "answered": "", "error": "bold red"}
ROUTES = 5
"""Printed for each system."""
MAX_SALTED_CACHE_TOKENS = 16
"""A chat template's first tokens and what two salts have in common: 7 or 8 with Qwen 2.5."""


def line(outcome: Outcome, judged: Score, number: int, total: int) -> Table:
    """One outcome on one line; it is the `number`th of `total`."""
    cost: Mapping[str, Any] = outcome.result.get("cost", {})
    evaluated = cost["prompt_tokens"] - cost["cached_tokens"] if cost else ""
    text = outcome.error or (outcome.result["reason"] if judged.refused else outcome.result["answer"])
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=2 * len(str(total)) + 1, no_wrap=True, justify="right")
    for width in (18, 8, 8):
        table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    for width in (2, 5, 6):
        table.add_column(width=width, no_wrap=True, justify="right")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    style = _STYLE[judged.mark]
    table.add_row(
        f"{number}/{total}",
        escape(outcome.case.id),
        outcome.system,
        f"[{style}]{judged.mark}[/]" if style else judged.mark,
        str(cost.get("llm_calls", "")),
        str(evaluated),
        f"{outcome.seconds:.1f}",
        escape(" ".join(text.split())),
    )
    return table


def tables(report: Report) -> Iterator[Table]:
    """The report's numbers, a table for each group: a row for each system and kind."""
    for group in GROUPS:
        if shown := measured(report["metrics"], group):
            yield _table(report, group, shown)


def _table(report: Report, group: Group, shown: Sequence[Measure]) -> Table:
    unit = "means" if group == "cost" else "shares"
    table = Table(title=f"{GROUPS[group][0]}: {unit} ± one standard error", title_justify="left", padding=0)
    table.add_column("system", no_wrap=True)
    table.add_column("kind", overflow="fold")
    for name in ("n", *(measure.name for measure in shown)):
        table.add_column(name, justify="right", no_wrap=True)
    for system, summary in report["metrics"].items():
        rows = {**summary["kinds"], "all": summary["overall"]}
        for kind, numbers in rows.items():
            cells = [text_of(measure.estimate(numbers), measure.digits) for measure in shown]
            table.add_row(
                system, escape(kind), str(numbers["questions"]), *cells, end_section=numbers is rows["all"]
            )
    return table


def notes(report: Report, *, salted: bool) -> Iterator[str]:
    """Which questions, failures, ways, wall time against each baseline, and what spoils it; a line each."""
    for told in provenance(report, "en"):
        yield plain(told.text)
    for system, summary in report["metrics"].items():
        if errors := summary["overall"]["errors"]:
            yield f"{errors} questions failed for {system}: they count against it."
    for system, summary in report["metrics"].items():
        taken = list(summary["overall"]["routes"]["taken"].items())
        for route, count in taken[:ROUTES]:
            yield f"{system} {count:4d} × {route}"
        if rest := sum(count for _, count in taken[ROUTES:]):
            yield f"{system} {rest:4d} × another way"
    for baseline, times in report["time_ratios"].items():
        yield time_line(baseline, times)
    if warning := salt_warning(report["questions"]) if salted else "":
        yield warning


def time_line(baseline: str, times: Mapping[str, Any]) -> str:
    """The graph's wall time against a baseline's, in a sentence."""
    error = times["of_totals_error"]
    return (
        f"Wall time graph / {baseline} over {times['n']} answerable questions that the graph answered: "
        f"median {times['median']:.2f} "
        f"(quartiles {times['lower_quartile']:.2f} to {times['upper_quartile']:.2f}), "
        f"of the sums {times['of_totals']:.2f}" + ("" if error is None else f"±{error:.2f}")
    )


def salt_warning(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line when a run profited from another one's prompt although it was salted; else empty."""
    cached = [row["first_call_cached_tokens"] or 0 for row in rows]
    warm = [tokens for tokens in cached if tokens > MAX_SALTED_CACHE_TOKENS]
    if not warm:
        return ""
    return (
        f"{len(warm)} runs began with up to {max(warm)} tokens from the engine's cache: their times are too "
        "good. Restart the model's server before comparing times."
    )
