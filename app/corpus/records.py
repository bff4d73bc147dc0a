"""The rows of a collection's store."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.corpus.passage import SECTION_GAP
from app.corpus.sentences import sentence_spans
from app.models.embedder import Vectors


@dataclass(frozen=True, kw_only=True)
class Document:
    """A source and the file it was, as far as that is known."""

    id: int = 0
    path: str  # absolute; one document for each path
    given: str  # as the user wrote it
    name: str  # as shown
    sha256: str
    size_bytes: int
    mtime_ns: int
    checked_ns: int  # when size and time were last read, by this machine's clock
    loader: str
    title: str
    notes: tuple[str, ...] = ()
    ingested_at: str  # UTC, ISO 8601


@dataclass(frozen=True, kw_only=True)
class StoredChunk:
    """A chunk as it is kept, with the name of its document."""

    id: int
    source: str
    heading: str
    section: str
    page: int | None
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Stamp:
    """Which state of the store this is. Two states never share a stamp, also over copies and restores."""

    generation: int
    state: str


def indexed_text(heading: str, text: str) -> str:
    """What is embedded and what the keywords are taken from: a passage with the headings above it."""
    return f"{heading}\n{text}" if heading else text


def embedded_texts(heading: str, text: str, *, by_sentence: bool) -> list[str]:
    """What a chunk's vectors are made of: the whole and, where asked and there are several, its sentences.

    A sentence is embedded under the lowest heading alone: with all of them, the sentences of one chunk
    look alike.
    """
    texts = [indexed_text(heading, text)]
    spans = sentence_spans(text) if by_sentence else []
    if len(spans) > 1:
        lowest = heading.rpartition(SECTION_GAP)[2]
        sentences = (text[start:end] for start, end in spans)
        texts += [f"{lowest}: {sentence}" if lowest else sentence for sentence in sentences]
    return texts


def by_chunk(vectors: Vectors, texts: Sequence[Sequence[str]]) -> list[Vectors]:
    """Vectors of all texts in a row, parted as `texts` is: for each chunk one of shape (n, dimensions)."""
    return np.split(vectors, np.cumsum([len(of_chunk) for of_chunk in texts])[:-1])
