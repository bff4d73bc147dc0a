"""Did retrieval find a file that holds the answer?"""

import unicodedata
from collections.abc import Sequence


def file_name(source: str) -> str:
    """The last part of a source's path, in NFC: a disk may keep Korean names decomposed."""
    return unicodedata.normalize("NFC", source.replace("\\", "/").rsplit("/", 1)[-1])


def recalled(found: Sequence[str], gold: Sequence[str], *, k: int | None = None) -> bool:
    """Whether any gold file is a source of the first `k` passages found (all of them without `k`)."""
    wanted = {file_name(source) for source in gold}
    return any(file_name(source) in wanted for source in found[:k])
