"""Weights that are on this machine already, and the proof that they are the right ones.

Hashing a gigabyte takes seconds, so a verified file gets a small record in the cache folder
(`NAME.verified`: size, modification time, SHA-256). While size and time still match, later
starts trust the record; when either changed, the file is hashed again.
"""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path

from app.errors import ChecksumError
from app.models.weights.catalog import Weights

BLOCK_BYTES = 1 << 20


def local_path(weights: Weights, cache_dir: Path) -> Path | None:
    """The verified file in `cache_dir` or in the Hugging Face cache; None when there is none.

    Raises ChecksumError when a file is there and is not the right one. It is renamed to
    `*.corrupt` first, so that it can never be loaded.
    """
    path = weights.target(cache_dir)
    if path.is_file():
        if is_verified(path, weights.sha256, record_path(cache_dir, weights.filename)):
            return path
        raise wrong_file(path)
    cached = hub_cached(weights.hub_repo, weights.hub_filename) if weights.hub_repo else None
    if cached is None:
        return None
    if is_verified(
        cached, weights.sha256, hub_record_path(cache_dir, weights.hub_repo, weights.hub_filename)
    ):
        return cached
    # Another revision of the repository may hold another file in good faith. Only a blob that
    # claims this very checksum, and has other bytes, is broken.
    if hub_claimed_sha256(cached) == weights.sha256:
        raise wrong_file(cached)
    return None


def is_verified(path: Path, sha256: str, record: Path) -> bool:
    """Does the file have this SHA-256? Hashes it unless `record` vouches for its size and time."""
    before = path.stat()
    if _read_record(record) == (before.st_size, before.st_mtime_ns, sha256):
        return True
    if sha256_of(path) != sha256:
        return False
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        return False
    write_record(record, size_bytes=after.st_size, mtime_ns=after.st_mtime_ns, sha256=sha256)
    return True


def is_recorded(path: Path, record: Path) -> bool:
    """Is the file the one that `record` was written for? For a file made here, with no published SHA-256."""
    recorded = _read_record(record)
    return recorded is not None and path.is_file() and is_verified(path, recorded[2], record)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as 64 lower-case hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def record_path(cache_dir: Path, filename: str) -> Path:
    """Where the record of a verified file in the cache folder lies."""
    return cache_dir / f"{filename}.verified"


def hub_record_path(cache_dir: Path, repo: str, filename: str) -> Path:
    """Where the record of a verified file in the Hugging Face cache lies (in ours, not in theirs)."""
    return record_path(cache_dir, f"{repo}/{filename}".replace("/", "--"))


def write_record(record: Path, *, size_bytes: int, mtime_ns: int, sha256: str) -> None:
    """Vouch for a file. A folder that cannot be written costs a hash at each start, nothing more."""
    partial = record.with_name(f"{record.name}.{os.getpid()}.part")
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps({"size_bytes": size_bytes, "mtime_ns": mtime_ns, "sha256": sha256}))
        partial.replace(record)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _read_record(record: Path) -> tuple[int, int, str] | None:
    try:
        value = json.loads(record.read_text())
        return int(value["size_bytes"]), int(value["mtime_ns"]), str(value["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def hub_cached(repo: str, filename: str) -> Path | None:
    """The file in the Hugging Face cache (HF_HOME, HF_HUB_CACHE), unverified; None when it is not there."""
    # Inside the function: half a second that a start with the file in our own folder need not pay.
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repo, filename)
    return Path(found) if isinstance(found, str) else None


def hub_claimed_sha256(cached: Path) -> str | None:
    """The SHA-256 the Hugging Face cache claims for a large file: the name of the blob it links to."""
    if not cached.is_symlink():
        return None
    name = cached.readlink().name
    return name if re.fullmatch(r"[0-9a-f]{64}", name) else None


def wrong_file(path: Path) -> ChecksumError:
    """Put a wrong file aside as `*.corrupt` and return the error that says so."""
    # One level only: the blob of the Hugging Face cache, not what the blob itself may link to.
    file = path.parent / path.readlink() if path.is_symlink() else path
    aside = file.with_name(f"{file.name}.corrupt")
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        file.replace(aside)
    return ChecksumError(
        f"{path} does not have the expected SHA-256 and was not loaded; it is now {aside}. "
        "Run the command again to fetch the right file, and delete the .corrupt one."
    )
