"""`python -m evals.run SUITE.jsonl`: measure answers, refusals, citations and their cost."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console

from app.errors import MutdaError, ServiceError
from app.models.embedders import make_embedder
from app.settings import Settings, load_settings
from evals.absent import absent, absent_line, files_of
from evals.aside import keep_report, left_by
from evals.calibration_store import seen_of
from evals.compare import Comparison, compare, show
from evals.halves import Half, half_of
from evals.html import html
from evals.identity import code_sha256, folder_sha256
from evals.ingested import ingested
from evals.langfuse_scores import scores_of
from evals.machine import machine, versions
from evals.markdown import markdown
from evals.options import Options, parse
from evals.progress import Bar
from evals.report import Report, as_json, read_report, report_name, write_json, write_whole
from evals.resume import Journal, ResumeError, journal_path, keep_journal, read_journal
from evals.runner import GRAPH, Outcome, run_suite, turns
from evals.screen import line, notes, tables
from evals.suite import Case, read_suite, sample
from evals.suite_name import full_name
from evals.summary import score, summarise, time_ratios
from evals.systems import BASELINES
from evals.traced import Traced, open_traced
from graphs.context import Context
from graphs.fingerprint import fingerprint_of
from graphs.open import open_resources
from graphs.resources import Resources

INTERRUPTED = 130
PIPED_WIDTH = 100
BESIDE = (".md", ".html")
"""What a report is written as too."""


@dataclass(kw_only=True)
class _Record:
    """What a run has done so far: read when it ends, however it ends."""

    half: Half
    absent: str = ""
    """What to tell of questions whose files are not there."""
    outcomes: list[Outcome] = field(default_factory=list)
    path: Path | None = None
    """Of the report, once the model is known."""
    journal: Journal | None = None
    about: dict[str, Any] = field(default_factory=dict)
    traced: Traced | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, 2 for a user's mistake, 3 for a service, 130 after Ctrl-C."""
    options = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    try:
        return measure(options, console)
    except MutdaError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def measure(options: Options, console: Console) -> int:
    """Run the suite, print and write what came out; returns 0, 3 for a service, 130 after Ctrl-C.

    Raises MutdaError for a user's mistake, and for a service that fails before anything was answered.
    """
    suite = read_suite(options.suite)
    half = half_of(suite, options.part)
    cases = half.cases
    if not cases:
        raise MutdaError(f'No question of {options.suite} is of the half "{options.part}".')
    if options.limit is not None:
        cases = sample(cases, options.limit, seed=options.seed)
    require_corpus(cases, options.corpus)
    if options.json and options.json.suffix in BESIDE:
        raise MutdaError(f"--json {options.json} is where its Markdown or HTML goes: name a file in .json.")
    earlier = {path: _earlier(path) for path in options.earlier}
    context = options.context
    changes = {"model": options.model, "embedder": options.embedder, "search_url": options.search}
    settings = load_settings(
        web_search=options.web_search, **{name: value for name, value in changes.items() if value}
    )
    record = _Record(half=half)
    code, problem = 0, ""
    try:
        asyncio.run(_run(suite, cases, options, context, settings, console, record))
    except KeyboardInterrupt:
        code, problem = INTERRUPTED, "Interrupted."
    except ServiceError as error:
        if not record.outcomes:
            raise
        code, problem = error.exit_code, str(error)
    if record.outcomes and record.journal:
        _finish(record, options, console, earlier, interrupted=code != 0)
    if problem:
        print(f"{problem} Carry on with --resume." if record.outcomes else problem, file=sys.stderr)
    return code


def require_corpus(cases: Sequence[Case], corpus: Path | None) -> None:
    """Raises MutdaError when a case needs documents and there are none."""
    if corpus is None:
        bare = next((case for case in cases if case.passages is None), None)
        if bare is not None:
            raise MutdaError(
                f'The question "{bare.id}" brings no passages: name its folder of documents with --corpus.'
            )
    elif not corpus.is_dir():
        raise MutdaError(f"--corpus {corpus} is not a folder.")


