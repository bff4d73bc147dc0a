"""`mutda trace`: look at what questions did, compare two of them, and write one to a page."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import MutdaError

if TYPE_CHECKING:
    from app.tracing.spans import Trace
    from app.tracing.store import TraceStore
    from app.wording import Language

MAX_LISTED = 1000

app = typer.Typer(
    help="What each question did: steps, prompts, tokens, decisions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Id = Annotated[str, typer.Argument(metavar="ID", help='Of the trace, or its beginning; or "last".')]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Prompts = Annotated[bool, typer.Option("--prompts", help="With every prompt and what the model said.")]


@contextmanager
def _store() -> "Iterator[TraceStore]":
    from app.settings import load_settings
    from app.tracing.store import TraceStore

    store = TraceStore.open_to_read(load_settings().data_dir / "traces")
    try:
        yield store
    finally:
        store.close()


def _found(store: "TraceStore", name: str) -> "Trace":
    return store.last() if name == "last" else store.find(name)


def _language(trace: "Trace") -> "Language":
    from app.prompts import language_of

    return language_of(trace.header.question)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@app.command()
def last(prompts: Prompts = False, as_json: AsJson = False) -> None:
    """Draw the last question's trace."""
    _show("last", prompts=prompts, as_json=as_json)


@app.command()
def show(trace_id: Id, prompts: Prompts = False, as_json: AsJson = False) -> None:
    """Draw one trace: its steps with their time, tokens, decisions and passages."""
    _show(trace_id, prompts=prompts, as_json=as_json)


def _show(name: str, *, prompts: bool, as_json: bool) -> None:
    with _store() as store:
        trace = _found(store, name)
    if as_json:
        _print_json(asdict(trace))
        return
    from app.cli_tree import console_for, draw

    console_for().print(draw(trace, _language(trace), prompts=prompts))


@app.command("list")
def list_(
    count: Annotated[
        int, typer.Option("-n", min=1, max=MAX_LISTED, metavar="N", help="At most so many.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List traces, the newest first."""
    with _store() as store:
        headers = store.headers(count)
    if as_json:
        _print_json([asdict(header) for header in headers])
        return
    from app.cli_tree import console_for, listing
    from app.prompts import language_of

    language = language_of(headers[0].question) if headers else "ko"
    console_for().print(listing(headers, language))


@app.command()
def diff(
    a: Annotated[
        str, typer.Argument(metavar="A", help='One trace, by its id or the beginning of it, or "last".')
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    as_json: AsJson = False,
) -> None:
    """Say where two runs parted: the first step that differs, and what differs in it."""
    from app.tracing.diff import part

    with _store() as store:
        first, second = _found(store, a), _found(store, b)
    found = part(first, second)
    if as_json:
        _print_json({"a": first.header.id, "b": second.header.id, "same": found.same, **asdict(found)})
        return
    from app.cli_tree import console_for, parting

    console_for().print(parting(found, first.header, second.header, _language(first)))


@app.command()
def export(
    trace_id: Id,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Instead of trace-ID.html here.")
    ] = None,
) -> None:
    """Write one trace to a page that opens offline, with nothing beside it."""
    from app.tracing.export import html
    from app.wording import plain, reason_in

    with _store() as store:
        trace = _found(store, trace_id)
    path = out or Path(f"trace-{trace.header.id}.html")
    why = str(trace.result.get("reason", ""))
    page = html(trace, _drawing(), reason=(reason_in("ko", why), why))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise MutdaError(
            f'"{path}" cannot be written ({error.strerror}). Name another file with -o.'
        ) from None
    typer.echo(plain(str(path)))


def _drawing() -> Any:
    """The graph's nodes and edges, for its picture."""
    from app.tracing.export_graph import Drawing
    from graphs.rag import build

    async def closed() -> Any:
        raise AssertionError("drawing asks no question")

    drawn = build(closed).get_graph()
    return Drawing(nodes=tuple(drawn.nodes), edges=tuple((edge.source, edge.target) for edge in drawn.edges))


@app.callback()
def _trace() -> None:
    """What each question did: steps, prompts, tokens, decisions."""
