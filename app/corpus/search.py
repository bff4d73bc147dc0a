"""Hybrid search: keywords and vectors, fused, over one state of a collection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.corpus.coverage import covered_mass, inverse_document_frequency
from app.corpus.faiss_index import DenseIndex
from app.corpus.fusion import dense_say, fuse, mmr
from app.corpus.passage import Passage
from app.corpus.records import StoredChunk
from app.corpus.store import Store
from app.models.embedder import Vectors

SearchMode = Literal["similarity", "mmr", "score_threshold"]

CANDIDATES = 50
"""How many chunks each leg brings to the fusion."""
MAX_QUESTION_TOKENS = 256
"""More different tokens than any question has; pasted pages are cut here."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question, ready to be searched for."""

    tokens: Sequence[str]
    vector: Vectors | None  # None: keywords alone
    weight: float  # the dense leg's say where the question's words are found, 0..1
    k: int
    mode: SearchMode = "similarity"
    score_threshold: float = 0.0
    fetch_k: int = 24
    lambda_mult: float = 0.7


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    id: int
    score: float
    lexical: float
    dense: float


def search(store: Store, index: DenseIndex, query: Query) -> list[Passage]:
    """Passages for a question, inside the caller's transaction; `index` must be of the same state.

    Modes:
        similarity: the k best by fused score.
        mmr: k of the `fetch_k` best by fused score, each unlike those before it (`fusion.mmr`).
        score_threshold: the k best by fused score whose absolute score reaches the threshold. The fused
            score cannot serve for this: normalised within one search, its best is near 1 even where
            nothing fits. The absolute score is (1 - weight) * the share of the question's bigram-IDF
            mass that heading and passage cover + weight * the cosine (none below 0), 0..1. It is in the
            passage's `extra["absolute"]`.
    """
    ranked = _candidates(store, index, query)
    if query.mode == "mmr":
        pool = ranked[: max(query.fetch_k, query.k)]
        order = mmr(
            [item.score for item in pool],
            index.vectors([item.id for item in pool]),
            query.k,
            lambda_mult=query.lambda_mult,
        )
        ranked = [pool[position] for position in order]
    absolute: dict[int, float] = {}
    if query.mode == "score_threshold":
        absolute = _absolute_scores(store, ranked, query)
        ranked = [item for item in ranked if absolute[item.id] >= query.score_threshold]
    ranked = ranked[: query.k]
    chunks = store.chunks([item.id for item in ranked])
    return [
        _passage(chunks[item.id], item, {"absolute": f"{absolute[item.id]:.4f}"} if absolute else {})
        for item in ranked
    ]


def idf(store: Store, tokens: Sequence[str]) -> dict[str, float]:
    """Inverse document frequencies over the chunks, for each token; the largest where it is unknown."""
    _, total = store.counts()
    frequencies = store.document_frequencies(tokens)
    return {token: inverse_document_frequency(frequencies[token], total) for token in tokens}


def _candidates(store: Store, index: DenseIndex, query: Query) -> list[_Candidate]:
    limit = max(CANDIDATES, query.k, query.fetch_k)
    lexical = store.keyword_search(query.tokens, limit)
    dense: dict[int, float] = {}
    if query.vector is not None:
        ids = list(dict.fromkeys([*lexical, *index.search(query.vector, limit)]))
        likeness = index.likeness(ids, query.vector)
        dense = dict(zip(ids, np.clip(likeness, -1.0, 1.0).tolist(), strict=True))
    weight = dense_say(query.weight, _covered(store, lexical, query)) if query.vector is not None else 0.0
    fused = fuse(lexical, dense, weight)
    items = (
        _Candidate(id=id, score=score, lexical=lexical.get(id, 0.0), dense=dense.get(id, 0.0))
        for id, score in fused.items()
    )
    return sorted(items, key=lambda item: (-item.score, item.id))


def _covered(store: Store, lexical: Mapping[int, float], query: Query) -> float:
    weights = idf(store, query.tokens)
    tokens = store.tokens(list(lexical))
    return max((covered_mass(weights, there) for there in tokens.values()), default=0.0)


def _absolute_scores(store: Store, items: Sequence[_Candidate], query: Query) -> dict[int, float]:
    weights = idf(store, query.tokens)
    tokens = store.tokens([item.id for item in items])
    return {
        item.id: (1 - query.weight) * covered_mass(weights, tokens[item.id])
        + query.weight * max(0.0, item.dense)
        for item in items
    }


def _passage(chunk: StoredChunk, item: _Candidate, extra: dict[str, str]) -> Passage:
    return Passage(
        id=str(chunk.id),
        source=chunk.source,
        heading=chunk.heading,
        section=chunk.section,
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        score=item.score,
        lexical=item.lexical,
        dense=item.dense,
        extra=extra,
    )