def _earlier(path: Path) -> Report:
    if not path.exists():
        raise MutdaError(f"--baseline {path} is neither {' nor '.join(BASELINES)} nor a report's file.")
    return read_report(path)


async def _run(
    suite: Sequence[Case],
    cases: Sequence[Case],
    options: Options,
    context: Context,
    settings: Settings,
    console: Console,
    record: _Record,
) -> None:
    folder = None
    if options.corpus is not None:
        folder = (await asyncio.to_thread(ingested, options.corpus, settings, console)).folder
        if missing := absent(cases, await asyncio.to_thread(files_of, folder)):
            record.absent = absent_line(missing)
            # Before an hour of questions, and again beside the recall that it explains.
            console.print(record.absent, markup=False)
    async with open_resources(settings, collection_dir=folder, need_collection=folder is not None) as opened:
        resources = replace(opened, collection=folder.name if folder else "passages")
        record.about = await asyncio.to_thread(_about, options, settings, resources, context)
        documents = record.about["corpus_sha256"]
        known = await asyncio.to_thread(seen_of, cases, resources, settings, documents=documents)
        record.about["asked"] = {**record.half.counts(), "asked": len(cases), "seen": known}
        record.path = options.json or (
            settings.data_dir / "reports" / report_name(options.suite, resources.model.spec)
        )
        record.journal = await asyncio.to_thread(_open_journal, record, cases, options, console)
        asked = [
            (case, system)
            for position, case in enumerate(cases)
            for system in turns(position, options.systems)
        ]
        done = [(outcome.case.id, outcome.system) for outcome in record.outcomes]
        async with open_traced(
            settings,
            suite=full_name(options.suite),
            cases=suite,
            asked=[(case, system) for case, system in asked if (case.id, system) not in done],
            about=record.about,
            # The store is bounded: a suite of 200 would push a person's own traces out of it.
            keep=options.trace,
        ) as record.traced:
            outcomes = run_suite(
                cases,
                resources,
                context=context,
                baselines=options.systems[1:],
                salt=options.salted,
                done=frozenset(done),
                traced=record.traced,
            )
            plan = [system for _, system in asked]
            with record.journal, Bar(console, plan, done=[system for _, system in done]) as bar:
                async with aclosing(outcomes):
                    async for outcome in outcomes:
                        _take(outcome, record, bar, console, len(plan))


def _take(outcome: Outcome, record: _Record, bar: Bar, console: Console, total: int) -> None:
    """Keep an outcome, hand it on and tell of it."""
    assert record.journal is not None and record.traced is not None
    judged, traced = score(outcome), record.traced
    traced.answered(outcome.case, outcome.system, scores_of(outcome, judged))
    outcome = replace(outcome, trace_url=traced.trace_url(outcome.case, outcome.system))
    record.outcomes.append(outcome)
    record.journal.add(outcome)
    bar.advance(outcome.system, outcome.seconds)
    console.print(line(outcome, judged, len(record.outcomes), total))


