"""`python -m evals.train_reader KORQUAD`: train the reader (`app.models.e5_reader`), and say what it can do.

One pass over what evals.reading_sets gives, with a loss for whether the passage answers and one for where
(Devlin et al. 2019, section 4.3: a passage without the answer points at its first token). About 50 minutes on
2 cores; with `--start` it goes on from an adapter, for another pass. Judged on sets and articles that it was
not trained on.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.errors import MissingExtraError, MutdaError
from app.models.e5_engine import BEGIN, END, PASSAGE, QUERY, Engine, normalised
from app.models.e5_reader import QUESTION_TOKENS_MAX, E5Reader
from app.models.embedders.e5 import E5Embedder
from app.models.weights import resolve_e5
from app.settings import load_settings
from evals.batches import batches
from evals.metrics.auc import auc
from evals.reading_sets import Example, of_korquad, of_sets, pairs
from evals.suite import GivenPassage

if TYPE_CHECKING:
    from torch import Tensor

    from evals.reader_model import ReaderModel

OUT = Path(__file__).parents[1] / "app" / "models" / "e5_reader.gguf"
TOKENS_MAX = 400
"""Of question and passage; longer pairs are cut in training."""
BATCH_TOKENS = 3600
RIGHT_COUNTS = 1.5
"""A passage that answers counts as so many that do not: there are more than one of those to each."""
WHERE_COUNTS = 0.5


@dataclass(frozen=True, kw_only=True)
class Item:
    """A pair as the model reads it."""

    tokens: list[int]
    passage_from: int
    """Where the passage's tokens begin."""
    answers: bool
    ends: tuple[int, int] | None
    """First and last token of the answer; None where it could not be found in a passage that has it."""


def item_of(engine: Engine, question: str, passage: GivenPassage, answer: str | None) -> Item:
    """Tokens by the engine's own tokenizer."""
    asked = engine.tokens(QUERY + normalised(question))[:QUESTION_TOKENS_MAX]
    text = normalised(f"{PASSAGE}{passage.title}: {passage.text}")
    pieces = engine.pieces(text)
    passage_from = len(asked) + 2
    tokens = [BEGIN, *asked, END, *(token for token, _ in pieces)][: TOKENS_MAX - 1]
    title = len(normalised(f"{PASSAGE}{passage.title}:"))
    found = _ends([piece for _, piece in pieces], text, normalised(answer), title) if answer else None
    if found is not None:
        first, last = (at + passage_from for at in found)
        found = (first, last) if last < len(tokens) else None
    return Item(tokens=[*tokens, END], passage_from=passage_from, answers=answer is not None, ends=found)


def _ends(pieces: Sequence[str], text: str, answer: str, title: int) -> tuple[int, int] | None:
    """The first and the last piece that hold any of the answer, where it first stands after the title."""
    begin = text.find(answer, title)
    if begin < 0:
        return None
    at, first = -1, None  # the tokenizer puts a blank before the text
    for number, piece in enumerate(pieces):
        at += len(piece)
        if first is None and at > begin:
            first = number
        if first is not None and at >= begin + len(answer):
            return first, number
    return None


