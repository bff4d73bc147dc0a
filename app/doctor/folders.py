"""The two folders: can they be written, and is there room?"""

import shutil
import tempfile
from pathlib import Path

from app.doctor.finding import Finding, ok, warn, wrong
from app.models.weights import E5, EMBEDDED
from app.settings import Settings

DATA_BYTES = 500_000_000
"""A collection of some thousand pages, and traces."""


def look_at_data_folder(settings: Settings) -> Finding:
    """Where collections, traces and logs go."""
    return look_at_folder("data", settings.data_dir, "MUTDA_DATA_DIR", DATA_BYTES)


def look_at_cache_folder(settings: Settings) -> Finding:
    """Where weights go; room is needed as long as they are not there."""
    there = EMBEDDED.target(settings.cache_dir).is_file()
    needed = 0 if there else EMBEDDED.size_bytes + 2 * E5.size_bytes
    return look_at_folder("cache", settings.cache_dir, "MUTDA_CACHE_DIR", needed)


def look_at_folder(name: str, folder: Path, setting: str, needed_bytes: int) -> Finding:
    """Write a file there, or where the folder will be made, and remove it; look at the free space."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"0")
    except OSError as error:
        reason = error.strerror or str(error)
        return wrong(name, f"{folder} cannot be written ({reason})", f"set {setting} to a folder of your own")
    free_bytes = shutil.disk_usage(there).free
    text = f"{folder}{'' if folder.exists() else ' (made when needed)'}, {gigabytes(free_bytes)} free"
    if free_bytes < needed_bytes:
        return warn(name, f"{text}, {gigabytes(needed_bytes)} wanted", f"free some space, or set {setting}")
    return ok(name, text)


def gigabytes(size_bytes: int) -> str:
    """In GB of 10^9 bytes, as disks are sold."""
    return f"{size_bytes / 1e9:.1f} GB"
