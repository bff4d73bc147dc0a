"""`mutda models`: fetch, make, list and check models. Nothing heavy at the top."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli_bar import progress_bar
from app.cli_terminal import open_console, print_line, read_settings
from app.errors import DownloadError, MutdaError
from app.wording import plain

if TYPE_CHECKING:
    from rich.console import Console

    from app.models.check import Finding
    from app.models.check_live import Trial
    from app.models.listing import ListedModel, Listing
    from app.settings import Settings

app = typer.Typer(help="Fetch, make, list and check models.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_GB = 1e9

PIPED_WIDTH = 120


def _print_json(value: Any) -> None:
    import json

    print_line(open_console(), json.dumps(value, ensure_ascii=False, indent=2))


@app.command()
def pull() -> None:
    """Fetch the embedded model (1.1 GB) and the embedder (90 MB), and verify their checksums."""
    from app.models.embedders import E5_SPECS
    from app.models.spec import parse_model_spec
    from app.models.weights import resolve_e5, resolve_gguf

    settings = read_settings()
    spec = parse_model_spec(settings.model or "embedded:")
    name = spec.name if spec.kind == "embedded" else ""
    with progress_bar("weights", unit="bytes") as on_progress:
        path = resolve_gguf(name, settings.cache_dir, progress=on_progress)
    print_line(open_console(), str(path))
    if settings.embedder in ("", *E5_SPECS):
        try:
            with progress_bar("weights", unit="bytes") as on_progress:
                path = resolve_e5(settings.cache_dir, allow_fetch=True, progress=on_progress)
        except DownloadError as error:
            if settings.embedder:
                raise
            print_line(open_console(to_stderr=True), f"The embedder use: will do instead. {error}", "yellow")
        else:
            print_line(open_console(), str(path))


@app.command()
def create(
    name: Annotated[
        str,
        typer.Argument(
            help="llama3-ko, llama3-ko-instruct, eeve or qwen-embedded; or your own, with --from."
        ),
    ],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="hf.co/ORG/REPO:QUANT|FILE.gguf|FOLDER",
            help="The weights, instead of those that the Modelfile names.",
        ),
    ] = "",
    quantize: Annotated[
        str, typer.Option(metavar="q4_K_M|q4_K_S|q8_0", help="For weights of 16 or 32 bits.")
    ] = "",
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Ask it one Korean question at the end.")
    ] = True,
) -> None:
    """Make a model in the Ollama server, and ask it one question."""
    from app.models.create_source import QUANTIZATIONS, require_quantizable
    from app.models.ollama_create import Creation

    settings = read_settings()
    if quantize and quantize.lower() not in (known := [kind.lower() for kind in QUANTIZATIONS]):
        raise MutdaError(f"--quantize {quantize} is none of {', '.join(known)}.")
    modelfile, weights = _what_to_make(settings, name, source)
    require_quantizable(weights, quantize)
    with progress_bar(name, unit="bytes") as on_progress:
        creation = Creation(
            url=settings.ollama_url,
            name=name,
            modelfile=modelfile,
            source=weights,
            quantize=quantize,
            on_progress=on_progress,
        )
        asyncio.run(creation.run())
    console = open_console()
    print_line(console, f"ollama:{name} is made.")
    if ask:
        _print_trial(console, asyncio.run(_trial(settings, name)), name)


def _what_to_make(settings: "Settings", name: str, source: str) -> Any:
    """The Modelfile and the weights. A file of our own cache that a Modelfile names is fetched."""
    from dataclasses import replace

    from app.models.create_source import create_source
    from app.models.modelfile import Modelfile, modelfile_names, shipped_modelfile
    from app.models.weights import EMBEDDED, resolve_gguf

    modelfile = shipped_modelfile(name)
    if modelfile is None:
        if not source:
            raise MutdaError(
                f"There is no Modelfile for {name}; there are {', '.join(modelfile_names())}. "
                "Say where its weights are: --from FILE.gguf"
            )
        # What every Modelfile of ours sets; the template is left to the weights' own.
        modelfile = Modelfile(
            source=source,
            parameters={"num_ctx": str(settings.context_tokens), "num_predict": "256", "temperature": "0"},
        )
    else:
        # One num_ctx for all calls, this project's and others': each change of it restarts the runner.
        parameters = {**modelfile.parameters, "num_ctx": str(settings.context_tokens)}
        modelfile = replace(modelfile, parameters=parameters)
    text = source or modelfile.source
    if not source and Path(text).name == EMBEDDED.filename:
        with progress_bar("weights", unit="bytes") as on_progress:
            text = str(resolve_gguf("", settings.cache_dir, progress=on_progress))
    return modelfile, create_source(text)


async def _trial(settings: "Settings", name: str) -> "Trial":
    from app.models.check_live import ask_korean

    async with _opened(settings, name) as model:
        return await ask_korean(model, timeout_s=settings.call_timeout_s)


def _opened(settings: "Settings", name: str) -> Any:
    from contextlib import asynccontextmanager

    from app.models.open import open_model
    from app.models.spec import ModelSpec
    from app.models.weights import resolve_gguf

    @asynccontextmanager
    async def opened() -> Any:
        model = await open_model(
            settings,
            spec=ModelSpec("ollama", name),
            fetch=lambda wanted: resolve_gguf(wanted, settings.cache_dir),
        )
        try:
            yield model
        finally:
            await model.aclose()

    return opened()


def _print_trial(console: "Console", trial: "Trial", name: str) -> None:
    print_line(console, f"Q  {trial.question}", "dim")
    print_line(console, f"A  {trial.answer or '(nothing)'}", "bold")
    print_line(console, f"   {trial.seconds:.1f} s, loading included", "dim")
    if not trial.answer:
        print_line(console, f"It gave no answer. See why: mutda models check {name}", "yellow")


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Show the models of every backend that can be reached, and whether they fit this machine."""
    from dataclasses import asdict

    from app.models.listing import list_models as run_list

    listing = asyncio.run(run_list(read_settings()))
    if as_json:
        _print_json(asdict(listing))
    else:
        _print_listing(open_console(), listing)


