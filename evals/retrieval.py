"""Retrieval alone, without a language model: are the passages found that a question's answer stands in?

A passage is gold when its file is one of the question's `sources` and it holds one of its answers. Where no
passage of those files does - the answer must be computed, or the question has none - all of theirs are gold.
Questions are searched for as the graph searches first: a follow-up with the question before it, where the
two are uncertain also without, both rankings in turn. What the graph then moves within its first look
because the question names a number (`graphs.nodes.retrieve.with_named_numbers`) is no part of the search.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console

from app.corpus.collection import Collection
from app.corpus.passage import Passage
from app.corpus.records import StoredChunk
from app.corpus.schema import STORE_NAME
from app.corpus.store import Store
from app.errors import MutdaError
from app.models.reader import Reader, absence, open_reader
from app.prompts import language_of
from app.settings import load_settings
from evals.absent import absent, absent_line
from evals.aside import keep_report
from evals.identity import code_sha256, folder_sha256
from evals.ingested import Ingested, ingested
from evals.machine import machine, versions
from evals.metrics.containment import contained
from evals.metrics.mrr import reciprocal_rank
from evals.metrics.ndcg import ndcg_at
from evals.metrics.recall import file_name
from evals.metrics.standard_error import mean, mean_of_shares, share
from evals.report import write_json
from evals.retrieval_tables import tables
from evals.suite import Case, read_suite
from evals.suite_name import short_name
from graphs.context import Context
from graphs.conversation import Standing, stand_after
from graphs.nodes.retrieve import interleave
from graphs.reading import read

K = (1, 2, 4, 5, 8)
MAX_K = 100
MAX_KS = 5
"""Columns that a table of a hundred characters has room for."""
DEPTH = 10
"""Of nDCG and MRR."""
WITH_READER = " + reader"
"""Ends the name of a system whose first passages are in the graph's order."""
_PAGE_CHUNKS = 1000


