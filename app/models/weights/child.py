"""Child processes that never outlive the work they were started for."""

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE_S = 3.0


def start(
    command: Sequence[str], *, folder: Path, env: Mapping[str, str] | None = None, tied: bool = False
) -> subprocess.Popen[bytes]:
    """Start `command` with its output in `folder`/out and `folder`/err.

    Files instead of pipes: nobody has to drain them, so a full pipe can never block the child.
    With `tied`, the child's standard input stays open as long as this process lives; a child
    that watches it learns of our death, whatever killed us.
    """
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        return subprocess.Popen(  # noqa: S603 (our own argument lists, never a shell)
            list(command),
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env={**os.environ, **(env or {})},
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the child: politely, then for certain. Does nothing to one that has ended."""
    try:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(GRACE_S)
        if process.stdin is not None:
            process.stdin.close()


def said(folder: Path, name: str, *, limit_bytes: int = 64_000) -> list[str]:
    """The last lines a child wrote to "out" or "err"; a line still being written is left out."""
    with contextlib.suppress(FileNotFoundError), (folder / name).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - limit_bytes))
        return file.read().decode("utf-8", "replace").split("\n")[:-1]
    return []
