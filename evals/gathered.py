"""Signals that were gathered already, on the disk: one record a line, for one model and its prompts.

A question is asked once, however often a run is interrupted and whichever suites are fitted together:
a record is known by its question, passages or documents, embedder and looks.
"""

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Self

from app.errors import MutdaError
from app.models.embedders import make_embedder
from app.settings import Settings
from evals.signals import Record
from evals.suite import Case
from graphs.context import Context
from graphs.resources import Resources

LOOKS = (Context().look, Context().wide)
_NOT_SEEN = {"id", "kind", "forbidden"}
"""Of a case: nothing of the signals depends on it."""


def key_of(case: Case, *, documents: str, embedder: str, looks: tuple[int, ...]) -> str:
    """24 digits that name a question over its documents (a hash of them), an embedder and looks."""
    return _digest(
        [
            case.model_dump(exclude=_NOT_SEEN),
            documents if case.passages is None else "",
            embedder,
            list(looks),
        ]
    )


def case_key(case: Case) -> str:
    """24 digits that name a question whatever it is looked up in, and with which embedder."""
    return _digest(case.model_dump(exclude=_NOT_SEEN))


def _digest(seen: Any) -> str:
    return sha256(json.dumps(seen, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:24]


def finder_of(resources: Resources, settings: Settings) -> str:
    """What decides which passages are shown, and what of them: embedder, reader, and orders held back."""
    embedder = make_embedder(resources.embedder, cache_dir=settings.cache_dir, ollama_url=settings.ollama_url)
    parts = (embedder, resources.reader, resources.orders)
    return " ".join(part.fingerprint for part in parts if part is not None)


class Gathered:
    """The open file of records."""

    def __init__(self, path: Path) -> None:
        """What is there is read; of two records of a question the later counts. A line cut off is none.

        Raises MutdaError when the file cannot be read or written.
        """
        self.path = path
        self.records: dict[str, Record] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = "" if not path.exists() else path.read_text(encoding="utf-8", errors="replace")
            for line in text.split("\n"):
                if row := _read(line):
                    self.records[row["key"]] = row
            self._file: IO[str] = path.open("a", encoding="utf-8", errors="replace")
            if text and not text.endswith("\n"):
                self._file.write("\n")
        except OSError as error:
            raise MutdaError(f"The gathered signals {path} cannot be kept ({error.strerror}).") from None

    def add(self, key: str, record: Record) -> None:
        """Keep a record: it is on the disk when this returns."""
        row = {"key": key, **record}
        self.records[key] = row
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()


def _read(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(row, dict) and {"key", "looks", "unasked", "rests_on"} <= row.keys()
    return row if whole else None
