"""The file that a run leaves: everything that was measured, as JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.errors import MutdaError
from evals.metrics.cost import Ratio
from evals.runner import Outcome, System
from evals.suite_name import short_name
from evals.summary import Score, SystemSummary

Report = Mapping[str, Any]
"""What the file holds."""

_KEYS = ("model", "metrics", "questions", "suite_sha256", "settings")
_SEARCH_KEYS = ("systems", "k", "suite_sha256")
"""Of `evals.retrieval`."""
_COMMITTED_SEARCH_KEYS = ("embedder", "weight", "metrics", "questions", "suite_sha256")


class ReportError(MutdaError):
    """A report cannot be read or written; names the file."""


def as_json(
    outcomes: Sequence[Outcome],
    scores: Sequence[Score],
    summaries: Mapping[System, SystemSummary],
    times: Mapping[System, Ratio],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything: `about` the run, the numbers, and each question's answer object."""
    return {
        **about,
        "metrics": {system: asdict(summary) for system, summary in summaries.items()},
        "time_ratios": {system: asdict(ratio) for system, ratio in times.items()},
        "questions": [row(outcome, judged) for outcome, judged in zip(outcomes, scores, strict=True)],
    }


def row(outcome: Outcome, judged: Score) -> dict[str, Any]:
    """One outcome, as it stands under "questions"."""
    case = outcome.case
    return {
        "id": case.id,
        "kind": case.kind,
        "system": outcome.system,
        "question": case.question,
        "history": [message.model_dump() for message in case.history],
        "answerable": case.answerable,
        "answers": case.answers,
        "sources": case.sources,
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
        **({"trace_url": outcome.trace_url} if outcome.trace_url else {}),
    }


def report_name(suite: Path, model: str) -> str:
    """`<suite>.<model>.json`, with what a file's name cannot hold as dashes."""
    name = re.sub(r"[^\w.-]+", "-", model).strip("-.")
    return f"{short_name(suite)}.{name}.json"


def of_search(report: Report) -> bool:
    """Whether it is one of the search alone, whole or committed; else it is of answers."""
    return "systems" in report or report.get("form") == "retrieval"


def read_report(path: Path) -> dict[str, Any]:
    """The report of answers in a file. Raises ReportError when there is none."""
    report = read_either(path)
    if of_search(report):
        raise ReportError(f"{path} is a report of the search alone, not of answers.")
    return report


def read_either(path: Path) -> dict[str, Any]:
    """The report in a file, of answers or of the search alone. Raises ReportError when there is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"The report {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ReportError(f"The report {path} cannot be read: it is not JSON.") from None
    if not isinstance(report, dict) or any(key not in report for key in _keys(report)):
        raise ReportError(f"{path} is not a report of an evaluation.")
    return report


def _keys(report: Report) -> Sequence[str]:
    """What it must have, to be one of its form."""
    if not of_search(report):
        return _KEYS
    return _SEARCH_KEYS if "systems" in report else _COMMITTED_SEARCH_KEYS


def write_json(path: Path, report: Report) -> None:
    """Write the file whole or not at all. Raises ReportError when it cannot be written."""
    write_whole(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Put `text` in the place of whatever the file held. Raises ReportError when that fails."""
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A lone surrogate is all that UTF-8 cannot write.
        new.write_text(text, encoding="utf-8", errors="replace")
        new.replace(path)
    except OSError as error:
        raise ReportError(
            f"The report {path} cannot be written ({error.strerror}). Name another file with --json."
        ) from None
