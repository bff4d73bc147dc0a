"""Questions whose files are not among the documents: no search finds these, and recall says nothing of it."""

from collections.abc import Collection, Sequence
from pathlib import Path

from app.corpus.schema import STORE_NAME
from app.corpus.store import Store
from evals.metrics.recall import file_name
from evals.suite import Case


def absent(cases: Sequence[Case], files: Collection[str]) -> list[Case]:
    """Those that are asked of the documents and name files of which none is there."""
    return [
        case
        for case in cases
        if case.sources
        and case.passages is None
        and not any(file_name(source) in files for source in case.sources)
    ]


def absent_line(missing: Sequence[Case]) -> str:
    """What to tell of them; there must be one."""
    return (
        f"{len(missing)} questions count as not found: {', '.join(missing[0].sources)}, "
        "for one, is not among the documents."
    )


def files_of(folder: Path) -> frozenset[str]:
    """The names of the files in the collection of a folder, without their own folders."""
    store = Store.to_read(folder / STORE_NAME)
    try:
        return frozenset(file_name(document.name) for document in store.documents())
    finally:
        store.close()
