"""A reader that knows what it is told; it takes nothing for an order."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class FakeReader:
    """Odds by what a passage says; the rest has `other`."""

    fingerprint = "reader"

    def __init__(self, said: dict[str, float], other: float = -4.0) -> None:
        self._said = said
        self._other = other
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def odds(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float64]:
        self.asked.append((question, tuple(passages)))
        found = [
            next((odds for text, odds in self._said.items() if text in passage), self._other)
            for passage in passages
        ]
        return np.array(found)

    def order_odds(self, sentences: Sequence[str]) -> npt.NDArray[np.float64]:
        return np.full(len(sentences), -8.0)

    def close(self) -> None:
        pass
