"""The collection's SQLite file: its tables, and how to open it."""

import sqlite3
from pathlib import Path

from app.errors import CorpusError

SCHEMA_VERSION = 2
STORE_NAME = "store.sqlite3"
IN_MEMORY = ":memory:"

_BUSY_TIMEOUT_S = 10.0
_JOURNAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024

# AUTOINCREMENT: an id that was deleted never comes back, so an id alone names a chunk for good.
# `vectors`, the whole chunk's and perhaps one for each sentence, stands last: reading a chunk's text does
# not touch its pages.
# The tokenizer "ascii" splits at ASCII punctuation and white space alone, which `bigrams` never leaves
# inside a token: the index holds exactly the tokens it is given.
_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE documents(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    given TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,
    loader TEXT NOT NULL,
    title TEXT NOT NULL,
    notes TEXT NOT NULL,
    ingested_at TEXT NOT NULL
) STRICT;
CREATE INDEX documents_by_content ON documents(sha256);
CREATE TABLE chunks(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    heading TEXT NOT NULL,
    section TEXT NOT NULL,
    page INTEGER,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    text TEXT NOT NULL,
    vectors BLOB NOT NULL,
    UNIQUE(document_id, ordinal)
) STRICT;
CREATE VIRTUAL TABLE words USING fts5(tokens, tokenize = 'ascii');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, 'row');
"""


def open_to_write(path: Path | str) -> sqlite3.Connection:
    """Open the file, or make it. ":memory:" gives a store that lives as long as the connection.

    Raises:
        CorpusError: the file is damaged, not a collection, or of another version of the schema.
    """
    connection = _connect(str(path), "create")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_SIZE_LIMIT_BYTES}")
        connection.execute("PRAGMA foreign_keys = ON")
        if not _has_tables(connection):
            connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} INSERT INTO meta VALUES('schema', '{SCHEMA_VERSION}'),"
                " ('generation', '0'), ('state', 'empty'); COMMIT;"
            )
        _require_version(connection, path)
    except BaseException as error:
        connection.close()
        _explain(error, path)
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that is there, for reading alone.

    Raises:
        CorpusError: there is none, or it is damaged, not a collection, or of another version.
    """
    if not path.is_file():
        raise _nothing_there(path)
    try:
        # "rw", though nothing is written: the first reader after a crash must finish the journal.
        connection = _connect(path.absolute().as_uri() + "?mode=rw", "existing")
    except sqlite3.DatabaseError as error:
        _explain(error, path)
        raise
    try:
        connection.execute("PRAGMA query_only = ON")
        if not _has_tables(connection):
            raise _nothing_there(path)
        _require_version(connection, path)
    except BaseException as error:
        connection.close()
        _explain(error, path)
        raise
    return connection


def _connect(target: str, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        target,
        uri=mode == "existing",
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _has_tables(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").fetchone()
    return bool(row[0])


def _require_version(connection: sqlite3.Connection, path: Path | str) -> None:
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if row is None or row[0] != str(SCHEMA_VERSION):
        found = row[0] if row else "unknown"
        raise CorpusError(
            f'The collection in "{Path(path).parent}" was made by another version of Mutda (format {found}, '
            f"this one reads {SCHEMA_VERSION}). Move that folder away and ingest the documents again."
        )


def _nothing_there(path: Path) -> CorpusError:
    return CorpusError(
        f'There is no collection "{path.parent.name}" yet. Make it from your documents: mutda ingest PATH...'
    )


def _explain(error: BaseException, path: Path | str) -> None:
    name = getattr(error, "sqlite_errorname", "")
    if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
        raise CorpusError(
            f'The collection in "{Path(path).parent}" is damaged ({error}). '
            "Move that folder away and ingest the documents again."
        ) from error
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR")):
        raise CorpusError(
            f'The collection in "{Path(path).parent}" cannot be opened ({error}). '
            "Look to the rights of that folder and its files."
        ) from error
