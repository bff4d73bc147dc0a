"""`python -m evals.recording SUITE...`: record what a model answers to the prompts of a suite.

The recording is played by `evals.gate` and by the tests, where there is no model. Questions are answered
as always but for three things, so that the same prompts come up on every machine and on every day: the
day that prompts name is the recording's, time does not run (a slow machine would end questions by their
budget), and the embedder is "use:". It needs no fetch, its weights are in a locked package, and the noise
of its 32-bit numbers (1e-6) reorders no passages: over all suites the scores of neighbours among the best
five of a question differ by .0002 or more. "toy:" is exact, but would show the model other passages than
a user's search does.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from pathlib import Path

from app.errors import MutdaError, ServiceError
from app.prompts import Prompts
from app.settings import load_settings
from evals.recorded import (
    RECORDINGS,
    ROOT,
    About,
    Recorder,
    Recording,
    RecordingError,
    Replay,
    read_recording,
    write_recording,
)
from evals.run import require_corpus
from evals.runner import Outcome, run_suite
from evals.suite import Case, read_suite, sample
from evals.throwaway import resources_over
from graphs.context import Context
from graphs.evidence import load_calibration
from graphs.resources import Resources

EMBEDDER = "use:"
INTERRUPTED = 130


def replayed(recording: Recording) -> list[Outcome]:
    """What the code of today makes of the recorded replies.

    Raises RecordingError when it asks what was not recorded.
    """
    return asyncio.run(_replayed(recording))


async def _replayed(recording: Recording) -> list[Outcome]:
    about = recording.about
    settings = load_settings(model="fake:", embedder=about.embedder, web_search="off")
    async with (
        resources_over(_corpus(about), settings) as opened,
        aclosing(_answered(Replay(recording), opened)) as outcomes,
    ):
        return [outcome async for outcome in outcomes]


async def record(path: Path, recording: Recording, *, ask_all: bool = False) -> tuple[int, int]:
    """Ask what is not recorded yet, and write the file; returns how many replies are new and how many gone.

    With `ask_all` none of the old replies is used. What was asked is kept when the run breaks off.
    Raises ServiceError when questions failed.
    """
    old = dict(recording.replies)
    if ask_all:
        recording.replies.clear()
    about = recording.about
    settings = load_settings(model=about.model, embedder=about.embedder, web_search="off")
    async with resources_over(_corpus(about), settings) as opened:
        recording.about = replace(
            about, family=opened.model.family, context_tokens=opened.model.context_tokens
        )
        model = Recorder(recording, opened.model)
        try:
            errors = await _ask(model, opened)
        except BaseException:
            write_recording(path, recording)
            raise
    if not errors:
        recording.replies = {key: reply for key, reply in recording.replies.items() if key in model.asked}
    write_recording(path, recording)
    if errors:
        raise ServiceError(
            f"{len(errors)} questions failed, the last one with: {errors[-1]} "
            "The others are kept: run the command again, without --all, to carry on."
        )
    return model.new, len(old.keys() - recording.replies.keys())


async def _ask(model: Recorder, opened: Resources) -> list[str]:
    """Every question, told on a line; returns the errors of those that failed."""
    errors: list[str] = []
    total, number = len(cases_of(model.recording.about)), 0
    async with aclosing(_answered(model, opened)) as outcomes:
        async for outcome in outcomes:
            number += 1
            errors += [outcome.error] if outcome.error else []
            print(f"{number}/{total} {outcome.case.id}: {outcome.error or f'{model.new} new replies'}")
    return errors


async def _answered(model: Recorder | Replay, opened: Resources) -> AsyncGenerator[Outcome, None]:
    cases = cases_of(model.recording.about)
    resources = await asyncio.to_thread(_as_recorded, opened, model)
    outcomes = run_suite(cases, resources, context=Context(web_search="off"), salt=False)
    async with aclosing(outcomes):
        for case in cases:
            model.question = case.question
            yield await anext(outcomes)


def _as_recorded(opened: Resources, model: Recorder | Replay) -> Resources:
    today = date.fromisoformat(model.recording.about.today)
    return replace(
        opened,
        model=model,
        prompts=Prompts.read(model.family),
        calibration=load_calibration(model.family),
        # Its odds differ in the last digits between processors, and with them what is shown.
        reader=None,
        orders=opened.orders and replace(opened.orders, reader=None),
        today=lambda: today,
        monotonic=lambda: 0.0,
    )


def cases_of(about: About) -> list[Case]:
    """The questions that were recorded. Raises SuiteError, and MutdaError where documents are missing."""
    cases = read_suite(ROOT / about.suite)
    if about.limit is not None:
        cases = sample(cases, about.limit, seed=about.seed)
    require_corpus(cases, _corpus(about))
    return cases


def _corpus(about: About) -> Path | None:
    return ROOT / about.corpus if about.corpus else None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, 2 for a user's mistake, 3 for a service, 130 after Ctrl-C."""
    options = _parse(arguments)
    try:
        for path, recording in _wanted(options):
            print(f"{path.stem}: {len(recording.replies)} replies are recorded.")
            new, gone = asyncio.run(record(path, recording, ask_all=options.all))
            print(f"{path}: {len(recording.replies)} replies, {new} of them new; {gone} old ones are gone.")
    except KeyboardInterrupt:
        print(
            "Interrupted. What was recorded is kept: run the command again, without --all, to carry on.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except MutdaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m evals.recording",
        description="Record a model's replies to a suite, or again what is recorded. "
        "Only prompts that are not recorded yet are asked.",
    )
    parser.add_argument(
        "suites", nargs="*", type=Path, metavar="SUITE", help="without one, all that are recorded"
    )
    parser.add_argument("--corpus", type=Path, help="folder of documents, for questions without passages")
    parser.add_argument("--model", help="model spec (embedded:, or the one that was recorded)")
    parser.add_argument("--embedder", default=EMBEDDER, help=f"embedder spec for new recordings ({EMBEDDER})")
    parser.add_argument("--limit", type=int, help="so many questions, the kinds in equal shares")
    parser.add_argument("--seed", type=int, default=1, help="chooses the questions of --limit (1)")
    parser.add_argument("--all", action="store_true", help="ask all prompts again, for a new engine")
    parser.add_argument("--folder", type=Path, default=RECORDINGS, help="where recordings are kept")
    return parser.parse_args(arguments)


