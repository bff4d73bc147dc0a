"""Fetch one file from the Hugging Face hub. Runs as a child process; see hub.py.

A process of its own because only a process can be stopped at any moment, a DNS lookup
included, and because it reads HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE afresh.

The library's own hf_hub_download starts over after an interruption (each process has its
own temporary file), which a gigabyte cannot afford. So the bytes come through the
library's http_get into `blobs/ETAG.mutda.incomplete` of its cache, resumed by range, and
hf_hub_download then finds the blob complete and files it as its own.

Arguments: repository, file name, expected SHA-256 or "", expected size in bytes or 0, seconds
for the first answer. Answers on standard output, one JSON object a line: {"part", "size_bytes"}
when the file was found, {"verifying": true}, and at last {"path", "size_bytes", "mtime_ns",
"sha256"} or {"error", "wrong_checksum"}.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

BLOCK_BYTES = 1 << 20
SPARE_FACTOR = 1.05


class Refused(Exception):
    """The file cannot be had. The message is the cause."""

    def __init__(self, cause: str, *, wrong_checksum: bool = False) -> None:
        super().__init__(cause)
        self.wrong_checksum = wrong_checksum


def say(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def leave_with_parent() -> None:
    # Standard input ends when the parent dies, however it dies. The part file stays, and resumes.
    sys.stdin.buffer.read()
    os._exit(3)


def one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def probe(repo: str, filename: str, probe_s: float) -> Any:
    """Ask the hub what the file is: a HEAD request, without retries."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        metadata = get_hf_file_metadata(hf_hub_url(repo, filename), timeout=probe_s)
    except OfflineModeIsEnabled:
        raise Refused("HF_HUB_OFFLINE is set") from None
    except GatedRepoError:
        raise Refused(f"{repo} is gated: accept its terms on its page and set HF_TOKEN") from None
    except RepositoryNotFoundError:
        raise Refused(f"there is no repository {repo}, or it is private and HF_TOKEN is not set") from None
    except EntryNotFoundError:
        raise Refused(f"{repo} has no file {filename}") from None
    except HfHubHTTPError as error:
        raise Refused(f"{constants.ENDPOINT} answered {error.response.status_code}") from None
    except Exception as error:
        raise Refused(f"{constants.ENDPOINT} cannot be reached ({one_line(error)})") from None
    if not metadata.etag or not metadata.commit_hash or not metadata.size:
        raise Refused(f"{constants.ENDPOINT} does not answer like a model hub")
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]*", metadata.etag):  # it becomes a file name
        raise Refused(f"{constants.ENDPOINT} sent a malformed ETag")
    return metadata


def receive(url: str, part: Path, blob: Path, *, size_bytes: int, sha256: str | None) -> str:
    """Bring the whole file to `blob` and return its SHA-256."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # exported lazily

    for attempt in (1, 2):
        part.touch()
        have_bytes = part.stat().st_size
        if have_bytes > size_bytes:
            have_bytes = 0
        free_bytes = shutil.disk_usage(part.parent).free
        need_bytes = int(size_bytes * SPARE_FACTOR) - have_bytes
        if free_bytes < need_bytes:
            raise Refused(
                f"{part.parent} has {free_bytes / 1e9:.1f} GB free and {need_bytes / 1e9:.1f} GB are needed"
                " (free some space, or point HF_HOME at another disk)"
            )
        with part.open("r+b") as file:
            file.truncate(have_bytes)
            file.seek(have_bytes)
            http_get(url, file, resume_size=have_bytes, headers=build_hf_headers(), expected_size=size_bytes)
            file.flush()
            os.fsync(file.fileno())
        say(verifying=True)
        found = sha256_of(part)
        if sha256 is None or found == sha256:
            part.replace(blob)
            return found
        part.unlink()
        # A part left by an interrupted run may be what is wrong (a power cut): once more, from zero.
        if have_bytes == 0 or attempt == 2:
            break
    raise Refused("what arrived does not have the expected SHA-256", wrong_checksum=True)


def fetch(repo: str, filename: str, *, sha256: str | None, size_bytes: int, probe_s: float) -> None:
    from filelock import FileLock
    from huggingface_hub import constants, hf_hub_download, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name

    metadata = probe(repo, filename, probe_s)
    etag_is_sha256 = re.fullmatch(r"[0-9a-f]{64}", metadata.etag) is not None
    if (sha256 and etag_is_sha256 and metadata.etag != sha256) or (
        size_bytes and metadata.size != size_bytes
    ):
        raise Refused(f"{repo} holds another {filename} than the expected one", wrong_checksum=True)
    expected = sha256 or (metadata.etag if etag_is_sha256 else None)

    cache = Path(constants.HF_HUB_CACHE)
    folder = repo_folder_name(repo_id=repo, repo_type="model")
    blob = cache / folder / "blobs" / metadata.etag
    part = blob.with_name(f"{blob.name}.mutda.incomplete")
    lock = cache / ".locks" / folder / f"{metadata.etag}.lock"
    blob.parent.mkdir(parents=True, exist_ok=True)
    lock.parent.mkdir(parents=True, exist_ok=True)
    say(part=str(part), size_bytes=metadata.size)
    # The library's own lock for this blob. The parent bounds the wait.
    with FileLock(lock):
        found = None
        if blob.exists():
            say(verifying=True)
            found = sha256_of(blob)
            if expected is not None and found != expected:
                blob.replace(blob.with_name(f"{blob.name}.corrupt"))
                found = None
        if found is None:
            found = receive(hf_hub_url(repo, filename), part, blob, size_bytes=metadata.size, sha256=expected)
    path = Path(hf_hub_download(repo, filename, etag_timeout=probe_s))
    if not path.samefile(blob):
        # No symbolic links here (Windows), or an older file in the way: the blob becomes the file.
        blob.replace(path)
    status = path.stat()
    say(path=str(path), size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, sha256=found)


def main() -> int:
    repo, filename, sha256, size_bytes, probe_s = sys.argv[1:]
    threading.Thread(target=leave_with_parent, daemon=True).start()
    try:
        fetch(repo, filename, sha256=sha256 or None, size_bytes=int(size_bytes), probe_s=float(probe_s))
    except Refused as error:
        say(error=str(error), wrong_checksum=error.wrong_checksum)
        return 1
    except Exception as error:
        say(error=one_line(error), wrong_checksum=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
