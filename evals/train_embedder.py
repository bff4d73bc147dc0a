"""`python -m evals.train_embedder KORQUAD`: train the adapter of the embedder `e5:`, and say what it finds.

Of a batch of passages each question has to point at its own (Karpukhin et al. 2020, arXiv:2004.04906):
siblings of the same document are among them, so that the topic alone does not tell. The score that is trained
is the one that retrieval uses, the mean of the whole passage's cosine and its best sentence's
(`app.corpus.faiss_index`). Judged on sets that it was not trained on.
"""

import argparse
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

from app.corpus.collection import Collection
from app.corpus.records import embedded_texts
from app.errors import MissingExtraError, MutdaError
from app.models.e5_engine import BEGIN, END, PASSAGE, QUERY, Engine, normalised
from app.models.embedders.e5 import ADAPTER, BASE, E5Embedder
from app.models.weights import resolve_e5
from app.settings import load_settings
from evals.reading_sets import Example, of_korquad, of_sets
from evals.suite import GivenPassage

if TYPE_CHECKING:
    from torch import Tensor

    from evals.e5_model import E5Model

QUESTION_TOKENS_MAX, PASSAGE_TOKENS_MAX = 80, 256
BATCH_GROUPS, BATCH_TOKENS = 8, 3600
"""Groups whose passages compete; tokens, with the padding, that are worked out at once."""
GROUP_PASSAGES, GROUP_QUESTIONS = 4, 12
"""At most, of an article and of all: one long set must not outweigh the others."""
TEMPERATURE = 0.02
"""Of the softmax over passages: e5's cosines differ by hundredths."""
SHARES = {"paraphrased": 0.6, "request": 0.7, "search": 0.5, "direct": 0.4, "follow-up": 0.25}
"""How often a question of each kind is asked in a pass: most often what words alone do not find."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Passages as alike as neighbours, and which of them each question is about."""

    passages: tuple[GivenPassage, ...]
    questions: tuple[tuple[str, str, int], ...]
    """Kind, question, and the number of its passage."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is compared at once, in tokens."""

    passages: list[list[list[int]]]
    """Of each passage the whole, and its sentences where it has several."""
    questions: list[tuple[list[int], int]]


def groups_of(examples: Sequence[Example]) -> list[Group]:
    """Of each set all passages, of each article four at a time; questions without an answer are left out."""
    found: dict[str, list[Example]] = {}
    for example in examples:
        if example.right is not None:
            found.setdefault(example.group, []).append(example)
    return [group for name, own in found.items() for group in _parts(own, siblings=name.startswith("set:"))]


def _parts(examples: Sequence[Example], *, siblings: bool) -> Iterator[Group]:
    rights = dict.fromkeys(example.right for example in examples if example.right is not None)
    # What is wrong for a question of an article may come from another one.
    passages = list(rights | dict.fromkeys(examples[0].wrong)) if siblings else list(rights)
    size = len(passages) if siblings else GROUP_PASSAGES
    for first in range(0, len(passages), size):
        part = passages[first : first + size]
        asked = tuple(
            (example.kind, example.question, part.index(example.right))
            for example in examples
            if example.right in part
        )
        yield Group(passages=tuple(part), questions=asked)


