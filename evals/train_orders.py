"""`python -m evals.train_orders KORQUAD`: the reader's second adapter, which tells orders to whoever answers.

Trained on the sentences of `evals.orders` and on some of the reader's own passages. How well it does is
measured by two halves of the files, each judged by what was trained on the other; from these log-odds come
the fusion with the linear model and the bars. Then it is trained on everything. About 40 minutes on 2 cores
without AVX-512.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.errors import MissingExtraError, MutdaError
from app.models.e5_engine import BEGIN, END, PASSAGE, Engine, normalised
from app.models.e5_reader import ORDERS
from app.models.weights import resolve_e5
from app.settings import load_settings
from evals.batches import batches
from evals.orders import (
    OUT,
    Floats,
    Sentence,
    bars_of,
    cross_validated,
    files_apart,
    for_linear,
    is_ordinary,
    linear,
    of_sets,
    read,
    told,
    truths_of,
)
from graphs.orders import NEVER, Fusion, Orders, features

if TYPE_CHECKING:
    from evals.reader_model import ReaderModel

HALVES = 2
PASSES = 2
TOKENS_MAX = 160
"""Of a sentence; what is longer is cut in training alone."""
BATCH_TOKENS = 1200
"""With the padding: some 35 sentences, so that a pass has steps enough."""
ORDINARY_SHARE = 0.5
"""Of the ordinary sentences in a pass: they are many, and easy."""
SETS = 3000
"""Sentences of the reader's passages."""
RIDGE = 1e-3
ORDINARY_LOST = 0.002
"""As `evals.orders.ORDINARY_LOST`, of both together, which lose fewer."""
ORDERS_LOST = 0.03
"""Share of the orders that the linear model may rule out before the reader is asked."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A sentence as the model reads it."""

    tokens: list[int]
    order: bool
    ordinary: bool


def items_of(sentences: Sequence[Sentence], engine: Engine) -> list[Item]:
    """Tokens by the engine's own tokenizer."""
    found = []
    for sentence, ordinary in zip(sentences, is_ordinary(sentences), strict=True):
        tokens = [BEGIN, *engine.tokens(PASSAGE + normalised(sentence.text))][: TOKENS_MAX - 1]
        found.append(Item(tokens=[*tokens, END], order=sentence.order, ordinary=bool(ordinary)))
    return found


def plan_of(items: Sequence[Item], chance: random.Random) -> list[list[Item]]:
    """The batches of all passes, of like length each."""
    plan: list[list[Item]] = []
    for _ in range(PASSES):
        read_now = [item for item in items if not item.ordinary or chance.random() < ORDINARY_SHARE]
        plan += batches(read_now, chance, most_tokens=BATCH_TOKENS, blur=6)
    return plan


def train(items: Sequence[Item], weights: Path, *, seed: int) -> "ReaderModel":
    """Trained from nothing."""
    import torch
    from torch.nn import functional

    from evals.e5_model import Training, padded
    from evals.reader_model import ReaderModel

    torch.manual_seed(seed)
    model = ReaderModel(weights)
    plan = plan_of(items, random.Random(seed))  # noqa: S311 - no secret
    training = Training(model, len(plan))
    started, shown = time.monotonic(), []
    for number, batch in enumerate(plan, start=1):
        tokens, there = padded([item.tokens for item in batch])
        odds, _ = model(tokens, there)
        truths = torch.tensor([float(item.order) for item in batch])
        loss = functional.binary_cross_entropy_with_logits(odds, truths)
        training.step(loss)
        shown.append(loss.item())
        if number % 20 == 0 or number == len(plan):
            lately = float(np.mean(shown[-20:]))
            print(f"{number}/{len(plan)}, {time.monotonic() - started:.0f} s, loss {lately:.3f}", flush=True)
    model.eval()
    return model


def judged(model: "ReaderModel", items: Sequence[Item]) -> Floats:
    """The log-odds of each."""
    import torch

    from evals.e5_model import padded

    found = np.empty(len(items))
    order = sorted(range(len(items)), key=lambda at: len(items[at].tokens))
    with torch.no_grad():
        for first in range(0, len(order), 64):
            places = order[first : first + 64]
            odds, _ = model(*padded([items[at].tokens for at in places]))
            found[places] = odds.numpy()
    return found


