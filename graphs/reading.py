"""A first reading by the reader: which of the passages answer the question, if any does.

It takes half a second where the language model takes five, and was trained on nothing else
(docs/reader.md). What it is sure of needs no judgement of the model's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.corpus.passage import Passage
from app.models.reader import Reader
from graphs.spacing import respaced

SAY = 0.1
"""What one log-odds weighs beside the search's score of 0..1 in the order of the passages."""
SURE = 3.0
"""Log-odds beyond which being surer moves a passage no further."""


def read(
    passages: Sequence[Passage],
    question: str,
    reader: Reader | None,
    *,
    first: int = 0,
    enough: Callable[[Sequence[Passage]], bool] | None = None,
) -> list[Passage]:
    """The passages with their odds, in the order that search and reader make together. Blocking.

    The search knows better which of several that might answer is meant: by odds alone, "summer leave, beside
    the annual leave" came before what the annual leave is. Of 121 office questions in other words whose
    answer was among eight passages, it was the first of 54 by the search, 55 by the odds, 60 where all at
    even odds or better came first, and 70 by both together (85, 82, 87 and 94 among the first two); of 142
    direct ones and follow-ups 140, 138, 142 and 142 (docs/reader.md). Where the `first` ones are `enough`, so
    ordered, the others are not read and stay behind them. Without a reader all are as they are. Raises what
    the reader raises.
    """
    if reader is None:
        return list(passages)
    if enough is not None:
        begun = reread(passages[:first], question, reader)
        ordered = sorted(begun, key=_worth, reverse=True)
        if enough(ordered):
            return [*ordered, *passages[first:]]
        passages = [*begun, *passages[first:]]
    return sorted(reread(passages, question, reader), key=_worth, reverse=True)


def _worth(passage: Passage) -> float:
    # What has no text answers nothing.
    odds = -SURE if passage.reader is None else max(-SURE, min(SURE, passage.reader))
    return passage.score + SAY * odds


def reread(passages: Sequence[Passage], question: str, reader: Reader | None) -> list[Passage]:
    """In their order; those without odds, new or read for another question, get them. Blocking.

    Raises what the reader raises.
    """
    waiting = [passage.reader is None and bool(passage.text.strip()) for passage in passages]
    if reader is None or not any(waiting):
        return list(passages)
    lines = [line(passage) for passage, waits in zip(passages, waiting, strict=True) if waits]
    odds = iter(reader.odds(respaced(question, lines), lines).tolist())
    return [
        replace(passage, reader=next(odds)) if waits else passage
        for passage, waits in zip(passages, waiting, strict=True)
    ]


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
