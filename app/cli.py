"""The command `mutda`: the only place that prints or exits. Nothing heavy is imported at the top."""

import asyncio
import io
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli_bar import progress_bar
from app.cli_bench import bench
from app.cli_calibrate import calibrate
from app.cli_doctor import doctor
from app.cli_eval import app as evaluation
from app.cli_feedback import app as feedback
from app.cli_models import app as models
from app.cli_terminal import open_console, print_line, read_settings
from app.cli_trace import app as trace
from app.errors import MutdaError
from app.wording import Language, cost_line, notice_in, place_of, plain, reason_in, say

if TYPE_CHECKING:
    from rich.console import Console

    from app.corpus.collection import Collection
    from app.models.embedder import Embedder
    from app.models.spec import ModelSpec
    from app.settings import Settings
    from app.tracing.recorder import OnSpan

app = typer.Typer(
    help="묻다: ask your own documents. Answers come with citations, checked, on this machine alone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # plain help and errors: reading them does not load rich
)
app.add_typer(models, name="models")
app.add_typer(evaluation, name="eval")
app.add_typer(trace, name="trace")
app.add_typer(feedback, name="feedback")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def main() -> None:
    """Run the command; a user's mistake or a missing service becomes one line and an exit code."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that it cannot carry is no reason to stop
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="mutda")
    except MutdaError as error:
        _complain(str(error))
        sys.exit(error.exit_code)


def _complain(line: str) -> None:
    print(f"mutda: {plain(' '.join(line.split()))}", file=sys.stderr)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _embedder(settings: "Settings", *, allow_fetch: bool = True, anew: bool = False) -> Any:
    """The collection's embedder, or with `anew` the one to make a collection with."""
    from app.corpus.embedding import choose_embedder

    folder = None if anew else settings.collection_dir
    with progress_bar("weights", unit="bytes") as on_progress:
        chosen = choose_embedder(settings, folder, allow_fetch=allow_fetch, on_progress=on_progress)
    if chosen.notice:
        print_line(open_console(to_stderr=True), chosen.notice, "yellow")
    return chosen.embedder


def _collection(settings: "Settings", embedder: Any = None) -> "Collection":
    from app.corpus.collection import Collection

    return Collection.open(settings.collection_dir, embedder or _embedder(settings))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    as_json: AsJson = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show on stderr all that each step does, when it ends.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="The same in one line a step.")] = False,
) -> None:
    """Answer one question from the ingested documents."""
    asked = _asked(question, "ask")
    asyncio.run(_ask(asked, as_json=as_json, watch=_watch(asked, whole=debug) if debug or verbose else None))


def _watch(question: str, *, whole: bool) -> "OnSpan":
    from app.cli_tree import Watch, console_for
    from app.prompts import language_of

    return Watch(console_for(stderr=True), language_of(question), question, whole)


def _asked(question: str, command: str) -> str:
    if not plain(question).strip():
        raise MutdaError(
            f'The question is empty. Write it in quotes, e.g. mutda {command} "연차 휴가는 며칠인가요?"'
        )
    return question.encode(errors="replace").decode()  # bytes of the shell that are not UTF-8


async def _ask(question: str, *, as_json: bool, watch: "OnSpan | None" = None) -> None:
    async with _session(watch) as talk:
        result = await talk.ask(question, quiet=as_json)
    if as_json:
        _print_json(result)


@app.command()
def chat() -> None:
    """Ask several questions; later ones may lean on earlier ones."""
    asyncio.run(_chat())


async def _chat() -> None:
    console = open_console()
    async with _session() as talk:
        print_line(console, say("chat", "ko"), "dim")
        while True:
            try:
                line = _typed("묻다> " if sys.stdin.isatty() else "").strip()
            except EOFError:
                return
            if line == "/exit":
                return
            if line == "/new":
                talk.start_over()
            elif line:
                try:
                    await talk.ask(line)
                    console.print()
                except MutdaError as error:
                    _complain(str(error))


