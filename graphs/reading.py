"""A first reading by the reader: which of the passages answer the question, if any does.

It takes half a second where the language model takes five, and was trained on nothing else
(docs/reader.md). What it is sure of needs no judgement of the model's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.corpus.passage import Passage
from app.models.reader import Reader


def read(passages: Sequence[Passage], question: str, reader: Reader | None) -> list[Passage]:
    """The passages with their odds; those that rather answer first, else in their order. Blocking.

    The search knows better which of several that might answer is meant: by odds alone, "summer leave, beside
    the annual leave" came before what the annual leave is. Without a reader they are as they are. Raises
    what the reader raises.
    """
    if reader is None or not passages:
        return list(passages)
    odds = reader.odds(question, [line(passage) for passage in passages])
    marked = [replace(passage, reader=float(value)) for passage, value in zip(passages, odds, strict=True)]
    return sorted(marked, key=lambda passage: (passage.reader or 0.0) < 0)


def reread(passages: Sequence[Passage], question: str, reader: Reader | None) -> list[Passage]:
    """In their order; those without odds, which were read for another question, get them. Blocking.

    Raises what the reader raises.
    """
    unread = [passage for passage in passages if passage.reader is None and passage.text.strip()]
    odds = {passage.id: passage.reader for passage in read(unread, question, reader)}
    return [replace(passage, reader=odds.get(passage.id, passage.reader)) for passage in passages]


def unread(passages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Found passages without the odds they have for the question asked until now."""
    return [{**passage, "reader": None} for passage in passages]


def all_read(passages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every passage that has a text has odds."""
    return all(passage.get("reader") is not None for passage in passages if passage["text"].strip())


def line(passage: Passage) -> str:
    """Heading and text, as they stand in the prompt, on one line."""
    return f"{' '.join(passage.heading.split())}: {' '.join(passage.text.split())}"


def best_odds(passages: Sequence[Mapping[str, Any]]) -> float | None:
    """The highest log-odds that one of them answers the question; None where none was read."""
    return max((passage["reader"] for passage in passages if passage.get("reader") is not None), default=None)
