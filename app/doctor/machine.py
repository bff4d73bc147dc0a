"""Python, and the machine it runs on."""

import platform
import sqlite3
import sys

from app.doctor.finding import Finding, ok, warn, wrong

NAME = "python"
OLDEST, TOO_NEW = (3, 11), (3, 14)


def look_at_machine() -> Finding:
    """Is this a Python that the project is tried with, and can its SQLite search text?"""
    text = (
        f"{platform.python_version()} ({sys.executable}), SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {platform.machine()}"
    )
    if not has_full_text_search():
        return wrong(NAME, f"{text}: this SQLite has no FTS5", "use a Python from python.org or your system")
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        return warn(NAME, f"{text}: not a version it is tried with", "use Python 3.11 to 3.13")
    return ok(NAME, text)


def has_full_text_search() -> bool:
    """Whether collections can be searched by keywords."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5(tokens)")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True