def _about(options: Options, settings: Settings, resources: Resources, context: Context) -> dict[str, Any]:
    embedder = make_embedder(resources.embedder, cache_dir=settings.cache_dir, ollama_url=settings.ollama_url)
    return {
        "suite": str(options.suite),
        "suite_sha256": sha256(options.suite.read_bytes()).hexdigest(),
        "corpus": None if options.corpus is None else str(options.corpus),
        "corpus_sha256": "" if options.corpus is None else folder_sha256(options.corpus),
        "code_sha256": code_sha256(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": resources.model.spec,
        "model_family": resources.model.family,
        "model_fingerprint": fingerprint_of(
            resources.model, resources.prompts, settings.cache_dir, reader=resources.reader
        ).name,
        "embedder": resources.embedder,
        "embedder_fingerprint": embedder.fingerprint,
        "settings": {
            "baselines": list(options.systems[1:]),
            "limit": options.limit,
            "part": options.part,
            "seed": options.seed,
            "salt": options.salted,
            "context_tokens": resources.model.context_tokens,
            "threads": settings.threads,
            "hold_orders": settings.hold_orders,
            "reader": resources.reader.fingerprint[:12] if resources.reader else "",
            "context": context.model_dump(),
            "calibration": asdict(resources.calibration),
        },
        "machine": machine(),
        "versions": versions(),
    }


def _open_journal(record: _Record, cases: Sequence[Case], options: Options, console: Console) -> Journal:
    """A new journal, or the one of the run that is carried on, whose outcomes go into the record."""
    assert record.path is not None
    path = journal_path(record.path)
    if options.resume:
        began, record.outcomes = read_journal(path, record.about, cases)
        if began:
            record.about["date"] = began
            console.print(f"{len(record.outcomes)} answers are there already.", markup=False)
        elif record.path.exists():
            raise ResumeError(
                f"{record.path} is finished: there is nothing to carry on. "
                "Run without --resume to begin anew."
            )
    elif kept := keep_journal(record.path):
        console.print(
            f'An interrupted run was here. It is kept, and goes on with --resume --json "{kept}".',
            markup=False,
            soft_wrap=True,
        )
    return Journal(path, record.about, record.outcomes)


def _finish(
    record: _Record,
    options: Options,
    console: Console,
    earlier: dict[Path, Report],
    *,
    interrupted: bool,
) -> None:
    """Print the numbers, and write the report in its three forms; another run's is kept."""
    assert record.path is not None and record.journal is not None
    scores = [score(outcome) for outcome in record.outcomes]
    links = record.traced.links if record.traced else {}
    report = as_json(
        record.outcomes,
        scores,
        summarise(record.outcomes, scores),
        time_ratios(record.outcomes),
        record.about | {"interrupted": interrupted} | ({"langfuse": links} if links else {}),
    )
    moved = _make_room(record.path, record.about, options)
    write_json(record.path, report)
    console.print()
    for table in tables(report):
        console.print(table)
    for text in notes(report, salted=options.salted):
        console.print(text, markup=False)
    if record.absent:
        console.print(record.absent, markup=False)
    # What this run is compared with may have lain where it is written now.
    named = {moved.get(path.resolve(), path): before for path, before in earlier.items()}
    against = list(_compared(report, named, console))
    for comparison in against:
        console.print()
        show(comparison, console)
    baselines = [system for system in report["metrics"] if system != GRAPH and GRAPH in report["metrics"]]
    comparisons = [compare(report, report, systems=(name, GRAPH)) for name in baselines] + against
    write_whole(record.path.with_suffix(".md"), markdown(report, comparisons))
    write_whole(record.path.with_suffix(".html"), html(report, comparisons))
    if not interrupted:
        record.journal.finish()
    if lost := record.traced.lost if record.traced else "":
        console.print(lost, markup=False, soft_wrap=True)
    if moved:
        kept = next(iter(moved.values()))
        console.print(f"Another report was here; it is kept as {kept}", markup=False, soft_wrap=True)
    console.print(f"Report: {record.path}, and as .md and .html beside it", markup=False, soft_wrap=True)


def _make_room(path: Path, about: Mapping[str, Any], options: Options) -> dict[Path, Path]:
    """Keep the report of another run that lies there; where its files lie now, by where they lay."""
    if options.resume and left_by(path, about):
        return {}
    return {old.resolve(): new for old, new in keep_report(path, BESIDE).items()}


def _compared(report: Report, earlier: dict[Path, Report], console: Console) -> Iterator[Comparison]:
    for path, before in earlier.items():
        try:
            yield compare(before, report, names=(str(path), "this run"))
        except MutdaError as error:
            # The run is worth its report all the same.
            console.print(f"Not compared: {error}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
