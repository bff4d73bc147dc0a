"""One writer at a time, held by the operating system, so that a killed process leaves nothing behind."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import CorpusError, LockedError

_LOCK_NAME = "ingest.lock"


@contextmanager
def ingest_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. The kernel lets go of it when the process ends, however it ends.

    Raises:
        LockedError: another process, or another thread of this one, holds it.
        CorpusError: the folder cannot be written to.
    """
    try:
        descriptor = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CorpusError(
            f'The folder "{folder}" cannot be written to ({error.strerror or error}). Look to its rights.'
        ) from error
    try:
        if not _try_lock(descriptor):
            holder = os.pread(descriptor, 32, 0) if hasattr(os, "pread") else os.read(descriptor, 32)
            pid = holder.decode("ascii", "replace").strip() or "unknown"
            raise LockedError(
                f'Another ingest (process {pid}) is writing to "{folder.name}". '
                "Wait until it has ended, or stop it, and run the command again."
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    # Windows forbids others to read a locked byte, so the one locked lies far behind the holder's number.
    _LOCKED_BYTE = 1 << 20

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