def _wanted(options: argparse.Namespace) -> list[tuple[Path, Recording]]:
    """The files to write, with what they hold by now."""
    if options.suites:
        return [_of_suite(suite, options) for suite in options.suites]
    wanted = [(path, read_recording(path)) for path in recordings_in(options.folder)]
    if options.model:
        for _, recording in wanted:
            recording.about = replace(recording.about, model=options.model)
    return wanted


def _of_suite(suite: Path, options: argparse.Namespace) -> tuple[Path, Recording]:
    path: Path = options.folder / f"{suite.stem}.jsonl"
    about = About(
        suite=_from_root(suite),
        corpus=_from_root(options.corpus) if options.corpus else "",
        limit=options.limit,
        seed=options.seed,
        model=options.model or "embedded:",
        family="",
        context_tokens=0,
        embedder=options.embedder,
        today=date.today().isoformat(),
    )
    if not path.exists():
        return path, Recording(about=about)
    old = read_recording(path)
    return path, Recording(about=replace(about, today=old.about.today), replies=old.replies)


def _from_root(path: Path) -> str:
    path = path.resolve()
    return (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()


def recordings_in(folder: Path) -> list[Path]:
    """The files of all recordings, by name. Raises RecordingError when there is none."""
    if not (paths := sorted(folder.glob("*.jsonl"))):
        raise RecordingError(
            f"There are no recorded replies in {folder}. Record some: "
            "python -m evals.recording evals/datasets/samples.jsonl --corpus samples"
        )
    return paths


if __name__ == "__main__":
    sys.exit(main())