@dataclass(frozen=True, kw_only=True)
class RetrievalOptions:
    """What to search, and with what."""

    suite: Path
    corpus: Path
    embedders: tuple[str, ...] = ()
    """Specs; none means the one of the settings."""
    weights: tuple[float, ...] = ()
    """The dense leg's shares, 0..1; none means the embedder's own."""
    k: tuple[int, ...] = K
    json: Path | None = None
    anew: bool = False
    """Embed the documents again, to time it."""
    reader: bool = False
    """Also with what the reader brings to the front of the passages that it reads."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """One question, and what was found for it."""

    case: Case
    asked: Standing
    found: list[Passage]
    flags: list[bool]
    """Of each passage found: whether it is gold."""
    gold: int
    """How many the collection holds."""
    by_answer: bool
    """Whether gold passages hold the answer; else they are all of the file."""
    seconds: float


def ks_of(text: str) -> tuple[int, ...]:
    """ "1,2,4" in rising order. Raises MutdaError for what is no such list."""
    words = [word.strip() for word in text.split(",")]
    numbers = {int(word) for word in words if word.isascii() and word.isdecimal() and len(word) <= 3}
    if len(numbers) != len(words) or len(words) > MAX_KS or not all(1 <= k <= MAX_K for k in numbers):
        raise MutdaError(
            f"--k {text} is not a list of one to {MAX_KS} different numbers from 1 to {MAX_K}, "
            "such as 1,2,4,8."
        )
    return tuple(sorted(numbers))


def measure_retrieval(options: RetrievalOptions, console: Console) -> None:
    """Search with each embedder and weight; print the tables and write the report.

    Raises MutdaError for a user's mistake and for a service that fails.
    """
    cases = [case for case in read_suite(options.suite) if case.sources and case.passages is None]
    if not cases:
        raise MutdaError(f'No question of {options.suite} names the files of its answer in "sources".')
    if not options.corpus.is_dir():
        raise MutdaError(f"--corpus {options.corpus} is not a folder.")
    systems: list[dict[str, Any]] = []
    settings = load_settings()
    reader = open_reader(settings) if options.reader else None
    if options.reader and (why := absence(settings)):
        raise MutdaError(f"There is no reader ({why}).")
    with contextlib.ExitStack() as stack:
        if reader is not None:
            stack.callback(reader.close)
            reader.odds("준비", ["준비"] * 2)  # no question is to pay for loading it
        for spec in options.embedders or ("",):
            chosen = load_settings(embedder=spec) if spec else settings
            made = ingested(options.corpus, chosen, console, anew=options.anew)
            gold = Gold(chunks_of(made.folder))
            _require_sources(cases, gold, options, console)
            about_ingest = _of_ingest(made)
            for weight in options.weights or (None,):
                with Collection.open(made.folder, made.embedder, dense_weight=weight) as collection:
                    state = collection.status()
                    depth = max(DEPTH, *options.k)
                    searched = [("", list(search_all(cases, collection, gold, depth=depth)))]
                    if reader is not None:
                        searched.append(
                            (WITH_READER, [_read(search, reader, gold) for search in searched[0][1]])
                        )
                systems += [
                    {
                        "embedder": made.embedder.spec + name,
                        "weight": round(state.dense_weight, 4),
                        "own_weight": weight is None,
                        "probe": state.probe,
                        "dimensions": state.dimensions,
                        "ingest": about_ingest | {"documents": state.documents, "chunks": state.chunks},
                        "overall": summary(searches, options.k),
                        "kinds": _by_kind(searches, options.k),
                        "questions": [_row(search) for search in searches],
                    }
                    for name, searches in searched
                ]
    report = {
        "suite": str(options.suite),
        "suite_sha256": sha256(options.suite.read_bytes()).hexdigest(),
        "corpus": str(options.corpus),
        "corpus_sha256": folder_sha256(options.corpus),
        "code_sha256": code_sha256(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "k": list(options.k),
        "machine": machine(),
        "versions": versions(),
        "systems": systems,
    }
    path = options.json or settings.data_dir / "reports" / f"{short_name(options.suite)}.retrieval.json"
    moved = keep_report(path)
    write_json(path, report)
    for table in tables(report):
        console.print(table)
    if by_file := sum(row["gold"] > 0 and not row["by_answer"] for row in systems[0]["questions"]):
        console.print(
            f"Questions whose answer stands in no passage: {by_file}. "
            "For them any passage of their file counts."
        )
    if moved:
        console.print(f"Another report was here; it is kept as {moved[path]}", markup=False, soft_wrap=True)
    console.print(f"Report: {path}", markup=False, soft_wrap=True)


class Gold:
    """Which chunks of a collection a question's answer stands in."""

    def __init__(self, chunks: Iterator[StoredChunk]) -> None:
        self._of_file: dict[str, list[StoredChunk]] = {}
        for chunk in chunks:
            self._of_file.setdefault(file_name(chunk.source), []).append(chunk)

    @property
    def files(self) -> frozenset[str]:
        """Names of the files that are there."""
        return frozenset(self._of_file)

    def ids(self, case: Case) -> tuple[frozenset[str], bool]:
        """Ids of passages, as `Passage.id` has them, and whether they hold an answer.

        None where the files are not there.
        """
        files = dict.fromkeys(map(file_name, case.sources))
        chunks = [chunk for name in files for chunk in self._of_file.get(name, [])]
        holding = [chunk for chunk in chunks if contained(chunk.text, case.answers)]
        return frozenset(str(chunk.id) for chunk in holding or chunks), bool(holding)


def chunks_of(folder: Path) -> Iterator[StoredChunk]:
    """Every chunk of the collection in a folder."""
    store = Store.to_read(folder / STORE_NAME)
    try:
        last = 0
        while ids := [row[0] for row in store.texts_after(last, _PAGE_CHUNKS)]:
            yield from store.chunks(ids).values()
            last = ids[-1]
    finally:
        store.close()


