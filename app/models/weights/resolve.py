"""From the name in `embedded:NAME` to a GGUF file that can be loaded."""

import re
import time
from pathlib import Path

from app.errors import ChecksumError, DownloadError, SettingsError
from app.models.weights import hub
from app.models.weights.catalog import EMBEDDED, Weights
from app.models.weights.download import ONLY_SOURCE_PROBE_S, advice, fetch
from app.models.weights.local import (
    hub_cached,
    hub_claimed_sha256,
    hub_record_path,
    is_verified,
    local_path,
    write_record,
    wrong_file,
)
from app.models.weights.source import OnProgress, Progress, SourceFailed

GGUF_MAGIC = b"GGUF"
_HUB_NAME = re.compile(
    r"(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)/(?P<filename>(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.gguf)"
)


def resolve_gguf(
    name: str,
    cache_dir: Path,
    *,
    allow_fetch: bool = True,
    progress: OnProgress | None = None,
    deadline_s: float = 3600.0,
    default: Weights = EMBEDDED,
) -> Path:
    """The file that `embedded:NAME` means.

    "" is `default`; "FILE.gguf" a file on this machine; "ORG/REPO/FILE.gguf" a file of the
    Hugging Face hub, unless a file of that name is on this machine. What is not here is
    fetched if `allow_fetch`.

    Raises SettingsError for a name that cannot be meant, DownloadError for a file that is not
    here and cannot be fetched, ChecksumError for one whose bytes are wrong.
    """
    if not name:
        return _default(default, cache_dir, allow_fetch, progress, deadline_s)
    path = Path(name).expanduser()
    if path.is_file():
        return _with_magic(path)
    if (match := _HUB_NAME.fullmatch(name)) is not None:
        repo, filename = match["repo"], match["filename"]
        return _with_magic(_from_hub(repo, filename, cache_dir, allow_fetch, progress, deadline_s))
    if name.endswith(".gguf"):
        raise SettingsError(f"There is no file {path}. Check the name after embedded: in MUTDA_MODEL.")
    raise SettingsError(
        f"embedded:{name} is not a model name. Use embedded: alone, embedded:FILE.gguf, "
        "or embedded:ORG/REPO/FILE.gguf for a file of the Hugging Face hub."
    )


def _default(
    weights: Weights, cache_dir: Path, allow_fetch: bool, progress: OnProgress | None, deadline_s: float
) -> Path:
    if allow_fetch:
        return fetch(weights, cache_dir, progress=progress, deadline_s=deadline_s)
    if (found := local_path(weights, cache_dir)) is not None:
        return found
    raise DownloadError(f"{weights.name} is not on this machine yet. {advice(weights, cache_dir)}")


def _from_hub(
    repo: str,
    filename: str,
    cache_dir: Path,
    allow_fetch: bool,
    progress: OnProgress | None,
    deadline_s: float,
) -> Path:
    record = hub_record_path(cache_dir, repo, filename)
    if (cached := hub_cached(repo, filename)) is not None:
        claimed = hub_claimed_sha256(cached)
        # Without links (Windows) the cache claims no checksum; the library checked the size.
        if claimed is None or is_verified(cached, claimed, record):
            return cached
        raise wrong_file(cached)
    if not allow_fetch:
        raise DownloadError(
            f"{repo}/{filename} is not on this machine yet. Fetch it first, or use embedded: alone."
        )

    def report(done_bytes: int, total_bytes: int, detail: str) -> None:
        if progress is not None:
            progress(Progress(source="hub", done_bytes=done_bytes, total_bytes=total_bytes, detail=detail))

    until = time.monotonic() + deadline_s
    try:
        file = hub.download(repo, filename, until=until, probe_s=ONLY_SOURCE_PROBE_S, report=report)
    except (SourceFailed, OSError) as error:
        kind = ChecksumError if isinstance(error, SourceFailed) and error.wrong_checksum else DownloadError
        raise kind(
            f"{repo}/{filename} could not be fetched (the hub: {error}). "
            "Check the name and the connection, or name a file on this machine: embedded:FILE.gguf."
        ) from error
    write_record(record, size_bytes=file.size_bytes, mtime_ns=file.mtime_ns, sha256=file.sha256)
    return file.path


def _with_magic(path: Path) -> Path:
    with path.open("rb") as file:
        magic = file.read(len(GGUF_MAGIC))
    if magic != GGUF_MAGIC:
        raise SettingsError(f"{path} is not a GGUF file. Name one in MUTDA_MODEL: embedded:FILE.gguf.")
    return path
