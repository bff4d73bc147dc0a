"""Did retrieval find the files that hold the answer?"""

import unicodedata
from collections.abc import Sequence


def file_name(source: str) -> str:
    """The last part of a source's path, in NFC: a disk may keep Korean names decomposed."""
    return unicodedata.normalize("NFC", source.replace("\\", "/").rsplit("/", 1)[-1])


def recalled(found: Sequence[str], gold: Sequence[str], *, k: int | None = None) -> bool:
    """Whether any gold file is a source of the first `k` passages found (all of them without `k`)."""
    wanted = {file_name(source) for source in gold}
    return any(file_name(source) in wanted for source in found[:k])


def gold_flags(found: Sequence[str], gold: Sequence[str]) -> list[bool]:
    """For each passage found, in its order: whether it is the first one of a gold file.

    A file that comes up again adds nothing, so that no measure of ranking rewards repeating it.
    """
    wanted = {file_name(source) for source in gold}
    flags = []
    for source in found:
        name = file_name(source)
        flags.append(name in wanted)
        wanted.discard(name)
    return flags


def recall_at(flags: Sequence[bool], gold: int, k: int) -> float:
    """Share of the `gold` files that stand among the first `k` passages."""
    return sum(flags[:k]) / gold
