"""What a run shows on the screen, and the file it leaves."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from app.errors import MutdaError
from evals.metrics.cost import Ratio
from evals.metrics.standard_error import Estimate
from evals.runner import Outcome, System
from evals.summary import Score, Summary, SystemSummary

_STYLE = {"right": "green", "wrong": "red", "refused": "yellow", "answered": "", "error": "bold red"}
MAX_SALTED_CACHE_TOKENS = 16
"""A chat template's first tokens and what two salts have in common: 7 or 8 with Qwen 2.5."""


def line(outcome: Outcome, judged: Score) -> Table:
    """One outcome on one line."""
    cost: Mapping[str, Any] = outcome.result.get("cost", {})
    evaluated = cost["prompt_tokens"] - cost["cached_tokens"] if cost else ""
    text = outcome.error or (outcome.result["reason"] if judged.refused else outcome.result["answer"])
    table = Table.grid(padding=(0, 1), expand=True)
    for width in (22, 13, 5, 8):
        table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    for width in (2, 5, 5, 7):
        table.add_column(width=width, no_wrap=True, justify="right")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    style = _STYLE[judged.mark]
    table.add_row(
        escape(outcome.case.id),
        escape(outcome.case.kind),
        outcome.system,
        f"[{style}]{judged.mark}[/]" if style else judged.mark,
        str(cost.get("llm_calls", "")),
        str(evaluated),
        str(cost.get("cached_tokens", "")),
        f"{outcome.seconds:.2f}",
        escape(" ".join(text.split())),
    )
    return table


def quality_table(summaries: Mapping[System, SystemSummary]) -> Table:
    """Right answers, refusals, retrieval and citations: a row for each system and kind."""
    table = _table(
        "Quality: shares ± one standard error",
        "n", "right", "contained", "refused", "balanced", "AUC", "found", "shown", "cites", "support",
        "failed",
    )  # fmt: skip
    for system, kind, summary, last in _rows(summaries):
        table.add_row(
            system,
            escape(kind),
            str(summary.questions),
            share_text(summary.right),
            share_text(summary.contained),
            share_text(summary.refused),
            share_text(summary.refusals.balanced_accuracy),
            share_text(summary.evidence_auc),
            share_text(summary.recall_found),
            share_text(summary.recall_shown),
            share_text(summary.citations_stand),
            share_text(summary.supported),
            str(summary.errors),
            end_section=last,
        )
    return table


def cost_table(summaries: Mapping[System, SystemSummary]) -> Table:
    """Calls, tokens and seconds: a row for each system and kind."""
    table = _table(
        "Cost of one question: means ± one standard error",
        "n", "calls", "tokens read", "cached", "written", "seconds", "median s", "budget ends",
    )  # fmt: skip
    for system, kind, summary, last in _rows(summaries):
        costs = summary.costs
        table.add_row(
            system,
            escape(kind),
            str(summary.questions),
            mean_text(costs.calls, 1),
            mean_text(costs.evaluated_tokens, 0),
            mean_text(costs.cached_tokens, 0),
            mean_text(costs.output_tokens, 0),
            mean_text(costs.seconds, 2),
            "-" if costs.median_seconds is None else f"{costs.median_seconds:.2f}",
            str(costs.budget_ends),
            end_section=last,
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", padding=0)
    table.add_column("system", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _rows(summaries: Mapping[System, SystemSummary]) -> list[tuple[str, str, Summary, bool]]:
    rows: list[tuple[str, str, Summary, bool]] = []
    for system, summary in summaries.items():
        rows += [(system, kind, numbers, False) for kind, numbers in summary.kinds.items()]
        rows.append((system, "all", summary.overall, True))
    return rows


def share_text(estimate: Estimate) -> str:
    """ ".750±.217"; a dash where nothing was measured."""
    if estimate.value is None:
        return "-"
    value = f"{estimate.value:.3f}".removeprefix("0")
    return value if estimate.error is None else f"{value}±{f'{estimate.error:.3f}'.removeprefix('0')}"


def mean_text(estimate: Estimate, digits: int) -> str:
    """ "4.4±0.3"; a dash where nothing was measured."""
    if estimate.value is None:
        return "-"
    value = f"{estimate.value:.{digits}f}"
    return value if estimate.error is None else f"{value}±{estimate.error:.{digits}f}"


def time_line(times: Ratio | None) -> str:
    """The graph's wall time against the baseline's, in a sentence; empty without a baseline."""
    if times is None:
        return ""
    return (
        f"Wall time graph / plain over {times.n} answerable questions that the graph answered: "
        f"median {times.median:.2f} (quartiles {times.lower_quartile:.2f} to {times.upper_quartile:.2f}), "
        f"of the sums {times.of_totals:.2f}"
    )


def salt_warning(outcomes: Sequence[Outcome]) -> str:
    """A line when a run profited from another one's prompt although it was salted; else empty."""
    warm = [
        outcome for outcome in outcomes if (outcome.first_call_cached_tokens or 0) > MAX_SALTED_CACHE_TOKENS
    ]
    if not warm:
        return ""
    most = max(outcome.first_call_cached_tokens or 0 for outcome in warm)
    return (
        f"{len(warm)} runs began with up to {most} tokens from the engine's cache: their times are too good. "
        "Restart the model's server before comparing times."
    )


def as_json(
    outcomes: Sequence[Outcome],
    scores: Sequence[Score],
    summaries: Mapping[System, SystemSummary],
    times: Ratio | None,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything: `about` the run, the numbers, and each question's answer object."""
    return {
        **about,
        "metrics": {system: asdict(summary) for system, summary in summaries.items()},
        "time_ratio": None if times is None else asdict(times),
        "questions": [
            {
                "id": outcome.case.id,
                "kind": outcome.case.kind,
                "system": outcome.system,
                "answerable": outcome.case.answerable,
                "answers": outcome.case.answers,
                **asdict(judged),
                "seconds": round(outcome.seconds, 3),
                "first_call_cached_tokens": outcome.first_call_cached_tokens,
                "error": outcome.error,
                "shown": outcome.shown,
                "found": [
                    {name: passage[name] for name in ("source", "heading", "start", "end", "score")}
                    for passage in outcome.found
                ],
                "result": outcome.result,
            }
            for outcome, judged in zip(outcomes, scores, strict=True)
        ],
    }


def report_name(suite: Path, model: str) -> str:
    """`<suite>.<model>.json`, with what a file's name cannot hold as dashes."""
    name = re.sub(r"[^\w.-]+", "-", model).strip("-.")
    return f"{suite.stem}.{name}.json"


def write_json(path: Path, report: Mapping[str, Any]) -> None:
    """Write the file whole or not at all. Raises MutdaError when it cannot be written."""
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise MutdaError(
            f"The report {path} cannot be written ({error.strerror}). Name another file with --json."
        ) from None