def plan_of(groups: Sequence[Group], engine: Engine, *, seed: int) -> list[Step]:
    """One pass: each group once, some of its questions."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    order = list(groups)
    chance.shuffle(order)
    return [
        _step(order[first : first + BATCH_GROUPS], engine, chance)
        for first in range(0, len(order), BATCH_GROUPS)
    ]


def _step(groups: Sequence[Group], engine: Engine, chance: random.Random) -> Step:
    step = Step(passages=[], questions=[])
    for group in groups:
        asked = [each for each in group.questions if chance.random() < SHARES[each[0]]]
        chance.shuffle(asked)
        step.questions.extend(
            (_tokens(engine, QUERY + normalised(text), QUESTION_TOKENS_MAX), len(step.passages) + at)
            for _, text, at in asked[:GROUP_QUESTIONS]
        )
        for passage in group.passages:
            texts = embedded_texts(passage.title, passage.text, by_sentence=True)
            step.passages.append(
                [_tokens(engine, PASSAGE + normalised(text), PASSAGE_TOKENS_MAX) for text in texts]
            )
    return step


def _tokens(engine: Engine, text: str, at_most: int) -> list[int]:
    return [BEGIN, *engine.tokens(text)[: at_most - 2], END]


def train(
    plan: Sequence[Step], weights: Path, out: Path, *, seed: int, start: Path | None = None
) -> "E5Model":
    """Train on the steps in turn, going on from the adapter `start`, and write the adapter.

    Gives the trained model. Raises MutdaError where `start` is no adapter.
    """
    import torch
    from torch.nn import functional

    from evals.e5_model import E5Model, Training

    torch.manual_seed(seed)
    model = E5Model(weights)
    steps = [step for step in plan if step.questions]
    training = Training(model, len(steps), start=start)
    asked = sum(len(step.questions) for step in steps)
    print(f"{asked} questions in {len(steps)} batches, {model.kind}", flush=True)
    started = time.monotonic()
    shown: list[tuple[float, float]] = []
    for number, step in enumerate(steps):
        scores = scored(model, step)
        own = torch.tensor([at for _, at in step.questions])
        loss = functional.cross_entropy(scores / TEMPERATURE, own)
        training.step(loss)
        shown.append((loss.item(), (scores.argmax(1) == own).float().mean().item()))
        if number % 20 == 19:
            said, first = np.mean(shown[-20:], axis=0)
            spent_s = time.monotonic() - started
            print(
                f"{number + 1}/{len(steps)}, {spent_s:.0f} s, loss {said:.3f}, first {first:.3f}", flush=True
            )
    model.save(out)
    return model


def scored(model: "E5Model", step: Step) -> "Tensor":
    """Of shape (questions, passages): as `app.corpus.faiss_index` scores them."""
    import torch

    texts = [text for passage in step.passages for text in passage]
    cosines = encoded(model, [question for question, _ in step.questions]) @ encoded(model, texts).T
    columns = []
    for own in torch.split(cosines, [len(passage) for passage in step.passages], dim=1):
        whole = own[:, 0]
        columns.append((whole + own[:, 1:].amax(1)) / 2 if own.shape[1] > 1 else whole)
    return torch.stack(columns, dim=1)


def encoded(model: "E5Model", texts: Sequence[list[int]]) -> "Tensor":
    """Tokens to rows of length 1, in the order of the texts."""
    import torch

    from evals.e5_model import padded, pooled

    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    found = []
    for part in _parted(order, texts):
        tokens, there = padded([texts[at] for at in part])
        with model.precision():
            rows = model.rows(tokens, there)
        found.append(pooled(rows, there))
    return torch.cat(found)[torch.tensor(order).argsort()]


def _parted(order: Sequence[int], texts: Sequence[list[int]]) -> Iterator[list[int]]:
    """By length, shortest first, as many together as `BATCH_TOKENS` allows."""
    part: list[int] = []
    for at in order:
        if part and (len(part) + 1) * len(texts[at]) > BATCH_TOKENS:
            yield part
            part = []
        part.append(at)
    if part:
        yield part


def judge(groups: Sequence[Group], embedder: E5Embedder) -> Iterator[str]:
    """Lines: by kind, how often a question finds its passage among those of all groups."""
    passages = [passage for group in groups for passage in group.passages]
    given = [
        {"title": passage.title, "text": passage.text, "source": str(number)}
        for number, passage in enumerate(passages)
    ]
    found: dict[str, list[list[bool]]] = {}
    first = 0
    with Collection.from_passages(given, embedder) as collection:
        for group in groups:
            for kind, question, at in group.questions:
                sources = [passage.source for passage in collection.search(question, k=5)]
                found.setdefault(kind, []).append([source == str(first + at) for source in sources])
            first += len(group.passages)
    for kind, hits in sorted(found.items()):
        shares = "  ".join(f"R@{k} {np.mean([any(hit[:k]) for hit in hits]):.3f}" for k in (1, 2, 5))
        yield f"{kind:12} n={len(hits):4}  {shares}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.train_embedder", description="Train the adapter of the embedder e5:."
    )
    parser.add_argument("korquad", type=Path, help="KorQuAD_v1.0_dev.json (not read with --judge)")
    parser.add_argument("--out", type=Path, default=ADAPTER, help=f"the adapter ({ADAPTER.name})")
    parser.add_argument("--start", type=Path, help="an adapter to go on from (none: from nothing)")
    parser.add_argument("--judge", action="store_true", help="train nothing: judge the adapter that is there")
    parser.add_argument("--seed", type=int, default=1, help="chooses the questions and their order (1)")
    options = parser.parse_args(arguments)
    try:
        if not options.judge and find_spec("torch") is None:
            raise MissingExtraError("Training", "st")
        if options.start and not options.start.is_file():
            raise MutdaError(f"--start {options.start} is not a file.")
        if options.judge and not options.out.is_file():
            raise MutdaError(f"--out {options.out} is not a file: there is no adapter to judge.")
        settings = load_settings()
        weights = resolve_e5(settings.cache_dir, allow_fetch=True)
        sets = list(of_sets())
        if not options.judge:
            with closing(E5Embedder(BASE, cache_dir=settings.cache_dir)) as base:
                examples = [*sets, *of_korquad(options.korquad, base)]
            engine = Engine(weights)
            try:
                groups = groups_of([example for example in examples if not example.held])
                plan = plan_of(groups, engine, seed=options.seed)
            finally:
                engine.close()
            train(plan, weights, options.out, seed=options.seed, start=options.start)
        held = groups_of([example for example in sets if example.held])
        for name in (BASE, ""):
            embedder = E5Embedder(name, cache_dir=settings.cache_dir, adapter=options.out)
            with closing(embedder):
                print("without the adapter" if name == BASE else "with it")
                for line in judge(held, embedder):
                    print(f"  {line}")
    except MutdaError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
