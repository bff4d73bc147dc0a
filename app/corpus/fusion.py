"""Two rankings to one: scores made comparable and weighted, and a choice that avoids repeats."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt


def min_max(scores: Mapping[int, float]) -> dict[int, float]:
    """Scores stretched to 0..1: the worst is 0 and the best 1. All 1 when they do not differ."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}


def fuse(lexical: Mapping[int, float], dense: Mapping[int, float], weight: float) -> dict[int, float]:
    """(1 - weight) * lexical + weight * dense, each leg min-max normalised; a missing score counts 0.

    Args:
        lexical: BM25 by chunk id, larger is better.
        dense: cosine by chunk id. Give every candidate its cosine, not only those that the dense leg
            found: else a passage that only the keywords found counts as unlike the question, however
            like it is.
        weight: the dense leg's say, 0..1.

    Returns:
        A score of 0..1 for each id in either leg.
    """
    words, meaning = min_max(lexical), min_max(dense)
    return {
        key: (1 - weight) * words.get(key, 0.0) + weight * meaning.get(key, 0.0)
        for key in words.keys() | meaning.keys()
    }


FOUND = 0.3
"""Share of a question's bigram-IDF mass, covered by one passage, from which its words count as found."""


def dense_say(weight: float, covered: float) -> float:
    """The dense leg's share for one question: `weight` where its words are found, 1 where none is.

    Min-max makes the best passage by keywords a 1, however little it shares with the question, and so
    a chance match of an ending outvotes the meaning of a question in words of its own. Measured in
    docs/retrieval.md. An embedder whose weight is 0 is not asked.

    Args:
        weight: of the dense leg where keywords have something to say, 0..1.
        covered: the largest share of the question's bigram-IDF mass that one passage covers, 0..1.
    """
    return 1 - (1 - weight) * min(1.0, covered / FOUND) ** 2 if weight > 0 else 0.0


def mmr(
    relevance: Sequence[float], vectors: npt.NDArray[np.float32], k: int, *, lambda_mult: float = 0.7
) -> list[int]:
    """Maximal marginal relevance: positions of `k` items that are relevant and unlike each other.

    Carbonell and Goldstein, "The use of MMR, diversity-based reranking" (SIGIR 1998).

    Args:
        relevance: one score of 0..1 for each item.
        vectors: float32 of shape (len(relevance), dimensions), each row of length 1.
        lambda_mult: 1 asks for relevance alone, 0 for diversity alone.
    """
    scores = np.asarray(relevance, dtype=np.float32)
    nearest = np.zeros(len(scores), dtype=np.float32)
    chosen: list[int] = []
    left = np.ones(len(scores), dtype=bool)
    while left.any() and len(chosen) < k:
        value = np.where(left, lambda_mult * scores - (1 - lambda_mult) * nearest, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        left[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return chosen