def fused(first: Floats, second: Floats, truths: Floats, ordinary: npt.NDArray[np.bool_]) -> Fusion:
    """Logistic regression of the truth on both log-odds, each of models that did not see the sentence.

    Raises MutdaError where so little is asked that a bar would let everything else be an order.
    """
    ask = float(np.quantile(first[truths == 1], ORDERS_LOST))
    asked = first >= ask
    columns = np.stack([first, second, np.ones(len(first))], axis=1)
    weights = np.zeros(3)
    for _ in range(50):
        share = 1 / (1 + np.exp(-columns[asked] @ weights))
        slope = columns[asked].T @ (truths[asked] - share)
        bend = (columns[asked] * (share * (1 - share))[:, None]).T @ columns[asked]
        weights += np.linalg.solve(bend + RIDGE * np.eye(3), slope - RIDGE * weights)
    odds = np.where(asked, columns @ weights, NEVER)
    bars = bars_of(odds, truths, ordinary, ordinary_lost=ORDINARY_LOST)
    if min(bars.sure, bars.doubtful, bars.tainted) <= NEVER:
        raise MutdaError("The linear model rules out nearly all ordinary sentences: the bars have no place.")
    return Fusion(
        ask=ask,
        linear=float(weights[0]),
        reader=float(weights[1]),
        bias=float(weights[2]),
        bars=bars,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.train_orders", description="Train what tells orders to whoever answers."
    )
    parser.add_argument("korquad", type=Path, help="KorQuAD_v1.0_dev.json")
    parser.add_argument("--out", type=Path, default=ORDERS, help=f"the adapter ({ORDERS.name})")
    parser.add_argument("--linear-out", type=Path, default=OUT, help=f"the rest ({OUT.name})")
    parser.add_argument(
        "--odds", type=Path, help="folder for the halves' log-odds: those there are not made again"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        if find_spec("torch") is None:
            raise MissingExtraError("Training", "st")
        settings = load_settings()
        weights = resolve_e5(settings.cache_dir, allow_fetch=True)
        known = read(options.korquad)
        plain = of_sets(SETS)
        sentences = [*known, *plain]
        engine = Engine(weights)
        try:
            items = items_of(sentences, engine)
        finally:
            engine.close()
        truths, ordinary = truths_of(sentences), is_ordinary(sentences)
        folds = [*files_apart(known, HALVES), *files_apart(plain, HALVES)]
        first, fitted = _linear(sentences, known)
        texts = [sentence.text for sentence in sentences]
        second = _halves(
            items, folds, weights, options, name=_digest([*texts, str(folds), str(options.seed)])
        )
        fusion = fused(first, second, truths, ordinary)
        both = np.where(first >= fusion.ask, fusion.both(first, second), NEVER)
        print(f"files left out, linear: {told(first, truths, ordinary, fitted.alone.sure)}")
        reader_bars = bars_of(second, truths, ordinary)
        print(f"files left out, reader: {told(second, truths, ordinary, reader_bars.sure)}")
        print(f"files left out, both: {told(both, truths, ordinary, fusion.bars.sure)}")
        print(fusion, flush=True)
        train(items, weights, seed=options.seed).save(options.out)
        replace(fitted, fusion=fusion).write(options.linear_out)
    except MutdaError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _linear(sentences: Sequence[Sentence], known: Sequence[Sentence]) -> tuple[Floats, Orders]:
    """The linear model's log-odds of all sentences, and that model.

    Those it is fitted to, all among the `known`, are judged by what was fitted to the other half of them.
    """
    learnt = for_linear(known)
    odds = cross_validated(
        [features(sentence.text) for sentence in learnt], truths_of(learnt), files_apart(learnt, HALVES)
    )
    fitted = linear(learnt, odds)
    judged_apart = dict(zip(map(id, learnt), odds.tolist(), strict=True))
    found = [
        judged_apart[id(sentence)] if id(sentence) in judged_apart else fitted.log_odds(sentence.text)
        for sentence in sentences
    ]
    return np.array(found, dtype=np.float64), fitted


def _digest(parts: Sequence[str]) -> str:
    """Names what the halves were trained on, and how."""
    how = [PASSES, TOKENS_MAX, BATCH_TOKENS, ORDINARY_SHARE]
    return sha256(json.dumps([*parts, how], ensure_ascii=False).encode()).hexdigest()[:12]


def _halves(
    items: Sequence[Item], folds: Sequence[int], weights: Path, options: argparse.Namespace, *, name: str
) -> Floats:
    """The log-odds of each sentence by what was trained on the other half."""
    found = np.empty(len(items))
    for half in range(HALVES):
        out = [at for at, fold in enumerate(folds) if fold == half]
        kept = None if options.odds is None else options.odds / f"{name}-{half}.npy"
        if kept is not None and kept.is_file():
            odds = np.load(kept, allow_pickle=False)
        else:
            model = train(
                [items[at] for at, fold in enumerate(folds) if fold != half], weights, seed=options.seed
            )
            odds = judged(model, [items[at] for at in out])
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                np.save(kept, odds)
        found[out] = odds
    return found


if __name__ == "__main__":
    sys.exit(main())
