"""`python -m evals.run SUITE.jsonl`: measure answers, refusals, citations and their cost."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from app.corpus.embedding import choose_embedder
from app.corpus.ingest import ingest
from app.errors import EmbedderMismatchError, MutdaError, ServiceError
from app.settings import Settings, load_settings
from evals.korquad import Part, part_of
from evals.machine import machine, versions
from evals.report import (
    as_json,
    cost_table,
    line,
    quality_table,
    report_name,
    salt_warning,
    time_line,
    write_json,
)
from evals.runner import Outcome, run_suite
from evals.suite import Case, read_suite, sample
from evals.summary import Score, score, summarise, time_ratio
from graphs.context import Context
from graphs.open import open_resources

INTERRUPTED = 130
PIPED_WIDTH = 140


@dataclass(kw_only=True)
class _Record:
    """What a run has done so far: read when it ends, however it ends."""

    outcomes: list[Outcome] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    model: str = ""
    about: dict[str, Any] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, 2 for a user's mistake, 3 for a service, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    try:
        return _measure(options, console)
    except MutdaError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.run", description="Put the questions of a suite to the agent and score it."
    )
    parser.add_argument("suite", type=Path, help="a suite, one JSON object a line")
    parser.add_argument(
        "--corpus", type=Path, help="folder to ingest and search; needed unless questions bring passages"
    )
    parser.add_argument("--model", help="model spec, instead of MUTDA_MODEL")
    parser.add_argument(
        "--baseline", choices=["plain"], help="answer with retrieve-then-generate too, turn by turn"
    )
    parser.add_argument("--limit", type=_positive, help="ask at most so many, the kinds in equal shares")
    parser.add_argument(
        "--part",
        choices=get_args(Part),
        help="only this half of the questions, by a hash of the id (evals.korquad)",
    )
    parser.add_argument("--seed", type=int, default=1, help="chooses the questions of --limit (1)")
    parser.add_argument("--json", type=Path, help="file for the report, instead of one in the data folder")
    parser.add_argument(
        "--no-salt", action="store_true", help="let the second system profit from the first one's prompt"
    )
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _measure(options: argparse.Namespace, console: Console) -> int:
    cases = read_suite(options.suite)
    if options.part:
        cases = [case for case in cases if part_of(case.id) == options.part]
    if options.limit is not None:
        cases = sample(cases, options.limit, seed=options.seed)
    require_corpus(cases, options.corpus)
    settings = load_settings(web_search="off", **({"model": options.model} if options.model else {}))
    record = _Record()
    code, problem = 0, ""
    try:
        asyncio.run(_run(cases, options, settings, console, record))
    except KeyboardInterrupt:
        code, problem = INTERRUPTED, "Interrupted."
    except ServiceError as error:
        if not record.outcomes:
            raise
        code, problem = error.exit_code, str(error)
    if record.outcomes:
        path = options.json or settings.data_dir / "reports" / report_name(options.suite, record.model)
        _finish(record, console, path, interrupted=code != 0, salted=_salts(options))
    if problem:
        print(problem, file=sys.stderr)
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


async def _run(
    cases: Sequence[Case], options: argparse.Namespace, settings: Settings, console: Console, record: _Record
) -> None:
    folder = None
    if options.corpus is not None:
        folder = await asyncio.to_thread(_ingest, options.corpus, settings, console)
    context = Context(web_search="off")
    async with open_resources(settings, collection_dir=folder, need_collection=folder is not None) as opened:
        resources = replace(opened, collection=folder.name if folder else "passages")
        record.model = resources.model.spec
        record.about = {
            "suite": str(options.suite),
            "suite_sha256": sha256(options.suite.read_bytes()).hexdigest(),
            "corpus": None if options.corpus is None else str(options.corpus),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": resources.model.spec,
            "model_family": resources.model.family,
            "embedder": resources.embedder,
            "settings": {
                "baseline": options.baseline,
                "limit": options.limit,
                "seed": options.seed,
                "salt": _salts(options),
                "context_tokens": resources.model.context_tokens,
                "threads": settings.threads,
                "context": context.model_dump(),
                "calibration": asdict(resources.calibration),
            },
            "machine": machine(),
            "versions": versions(),
        }
        outcomes = run_suite(
            cases, resources, context=context, baseline=options.baseline is not None, salt=_salts(options)
        )
        async with aclosing(outcomes):
            async for outcome in outcomes:
                judged = score(outcome)
                record.outcomes.append(outcome)
                record.scores.append(judged)
                console.print(line(outcome, judged))


def _salts(options: argparse.Namespace) -> bool:
    return options.baseline is not None and not options.no_salt


def _ingest(corpus: Path, settings: Settings, console: Console) -> Path:
    """Bring the collection of a folder up to date; returns where it is."""
    chosen = choose_embedder(settings)
    if chosen.notice:
        console.print(chosen.notice, markup=False)
    embedder = chosen.embedder
    folder = settings.data_dir / "evals" / collection_name(corpus, embedder.spec)
    try:
        report = ingest(folder, [corpus], embedder, prune=True)
    except EmbedderMismatchError:
        # The same embedder in another version: nothing but measurements rests on this collection.
        report = ingest(folder, [corpus], embedder, prune=True, rebuild=True)
    for path, reason in report.failed:
        console.print(f"{path}: {reason}", markup=False)
    if not report.added + report.updated + report.unchanged:
        raise MutdaError(f"--corpus {corpus} holds no document that can be read.")
    return folder


def collection_name(corpus: Path, embedder: str) -> str:
    """One name for each folder and embedder."""
    folder = corpus.resolve()
    digest = sha256(f"{folder}\n{embedder}".encode()).hexdigest()[:12]
    return f"{folder.name}-{digest}"


def _finish(record: _Record, console: Console, path: Path, *, interrupted: bool, salted: bool) -> None:
    summaries = summarise(record.outcomes, record.scores)
    times = time_ratio(record.outcomes)
    console.print()
    console.print(quality_table(summaries))
    console.print(cost_table(summaries))
    for text in (time_line(times), salt_warning(record.outcomes) if salted else ""):
        if text:
            console.print(text, markup=False)
    about = {**record.about, "interrupted": interrupted}
    write_json(path, as_json(record.outcomes, record.scores, summaries, times, about))
    console.print(f"Report: {path}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
