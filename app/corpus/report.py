"""What an ingest tells: how far it is, and what it did."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an ingest is."""

    files_done: int  # looked at, and read where they had changed
    files_total: int
    texts_done: int  # embedded in this run: chunks and, with some embedders, their sentences
    texts_total: int  # to be embedded, as far as is known: it grows while files are read
    path: str  # the file that was looked at last; empty while a collection is embedded anew


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """What an ingest did. Counts are of documents, unless they say otherwise."""

    added: int
    updated: int
    unchanged: int
    pruned: int
    missing: int  # stored, under the given paths, and gone from the disk; `prune` would delete them
    skipped: int  # files in folders that no loader reads
    failed: tuple[tuple[str, str], ...]  # path, reason on one line; an older version stays
    chunks: int  # written
    size_bytes: int  # of the files added and updated
    seconds: float
    embed_seconds: float  # of them, inside the embedder
