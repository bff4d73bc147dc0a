"""Baselines as files: numbers that were measured once, reviewed like code, and are not to get worse.

{"suite": ..., "suite_sha256": ..., "model_family": ..., "embedder": ..., "n": ..., "date": ...,
 "metrics": {"right/all": {"mean": .9, "standard_error": .03, "n": 80}, ...},
 "questions": {"room-3": {"kind": "room", "right": 1, "F1": 0.8, ...}, ...}}

What each question adds to a number is compared with what it adds now (`evals.setbacks`). Only numbers of a
whole set of questions, such as the AUC, are compared with the interval of two independent samples. What may
not be whatever was measured before (`Measured.faults`) is told beside.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from app.errors import MutdaError
from evals.compare import Numbers, short_of
from evals.recorded import ROOT
from evals.report import write_whole
from evals.setbacks import Counted, Questions, names_of, setbacks

BASELINES = ROOT / "evals" / "baselines"
DECIMALS = 6
LIVE = "live."
"""Begins the names of numbers that were measured on a model itself. Of these a file of before the questions
were kept still counts, as measuring them anew takes the model."""
UNPAIRED = "the baseline does not tell which questions were right, to compare them one by one."
_KIND = "kind"
_SAME = {
    "suite_sha256": "suite",
    "model_family": "model",
    "embedder": "embedder",
    "n": "number of questions",
}
"""What must be the baseline's, or the numbers do not say the same."""


class BaselineError(MutdaError):
    """A baseline cannot be read; names the file."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Numbers that have a baseline of that name."""

    name: str
    about: Mapping[str, str | int]
    """What a baseline's file holds beside "date", "metrics" and "questions"."""
    numbers: Numbers
    questions: Questions
    faults: Sequence[str] = ()
    """A line for each thing that may not be, whatever the baseline says."""


def baseline_path(name: str, folder: Path = BASELINES) -> Path:
    """Where the baseline of these numbers is kept."""
    return folder / f"{name}.json"


def write_baseline(measured: Measured, folder: Path = BASELINES) -> Path:
    """Make these numbers the baseline; returns the file. Raises ReportError when it cannot be written.

    Each number and each question is on a line, so that a review sees which ones changed.
    """
    about = {**measured.about, "date": date.today().isoformat()}
    lines = [f" {_json(key)}: {_json(value)}" for key, value in about.items()]
    numbers = [f"  {_json(key)}: {_json(_rounded(number))}" for key, number in measured.numbers.items()]
    questions = [f"  {_json(name)}: {_json(_flat(one))}" for name, one in measured.questions.items()]
    lines += [
        f' "{key}": {{\n' + ",\n".join(block) + "\n }"
        for key, block in (("metrics", numbers), ("questions", questions))
    ]
    path = baseline_path(measured.name, folder)
    write_whole(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rounded(number: Mapping[str, float | int]) -> dict[str, float | int]:
    return {name: round(value, DECIMALS) for name, value in number.items()}


def _flat(question: Counted) -> dict[str, str | float | int]:
    values = {name: int(value) if value == int(value) else value for name, value in question.values.items()}
    return {_KIND: question.kind, **values}


def _questions(baseline: Mapping[str, Any]) -> Questions | None:
    """None of a file of before they were kept."""
    if "questions" not in baseline:
        return None
    return {
        name: Counted(
            kind=str(one[_KIND]), values={key: float(value) for key, value in one.items() if key != _KIND}
        )
        for name, one in baseline["questions"].items()
    }


def read_baseline(path: Path) -> dict[str, Any] | None:
    """None where there is no file. Raises BaselineError for one that is no baseline."""
    try:
        baseline: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for number in baseline["metrics"].values():
            _rounded({name: number[name] for name in ("mean", "standard_error", "n")})
        _questions(baseline)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BaselineError(f"{path} is not a baseline. Write it anew with --write.") from None
    return baseline


def shortfalls(measured: Measured, folder: Path = BASELINES) -> list[str]:
    """One line for each fault, and for each number that is worse than the baseline's by more than may be.

    One, too, where there is no baseline, or it was measured on something else or before questions were kept.
    """
    return [f"{measured.name}: {line}" for line in [*measured.faults, *_worse(measured, folder)]]


def _worse(measured: Measured, folder: Path) -> list[str]:
    name, baseline = measured.name, read_baseline(baseline_path(measured.name, folder))
    if baseline is None:
        return ["there is no baseline. Write it with --write."]
    others = [word for key, word in _SAME.items() if baseline.get(key) != measured.about[key]]
    if others:
        return [
            f"not measured as the baseline was, which had another {' and another '.join(others)}. "
            "Write it anew with --write."
        ]
    questions = _questions(baseline)
    if questions is None and not name.startswith(LIVE):
        return [f"{UNPAIRED} Write it anew with --write."]
    if questions is not None and questions.keys() != measured.questions.keys():
        return ["the baseline was measured with other questions. Write it anew with --write."]
    lines = setbacks(questions or {}, measured.questions, replayed=not name.startswith(LIVE))
    paired = set(names_of(questions or {}))
    rest = {
        key: number
        for key, number in baseline["metrics"].items()
        if key not in measured.numbers or key.partition("/")[0] not in paired
    }
    return [*lines, *short_of(measured.numbers, rest)]


def unmeasured(names: Sequence[str], folder: Path = BASELINES) -> list[str]:
    """One line for each baseline that nothing was measured for; a live model's is not asked for."""
    kept = sorted(path.stem for path in folder.glob("*.json") if not path.name.startswith(LIVE))
    return [
        f"{name}: there is a baseline and no recording. Record the suite, or remove the baseline."
        for name in kept
        if name not in names
    ]