def _typed(prompt: str) -> str:
    """A line from the person. asyncio's own handler would hold a Ctrl-C back until the line is ended."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt):
        if sys.stdin.isatty():
            print(file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGINT, handler)


class Talk:
    """A conversation at the terminal: one graph, one thread, a person to ask for consent."""

    def __init__(self, graph: Any, settled: Callable[[], object] | None = None) -> None:
        self._graph = graph
        self._settled = settled
        """Waits for what a person watches to be shown."""
        self._thread = 0

    def start_over(self) -> None:
        """Forget the turns so far."""
        self._thread += 1

    async def ask(self, question: str, *, quiet: bool = False) -> dict[str, Any]:
        """Run one question; unless `quiet`, stream the draft and print the checked answer."""
        from langgraph.types import Command

        from app.prompts import language_of

        language = language_of(question)
        console = open_console()
        config = {"configurable": {"thread_id": str(self._thread)}}
        step: Any = {"question": question}
        while True:
            await self._run(step, config, None if quiet else console, language)
            snapshot = await self._graph.aget_state(config)
            if not snapshot.interrupts:
                break
            query = snapshot.interrupts[0].value["web_search"]
            step = Command(resume=_consent(query, language))
        result: dict[str, Any] = snapshot.values["result"]
        if self._settled:
            await asyncio.to_thread(self._settled)
        if not quiet:
            _print_result(console, result, language)
        return result

    async def _run(self, step: Any, config: Any, console: "Console | None", language: Language) -> None:
        if console is None or not console.is_terminal:
            await self._graph.ainvoke(step, config)
            return
        from rich.live import Live
        from rich.spinner import Spinner
        from rich.text import Text

        draft, finished = Text(), False
        spinner = Spinner("dots", text="prepare", style="dim")
        with Live(spinner, console=console, transient=True) as live:
            async for mode, piece in self._graph.astream(step, config, stream_mode=["messages", "updates"]):
                if mode == "messages":
                    if finished:  # the first draft was rejected; this is another
                        draft, finished = Text(), False
                    draft.append(plain(str(piece[0].content)))
                    live.update(draft)
                elif "generate" in piece:
                    finished = True
                    live.update(Text.assemble(draft, "  ", (say("checking", language), "dim")))
                else:
                    updates: list[dict[str, Any]] = [
                        update for update in piece.values() if isinstance(update, dict)
                    ]
                    spinner.update(text=" → ".join(updates[-1].get("route", [])) if updates else "")
                    if not draft:
                        live.update(spinner)


def _consent(query: str, language: Language) -> bool:
    if not sys.stdin.isatty():
        return False
    print(plain(say("consent", language, query=query)), "[y/N] ", end="", file=sys.stderr, flush=True)
    try:
        # ㅛ is the y key of a Korean keyboard.
        return _typed("").strip().casefold() in ("y", "yes", "ㅛ", "예", "네")
    except EOFError:
        return False


@asynccontextmanager
async def _session(watch: "OnSpan | None" = None) -> AsyncIterator[Talk]:
    from langgraph.checkpoint.memory import InMemorySaver

    from graphs.open import open_resources
    from graphs.rag import build
    from graphs.tracing import open_tracing

    settings = read_settings()
    with progress_bar("weights", unit="bytes") as on_progress:
        async with (
            open_resources(settings, on_progress=on_progress) as resources,
            open_tracing(settings, on_span=watch) as tracing,
        ):
            graph = build(
                resources,
                checkpointer=InMemorySaver(),
                callbacks=tracing.callbacks,
                trace_of=tracing.identity.of,
            )
            yield Talk(graph, tracing.recorder.flush if tracing.recorder and watch else None)
    if tracing.lost:
        _complain(tracing.lost)


def _print_result(console: "Console", result: dict[str, Any], language: Language) -> None:
    print_line(console, result["answer"], "bold")
    if result["reason"]:
        print_line(console, f"{say('reason', language)}  {reason_in(language, result['reason'])}", "yellow")
    if result["calculation"]:
        print_line(console, f"{say('calculation', language)}  {result['calculation']}")
    if result["citations"]:
        print_line(console, f"\n{say('sources', language)}", "dim")
    place = ""
    for citation in result["citations"]:
        if place != (place := f"  [{citation['n']}] {place_of(citation, language)}"):
            print_line(console, place, "cyan")
        print_line(console, f"      “{' '.join(citation['text'].split())}”")
    if result["nearest"]:
        print_line(console, f"\n{say('nearest', language)}", "dim")
    for place in dict.fromkeys(place_of(each, language) for each in result["nearest"]):
        print_line(console, f"      {place}", "cyan")
    for notice in result["notices"]:
        print_line(console, f"{say('notice', language)}  {notice_in(language, notice)}", "yellow")
    print_line(console, f"\n{say('route', language)}  {' → '.join(result['route'])}", "dim")
    print_line(console, f"{say('cost', language)}  {cost_line(result['cost'], language)}", "dim")


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Forget documents under PATHS that are gone.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Embed everything again, e.g. with a new embedder.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read documents into the collection; what is unchanged is free."""
    from dataclasses import asdict

    from app.corpus.ingest import ingest as run_ingest
    from app.corpus.walk import is_missing

    settings = read_settings()
    missing = [str(path) for path in paths if is_missing(path)]
    if missing and not prune:
        raise MutdaError(
            f"There is no {', '.join(missing)}. Check the path, or add --prune to forget what was there."
        )
    embedder = _embedder(settings, anew=rebuild)
    with progress_bar("ingest", unit="documents") as on_progress:
        report = run_ingest(
            settings.collection_dir,
            paths,
            embedder,
            prune=prune,
            rebuild=rebuild,
            on_progress=on_progress,
        )
    if as_json:
        _print_json(json.loads(json.dumps(asdict(report), default=str)))
    else:
        console = open_console()
        print_line(
            console,
            f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
            f"{report.pruned} pruned · {report.chunks} chunks · {report.seconds:.1f} s",
        )
        if report.missing:
            print_line(console, f"Gone from the disk: {report.missing}. Forget them with --prune.", "yellow")
        if report.skipped:
            print_line(console, f"Not of a kind that can be read: {report.skipped}", "yellow")
    for path, reason in report.failed:
        _complain(f"{path}: {reason}")
    if report.failed and not (report.added or report.updated or report.unchanged):
        raise typer.Exit(2)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    mode: Annotated[
        Literal["similarity", "mmr"], typer.Option(help="Best first, or best without repeats.")
    ] = "similarity",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show the passages that a question finds; asks no model."""
    from dataclasses import asdict

    from app.prompts import language_of

    query = _asked(query, "search")
    collection = _collection(read_settings())
    try:
        passages = collection.search(query, k=k, mode=mode)
    finally:
        collection.close()
    if as_json:
        _print_json([asdict(passage) for passage in passages])
        return
    console = open_console()
    for passage in passages:
        print_line(console, f"{passage.score:.3f}  {place_of(asdict(passage), language_of(query))}", "cyan")
        print_line(console, f"       {' '.join(passage.text.split())}")
    if not passages:
        print_line(console, say("nothing", language_of(query)))


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the collection, the models, and what can be reached."""
    found = asyncio.run(_status())
    if as_json:
        _print_json(found)
        return
    console = open_console()
    width = max(map(len, found))
    for name, value in found.items():
        print_line(console, f"{name:<{width}}  {f'{value:.2f}' if isinstance(value, float) else value}")


