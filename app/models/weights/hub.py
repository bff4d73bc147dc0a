"""Weights from the Hugging Face hub, into the Hugging Face cache."""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.models.weights import child
from app.models.weights.source import SourceFailed

POLL_S = 0.2
STARTUP_S = 4.0  # for the child to start and to import its library, on a slow machine


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """A file that has just been fetched and hashed."""

    path: Path
    size_bytes: int
    mtime_ns: int
    sha256: str


def download(
    repo: str,
    filename: str,
    *,
    sha256: str | None = None,
    size_bytes: int = 0,
    until: float,
    probe_s: float,
    report: Callable[[int, int, str], None],
) -> HubFile:
    """Fetch `filename` of the model repository `repo`, resuming what an earlier try left.

    Verified against `sha256` where given, else against the checksum the hub itself reports for
    large files. `until` is a time.monotonic() moment; the hub's first answer is due within
    about `probe_s` seconds. `report` gets done bytes, total bytes and a few words.
    Raises SourceFailed.
    """
    script = Path(__file__).with_name("hub_child.py")
    arguments = [repo, filename, sha256 or "", str(size_bytes), str(probe_s)]
    # -P: the script's own folder must not shadow modules of the library.
    command = [sys.executable, "-P", str(script), *arguments]
    answer_by = time.monotonic() + probe_s + STARTUP_S
    with tempfile.TemporaryDirectory(prefix="mutda-hub-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        process = child.start(command, folder=folder, env={"HF_HUB_DISABLE_PROGRESS_BARS": "1"}, tied=True)
        stack.callback(child.stop, process)
        while True:
            ended = process.poll() is not None
            answers = _answers(folder)
            if ended:
                return _outcome(answers, folder)
            now = time.monotonic()
            if now > until:
                raise SourceFailed("the deadline passed before the download was complete")
            if not answers and now > answer_by:
                raise SourceFailed(f"no answer within {probe_s + STARTUP_S:.0f} s")
            if answers and "part" in answers[0]:
                _report(answers, report)
            time.sleep(POLL_S)


def _report(answers: list[dict[str, Any]], report: Callable[[int, int, str], None]) -> None:
    total_bytes = int(answers[0]["size_bytes"])
    if "verifying" in answers[-1]:
        report(total_bytes, total_bytes, "verifying")
        return
    try:
        done_bytes = Path(answers[0]["part"]).stat().st_size
    except OSError:
        done_bytes = 0
    if done_bytes > total_bytes:
        raise SourceFailed("more bytes arrive than the hub announced")
    report(done_bytes, total_bytes, "downloading")


def _answers(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in child.said(folder, "out") if line.startswith("{")]


def _outcome(answers: list[dict[str, Any]], folder: Path) -> HubFile:
    last = answers[-1] if answers else {}
    if "path" in last:
        return HubFile(
            path=Path(last["path"]),
            size_bytes=last["size_bytes"],
            mtime_ns=last["mtime_ns"],
            sha256=last["sha256"],
        )
    if "error" in last:
        raise SourceFailed(last["error"], wrong_checksum=last["wrong_checksum"])
    complaints = [line for line in child.said(folder, "err") if line.strip()]
    raise SourceFailed(complaints[-1][:200] if complaints else "the download process ended without a word")


def discard_part(repo: str, sha256: str) -> None:
    """Drop what an unfinished download left, once the file has come another way."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}" / "blobs"
    with contextlib.suppress(OSError):
        (folder / f"{sha256}.mutda.incomplete").unlink(missing_ok=True)
