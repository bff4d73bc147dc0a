"""`mutda calibrate`: fit when a model's evidence suffices for an answer. Nothing heavy at the top."""

from pathlib import Path
from typing import Annotated, Literal

import typer

PIPED_WIDTH = 100


def calibrate(
    suite: Annotated[
        list[Path], typer.Option(metavar="FILE", help="Questions, one JSON object a line; may be repeated.")
    ],
    model: Annotated[str | None, typer.Option(metavar="SPEC", help="Instead of MUTDA_MODEL.")] = None,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Documents of suites whose questions bring no passages: one folder for all, "
            "or one for each, in order.",
        ),
    ] = None,
    part: Annotated[
        Literal["fit", "report"] | None,
        typer.Option(
            help="Only this half of the questions; the halves share no article, no passage and no file "
            "that a question names."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="At most so many of each suite, kinds in equal shares."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="S", help="Chooses the questions of --limit, and the folds.")
    ] = 1,
    anew: Annotated[
        bool, typer.Option("--anew", help="Ask the model again what it was asked before.")
    ] = False,
    store_anyway: Annotated[
        bool, typer.Option("--store-anyway", help="Store also what is behind the calibration in use.")
    ] = False,
) -> None:
    """Fit to questions when a model's evidence is enough.

    The model grades the passages of each question, which takes its time; after an interruption the same
    command carries on. All figures are cross-validated. What was fitted is stored where its balanced
    accuracy is no lower than that of the calibration in use. Answers then go by it, until the grader's
    prompts or the model's weights change; the calibration before is kept beside the new one.
    """
    from rich.console import Console

    from evals.calibrate import CalibrateOptions
    from evals.calibrate import calibrate as run_calibrate

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    options = CalibrateOptions(
        suites=tuple(suite),
        corpora=tuple(corpus or ()),
        model=model,
        part=part,
        limit=limit,
        seed=seed,
        anew=anew,
        store_anyway=store_anyway,
    )
    if code := run_calibrate(options, console):
        raise typer.Exit(code)
