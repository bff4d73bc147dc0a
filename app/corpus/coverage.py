"""How much of a question stands in the passages: evidence that needs no model."""

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from app.corpus.bigrams import bigrams
from app.corpus.passage import Passage
from app.corpus.sentences import sentence_spans

Idf = Mapping[str, float] | Callable[[Sequence[str]], Mapping[str, float]]
"""Inverse document frequencies: a mapping that holds every token of the question, or a function that
gives them for tokens, such as `Collection.idf`."""


def inverse_document_frequency(frequency: int, total: int) -> float:
    """ln(1 + (N - n + .5) / (n + .5)), BM25's, kept above zero for tokens of more than half of the chunks."""
    return math.log1p((total - frequency + 0.5) / (frequency + 0.5))


def question_tokens(question: str, limit: int) -> list[str]:
    """The question's different tokens, in order, at most `limit`."""
    return list(dict.fromkeys(bigrams(question)))[:limit]


def covered_mass(weights: Mapping[str, float], tokens: Container[str]) -> float:
    """The share of the weights whose tokens are among `tokens`, 0..1; 0 for a question without weight."""
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in tokens) / total if total else 0.0


def coverage(question: str, passages: Iterable[Passage], idf: Idf) -> float:
    """The largest share of the question's bigram-IDF mass that one heading with one sentence covers, 0..1.

    A question whose words lie scattered over the passages scores low; one that a single sentence answers
    scores high. It is strong where questions reuse the words of their passage, and weak where they do not:
    real search questions share few. A low value alone is no proof that the answer is missing.
    """
    tokens = list(dict.fromkeys(bigrams(question)))
    given = idf(tokens) if callable(idf) else idf
    weights = {token: given[token] for token in tokens}
    best = 0.0
    for passage in passages:
        heading = set(bigrams(passage.heading))
        for start, end in sentence_spans(passage.text):
            best = max(best, covered_mass(weights, heading.union(bigrams(passage.text[start:end]))))
    return best
