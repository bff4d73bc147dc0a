"""Ask the questions of suites what their signals are, over their documents, on one open model."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.text import Text

from app.errors import MutdaError, ServiceError
from app.settings import Settings
from app.wording import plain
from evals.calibration_store import FOLDER
from evals.gathered import LOOKS, Gathered, finder_of, key_of
from evals.halves import Half, half_of
from evals.identity import folder_sha256
from evals.ingested import ingested
from evals.korquad import Part
from evals.progress import Bar
from evals.run import require_corpus
from evals.runner import FAILURES_IN_A_ROW, GRAPH
from evals.signals import Record, signals_of
from evals.suite import Case, read_suite, sample
from graphs.evidence import Calibration
from graphs.fingerprint import Fingerprint, fingerprint_of
from graphs.open import open_resources
from graphs.resources import Resources


@dataclass(frozen=True, kw_only=True)
class ChosenSuite:
    """The questions that are asked of a suite."""

    name: str
    sha256: str
    cases: list[Case]
    half: Half
    """That they were chosen from."""
    corpus: Path | None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question and what was gathered of it."""

    suite: str
    case: Case
    key: str
    record: Record


@dataclass(kw_only=True)
class Gathering:
    """All that was asked, and of what."""

    fingerprint: Fingerprint
    calibration: Calibration
    """In use until now."""
    embedder: str
    asked: dict[str, Asked] = field(default_factory=dict)
    """By key: a question that two suites share counts once."""
    failed: int = 0


def choose_suites(
    paths: Sequence[Path], corpora: Sequence[Path], *, part: Part | None, limit: int | None, seed: int
) -> list[ChosenSuite]:
    """Read suites and give each its documents: one folder for all, or one each, in order.

    Suites whose questions bring passages need none. Raises MutdaError for what does not fit together.
    """
    read: list[tuple[Path, Half, list[Case]]] = []
    for path in dict.fromkeys(paths):
        half = half_of(read_suite(path), part)
        cases = half.cases if limit is None else sample(half.cases, limit, seed=seed)
        read.append((path, half, cases))
    needing = [path for path, _, cases in read if any(case.passages is None for case in cases)]
    if len(corpora) > 1 and len(corpora) != len(needing):
        raise MutdaError(
            f"--corpus is given {len(corpora)} times, and {len(needing)} suites need documents: "
            "give one folder for all, or one for each of them in their order."
        )
    folders = dict(zip(needing, list(corpora) * (len(needing) if len(corpora) == 1 else 1), strict=False))
    suites: list[ChosenSuite] = []
    for (path, half, cases), name in zip(read, names_of([path for path, _, _ in read]), strict=True):
        require_corpus(cases, folders.get(path))
        digest = sha256(path.read_bytes()).hexdigest()
        corpus = folders.get(path)
        suites.append(ChosenSuite(name=name, sha256=digest, cases=cases, half=half, corpus=corpus))
    return suites


def names_of(paths: Sequence[Path]) -> list[str]:
    """The file's name without its ending; with its folder's where two are called the same."""
    stems = Counter(path.stem for path in paths)
    near = [f"{path.resolve().parent.name}/{path.stem}" for path in paths]
    return [
        path.stem if stems[path.stem] == 1 else near[i] if near.count(near[i]) == 1 else str(path)
        for i, path in enumerate(paths)
    ]


