"""From the whole report of a run to what is kept of it (`evals.committed`)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from evals.changes import ALL
from evals.committed import (
    MEDIAN_CALLS,
    RETRIEVAL,
    Answers,
    Cost,
    Retrieval,
    Row,
    calls_of,
    ratios_of,
)
from evals.committed_file import CommittedError, parse_committed
from evals.korquad import Part
from evals.measures import MEASURES
from evals.metrics.bootstrap import standard_error
from evals.metrics.cost import ended_by_budget
from evals.metrics.standard_error import Estimate
from evals.report import Report
from evals.retrieval import DEPTH, WITH_READER
from evals.runner import GRAPH
from evals.screen import salt_warning

_DECIMALS, _MILLISECONDS = 6, 3
_READ = ".reader"
"""Before the ending of a report's name: what is committed is the search as the reader orders it."""
_HEAD = ("suite_sha256", "corpus_sha256", "date", "embedder", "code_sha256", "machine", "versions")


@dataclass(frozen=True, kw_only=True)
class Label:
    """What a report does not tell by itself."""

    name: str
    part: Part | None
    revision: str


def read_run(path: Path) -> dict[str, Any]:
    """The whole report of a run, of answers or of the search. Raises CommittedError."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommittedError(f"The report {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise CommittedError(f"The report {path} cannot be read: it is not JSON.") from None
    if not isinstance(report, dict):
        raise CommittedError(f"{path} is not the report of a run.")
    return report


def commit(report: Report, label: Label) -> tuple[Answers | Retrieval, str]:
    """What to keep of a run's whole report, and a warning for the person, or nothing.

    Raises CommittedError for what is no report, was interrupted, or belongs to the other half.
    """
    try:
        if report.get("interrupted"):
            raise CommittedError("The run was interrupted: carry it on with --resume, and commit it then.")
        if "systems" in report:
            return _checked(_of_retrieval(report, label), label.name), ""
        return _checked(_of_answers(report, label), label.name), _warning(report)
    except (KeyError, TypeError, AttributeError, IndexError):
        raise CommittedError(
            "That is not the report of a run as `mutda eval run` or `mutda eval retrieval` writes it."
        ) from None


def _checked(values: Mapping[str, Any], name: str) -> Answers | Retrieval:
    return parse_committed(json.dumps(values), f"The report {name}")


def _head(report: Report, label: Label) -> dict[str, Any]:
    return {
        "name": label.name,
        "part": label.part,
        "suite": Path(str(report["suite"]).replace("\\", "/")).name,
        **{key: report[key] for key in _HEAD},
        "embedder_fingerprint": report.get("embedder_fingerprint", ""),
        "revision": label.revision,
    }


def _of_answers(report: Report, label: Label) -> dict[str, Any]:
    asked = report["settings"].get("part")
    if asked and label.part not in (None, asked):
        raise CommittedError(f'The run asked the half "{asked}", and --part says "{label.part}".')
    rows = list(map(_row, report["questions"]))
    fair = bool(report["settings"]["salt"]) and not salt_warning(report["questions"])
    baselines = [system for system in report["metrics"] if system != GRAPH] if fair else []
    return _head(report, label) | {
        "form": "answers",
        "part": label.part or asked,
        "model": report["model"],
        "model_family": report["model_family"],
        "model_fingerprint": report.get("model_fingerprint", ""),
        "settings": report["settings"],
        "metrics": {
            system: {
                "overall": _numbers(summary["overall"], rows, system, "", baselines),
                "kinds": {
                    kind: _numbers(numbers, rows, system, kind, baselines)
                    for kind, numbers in summary["kinds"].items()
                },
            }
            for system, summary in report["metrics"].items()
        },
        "questions": rows,
    }


def _warning(report: Report) -> str:
    if len(report["metrics"]) < 2:
        return ""
    if not report["settings"]["salt"]:
        return "The run was made with --no-salt: its times against a baseline are left out."
    if salt_warning(report["questions"]):
        return "Some answers began with tokens from the engine's cache: times are left out."
    return ""


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        name: round(value, _DECIMALS) if isinstance(value, float) else value
        for name, value in row.items()
        if name in Row.model_fields and value not in (None, [], ())
    }
    result = row["result"]
    return kept | {
        "answers": len(row["answers"]),
        "seconds": round(float(row["seconds"]), _MILLISECONDS),
        "error": bool(row["error"]),
        "result": None
        if row["error"]
        else {
            "evidence": round(float(result["evidence"]), _DECIMALS),
            "reason": result["reason"] if ended_by_budget(result) else "",
            "cost": {name: result["cost"][name] for name in Cost.model_fields},
        },
    }


def _numbers(
    summary: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    system: str,
    kind: str,
    baselines: Sequence[str],
) -> dict[str, Any]:
    shown = [row for row in rows if kind in ("", row["kind"])]
    estimates = {measure.name: measure.estimate(summary) for measure in MEASURES}
    estimates[MEDIAN_CALLS] = _median(calls_of(shown, system))
    times = {name: _times(shown, name) for name in baselines} if system == GRAPH else {}
    return {
        "questions": summary["questions"],
        "errors": summary["errors"],
        "measures": {name: _number(found) for name, found in estimates.items() if found.value is not None},
        **({"times": times} if times else {}),
    }


def _times(rows: Sequence[Mapping[str, Any]], baseline: str) -> dict[str, Any]:
    return {side: _number(_median(values)) for side, values in ratios_of(rows, baseline).items() if values}


def _median(values: Sequence[float]) -> Estimate:
    if not values:
        return Estimate(None, None, 0)
    error = standard_error(values, lambda samples: np.median(samples, axis=1))
    return Estimate(float(median(values)), error, len(values))


def _number(found: Estimate | Mapping[str, Any]) -> dict[str, Any]:
    found = found if isinstance(found, Estimate) else Estimate(**found)
    assert found.value is not None
    rounded = {"value": round(float(found.value), _DECIMALS), "n": found.n}
    return rounded if found.error is None else rounded | {"error": round(float(found.error), _DECIMALS)}


def _of_retrieval(report: Report, label: Label) -> dict[str, Any]:
    read = label.name.endswith(f"{_READ}{RETRIEVAL}")
    own = [
        system
        for system in report["systems"]
        if system["own_weight"] and system["embedder"].endswith(WITH_READER) == read
    ]
    if len(own) != 1:
        more = f", and for {label.name} with --reader" if read else ""
        raise CommittedError(
            f"Commit a search with one embedder and its own weight: run it without --weight{more}."
        )
    (system,) = own
    kinds = {ALL: system["overall"], **system["kinds"]}
    return _head({**report, "embedder": system["embedder"]}, label) | {
        "form": "retrieval",
        "weight": system["weight"],
        "metrics": {kind: _of_search(numbers) for kind, numbers in kinds.items()},
        "questions": [{key: row[key] for key in ("id", "kind", "place")} for row in system["questions"]],
    }


def _of_search(numbers: Mapping[str, Any]) -> dict[str, Any]:
    recall = {f"recall@{k}": _number(found) for k, found in numbers["recall"].items()}
    return recall | {f"nDCG@{DEPTH}": _number(numbers["ndcg"]), f"MRR@{DEPTH}": _number(numbers["mrr"])}
