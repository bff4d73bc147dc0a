"""Passages worth asking about: spread over the documents, those with the most facts first."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from app.corpus.load import is_supported, load
from app.corpus.passage import Chunk
from app.corpus.split import TARGET_CHARS, split
from app.corpus.walk import walk
from app.errors import LoadError, MutdaError
from evals.metrics.recall import file_name

MAX_FACTS = 6
"""More in one passage make it no better: they are the rows of a table."""
MIN_CHARS = 40
"""Of a passage that says something."""

# Numbers and dates, quoted names, English names inside a sentence, Korean names with a title.
_FACT = re.compile(
    r"\d[\d.,:/-]*|[“\"‘「『《][^”\"’」』》]{2,30}[”\"’」』》]|(?<=[a-z,;] )[A-Z][\w-]+|[A-Z]+-?\d+\w*"
    r"|[가-힣]{2,4}\s?(?:씨|님|팀장|부장|과장|대리|이사|대표|사장|교수|박사|장관|대통령)(?![가-힣]{2})"
)


@dataclass(frozen=True)
class Candidate:
    """A passage, and the file it is from."""

    source: str
    """The file's name alone, as a suite names it."""
    chunk: Chunk


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Passages in the order to take them, and what could not be read."""

    passages: list[Candidate]
    failed: list[str]
    """A line each."""


def candidates(folder: Path, limit: int, *, seed: int) -> Candidates:
    """At most `limit` passages of the documents in a folder, or of one file, the documents in turn.

    The seed decides between documents, where there are more than `limit`, and between passages alike.
    Raises MutdaError when nothing can be read.
    """
    if not folder.exists():
        raise MutdaError(f"There is no {folder}. Check the path.")
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    found = walk([folder], is_supported)
    failed = [f"{path}: {reason}" for path, reason in found.failed]
    chance.shuffle(found.files)
    by_document: list[list[Candidate]] = []
    for file in found.files:
        if len(by_document) == limit:
            break
        try:
            chunks = split(load(Path(file.path)))
        except LoadError as error:
            failed.append(str(error))
            continue
        by_document.append([Candidate(file_name(file.name), chunk) for chunk in _ranked(chunks, chance)])
    passages = list(_in_turn(by_document))[:limit]
    if not passages:
        raise MutdaError(f"{folder} holds no document that can be read.")
    return Candidates(passages=passages, failed=failed)


def worth(text: str) -> float:
    """Facts that a passage tells, 0 to 6, less where it is short."""
    facts = len(set(_FACT.findall(text)))
    return min(facts, MAX_FACTS) * min(len(text) / TARGET_CHARS, 1.0)


def _ranked(chunks: Sequence[Chunk], chance: random.Random) -> list[Chunk]:
    worths = {chunk: worth(chunk.text) + chance.random() for chunk in chunks}
    ranked = sorted(worths, key=lambda chunk: -worths[chunk])
    return [chunk for chunk in ranked if len(chunk.text) >= MIN_CHARS] or ranked


def _in_turn(by_document: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """The best of each document, then the second best; a text that stands in several comes once."""
    seen: set[str] = set()
    for round_ in zip_longest(*by_document):
        for candidate in round_:
            if candidate is not None and candidate.chunk.text not in seen:
                seen.add(candidate.chunk.text)
                yield candidate
