"""From signals to decisions: is the answer in these passages, and is it what they say?

Two small logistic models over signals that cost next to nothing, fitted on a mixture of question
kinds (docs/calibration.md): a gate or a weight that is right on one kind of questions alone was
measured to ruin another.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.errors import MutdaError
from graphs.fingerprint import Fingerprint, prefix_of

EPSILON = 1e-4
EVIDENCE_SIGNALS = frozenset({"grade", "coverage", "dense", "missing", "reader"})
GROUNDED_SIGNALS = EVIDENCE_SIGNALS - {"missing", "reader"} | {"logprob", "check", "support"}


class CalibrationError(MutdaError):
    """A calibration that was stored on this machine cannot be read; names the file."""


def logit(probability: float) -> float:
    """Log-odds, bounded so that a certain grader cannot outvote everything."""
    share = min(max(probability, EPSILON), 1 - EPSILON)
    return math.log(share / (1 - share))


def logistic(value: float) -> float:
    """Inverse of `logit`, without overflow."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Weights and thresholds of one model family."""

    family: str
    evidence_weights: Mapping[str, float]
    """Over "bias", "grade" (log-odds), "coverage", "dense", "missing" (1: a number of the question is),
    "reader" (log-odds of the best passage that is shown)."""
    grounded_weights: Mapping[str, float]
    """Over the same and "logprob" (mean of the answer's tokens), "check" (log-odds), "support"."""
    accept_narrow: float
    """Evidence from which an answer is tried after the first, narrow look."""
    accept_wide: float
    """The same after a wider one. It is higher: the more a grader reads, the more readily it says yes."""
    hopeless: float
    """Evidence below which a wider look or another query was not worth its cost."""
    hopeless_coverage: float
    """Coverage below which nothing retrieved bears on the question: refused without a call."""
    reword_coverage: float
    """Coverage above which the question's words were found: other words would find nothing better."""
    sure: float
    """Evidence from which asking the model about its own answer was found to add nothing."""
    grounded: float
    """Groundedness from which an answer is given."""
    reader_no: float | None = None
    """Log-odds of the best passage found below which the reader alone refuses; None: it never does."""
    reader_yes: float | None = None
    """Log-odds of the best passage shown from which the reader alone accepts."""
    reader_neutral: float = 0.0
    """Log-odds that are taken where the reader cannot tell: with the bias they say nothing either way."""
    fitted_on: str = ""
    """Which questions, in words."""
    notice: str = ""
    """What the user should know: one of their own is there and does not fit any more."""


def weigh(weights: Mapping[str, float], signals: Mapping[str, float]) -> float:
    """Logistic regression: a probability from named signals."""
    return logistic(
        weights["bias"] + sum(weights[name] * signals[name] for name in weights if name != "bias")
    )


def evidence(
    calibration: Calibration,
    *,
    grade: float,
    coverage: float,
    dense: float,
    missing: float,
    reader: float | None = None,
) -> float:
    """Probability that the passages hold the answer; `reader` is None where none read or could tell."""
    return weigh(
        calibration.evidence_weights,
        {
            "grade": logit(grade),
            "coverage": coverage,
            "dense": dense,
            "missing": missing,
            "reader": calibration.reader_neutral if reader is None else reader,
        },
    )


def groundedness(
    calibration: Calibration,
    *,
    grade: float,
    coverage: float,
    dense: float,
    logprob: float,
    check: float,
    support: float,
) -> float:
    """Probability that the answer is what the passages say."""
    signals = {
        "grade": logit(grade),
        "coverage": coverage,
        "dense": dense,
        "logprob": logprob,
        "check": logit(check),
        "support": support,
    }
    return weigh(calibration.grounded_weights, signals)


def load_calibration(
    family: str,
    fingerprint: Fingerprint | None = None,
    folder: Path | None = None,
    *,
    has_reader: bool = False,
) -> Calibration:
    """The one stored in `folder` for this very model and its prompts; else the shipped one of its family.

    With a reader another one is shipped: what the reader says weighs in it.

    A stored one for other prompts is not used, and the `notice` of what is used instead says so. Raises
    CalibrationError when the stored one is damaged.
    """
    if fingerprint is None or folder is None:
        return shipped_calibration(family, has_reader=has_reader)
    path = folder / f"{fingerprint.name}.json"
    if path.exists():
        calibration, data = read_calibration(path)
        if Fingerprint(**data["model"]) != fingerprint:
            raise _unusable(path, "it is of another model")
        return calibration
    shipped = shipped_calibration(family, has_reader=has_reader)
    return replace(shipped, notice=_outdated(fingerprint, folder))


def shipped_calibration(family: str, *, has_reader: bool = False) -> Calibration:
    """The calibration whose family name begins the model's, the longest first, else `default`."""
    folder = files("graphs") / "calibrations"
    if has_reader:
        folder /= "reader"
    names = sorted(
        (entry.name for entry in folder.iterdir() if entry.name.endswith(".json")), key=len, reverse=True
    )
    chosen = next((name for name in names if family.startswith(name.removesuffix(".json"))), "default.json")
    data: dict[str, Any] = json.loads((folder / chosen).read_text(encoding="utf-8"))
    return Calibration(**data)


def read_calibration(path: Path) -> tuple[Calibration, dict[str, Any]]:
    """A stored calibration and all that its file says. Raises CalibrationError, on one line."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        kept = {field.name for field in fields(Calibration)} - {"notice"}
        values = {name: value for name, value in data["calibration"].items() if name in kept}
        calibration = TypeAdapter(Calibration).validate_python(values)
        _require_signals(calibration)
        Fingerprint(**data["model"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, _fault(error)) from None
    return calibration, data


def _unusable(path: Path, fault: str) -> CalibrationError:
    return CalibrationError(
        f"The calibration {path} cannot be used ({fault}). "
        "Delete it and run mutda calibrate again, or put its .previous in its place."
    )


def stored_form(calibration: Calibration) -> dict[str, Any]:
    """What a file keeps of it; `read_calibration` reads it."""
    return {name: value for name, value in asdict(calibration).items() if name != "notice"}


def _require_signals(calibration: Calibration) -> None:
    numbers = [value for value in asdict(calibration).values() if isinstance(value, float)]
    for weights, known in (
        (calibration.evidence_weights, EVIDENCE_SIGNALS),
        (calibration.grounded_weights, GROUNDED_SIGNALS),
    ):
        if "bias" not in weights:
            raise ValueError("a bias is missing")
        if unknown := set(weights) - known - {"bias"}:
            raise ValueError(f"unknown signal {', '.join(sorted(unknown))}")
        numbers += weights.values()
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number is not finite")


def _fault(error: Exception) -> str:
    match error:
        case ValidationError():
            item = error.errors(include_url=False, include_input=False)[0]
            return f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
        case json.JSONDecodeError():
            return "it is not JSON"
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case OSError():
            return str(error.strerror)
        case KeyError():
            return f"{error} is missing"
    return str(error) if type(error) is ValueError else "it is not a calibration"


def _outdated(fingerprint: Fingerprint, folder: Path) -> str:
    """A sentence when one was fitted to this model with other prompts or another reader; else empty."""
    for path in sorted(folder.glob(f"{prefix_of(fingerprint.family)}*.json")):
        try:
            fitted_to = Fingerprint(**read_calibration(path)[1]["model"])
        except CalibrationError:  # it is not known to be of this model
            continue
        if fitted_to.same_model(fingerprint):
            return (
                f"the calibration {path.name} was fitted to other prompts or another reader and is not used; "
                f"fit it again: mutda calibrate --model {fingerprint.spec} --suite FILE"
            )
    return ""