def plan_of(
    examples: Sequence[Example], engine: Engine, *, seed: int, known: float = 1.0, fresh: Sequence[str] = ()
) -> list[list[Item]]:
    """In batches: the share `known`, by chance, of what `fresh` does not name.

    `fresh` holds how the names of files begin, or that and a kind of questions with a colon between. All of
    it is read once, and KorQuAD too: after a pass that repeated a quarter of it fewer answers were right
    there. Raises MutdaError where there is nothing of a name.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    for name in fresh:
        if not any(_is_of(name, each) for each in examples):
            raise MutdaError(f"--fresh {name}: there are no such questions in a file of sets that begins so.")
    chosen = [
        each
        for each in examples
        if each.group.startswith("korquad:")
        or any(_is_of(name, each) for name in fresh)
        or chance.random() < known
    ]
    items = [item_of(engine, *pair) for pair in pairs(chosen, chance)]
    return batches(items, chance, most_tokens=BATCH_TOKENS, blur=12)


def _is_of(name: str, example: Example) -> bool:
    file, _, kind = name.partition(":")
    return example.group.startswith(f"set:{file}") and (not kind or example.kind == kind)


def train(
    plan: Sequence[Sequence[Item]], weights: Path, out: Path, *, seed: int, start: Path | None = None
) -> "ReaderModel":
    """Train on the batches in turn, going on from the adapter `start`, and write the adapter.

    Gives the trained model. Raises MutdaError where `start` is no adapter.
    """
    import torch
    from torch.nn import functional

    from evals.e5_model import Training
    from evals.reader_model import ReaderModel

    torch.manual_seed(seed)
    model = ReaderModel(weights)
    training = Training(model, len(plan), start=start)
    print(f"{sum(map(len, plan))} pairs in {len(plan)} batches, {model.kind}", flush=True)
    started = time.monotonic()
    shown: list[tuple[float, float]] = []
    for number, batch in enumerate(plan):
        made = _tensors(batch)
        with model.precision():
            odds, ends = model(made["tokens"], made["there"])
        whether = functional.binary_cross_entropy_with_logits(
            odds.float(), made["answers"], pos_weight=torch.tensor(RIGHT_COUNTS)
        )
        scores = ends.float().masked_fill(~made["allowed"][..., None], -1e4)[made["known"]]
        targets = made["ends"][made["known"]]
        where = functional.cross_entropy(scores[..., 0], targets[:, 0])
        where = (where + functional.cross_entropy(scores[..., 1], targets[:, 1])) / 2
        # Of a batch in which no place is known the second loss is not a number.
        training.step(whether + WHERE_COUNTS * where if made["known"].any() else whether)
        shown.append((whether.item(), where.nan_to_num().item()))
        if number % 50 == 49:
            losses = np.mean(shown[-50:], axis=0).round(3).tolist()
            print(f"{number + 1}/{len(plan)}, {time.monotonic() - started:.0f} s, loss {losses}", flush=True)
    model.save(out)
    return model


def _tensors(batch: Sequence[Item]) -> dict[str, "Tensor"]:
    import torch

    from evals.e5_model import padded

    tokens, there = padded([item.tokens for item in batch])
    allowed = torch.zeros_like(there)
    ends = torch.zeros(len(batch), 2, dtype=torch.long)
    known = torch.ones(len(batch), dtype=torch.bool)
    for row, item in enumerate(batch):
        allowed[row, item.passage_from : len(item.tokens) - 1] = True
        allowed[row, 0] = True
        if item.ends is not None:
            ends[row] = torch.tensor(item.ends)
        known[row] = item.ends is not None or not item.answers
    answers = torch.tensor([float(item.answers) for item in batch])
    return {
        "tokens": tokens,
        "there": there,
        "allowed": allowed,
        "ends": ends,
        "known": known,
        "answers": answers,
    }


def judge(examples: Sequence[Example], reader: E5Reader) -> Iterator[str]:
    """Lines: by origin and kind, whether the right passage comes first and how well it is told from others.

    The AUC compares each right passage's odds with each question's best wrong one.
    """
    found: dict[tuple[str, str], list[tuple[float | None, float]]] = {}
    for example in examples:
        read = [*([example.right] if example.right else []), *example.wrong[:5]]
        odds = reader.odds(
            example.question, [f"{passage.title}: {passage.text}" for passage in read]
        ).tolist()
        right = odds.pop(0) if example.right else None
        key = (example.group.partition(":")[0], example.kind)
        found.setdefault(key, []).append((right, max(odds, default=-math.inf)))
    for (origin, kind), both in sorted(found.items()):
        rights = [right for right, _ in both if right is not None]
        wrongs = [wrong for _, wrong in both]
        line = f"{origin:8} {kind:12} n={len(both):4}"
        if rights:
            first = np.mean([right > wrong for right, wrong in both if right is not None])
            line += f"  right one first {first:.3f}  AUC {auc(rights, wrongs).value:.3f}"
        else:
            median, high = np.quantile(wrongs, [0.5, 0.9])
            line += f"  odds of the best: median {median:+.2f}, .9 quantile {high:+.2f}"
        yield line


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m evals.train_reader", description="Train the reader.")
    parser.add_argument("korquad", type=Path, help="KorQuAD_v1.0_dev.json")
    parser.add_argument("--out", type=Path, default=OUT, help=f"the adapter ({OUT.name})")
    parser.add_argument("--start", type=Path, help="an adapter to go on from (none: from nothing)")
    parser.add_argument(
        "--known",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of the sets' questions that are trained on (1); with --start",
    )
    parser.add_argument(
        "--fresh",
        action="append",
        default=[],
        metavar="NAME[:KIND]",
        help="what is new to the adapter, and trained on whole: files of sets that begin so, or of those one "
        "kind of questions (direct, paraphrased, search, ...); can be given again",
    )
    parser.add_argument("--judge", action="store_true", help="train nothing: judge the adapter that is there")
    parser.add_argument("--seed", type=int, default=1, help="chooses the wrong passages and their order (1)")
    options = parser.parse_args(arguments)
    try:
        if not options.judge and find_spec("torch") is None:
            raise MissingExtraError("Training", "st")
        if not 0 <= options.known <= 1:
            raise MutdaError(f"--known {options.known} is not a share: give a number from 0 to 1.")
        if options.known < 1 and not options.start:
            raise MutdaError("--known leaves out what an adapter knows already: name it with --start.")
        if options.start and not options.start.is_file():
            raise MutdaError(f"--start {options.start} is not a file.")
        settings = load_settings()
        weights = resolve_e5(settings.cache_dir, allow_fetch=True)
        with closing(E5Embedder(cache_dir=settings.cache_dir)) as embedder:
            examples = [*of_sets(), *of_korquad(options.korquad, embedder)]
        if not options.judge:
            engine = Engine(weights)
            try:
                trained_on = [example for example in examples if not example.held]
                plan = plan_of(
                    trained_on, engine, seed=options.seed, known=options.known, fresh=options.fresh
                )
            finally:
                engine.close()
            train(plan, weights, options.out, seed=options.seed, start=options.start)
        reader = E5Reader(cache_dir=settings.cache_dir, adapter=options.out, orders=None)
        for line in judge([example for example in examples if example.held], reader):
            print(line)
    except MutdaError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