async def gather(
    suites: Sequence[ChosenSuite], settings: Settings, console: Console, *, anew: bool
) -> Gathering:
    """The signals of every question, from the disk or from the model; prints a line for each it asks.

    A question whose service fails is left out; raises ServiceError when three in a row do. What was
    gathered is kept, however this ends.
    """
    gathering: Gathering | None = None
    blocks = _by_corpus(suites)
    for number, (corpus, block) in enumerate(blocks, start=1):
        folder, documents = None, ""
        if corpus is not None:
            folder = (await asyncio.to_thread(ingested, corpus, settings, console)).folder
            documents = await asyncio.to_thread(folder_sha256, corpus)
        opening = open_resources(settings, collection_dir=folder, need_collection=folder is not None)
        async with opening as resources:
            if gathering is None:
                gathering = await asyncio.to_thread(_begin, resources, settings)
            path = settings.data_dir / FOLDER / f"{gathering.fingerprint.name}.signals.jsonl"
            with await asyncio.to_thread(Gathered, path) as kept:
                later = sum(len(suite.cases) for _, rest in blocks[number:] for suite in rest)
                plan = _plan(block, documents, await asyncio.to_thread(finder_of, resources, settings))
                if anew:
                    for _, _, key in plan:
                        kept.records.pop(key, None)
                await _ask_all(plan, resources, kept, gathering, console, later=later)
    assert gathering is not None, "there is a suite at least"
    return gathering


def _by_corpus(suites: Sequence[ChosenSuite]) -> list[tuple[Path | None, list[ChosenSuite]]]:
    """Suites that can be asked on the same open resources; those without documents join the first."""
    first = next((suite.corpus for suite in suites if suite.corpus is not None), None)
    blocks: dict[Path | None, list[ChosenSuite]] = {}
    for suite in suites:
        blocks.setdefault(suite.corpus or first, []).append(suite)
    return list(blocks.items())


def _begin(resources: Resources, settings: Settings) -> Gathering:
    return Gathering(
        fingerprint=fingerprint_of(
            resources.model, resources.prompts, settings.cache_dir, reader=resources.reader
        ),
        calibration=resources.calibration,
        embedder=resources.embedder,
    )


Plan = list[tuple[ChosenSuite, Case, str]]


def _plan(suites: Sequence[ChosenSuite], documents: str, embedder: str) -> Plan:
    """Each question with its key."""
    return [
        (suite, case, key_of(case, documents=documents, embedder=embedder, looks=LOOKS))
        for suite in suites
        for case in suite.cases
    ]


async def _ask_all(
    plan: Plan, resources: Resources, kept: Gathered, gathering: Gathering, console: Console, *, later: int
) -> None:
    known = sum(key in kept.records for _, _, key in plan)
    if known:
        console.print(f"Of {known} questions the signals are there already.", markup=False)
    failures = 0
    with Bar(console, [GRAPH] * (len(plan) + later), done=[GRAPH] * known) as bar:
        for number, (suite, case, key) in enumerate(plan, start=1):
            if key not in kept.records:
                started = perf_counter()
                try:
                    record = await signals_of(case, resources, looks=LOOKS)
                except ServiceError as error:
                    failures += 1
                    gathering.failed += 1
                    if failures == FAILURES_IN_A_ROW:
                        raise ServiceError(
                            f"{failures} questions in a row failed. The last one: {error} "
                            "What was gathered is kept: run the same command again to carry on."
                        ) from None
                    console.print(_text(f"{number}/{len(plan)} {case.id}: {error}"), style="yellow")
                    bar.advance(GRAPH, perf_counter() - started)
                    continue
                failures = 0
                await asyncio.to_thread(kept.add, key, record)
                bar.advance(GRAPH, perf_counter() - started)
                console.print(_text(f"{number}/{len(plan)} {case.id}  {line_of(record)}"))
            # What the suite says of the question may have been corrected since.
            own: dict[str, Any] = {"id": case.id, "kind": case.kind, "answerable": case.answerable}
            asked = Asked(suite=suite.name, case=case, key=key, record={**kept.records[key], **own})
            gathering.asked.setdefault(key, asked)


def line_of(record: Record) -> str:
    """The grader's probability at each look, and a star where the passages hold the answer."""
    return record["unasked"] or "  ".join(_look_texts(record))


def _look_texts(record: Record) -> Iterator[str]:
    for look in record["looks"].values():
        yield f"{look['shown']}: {look['grade']:.2f}{' *' if look['holds'] else ''}"


def _text(words: str) -> Text:
    return Text(plain(words), no_wrap=True, overflow="ellipsis")