async def _status() -> dict[str, Any]:
    from app.models.ollama_tags import installed_models
    from app.models.open import choose_spec
    from app.models.reader import absence
    from app.models.weights import EMBEDDED, local_path

    settings = read_settings()
    embedder = await asyncio.to_thread(_embedder, settings, allow_fetch=False)
    holds = await asyncio.to_thread(_holds, settings, embedder)
    spec = await choose_spec(settings)
    names = await installed_models(settings.ollama_url)
    weights = await asyncio.to_thread(local_path, EMBEDDED, settings.cache_dir)
    return {
        "collection": settings.collection,
        "folder": str(settings.collection_dir),
        **holds,
        "embedder": embedder.spec,
        "reader": absence(settings) or "on",
        "model": str(spec),
        **(await asyncio.to_thread(_servers, settings, spec)),
        "weights": str(weights) if weights else "not fetched: mutda models pull",
        "ollama": f"{settings.ollama_url}: "
        + ("not reachable" if names is None else ", ".join(names) or "no models"),
        "web search": settings.web_search
        + (f" by {settings.search_url or 'DuckDuckGo'}" if settings.web_search != "off" else ""),
    }


def _holds(settings: "Settings", embedder: "Embedder") -> dict[str, Any]:
    """What the collection holds, and why it cannot be searched where it cannot."""
    from app.corpus.collection import contents_of
    from app.errors import CorpusError, ServiceError

    holds: dict[str, Any] = {}
    try:
        if contents := contents_of(settings.collection_dir):
            holds = {
                "documents": contents.documents,
                "chunks": contents.chunks,
                "korean probe": contents.probe,
            }
            if contents.embedder != embedder.spec:
                holds["made with"] = contents.embedder
        _collection(settings, embedder).close()
    except (CorpusError, ServiceError) as error:
        holds["problem"] = str(error)
    return holds


def _servers(settings: "Settings", spec: "ModelSpec") -> dict[str, str]:
    """Of the servers that settings name beside Ollama, whether they answer."""
    from app.doctor.address import Unreachable, ask
    from app.doctor.model import look_at_server

    found = {}
    if spec.kind == "openai":
        finding = look_at_server(str(spec), spec, settings)
        answers = f"{settings.openai_base_url}: answers"
        found["model server"] = answers if finding.level == "ok" else finding.text
    if settings.search_url and settings.web_search != "off":
        try:
            ask(settings.search_url)
            found["search server"] = f"{settings.search_url}: answers"
        except Unreachable as error:
            found["search server"] = f"{settings.search_url}: not reachable ({error})"
    return found


app.command()(bench)
app.command()(calibrate)
app.command()(doctor)


if __name__ == "__main__":
    main()
