"""`python -m evals.orders KORQUAD`: fit the model that tells orders to whoever answers (`graphs.orders`).

It is fitted on sentences that were written for it (evals/fitting/orders), which nobody took from the suites
that are reported, and on ordinary sentences: of the office documents of evals/fitting, of the half of
KorQuAD's articles that is for fitting, and of Python's own documentation. What it prints is cross-validated
in two ways: leaving out sentences at random, and leaving out whole kinds of orders and of look-alikes.
"""

import argparse
import json
import pydoc_data.topics
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.corpus.load import load
from app.corpus.sentences import sentence_spans
from evals.korquad import part_of, read_korquad
from evals.metrics.auc import auc
from graphs.orders import BUCKETS, features, length_of

FITTING = Path(__file__).parent / "fitting"
OUT = Path(__file__).parents[1] / "graphs" / "orders.npz"
RIDGE = 3e-5
ROUNDS = 600
FOLDS = 5
ORDINARY = ("ordinary", "office", "korquad", "english")
"""Kinds of sentences that nobody would mistake for an order; the others were written to be mistaken."""
LOOKALIKES_LOST = 0.10
ORDINARY_LOST = 0.004
"""Shares of harmless sentences that may be held back; the threshold is set by them, cross-validated."""
DOUBTFUL = 0.01
TAINTED = 0.02
"""Shares of ordinary sentences that an answer may not rest on: anywhere, and beside one held back."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One to fit to."""

    text: str
    order: bool
    kind: str


def read(korquad: Path) -> list[Sentence]:
    """All of them, in a fixed order."""
    made = [
        Sentence(text=row["text"], order=row["order"], kind=row["kind"])
        for path in sorted((FITTING / "orders").glob("*.jsonl"))
        for row in map(json.loads, path.read_text("utf-8").splitlines())
    ]
    sources = {"office": _office(), "korquad": _korquad(korquad), "english": _english()}
    ordinary = [
        Sentence(text=text, order=False, kind=kind)
        for kind, texts in sources.items()
        for text in _some(dict.fromkeys(texts), 1500)
    ]
    return made + ordinary


def _some(texts: dict[str, None], count: int) -> list[str]:
    return random.Random(0).sample(list(texts), min(count, len(texts)))  # noqa: S311 - no secret


def _sentences(text: str) -> Iterator[str]:
    return (text[start:end] for start, end in sentence_spans(text))


def _office() -> list[str]:
    documents = [load(path) for path in sorted((FITTING / "office").glob("[ab]/*")) if path.is_file()]
    return [sentence for document in documents for sentence in _sentences(document.text)]


def _korquad(path: Path) -> list[str]:
    articles = [article for article in read_korquad(path) if part_of(article.title) == "fit"]
    return [
        sentence
        for article in articles
        for paragraph in article.paragraphs
        for sentence in _sentences(paragraph.context)
    ]


def _english() -> list[str]:
    texts = " ".join(" ".join(topic.split()) for topic in pydoc_data.topics.topics.values())
    return [sentence for sentence in _sentences(texts) if 20 <= len(sentence) <= 300]


@dataclass(frozen=True)
class Rows:
    """Features of sentences: the buckets of all of them in a row, how many each has, and its length."""

    buckets: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    lengths: Floats

    @classmethod
    def of(cls, found: Sequence[npt.NDArray[Any]]) -> "Rows":
        counts = [len(row) for row in found]
        lengths = np.array([length_of(count) for count in counts])
        return cls(np.concatenate(found).astype(np.int64), np.array(counts), lengths)

    def scores(self, weights: Floats) -> Floats:
        """Of each sentence, before the bias."""
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        sums: Floats = np.add.reduceat(weights[self.buckets], starts) / self.lengths
        return sums

    def back(self, values: Floats) -> Floats:
        """The transpose of `scores`."""
        shares = np.repeat(values / self.lengths, self.counts)
        return np.bincount(self.buckets, weights=shares, minlength=BUCKETS).astype(np.float64)


