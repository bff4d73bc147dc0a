"""The record of everything that left this machine as a search."""

import asyncio
import datetime
import json
import os
from pathlib import Path
from typing import Any

from app.errors import SearchError


class SearchLog:
    """A JSONL file, readable by its owner alone, appended to and never rewritten.

    Lines: {"time", "event": "sent", "id", "backend", "query", "mode", "consent"} before a query leaves,
    and {"time", "event": "answered", "id", "results", "error"} after it. `time` is ISO 8601 in UTC.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    async def append(self, **line: Any) -> None:
        """Write one line, outside the event loop. Raises SearchError where the file cannot be written."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"time": now, **line}, ensure_ascii=False) + "\n"
        await asyncio.to_thread(self._write, text.encode())

    def _write(self, line: bytes) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if hasattr(os, "fchmod"):  # on Windows since Python 3.13; there the folder's owner rules
                    os.fchmod(descriptor, 0o600)
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SearchError(
                f"The search log {self.path} cannot be written ({error.strerror}); "
                "without it nothing is searched."
            ) from error
