"""What the nodes work with, made once and passed in."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from app.corpus.passage import Passage
from app.models.chat import LanguageModel
from app.models.reader import Reader
from app.prompts import Prompts
from graphs.evidence import Calibration
from graphs.orders import Orders
from tools.search_results import SearchResult


class Corpus(Protocol):
    """The part of a collection that a question needs; blocking, safe to call from any thread."""

    def search(self, query: str, *, k: int) -> list[Passage]:
        """The best `k` passages, best first."""

    def coverage(self, question: str, passages: Sequence[Passage]) -> float:
        """Largest share of the question's bigram weight that one sentence of `passages` covers."""

    def close(self) -> None:
        """Release files and connections."""


class Search(Protocol):
    """Web search that may be asked when there is consent."""

    async def search(self, query: str, *, k: int = 5, consent: bool = False) -> list[SearchResult]:
        """Results, best first. Raises SearchError."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Models, documents, tools and clocks of a running graph."""

    model: LanguageModel
    prompts: Prompts
    corpus: Corpus
    corpus_of: Callable[[list[dict[str, str]]], Corpus]
    """Makes a throw-away corpus of the passages that a question brings along."""
    calibration: Calibration
    orders: Orders | None
    """Tells sentences that give orders to whoever answers; None where everything is to be read."""
    reader: Reader | None
    """Tells which passages answer a question; None where its weights are not, or it is switched off."""
    search: Search | None
    web_search: str
    """Default of `Context.web_search`: off, ask or on."""
    call_timeout_s: float
    today: Callable[[], date]
    monotonic: Callable[[], float]
    embedder: str
    """Spec, for the answer object."""
    collection: str
    """Name, for the answer object."""
    documents: int
    """How many the collection holds."""

    @contextmanager
    def searched(self, given: Sequence[dict[str, str]] | None) -> Iterator[Corpus]:
        """The documents; or, for the while, the passages that a question brings."""
        if given is None:
            yield self.corpus
            return
        corpus = self.corpus_of(list(given))
        try:
            yield corpus
        finally:
            corpus.close()

    def held_back(self, passages: list[Passage]) -> list[Passage]:
        """The passages as the model may read them: without orders to it, where these are told."""
        return self.orders.held_back(passages) if self.orders else passages