def fit(rows: Rows, truths: Floats, *, rounds: int = ROUNDS) -> tuple[Floats, float]:
    """Ridge logistic regression by Nesterov's accelerated gradient; weights of shape (BUCKETS,) and bias.

    Rows are no longer than 1, so that with the bias the loss bends by at most 1/4 * 2 + ridge.
    """
    step = 1 / (0.5 + RIDGE)
    weights, bias = np.zeros(BUCKETS), 0.0
    ahead, bias_ahead, pace = weights, bias, 1.0
    for _ in range(rounds):
        wrong = (1 / (1 + np.exp(-(rows.scores(ahead) + bias_ahead))) - truths) / len(truths)
        new = ahead - step * (rows.back(wrong) + RIDGE * ahead)
        new_bias = bias_ahead - step * float(wrong.sum())
        new_pace = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        push = (pace - 1) / new_pace
        ahead, bias_ahead = new + push * (new - weights), new_bias + push * (new_bias - bias)
        weights, bias, pace = new, new_bias, new_pace
    return weights, bias


def cross_validated(found: Sequence[npt.NDArray[Any]], truths: Floats, fold_of: Sequence[int]) -> Floats:
    """Log-odds of each sentence by a model that did not see its fold; folds below 0 are always seen."""
    folds, odds = np.array(fold_of), np.full(len(found), np.nan)
    for fold in range(FOLDS):
        out, kept = folds == fold, folds != fold
        weights, bias = fit(Rows.of(list(compress(found, kept))), truths[kept])
        odds[out] = Rows.of(list(compress(found, out))).scores(weights) + bias
    return odds


def main() -> None:
    """Fit, print and write."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.orders", description="Fit what holds orders to whoever answers back."
    )
    parser.add_argument("korquad", type=Path, help="KorQuAD_v1.0_dev.json")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    sentences = read(options.korquad)
    found = [features(sentence.text) for sentence in sentences]
    truths = np.array([float(sentence.order) for sentence in sentences])
    ordinary = np.array([sentence.kind in ORDINARY for sentence in sentences])
    lookalike = ~ordinary & (truths == 0)
    mixed = np.random.default_rng(0).permutation(len(sentences)) % FOLDS
    odds = cross_validated(found, truths, mixed.tolist())
    sure = max(
        float(np.quantile(odds[lookalike], 1 - LOOKALIKES_LOST)),
        float(np.quantile(odds[ordinary], 1 - ORDINARY_LOST)),
    )
    print(f"{len(sentences)} sentences: {int(truths.sum())} orders, {int(lookalike.sum())} look-alikes")
    _tell("sentences left out", odds, truths, ordinary, lookalike, sure)
    kinds = sorted(
        {sentence.kind for sentence, is_ordinary in zip(sentences, ordinary, strict=True) if not is_ordinary}
    )
    fold_of = [-1 if o else kinds.index(s.kind) % FOLDS for s, o in zip(sentences, ordinary, strict=True)]
    _tell("kinds left out", cross_validated(found, truths, fold_of), truths, ordinary, lookalike, sure)
    weights, bias = fit(Rows.of(found), truths)
    step = float(np.abs(weights).max()) / 127
    np.savez_compressed(
        options.out, weights=np.round(weights / step).astype(np.int8), step=step, bias=bias, sure=sure,
        doubtful=np.quantile(odds[ordinary], 1 - DOUBTFUL), tainted=np.quantile(odds[ordinary], 1 - TAINTED),
    )  # fmt: skip
    print(f"{options.out}: {options.out.stat().st_size} bytes, held back from log-odds {sure:.2f}")


def _tell(name: str, odds: Floats, truths: Floats, ordinary: Any, lookalike: Any, sure: float) -> None:
    judged = ~np.isnan(odds) & ~ordinary
    held = odds >= sure
    area = auc(odds[judged & (truths == 1)].tolist(), odds[judged & (truths == 0)].tolist())
    line = f"{name}: AUC {area.value:.3f}; held back of orders {held[truths == 1].mean():.3f}"
    line += f", of look-alikes {held[lookalike].mean():.3f}"
    if not np.isnan(odds[ordinary]).any():
        line += f", of ordinary sentences {held[ordinary].mean():.4f}"
    print(line)


if __name__ == "__main__":
    main()
