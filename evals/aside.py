"""A report that lies where another one is to be written, kept beside it under its date.

    samples.embedded.json  ->  samples.embedded-2026-11-21T090000Z.json; .md and .html likewise

The date is that of the run which left it, in UTC; of a file that tells none, when it was last written.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from evals.report import ReportError


def dated(path: Path, date: datetime, is_taken: Callable[[Path], bool]) -> Path:
    """The path with the date before its ending, and with a number where that is taken."""
    stem = f"{path.stem}-{date:%Y-%m-%dT%H%M%SZ}"
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    candidates = (path.with_name(f"{name}{path.suffix}") for name in numbered)
    return next(candidate for candidate in candidates if not is_taken(candidate))


def keep_report(path: Path, beside: Sequence[str] = ()) -> dict[Path, Path]:
    """Move the report at `path`, and its forms with the endings `beside`, to names with its date.

    Returns where each file lies now, by where it lay; empty where nothing was there. Raises ReportError
    when one cannot be moved.
    """

    def forms(report: Path) -> list[Path]:
        return [report, *(report.with_suffix(ending) for ending in beside)]

    # A folder of that name is no report; writing there will fail with its own words.
    there = [file for file in forms(path) if file.is_file()]
    if not there:
        return {}
    try:
        date = date_of(_read(path), there[0])
        kept = dated(path, date, lambda new: any(file.exists() for file in forms(new)))
        names = dict(zip(forms(path), forms(kept), strict=True))
        return {file: file.rename(names[file]) for file in there}
    except OSError as error:
        raise ReportError(
            f"The report that lies at {path} cannot be kept under another name ({error.strerror}), "
            "and is not written over. Name another file with --json."
        ) from None


def date_of(about: Any, file: Path) -> datetime:
    """When the run began that a report or journal is `about`, else when its file was last written; UTC.

    Raises OSError.
    """
    try:
        date = datetime.fromisoformat(about["date"])
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def left_by(path: Path, about: Any) -> bool:
    """Whether the report at `path` is what this run, now carried on, left when it was interrupted."""
    found = _read(path)
    return isinstance(found, dict) and found.get("interrupted") is True and found.get("date") == about["date"]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
