"""The local trace store: one SQLite file, bounded by age and by size, safe with several processes."""

import json
import sqlite3
import time
import zlib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from app.errors import TraceError
from app.tracing.spans import Header, Span, Trace

SCHEMA_VERSION = 1
STORE_NAME = "traces.sqlite"
_APPLICATION_ID = 0x6D746461  # "mtda": tells this file from any other of SQLite's

_BUSY_TIMEOUT_S = 5.0
_DAY_S = 86_400.0
_CHECKPOINT_PAGES = 128
_KEPT_SHARE = 0.9
"""Of the bound, after old traces are deleted: the next deletion is some time away."""
_BYTES_BETWEEN_LOOKS = 512 * 1024
_COMPRESSION = 1  # of Korean prompts 6 saves a tenth more and takes three times as long

# The header is one JSON value: it is read whole, and written whole at each change.
_TABLES = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE traces(
    id TEXT PRIMARY KEY,
    started_s REAL NOT NULL,
    header TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX traces_by_time ON traces(started_s);
CREATE TABLE spans(
    trace_id TEXT NOT NULL REFERENCES traces(id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    started_s REAL NOT NULL,
    span BLOB NOT NULL,
    PRIMARY KEY(trace_id, id)
) STRICT, WITHOUT ROWID;
"""


class TraceStore:
    """Traces on disk. Belongs to the thread that opened it.

    Raises TraceError from every method where the file is damaged, foreign, locked for long or full.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, max_bytes: int, max_days: float
    ) -> None:
        self._connection = connection
        self.path = path
        self._max_bytes = max_bytes
        self._max_days = max_days
        self._since_look_bytes = _BYTES_BETWEEN_LOOKS  # look at the first writing

    @classmethod
    def open(cls, folder: Path, *, max_bytes: int, max_days: float) -> "TraceStore":
        """Open the file in `folder`, or make it. `max_bytes` bounds the file and its journal together."""
        path = folder / STORE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TraceError(f'Traces cannot be kept in "{folder}" ({error}). Look to its rights.') from None
        return cls(_connect(path, create=True), path, max_bytes=max_bytes, max_days=max_days)

    @classmethod
    def open_to_read(cls, folder: Path) -> "TraceStore":
        """Open the file that is there."""
        path = folder / STORE_NAME
        if not path.is_file():
            raise TraceError('There is no trace yet. Ask something first: mutda ask "..."')
        return cls(_connect(path, create=False), path, max_bytes=0, max_days=0)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # -- writing

    def write(self, headers: Iterable[Header], spans: Iterable[Span]) -> None:
        """Add or replace; now and then the oldest traces go."""
        traces = [(h.id, h.started_s, _json(vars(h))) for h in headers]
        rows = [(s.trace_id, s.id, s.started_s, _packed(s)) for s in spans]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    "INSERT INTO traces VALUES(?, ?, ?) "
                    "ON CONFLICT(id) DO UPDATE SET started_s = excluded.started_s, header = excluded.header",
                    traces,
                )
                self._connection.executemany(
                    # A trace may have been deleted for its age while its run was paused.
                    "INSERT OR REPLACE INTO spans "
                    "SELECT ?1, ?2, ?3, ?4 WHERE EXISTS(SELECT 1 FROM traces WHERE id = ?1)",
                    rows,
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._since_look_bytes += sum(len(row[3]) + 200 for row in rows)
            if self._since_look_bytes >= min(_BYTES_BETWEEN_LOOKS, self._max_bytes // 20):
                self.prune()
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error

    def prune(self, now_s: float | None = None) -> int:
        """Delete traces that are too old, then the oldest while the file is too big. Returns how many."""
        self._since_look_bytes = 0
        oldest_s = (time.time() if now_s is None else now_s) - self._max_days * _DAY_S
        try:
            gone = self._connection.execute("DELETE FROM traces WHERE started_s < ?", (oldest_s,)).rowcount
            # The journal may grow to twice its checkpoint before it starts over.
            room = max(self._max_bytes - 2 * _CHECKPOINT_PAGES * self._pragma("page_size"), 0)
            if self._used_bytes() > room:
                while self._used_bytes() > room * _KEPT_SHARE:
                    count = max(1, self._count() // 20)
                    deleted = self._connection.execute(
                        "DELETE FROM traces WHERE id IN (SELECT id FROM traces ORDER BY started_s LIMIT ?)",
                        (count,),
                    ).rowcount
                    if not deleted:
                        break
                    gone += deleted
            if self._pragma("page_count") * self._pragma("page_size") > room:
                # As a script: `execute` would step once, which gives one page back.
                self._connection.executescript("PRAGMA incremental_vacuum;")
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error
        return gone

    def _used_bytes(self) -> int:
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def _count(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM traces").fetchone()[0])

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    # -- reading

    def headers(self, limit: int) -> list[Header]:
        """The newest `limit` traces, newest first."""
        rows = self._rows("SELECT header FROM traces ORDER BY started_s DESC LIMIT ?", limit)
        return [_header(row[0]) for row in rows]

    def header(self, trace_id: str) -> Header | None:
        """One trace's header; None where there is none of that id."""
        rows = self._rows("SELECT header FROM traces WHERE id = ?", trace_id)
        return _header(rows[0][0]) if rows else None

    def last(self) -> Trace:
        """The trace that began last. Raises TraceError where there is none."""
        headers = self.headers(1)
        if not headers:
            raise TraceError('There is no trace yet. Ask something first: mutda ask "..."')
        return self._trace(headers[0])

    def find(self, prefix: str) -> Trace:
        """The trace whose id begins so. Raises TraceError where there is none, or more than one."""
        prefix = prefix.strip().casefold()
        # An id is greater than its prefix, and smaller than that with the largest character behind it.
        rows = self._rows(
            "SELECT header FROM traces WHERE id >= ? AND id < ? ORDER BY started_s DESC LIMIT 6",
            prefix,
            f"{prefix}\U0010ffff",
        )
        headers = [_header(row[0]) for row in rows]
        if not prefix or not headers:
            raise TraceError(f'There is no trace "{prefix}". See those that are kept: mutda trace list')
        if len(headers) > 1:
            some = ", ".join(header.id[: len(prefix) + 4] for header in headers[:5])
            raise TraceError(f'More than one trace begins with "{prefix}": {some}. Write more of it.')
        return self._trace(headers[0])

    def _trace(self, header: Header) -> Trace:
        rows = self._rows("SELECT span FROM spans WHERE trace_id = ? ORDER BY started_s, id", header.id)
        try:
            return Trace(header=header, spans=[_unpacked(row[0]) for row in rows])
        except (zlib.error, ValueError, TypeError) as error:
            raise _damaged(self.path, error) from error

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _explained(error, self.path) from error


def _connect(path: Path, *, create: bool) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    try:
        # SQLite takes an empty file, or one of any other program, for its own without a word.
        application, version = _stamp(connection)
        empty = not application and not version and not _has_tables(connection)
        if create and empty:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            _make_tables(connection)
            application, version = _stamp(connection)
        if application != _APPLICATION_ID:
            raise TraceError(f'"{path}" is not a trace store of Mutda. Move that file away.')
        if version != SCHEMA_VERSION:
            raise TraceError(
                f'"{path}" was made by another version of Mutda (format {version}, this one reads '
                f"{SCHEMA_VERSION}). Move that file away."
            )
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_CHECKPOINT_PAGES * 4096}")
    except sqlite3.Error as error:
        connection.close()
        raise _explained(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been quicker.
        if not _has_tables(connection):
            for statement in _TABLES.split(";"):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _stamp(connection: sqlite3.Connection) -> tuple[int, int]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return int(application), int(connection.execute("PRAGMA user_version").fetchone()[0])


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def _json(value: Any) -> str:
    # Halves of characters, which a document may hold, are no UTF-8.
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        .encode(errors="replace")
        .decode()
    )


def _packed(span: Span) -> bytes:
    return zlib.compress(_json(vars(span)).encode(), _COMPRESSION)


def _unpacked(blob: bytes) -> Span:
    return Span(**_known(Span, json.loads(zlib.decompress(blob))))


def _header(text: str) -> Header:
    return Header(**_known(Header, json.loads(text)))


def _known(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _explained(error: sqlite3.Error, path: Path) -> TraceError:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return _damaged(path, error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return TraceError(f'"{path}" is held by another process ({error}). Try again later.')
    if name.startswith("SQLITE_FULL"):
        return TraceError(f'There is no room for traces in "{path.parent}" ({error}).')
    return TraceError(f'Traces cannot be kept in "{path}" ({error}). Look to the rights of that folder.')


def _damaged(path: Path, error: Exception) -> TraceError:
    return TraceError(f'The traces in "{path}" are damaged ({error}). Move that file away.')
