"""Zip-based documents are checked before they are opened: a few kilobytes can unpack to gigabytes."""

import io
import zipfile
from pathlib import Path

from app.corpus.load.sniff import one_of
from app.errors import LoadError

MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 128 * 1024 * 1024
MAX_TOTAL_BYTES = 512 * 1024 * 1024
MAX_RATIO = 200
"""Unpacked to packed size. Real Word text packs 10 to 50 times."""
RATIO_FREE_BYTES = 8 * 1024 * 1024
"""Members up to this size may pack as well as they like; they do no harm."""


def check_archive(data: bytes, path: Path) -> tuple[str, ...]:
    """The names of the members, after their declared sizes were found reasonable.

    The declared size can be trusted as a limit: zipfile stops reading there and then fails on the checksum.

    Raises:
        LoadError: too many members, too large ones, or ones that unpack suspiciously well; or a broken zip.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError) as error:
        raise LoadError(
            f"{path.name}: the file is damaged or was not copied whole ({one_of(error)})."
        ) from error
    total_bytes = sum(member.file_size for member in members)
    suspicious = (
        len(members) > MAX_MEMBERS
        or total_bytes > MAX_TOTAL_BYTES
        or any(
            member.file_size > MAX_MEMBER_BYTES
            or (
                member.file_size > RATIO_FREE_BYTES
                and member.file_size > MAX_RATIO * max(member.compress_size, 1)
            )
            for member in members
        )
    )
    if suspicious:
        raise LoadError(
            f"{path.name}: unpacks to {total_bytes / 2**20:,.0f} MiB in {len(members):,} parts. "
            "This looks like a zip bomb and was not opened."
        )
    if any(member.flag_bits & 1 for member in members):
        raise LoadError(f"{path.name}: the document has a password. Save a copy without one and load that.")
    return tuple(member.filename for member in members)