def search_all(cases: Sequence[Case], collection: Collection, gold: Gold, *, depth: int) -> Iterator[Search]:
    """Search for each question, `depth` passages deep."""
    # The first search opens the index and the embedder; no question is to pay for that.
    collection.search("준비", k=1)
    for case in cases:
        asked = asked_of(case)
        started = time.perf_counter()
        found = collection.search(asked.question, k=depth)
        if asked.also:
            found = interleave(found, collection.search(asked.also, k=depth))[:depth]
        seconds = time.perf_counter() - started
        wanted, by_answer = gold.ids(case)
        flags = [passage.id in wanted for passage in found]
        yield Search(
            case=case,
            asked=asked,
            found=found,
            flags=flags,
            gold=len(wanted),
            by_answer=by_answer,
            seconds=seconds,
        )


def _read(search: Search, reader: Reader, gold: Gold) -> Search:
    """The same with the first passages, as many as the graph looks at, as the reader orders them.

    All of them are read, also where the graph would stop at one that answers for sure.
    """
    started = time.perf_counter()
    first = Context().k
    found = [*read(search.found[:first], search.asked.question, reader), *search.found[first:]]
    wanted, _ = gold.ids(search.case)
    return replace(
        search,
        found=found,
        flags=[passage.id in wanted for passage in found],
        seconds=search.seconds + time.perf_counter() - started,
    )


def asked_of(case: Case) -> Standing:
    """What is searched for, as the graph's first step tells it."""
    asked = [message.content for message in case.history if message.role == "user"]
    question = " ".join(case.question.split())
    return stand_after(asked, question, language_of(question))


def summary(searches: Sequence[Search], ks: Sequence[int]) -> dict[str, Any]:
    """Estimates over some questions, as JSON."""
    ndcg = [ndcg_of(search.flags, search.gold) for search in searches]
    return {
        "questions": len(searches),
        "recall": {str(k): asdict(share([any(search.flags[:k]) for search in searches])) for k in ks},
        "ndcg": asdict(mean_of_shares(ndcg)),
        "mrr": asdict(mean_of_shares([reciprocal_rank(search.flags[:DEPTH]) for search in searches])),
        "seconds": asdict(mean([search.seconds for search in searches])),
    }


def ndcg_of(flags: Sequence[bool], gold: int) -> float:
    """Of one question; 0 where the collection holds nothing gold."""
    return ndcg_at(flags, gold, DEPTH) if gold else 0.0


def _by_kind(searches: Sequence[Search], ks: Sequence[int]) -> dict[str, Any]:
    kinds = dict.fromkeys(search.case.kind for search in searches)
    return {kind: summary([item for item in searches if item.case.kind == kind], ks) for kind in kinds}


def _require_sources(cases: Sequence[Case], gold: Gold, options: RetrievalOptions, console: Console) -> None:
    missing = absent(cases, gold.files)
    if len(missing) == len(cases):
        raise MutdaError(
            f"--corpus {options.corpus} holds none of the files that {options.suite} names as sources."
        )
    if missing:
        console.print(absent_line(missing), markup=False)


def _of_ingest(made: Ingested) -> dict[str, Any]:
    seconds = made.report.seconds
    return {
        "seconds": round(seconds, 3),
        "embed_seconds": round(made.report.embed_seconds, 3),
        "texts": made.texts,
        "texts_per_second": round(made.texts / seconds, 1) if made.texts else None,
    }


def _row(search: Search) -> Mapping[str, Any]:
    return {
        "id": search.case.id,
        "kind": search.case.kind,
        "question": search.case.question,
        "searched": [search.asked.question, *([search.asked.also] if search.asked.also else [])],
        "gold": search.gold,
        "by_answer": search.by_answer,
        "place": search.flags.index(True) + 1 if any(search.flags) else None,
        "seconds": round(search.seconds, 4),
        "found": [
            {
                "source": passage.source,
                "heading": passage.heading,
                "start": passage.start,
                "end": passage.end,
                "score": round(passage.score, 4),
                "gold": flag,
            }
            for passage, flag in zip(search.found, search.flags, strict=True)
        ],
    }
