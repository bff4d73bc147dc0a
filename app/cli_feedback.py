"""`mutda feedback`: rate answers, and make data of the ratings. Nothing heavy at the top."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from app.cli_terminal import open_console, print_line, read_settings

if TYPE_CHECKING:
    from app.settings import Settings
    from app.tracing.feedback_send import LangfuseScores
    from app.tracing.feedback_store import FeedbackStore

ID_CHARS = 12
QUESTION_CHARS = 60


class TraceOrCommand(TyperGroup):
    """Takes `mutda feedback TRACE up` for `mutda feedback give TRACE up`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and re.fullmatch(r"last|[0-9a-fA-F]+", args[0]):
            args = ["give", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=TraceOrCommand,
    help="Rate answers, and make training data of the ratings.",
    no_args_is_help=True,
    rich_markup_mode=None,
    subcommand_metavar="TRACE up|down | COMMAND [ARGS]...",
)


@app.command()
def give(
    trace: Annotated[str, typer.Argument(help='The run: its trace id, the beginning of it, or "last".')],
    rating: Annotated[Literal["up", "down"], typer.Argument(help="Was the answer good?")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    correction: Annotated[
        str, typer.Option(metavar="TEXT", help="With down: the answer as it should have been.")
    ] = "",
) -> None:
    """Rate an answer; the word give can be left out. A later rating takes the place of an earlier one."""
    from app.errors import ServiceError
    from app.tracing.feedback import give as keep
    from app.tracing.feedback import send as send_one
    from app.tracing.feedback import trace_reader
    from app.tracing.masking import Masking

    settings = read_settings()
    store = _store(settings)
    masking = Masking(settings.mask_patterns)
    read = trace_reader(settings.data_dir / "traces")
    feedback = keep(store, read, masking, trace, rating, reason=reason, correction=correction)
    console = open_console()
    print_line(
        console, f"Kept: {feedback.rating} for {feedback.trace_id[:ID_CHARS]}, {_shown(feedback.question)}"
    )
    scores = _scores(settings)
    if scores is None:
        print_line(console, "Langfuse is not set up: nothing was sent.", "dim")
        return
    if not scores.takes(feedback.trace_id):
        print_line(console, "Not sent: Langfuse was not given this trace (LANGFUSE_SAMPLE_RATE).", "dim")
        return
    try:
        send_one(store, scores, feedback)
    except ServiceError as error:
        print_line(console, f"Not sent: {error} Send it later with: mutda feedback send", "yellow")
    else:
        print_line(console, f"Sent to Langfuse at {scores.url}.", "dim")


@app.command()
def send() -> None:
    """Send what Langfuse has not got yet."""
    from app.errors import SettingsError
    from app.tracing.feedback import send_all

    settings = read_settings()
    scores = _scores(settings)
    if scores is None:
        raise SettingsError(
            "Langfuse is not set up. Set LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY."
        )
    count = send_all(_store(settings), scores)
    print_line(
        open_console(),
        f"{_counted(count, 'rating')} sent to Langfuse at {scores.url}." if count else "Nothing to send.",
    )


@app.command(name="list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what was replaced later.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with prompts and answers.")] = False,
) -> None:
    """Show the ratings, oldest first."""
    from dataclasses import asdict

    settings = read_settings()
    store = _store(settings)
    listed = store.history() if everything else store.current()
    console = open_console()
    if as_json:
        print_line(
            console, json.dumps([asdict(feedback) for feedback in listed], ensure_ascii=False, indent=2)
        )
        return
    for feedback in listed:
        mark = "  (not sent)" if settings.langfuse_base_url and not feedback.sent_at else ""
        print_line(
            console,
            f"{feedback.trace_id[:ID_CHARS]}  {feedback.given_at[:16].replace('T', ' ')}  "
            f"{feedback.rating:<4}  {_shown(feedback.question)}{mark}",
            "" if feedback.rating == "up" else "yellow",
        )
        for text in (feedback.reason, feedback.correction and f"→ {feedback.correction}"):
            if text:
                print_line(console, f"{'':{ID_CHARS}}  {' '.join(text.split())}", "dim")
    if not listed:
        print_line(console, "There is no feedback yet. Give some: mutda feedback last up")


@app.command()
def export(
    kind: Annotated[
        Literal["dpo", "sft"],
        typer.Option("--format", help="dpo: pairs of a better and a worse answer; sft: good answers."),
    ],
    out: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Instead of the screen.")] = None,
) -> None:
    """Write the ratings as JSONL that TRL's trainers take."""
    from app.errors import MutdaError
    from app.tracing.feedback_export import examples, preferences

    export = (preferences if kind == "dpo" else examples)(_store(read_settings()).current())
    if out is None:
        typer.echo(export.jsonl(), nl=False)
    else:
        try:
            out.write_text(export.jsonl(), encoding="utf-8", newline="\n")
        except OSError as error:
            reason = error.strerror or str(error)
            raise MutdaError(f"{out} cannot be written ({reason}). Name another file with -o.") from None
    console = open_console(to_stderr=True)
    written = _counted(len(export.lines), "pair" if kind == "dpo" else "conversation")
    print_line(console, f"{written} written{f' to {out}' if out else ''}.")
    for why, count in export.left_out.most_common():
        print_line(console, f"Left out: {count} {why}.", "yellow")


@app.callback()
def _feedback() -> None:
    """Say whether an answer was good, and make data of it to train on."""


def _store(settings: "Settings") -> "FeedbackStore":
    from app.tracing.feedback_store import FILE_NAME, FeedbackStore

    return FeedbackStore(settings.data_dir / "traces" / FILE_NAME)


def _scores(settings: "Settings") -> "LangfuseScores | None":
    from app.tracing.feedback_send import LangfuseScores

    return LangfuseScores.of(settings)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _shown(question: str) -> str:
    line = " ".join(question.split())
    return f"“{line if len(line) <= QUESTION_CHARS else line[: QUESTION_CHARS - 1] + '…'}”"
