"""What is read together in training: texts of like length, so that little of a batch is padding."""

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Tokenized(Protocol):
    """A text as the model reads it."""

    @property
    def tokens(self) -> list[int]: ...


T = TypeVar("T", bound=Tokenized)


def batches(items: Sequence[T], chance: random.Random, *, most_tokens: int, blur: int) -> list[list[T]]:
    """Every item once, at most `most_tokens` in a batch with the padding, in any order.

    Lengths count as up to `blur` tokens more, by chance, so that no two passes have the same neighbours. An
    item that is longer than a batch may be stands alone.
    """
    found: list[list[T]] = []
    batch: list[T] = []
    for item in sorted(items, key=lambda item: len(item.tokens) + blur * chance.random()):
        longest = max([len(item.tokens), *(len(other.tokens) for other in batch)])
        if batch and (len(batch) + 1) * longest > most_tokens:
            found.append(batch)
            batch = []
        batch.append(item)
    if batch:
        found.append(batch)
    chance.shuffle(found)
    return found
