"""The file of feedback: one row for each rating ever given."""

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.errors import MutdaError
from app.tracing.rating import Feedback, RatedRun, Rating

FILE_NAME = "feedback.sqlite"
_BUSY_TIMEOUT_S = 5.0
_SCHEMA_VERSION = 1

# Each row stays as it was given: what a later one of the same trace replaces is history.
_TABLE = """
CREATE TABLE IF NOT EXISTS feedback(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id TEXT NOT NULL,
    given_at TEXT NOT NULL,
    rating TEXT NOT NULL,
    reason TEXT NOT NULL,
    correction TEXT NOT NULL,
    question TEXT NOT NULL,
    prompt TEXT NOT NULL,
    answer TEXT NOT NULL,
    refused INTEGER NOT NULL,
    lacking TEXT NOT NULL,
    sent_at TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS feedback_by_trace ON feedback(trace_id, id);
"""
_COLUMNS = (
    "id, trace_id, given_at, rating, reason, correction, question, prompt, answer, refused, lacking, sent_at"
)
_NEWEST = "id IN (SELECT max(id) FROM feedback GROUP BY trace_id)"


class FeedbackStore:
    """The file of feedback. Each call opens and closes it: between calls nothing is held."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, run: RatedRun, rating: Rating, *, reason: str = "", correction: str = "") -> Feedback:
        """Keep a rating. It takes the place of an earlier one of the same run, which stays as history."""
        given_at = datetime.now(UTC).isoformat(timespec="seconds")
        with self._open() as database:
            cursor = database.execute(
                "INSERT INTO feedback(trace_id, given_at, rating, reason, correction, question, prompt,"
                " answer, refused, lacking) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.trace_id,
                    given_at,
                    rating,
                    reason,
                    correction,
                    run.question,
                    json.dumps(run.prompt, ensure_ascii=False),
                    run.answer,
                    run.refused,
                    run.lacking,
                ),
            )
            row = cursor.lastrowid
        return self._select("id = ?", row)[0]

    def current(self) -> list[Feedback]:
        """What holds now: the newest of each run, in the order in which they were given."""
        return self._select(_NEWEST)

    def history(self) -> list[Feedback]:
        """Everything that was ever given, in order."""
        return self._select("1")

    def unsent(self) -> list[Feedback]:
        """What holds now and was not sent."""
        return self._select(f"sent_at IS NULL AND {_NEWEST}")

    def mark_sent(self, feedback: Feedback) -> None:
        """Note that it was sent."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._open() as database:
            database.execute("UPDATE feedback SET sent_at = ? WHERE id = ?", (now, feedback.id))

    def run(self, name: str) -> RatedRun | None:
        """The run of earlier feedback, by its id or at least 12 digits of it; None where there is none."""
        # Ids begin with the time, in milliseconds in their first 12 digits: fewer may mean another run.
        # No wildcard can be in it: "_" and "%" are no hex digits.
        if not re.fullmatch(r"[0-9a-f]{12,32}", name):
            return None
        found = self._select(f"trace_id LIKE ? AND {_NEWEST}", f"{name}%")
        return found[0] if len(found) == 1 else None

    def _select(self, where: str, *values: Any) -> list[Feedback]:
        if not self._path.exists():
            return []
        with self._open() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM feedback WHERE {where} ORDER BY id",  # noqa: S608 (our own texts)
                values,
            ).fetchall()
        return [_feedback(row) for row in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):  # prompts are in it: for its owner alone
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S)) as database, database:
                _prepare(database, self._path)
                yield database
        except (sqlite3.DatabaseError, OSError) as error:
            raise MutdaError(
                f"The feedback in {self._path} cannot be read or written ({error}). Look to the rights of "
                "that file and the space on its disk; if it is damaged, move it away."
            ) from error


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        # Two processes may both come here first: the second one finds the table made.
        database.executescript(f"BEGIN IMMEDIATE; {_TABLE} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")
    elif version != _SCHEMA_VERSION:
        raise MutdaError(
            f"The feedback in {path} was written by another version of Mutda (format {version}, this one "
            f"reads {_SCHEMA_VERSION}). Use that version, or move the file away."
        )


def _feedback(row: Sequence[Any]) -> Feedback:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Feedback(
        **values | {"prompt": tuple(json.loads(values["prompt"])), "refused": bool(values["refused"])}
    )
