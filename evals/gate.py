"""`python -m evals.gate`: fail when a number is worse than its baseline by more than `evals.setbacks` lets.

Measured are the search over the sample documents, without a model; the recorded suites, with the model's
recorded replies (`evals.recording`); and with --model a few questions on that model, answered as a user's
are and held to `FLOORS` too. A baseline is a file of evals/baselines, written by --write and reviewed like
code. It keeps what became of each question.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.corpus.collection import Collection
from app.corpus.passage import Passage
from app.errors import MutdaError
from app.models.embedders import make_embedder
from app.models.reader import absence
from app.prompts import language_of
from app.settings import load_settings
from evals.baseline_file import (
    BASELINES,
    LIVE,
    UNPAIRED,
    Measured,
    baseline_path,
    read_baseline,
    shortfalls,
    unmeasured,
    write_baseline,
)
from evals.changes import ALL
from evals.compare import Numbers, baseline_of, error_of, number_of
from evals.goals import Goal
from evals.measures import MEASURES, text_of
from evals.metrics.recall import file_name, gold_flags, recall_at
from evals.metrics.standard_error import Estimate, mean
from evals.recorded import RECORDINGS, ROOT, read_recording
from evals.recording import EMBEDDER, recordings_in, replayed
from evals.report import as_json
from evals.runner import Outcome, run_suite
from evals.setbacks import DECIMALS, Counted, Questions, counted, missed, never_met
from evals.suite import Case, read_suite, sample
from evals.summary import score, summarise
from evals.throwaway import collection_of, resources_over
from graphs.context import Context
from graphs.conversation import stand_after
from graphs.nodes.retrieve import interleave

SUITE = "evals/datasets/samples.jsonl"
CORPUS = "samples"
RECALL_AT = (1, 2, 4, 8)
LEGS = {"keywords": 0.0, EMBEDDER: None}
"""What searches, and the dense leg's share; None takes the one of the embedder's probe."""
LIVE_QUESTIONS, LIVE_SEED = 20, 1
LIVE_EMBEDDER = "e5:"
"""What a plain install chooses; by name, as the extra "st" with its weights chooses another."""
FLOORS = {
    ("right", "answerable"): Goal("least", 0.5),
    ("false accept", ALL): Goal("most", 0.5),
}
"""By number and kind, what the live questions have to reach whatever the baseline says: the sign test lets
four of so few be lost, and each time the baseline is written anew a little more may be. Loose, as there are
four of either kind: two that flip fail nothing, and a graph that refuses all or answers all does."""
LIVE_SECONDS = 3600.0
"""For a question and for a call: the most that a setting takes."""
SHORTFALL = 1
SHOWN = ("right", "false accept", "false refuse", "AUC", "shown", "valid", "obeyed", "calls")
"""Measures that are printed; all are compared."""


def retrieval() -> Measured:
    """Recall of the files that hold the answer, in the sample documents: by keywords alone, by both legs."""
    cases = [case for case in read_suite(ROOT / SUITE) if case.sources]
    embedder = make_embedder(EMBEDDER, cache_dir=load_settings().cache_dir)
    numbers: dict[str, dict[str, float | int]] = {}
    values: dict[str, dict[str, float]] = {case.id: {} for case in cases}
    with collection_of(ROOT / CORPUS, embedder) as folder:
        for leg, weight in LEGS.items():
            with closing(Collection.open(folder, embedder, dense_weight=weight)) as collection:
                flags = {case.id: gold_flags(_sources(case, collection), case.sources) for case in cases}
            for k in RECALL_AT:
                name = f"recall@{k} {leg}"
                recall = {
                    case.id: recall_at(flags[case.id], len(set(map(file_name, case.sources))), k)
                    for case in cases
                }
                for case_id, share in recall.items():
                    values[case_id][name] = round(share, DECIMALS)
                for kind in (ALL, *dict.fromkeys(case.kind for case in cases)):
                    found = [recall[case.id] for case in cases if kind in (ALL, case.kind)]
                    numbers[f"{name}/{kind}"] = number_of(mean(found))
    return Measured(
        name="retrieval",
        about=_about(SUITE, len(cases)),
        numbers=numbers,
        questions={case.id: Counted(kind=case.kind, values=values[case.id]) for case in cases},
    )


def _sources(case: Case, collection: Collection) -> list[str]:
    """As the graph searches first: a follow-up with what it leans on."""
    asked = [message.content for message in case.history if message.role == "user"]
    standing = stand_after(asked, case.question, language_of(case.question))
    found: list[Passage] = collection.search(standing.question, k=max(RECALL_AT))
    if standing.also:
        found = interleave(found, collection.search(standing.also, k=max(RECALL_AT)))
    return [passage.source for passage in found]


def replay(path: Path) -> Measured:
    """The numbers of a recording with the code of today.

    Raises RecordingError when the code asks the model what was not recorded.
    """
    recording = read_recording(path)
    outcomes = replayed(recording)
    about = recording.about
    numbers, questions = _counted(outcomes)
    return Measured(
        name=path.stem,
        about=_about(about.suite, len(outcomes), model_family=about.family, embedder=about.embedder),
        numbers=numbers,
        questions=questions,
    )


def live(model: str) -> Measured:
    """A few questions of the sample documents' suite, on the model itself.

    They are answered with what a user gets by default, whatever the settings of this machine say: the
    embedder e5 and the reader. Each kind has four of them, which say little alone: only numbers over
    all are kept. Raises MutdaError where the weights of e5 are missing, what opening the model raises, and
    ServiceError when it fails three times in a row.
    """
    return asyncio.run(_live(model))


async def _live(model: str) -> Measured:
    # What a slow machine does not finish in a user's time is no worse an answer.
    settings = load_settings(
        model=model,
        embedder=LIVE_EMBEDDER,
        reader=True,
        hold_orders=True,
        web_search="off",
        call_timeout_s=LIVE_SECONDS,
    )
    if why := absence(settings):
        raise MutdaError(
            f"The live questions are answered with {LIVE_EMBEDDER} and the reader, as a user's are. "
            f"The reader is {why}"
        )
    cases = sample(read_suite(ROOT / SUITE), LIVE_QUESTIONS, seed=LIVE_SEED)
    async with resources_over(ROOT / CORPUS, settings) as resources:
        context = Context(web_search="off", max_seconds=LIVE_SECONDS)
        running = run_suite(cases, resources, context=context, salt=False)
        async with aclosing(running):
            outcomes = [outcome async for outcome in running]
        family, embedder = resources.model.family, resources.embedder
    measured, questions = _counted(outcomes)
    numbers = {key: number for key, number in measured.items() if key.endswith(f"/{ALL}")}
    name = re.sub(r"[^\w.-]+", "-", family)
    return Measured(
        name=f"{LIVE}{name}",
        about=_about(SUITE, len(cases), model_family=family, embedder=embedder),
        numbers=numbers,
        questions=questions,
        faults=[*_failed(outcomes), *never_met(questions), *missed(questions, FLOORS)],
    )


def _failed(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        if outcome.error:
            yield f"{outcome.case.id} ended in an error: {outcome.error}"


def _counted(outcomes: Sequence[Outcome]) -> tuple[Numbers, Questions]:
    scores = [score(outcome) for outcome in outcomes]
    report = as_json(outcomes, scores, summarise(outcomes, scores), {}, {})
    return baseline_of(report), counted(report["questions"])


def _about(
    suite: str, questions: int, *, model_family: str = "", embedder: str = EMBEDDER
) -> dict[str, str | int]:
    return {
        "suite": suite,
        "suite_sha256": sha256((ROOT / suite).read_bytes()).hexdigest(),
        "model_family": model_family,
        "embedder": embedder,
        "n": questions,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, 1 for a shortfall, 2 for a user's mistake, 3 for a service."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.gate", description="Measure again what has a baseline, and compare."
    )
    parser.add_argument("--model", help=f"model spec, to ask {LIVE_QUESTIONS} questions of it too")
    parser.add_argument("--write", action="store_true", help="make what is measured the baselines")
    parser.add_argument("--recordings", type=Path, default=RECORDINGS, help="folder of the recordings")
    parser.add_argument("--baselines", type=Path, default=BASELINES, help="folder of the baselines")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    try:
        short = _run(options, console)
    except MutdaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for line in short:
        console.print(line, markup=False, soft_wrap=True, style="red")
    return SHORTFALL if short else 0


def _run(options: argparse.Namespace, console: Console) -> list[str]:
    """Measure and print, and write the baselines if that is wanted; returns the shortfalls."""
    short: list[str] = []
    names: list[str] = []
    for measured in _measure(options):
        names.append(measured.name)
        before = read_baseline(baseline_path(measured.name, options.baselines))
        console.print(_table(measured, before["metrics"] if before else {}))
        if before and "questions" not in before and measured.name.startswith(LIVE) and not options.write:
            told = f"{measured.name}: {UNPAIRED} Until --write the interval of two samples is allowed."
            console.print(told, markup=False, soft_wrap=True)
        if options.write:
            path = write_baseline(measured, options.baselines)
            console.print(f"Baseline: {path}", markup=False, soft_wrap=True)
        # Nothing is worse than what was just written, but a floor is no lower for it.
        short += shortfalls(measured, options.baselines)
    return short + unmeasured(names, options.baselines)


def _measure(options: argparse.Namespace) -> Iterator[Measured]:
    paths = recordings_in(options.recordings)
    yield retrieval()
    for path in paths:
        yield replay(path)
    if options.model:
        yield live(options.model)


def _table(measured: Measured, baseline: Numbers) -> Table:
    table = Table(
        title=f"{measured.name}: {measured.about['n']} questions", title_justify="left", padding=(0, 1)
    )
    for column in ("measure", "n", "baseline", "now"):
        table.add_column(column, justify="left" if column == "measure" else "right", no_wrap=True)
    digits = {measure.name: measure.digits for measure in MEASURES}
    for key, number in measured.numbers.items():
        name, _, kind = key.partition("/")
        if kind == ALL and (name in SHOWN or name not in digits):
            was, now = (
                text_of(_estimate(name, known), digits.get(name)) if known else "-"
                for known in (baseline.get(key), number)
            )
            table.add_row(name, str(number["n"]), was, now)
    return table


def _estimate(name: str, number: Mapping[str, float | int]) -> Estimate:
    return Estimate(number["mean"], error_of(name, number), int(number["n"]))


if __name__ == "__main__":
    sys.exit(main())