def _print_listing(console: "Console", listing: "Listing") -> None:
    from rich.table import Table

    if not console.is_terminal:
        console.width = PIPED_WIDTH
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("model", overflow="fold")
    for title in ("GB", "quant", "context", "needs GB", "fits", "prompt/s", "output/s"):
        table.add_column(title, justify="right", no_wrap=True)
    for model in listing.models:
        table.add_row(*_cells(model))
    if listing.models:
        console.print(table, soft_wrap=False)
    else:
        print_line(console, "No models were found. Run: mutda models pull")
    if listing.available_bytes is not None:
        print_line(console, f"{_gb(listing.available_bytes)} GB of memory are free here.", "dim")
    for problem in listing.unreachable:
        print_line(console, problem, "yellow")


def _cells(model: "ListedModel") -> list[str]:
    fits = {True: "loaded" if model.loaded else "yes", False: "no", None: "?"}[model.fits]
    return [
        plain(model.spec),
        _gb(model.size_bytes),
        plain(model.quantization) or "-",
        f"{model.context_tokens:,}" if model.context_tokens else "-",
        _gb(model.needed_bytes),
        fits,
        _speed(model.prompt_tokens_per_s),
        _speed(model.output_tokens_per_s),
    ]


def _gb(size_bytes: int | None) -> str:
    return "-" if size_bytes is None else f"{size_bytes / _GB:.2f}"


def _speed(tokens_per_s: float | None) -> str:
    return "-" if tokens_per_s is None else f"{tokens_per_s:.1f}"


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A model of the Ollama server.")],
    live: Annotated[bool, typer.Option("--live/--no-live", help="Ask it two short questions too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with an Ollama model as installed, and which line mends it."""
    from dataclasses import asdict

    settings = read_settings()
    name = name.removeprefix("ollama:")
    findings, trial = asyncio.run(_check(settings, name, live=live))
    if as_json:
        _print_json(
            {
                "model": f"ollama:{name}",
                "trial": asdict(trial) if trial else None,
                "findings": [asdict(finding) for finding in findings],
            }
        )
    else:
        _print_findings(open_console(), name, findings, trial)
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


async def _check(settings: "Settings", name: str, *, live: bool) -> tuple[list["Finding"], "Trial | None"]:
    from app.models import ollama_api
    from app.models.check import static_findings

    async with ollama_api.ollama_client(settings.ollama_url, timeout_s=60) as client:
        shown = await ollama_api.show(client, name, verbose=True)
    findings = static_findings(shown, context_tokens=settings.context_tokens)
    if not live or (shown.capabilities and "completion" not in shown.capabilities):
        return findings, None
    from app.models.check_live import live_findings

    async with _opened(settings, name) as model:
        trial, more = await live_findings(model, timeout_s=settings.call_timeout_s)
    return sorted([*findings, *more], key=lambda finding: finding.level != "error"), trial


def _print_findings(console: "Console", name: str, findings: list["Finding"], trial: "Trial | None") -> None:
    if trial:
        _print_trial(console, trial, name)
    for finding in findings:
        print_line(
            console, f"{finding.level}: {finding.what}", "red" if finding.level == "error" else "yellow"
        )
        print_line(console, finding.change, "cyan")  # not indented: to be copied, quotes over lines included
    if not findings:
        print_line(console, f"Nothing is wrong with {name}.", "green")


@app.callback()
def _models() -> None:
    """Fetch, make, list and check models."""
