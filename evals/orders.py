"""`python -m evals.orders KORQUAD`: fit the model that tells orders to whoever answers (`graphs.orders`).

It is fitted on sentences that were written for it (evals/fitting/orders), which nobody took from the suites
that are reported, and on ordinary sentences: of the office documents of evals/fitting, of the half of
KorQuAD's articles that is for fitting, and of Python's own documentation. What it prints is cross-validated
in two ways: leaving out sentences at random, and leaving out whole files, which were written one without
sight of the other. The second opinion is fitted to this one's (`evals.train_orders`), and is lost here.
"""

import argparse
import json
import pydoc_data.topics
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.corpus.load import load
from app.corpus.sentences import sentence_spans
from evals.korquad import part_of, read_korquad
from evals.metrics.auc import auc
from graphs.orders import BUCKETS, Bars, Orders, features, length_of, units

FITTING = Path(__file__).parent / "fitting"
OUT = Path(__file__).parents[1] / "graphs" / "orders.npz"
RIDGE = 3e-5
ROUNDS = 600
FOLDS = 5
ORDINARY = ("ordinary", "office", "korquad", "english", "sets")
"""Kinds of sentences that nobody would mistake for an order; the others were written to be mistaken."""
LOOKALIKES_LOST = 0.10
ORDINARY_LOST = 0.004
"""Shares of harmless sentences that may be held back; the threshold is set by them, cross-validated."""
DOUBTFUL = 0.01
TAINTED = 0.02
"""Shares of ordinary sentences that an answer may not rest on: anywhere, and beside one held back."""

READERS_ALONE = frozenset({"hidden_places", "question_pages"})
"""Files that only the reader's adapter learns: their harmless sentences are in the same words as the orders.

Fitted to them too, with bars by the same shares of harmless sentences, the linear model left 23, 21 and 27
commands of the three suites to be read, and not 17, 20 and 26."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One to fit to."""

    text: str
    order: bool
    kind: str
    file: str = ""
    """In which it was written; empty where it was taken from a text."""


def read(korquad: Path) -> list[Sentence]:
    """All of them, in a fixed order."""
    made = [
        Sentence(text=row["text"], order=row["order"], kind=row["kind"], file=path.stem)
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


def for_linear(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Those that the linear model is fitted to."""
    return [sentence for sentence in sentences if sentence.file not in READERS_ALONE]


def of_sets(count: int) -> list[Sentence]:
    """Of the reader's passages: so many sentences, and a third as many of two in a row.

    Rules, manuals, minutes and notes in plain words, which the other texts lack: without them the reader's
    adapter took 30 in 10,000 of their sentences for orders, and the linear model 4.
    """
    alone, pairs = dict[str, None](), dict[str, None]()
    for path in sorted((FITTING / "reader").glob("*.jsonl")):
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            for text in (passage["text"] for passage in row["passages"]):
                spans = units(text)
                alone |= dict.fromkeys(text[start:end] for start, end in spans)
                pairs |= dict.fromkeys(text[first[0] : second[1]] for first, second in pairwise(spans))
    texts = [*_some(alone, count), *_some(pairs, count // 3)]
    return [Sentence(text=text, order=False, kind="sets") for text in texts]


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
    """Log-odds of each sentence by a model that did not see its fold; fold -1 is always seen."""
    folds, odds = np.array(fold_of), np.full(len(found), np.nan)
    for fold in sorted(set(fold_of) - {-1}):
        out, kept = folds == fold, folds != fold
        weights, bias = fit(Rows.of(list(compress(found, kept))), truths[kept])
        odds[out] = Rows.of(list(compress(found, out))).scores(weights) + bias
    return odds


def is_ordinary(sentences: Sequence[Sentence]) -> npt.NDArray[np.bool_]:
    """Of which nobody would think that they are orders."""
    return np.array([sentence.kind in ORDINARY for sentence in sentences])


def bars_of(
    odds: Floats, truths: Floats, ordinary: npt.NDArray[np.bool_], *, ordinary_lost: float = ORDINARY_LOST
) -> Bars:
    """Set by the shares of harmless sentences that may be lost; `odds` of models that did not see them."""
    lookalike = ~ordinary & (truths == 0)
    return Bars(
        sure=max(
            float(np.quantile(odds[lookalike], 1 - LOOKALIKES_LOST)),
            float(np.quantile(odds[ordinary], 1 - ordinary_lost)),
        ),
        doubtful=float(np.quantile(odds[ordinary], 1 - DOUBTFUL)),
        tainted=float(np.quantile(odds[ordinary], 1 - TAINTED)),
    )


def linear(sentences: Sequence[Sentence], odds: Floats) -> Orders:
    """Fitted to all of them; the bars are those of `odds`, each of a model that did not see its sentence."""
    rows = Rows.of([features(sentence.text) for sentence in sentences])
    truths = truths_of(sentences)
    weights, bias = fit(rows, truths)
    bars = bars_of(odds, truths, is_ordinary(sentences))
    return Orders(weights=weights.astype(np.float32), bias=bias, alone=bars)


def truths_of(sentences: Sequence[Sentence]) -> Floats:
    """1 for an order, and 0."""
    return np.array([float(sentence.order) for sentence in sentences])


def files_apart(sentences: Sequence[Sentence], folds: int) -> list[int]:
    """A fold for each: those of a file are together, and the sentences of texts by chance."""
    files = sorted({sentence.file for sentence in sentences if sentence.file})
    chance = np.random.default_rng(0).integers(folds, size=len(sentences)).tolist()
    return [
        files.index(sentence.file) % folds if sentence.file else chance[at]
        for at, sentence in enumerate(sentences)
    ]


def main() -> None:
    """Fit, print and write."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.orders", description="Fit what holds orders to whoever answers back."
    )
    parser.add_argument("korquad", type=Path, help="KorQuAD_v1.0_dev.json")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    sentences = for_linear(read(options.korquad))
    found = [features(sentence.text) for sentence in sentences]
    truths, ordinary = truths_of(sentences), is_ordinary(sentences)
    mixed = np.random.default_rng(0).permutation(len(sentences)) % FOLDS
    odds = cross_validated(found, truths, mixed.tolist())
    lookalikes = int((~ordinary & (truths == 0)).sum())
    print(f"{len(sentences)} sentences: {int(truths.sum())} orders, {lookalikes} look-alikes")
    fitted = linear(sentences, odds)
    print(f"sentences left out: {told(odds, truths, ordinary, fitted.alone.sure)}")
    apart = cross_validated(found, truths, files_apart(sentences, FOLDS))
    print(f"files left out: {told(apart, truths, ordinary, fitted.alone.sure)}")
    fitted.write(options.out)
    print("The reader's second opinion was fitted to the old one: python -m evals.train_orders does it anew.")
    print(
        f"{options.out}: {options.out.stat().st_size} bytes, held back from log-odds {fitted.alone.sure:.2f}"
    )


def told(odds: Floats, truths: Floats, ordinary: npt.NDArray[np.bool_], sure: float) -> str:
    """How well orders are told from look-alikes, and what is held back of each."""
    held = odds >= sure
    area = auc(odds[~ordinary & (truths == 1)].tolist(), odds[~ordinary & (truths == 0)].tolist())
    return (
        f"AUC {area.value:.3f}; held back of orders {held[truths == 1].mean():.3f}, "
        f"of look-alikes {held[~ordinary & (truths == 0)].mean():.3f}, "
        f"of ordinary sentences {held[ordinary].mean():.4f}"
    )


if __name__ == "__main__":
    main()
