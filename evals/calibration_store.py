"""Calibrations that were fitted on this machine: one file for each model and its prompts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.errors import MutdaError
from app.settings import Settings
from evals.gathered import LOOKS, case_key, finder_of, key_of
from evals.suite import Case
from graphs.evidence import Calibration, CalibrationError, read_calibration, stored_form
from graphs.fingerprint import Fingerprint, fingerprint_of
from graphs.resources import Resources

FOLDER = "calibrations"
"""In the data folder."""


@dataclass(frozen=True, kw_only=True)
class FittedOn:
    """Questions that a stored calibration was fitted on."""

    keys: frozenset[str]
    """Each with its documents, embedder and looks (`evals.gathered.key_of`)."""
    cases: frozenset[str]
    """Each alone; none in a file of before these were kept."""

    def saw(self, case: Case, key: str) -> bool:
        """Whether a question is one of them; also where its documents have changed since."""
        return key in self.keys or case_key(case) in self.cases


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Where a calibration was put, and what was there before."""

    path: Path
    previous: Path | None

    def way_back(self) -> str:
        """A sentence for who does not want it."""
        if self.previous is None:
            return f"To go back to the shipped calibration, delete {self.path}"
        return f"The one before is kept. To go back, rename {self.previous} to {self.path.name}"


def store(
    folder: Path,
    calibration: Calibration,
    fingerprint: Fingerprint,
    *,
    questions: Mapping[str, Any],
    figures: Mapping[str, Any],
    date: str,
) -> Stored:
    """Write the file whole, and keep the older one as .previous. Raises MutdaError when that fails."""
    path = folder / f"{fingerprint.name}.json"
    data = {
        "model": asdict(fingerprint),
        "date": date,
        "calibration": stored_form(calibration),
        "questions": questions,
        "figures": figures,
    }
    new, previous = path.with_name(f"{path.name}.new"), path.with_name(f"{path.name}.previous")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        there = path.exists()
        if there:
            # A copy: at no moment is there none.
            previous.write_bytes(path.read_bytes())
        new.replace(path)
    except OSError as error:
        raise MutdaError(f"The calibration {path} cannot be written ({error.strerror}).") from None
    return Stored(path=path, previous=previous if there else None)


def fitted_on(folder: Path, fingerprint: Fingerprint) -> FittedOn | None:
    """What the stored calibration of this model was fitted on; None where there is none, or no list in it."""
    try:
        questions = read_calibration(folder / f"{fingerprint.name}.json")[1]["questions"]
        keys, cases = questions["keys"], questions.get("cases", ())
        return FittedOn(keys=frozenset(map(str, keys)), cases=frozenset(map(str, cases)))
    except (CalibrationError, KeyError, TypeError, AttributeError):
        return None


def seen_of(cases: Sequence[Case], resources: Resources, settings: Settings, *, documents: str) -> int | None:
    """How many of the questions the calibration in use was fitted on; `documents` is a hash of the folder's.

    None where it keeps no list, as a shipped one. Reads files.
    """
    fingerprint = fingerprint_of(
        resources.model, resources.prompts, settings.cache_dir, reader=resources.reader
    )
    fitted = fitted_on(settings.data_dir / FOLDER, fingerprint)
    if fitted is None:
        return None
    finder = finder_of(resources, settings)
    keys = [key_of(case, documents=documents, embedder=finder, looks=LOOKS) for case in cases]
    return sum(fitted.saw(case, key) for case, key in zip(cases, keys, strict=True))


def in_words(counts: Sequence[tuple[str, str, Mapping[str, int]]], *, part: str | None, accuracy: str) -> str:
    """ "fitted_on" of a calibration: name, SHA-256 and number of questions of each kind of each suite."""
    suites = "; ".join(
        f"{name} (sha256 {digest[:12]}: {', '.join(f'{n} {kind}' for kind, n in kinds.items())})"
        for name, digest, kinds in counts
    )
    half = f', of the half "{part}"' if part else ""
    return f"{suites}{half}. {accuracy}"
