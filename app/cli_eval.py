"""`mutda eval`: measure answers and retrieval, compare, and draft a suite. Nothing heavy at the top."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 100

app = typer.Typer(
    help="Measure answers and retrieval over a suite of questions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Suite = Annotated[Path, typer.Argument(help="A suite, one JSON object a line.")]


def _console(*, to_stderr: bool = False) -> "Console":
    from rich.console import Console

    console = Console(stderr=to_stderr, highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


@app.command()
def run(
    suite: Suite,
    corpus: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Ingest and search it; needed unless questions bring passages."),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="SPEC", help="Instead of MUTDA_MODEL.")] = None,
    embedder: Annotated[str | None, typer.Option(metavar="SPEC", help="Instead of MUTDA_EMBEDDER.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A knob of each question, as look=3; may be repeated."
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="plain|tutorial|FILE",
            help="Answer in another way too, or compare with an earlier report; may be repeated.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Ask at most so many, kinds in equal shares.")
    ] = None,
    part: Annotated[
        Literal["fit", "report"] | None,
        typer.Option(
            help="Only this half of the questions; the halves share no article, no passage and no file "
            "that a question names."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Chooses the questions of --limit.")] = 1,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For the report, instead of the data folder.")
    ] = None,
    no_salt: Annotated[
        bool, typer.Option("--no-salt", help="Let a system profit from the prompt of the one before it.")
    ] = False,
    search: Annotated[
        str,
        typer.Option(
            metavar="URL", help="SearXNG to look things up with; without it nothing leaves this machine."
        ),
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Carry on a run that was interrupted.")] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Keep a trace of each question, for `mutda trace`.")
    ] = False,
) -> None:
    """Ask the questions of a suite and score the answers."""
    from evals.options import Options
    from evals.run import measure

    options = Options(
        suite=suite,
        corpus=corpus,
        model=model,
        embedder=embedder,
        knobs=tuple(set_ or ()),
        baselines=tuple(dict.fromkeys(baseline or ())),
        limit=limit,
        part=part,
        seed=seed,
        json=json,
        salt=not no_salt,
        search=search,
        resume=resume,
        trace=trace,
    )
    if code := measure(options, _console()):
        raise typer.Exit(code)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="The report before.")],
    b: Annotated[
        Path | None, typer.Argument(help="The report after; without it, two systems of A are compared.")
    ] = None,
    system_a: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which system of the first: graph, or a search's only one, unless another is named. "
            "A search's are named as e5:@0.7, by embedder and weight; the embedder alone will do.",
        ),
    ] = None,
    system_b: Annotated[str | None, typer.Option(metavar="NAME", help="Which system of the second.")] = None,
) -> None:
    """Say what changed from one report to another.

    Both are of answers, or both of the search alone.
    """
    from evals.compare import compare_files

    compare_files(a, b, _console(), systems=(system_a, system_b))


@app.command()
def retrieval(
    corpus: Annotated[Path, typer.Option(metavar="FOLDER", help="The documents to search.")],
    suite: Annotated[Path, typer.Option(metavar="FILE", help="Its questions that name their sources.")],
    embedder: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="Instead of MUTDA_EMBEDDER; may be repeated."),
    ] = None,
    weight: Annotated[
        list[float] | None,
        typer.Option(
            min=0,
            max=1,
            metavar="W",
            help="The embedder's share: 0 keywords alone, 1 meaning alone; else by its Korean probe. "
            "May be repeated.",
        ),
    ] = None,
    k: Annotated[str, typer.Option("--k", metavar="K,K", help="Passages to look at.")] = "1,2,4,5,8",
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For the report, instead of the data folder.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Ingest from nothing, to time it.")] = False,
    reader: Annotated[
        bool, typer.Option("--reader", help="Also with the reader, which puts what answers first.")
    ] = False,
) -> None:
    """Measure the search alone, without a language model."""
    from evals.retrieval import RetrievalOptions, ks_of, measure_retrieval

    options = RetrievalOptions(
        suite=suite,
        corpus=corpus,
        embedders=tuple(dict.fromkeys(embedder or ())),
        weights=tuple(dict.fromkeys(weight or ())),
        k=ks_of(k),
        json=json,
        anew=anew,
        reader=reader,
    )
    measure_retrieval(options, _console())


@app.command()
def draft(
    folder: Annotated[Path, typer.Argument(help="Your documents.")],
    questions: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="How many to draft.")] = 20,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the suite goes, instead of FOLDER.draft.jsonl here."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Chooses the passages.")] = 1,
) -> None:
    """Draft questions from your own documents, for you to correct."""
    from evals.draft import DraftOptions
    from evals.draft import draft as write_draft

    options = DraftOptions(folder=folder, questions=questions, out=out, seed=seed)
    write_draft(options, _console(), _console(to_stderr=True))


@app.callback()
def _eval() -> None:
    """Measure answers and retrieval over a suite of questions."""
