"""Calibrations that were fitted on this machine: one file for each model and its prompts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.errors import MutdaError
from graphs.evidence import Calibration, CalibrationError, read_calibration, stored_form
from graphs.fingerprint import Fingerprint


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


def fitted_keys(folder: Path, fingerprint: Fingerprint) -> frozenset[str]:
    """Questions that the stored calibration of this model was fitted on; none where there is none."""
    try:
        questions = read_calibration(folder / f"{fingerprint.name}.json")[1]["questions"]
        return frozenset(map(str, questions["keys"]))
    except (CalibrationError, KeyError, TypeError):
        return frozenset()


def in_words(counts: Sequence[tuple[str, str, Mapping[str, int]]], *, part: str | None, accuracy: str) -> str:
    """ "fitted_on" of a calibration: name, SHA-256 and number of questions of each kind of each suite."""
    suites = "; ".join(
        f"{name} (sha256 {digest[:12]}: {', '.join(f'{n} {kind}' for kind, n in kinds.items())})"
        for name, digest, kinds in counts
    )
    half = f', of the half "{part}"' if part else ""
    return f"{suites}{half}. {accuracy}"
