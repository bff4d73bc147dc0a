"""`mutda bench`: how fast models are on this machine. Nothing heavy at the top."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli_bar import progress_bar
from app.wording import plain

if TYPE_CHECKING:
    from app.models.bench import BenchResult, Spread
    from app.models.spec import ModelSpec
    from app.settings import Settings


def bench(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="SPEC", help="Instead of MUTDA_MODEL; may be repeated."),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=20, metavar="N", help="Repetitions of each.")] = 3,
    limit_s: Annotated[
        float, typer.Option("--limit", min=1, metavar="SECONDS", help="For each model, roughly.")
    ] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how fast models answer here, and their memory."""
    import json

    from app.models.bench_file import save_bench
    from app.settings import load_settings

    settings = load_settings()
    results = asyncio.run(_measure(settings, tuple(dict.fromkeys(model or ())), runs, limit_s))
    path = save_bench(settings.data_dir, {result.spec: result.as_json() for result in results})
    console = _console()
    if as_json:
        text = json.dumps([result.as_json() for result in results], ensure_ascii=False, indent=2)
        console.print(plain(text), markup=False, soft_wrap=True)
        return
    _print(console, results)
    console.print(plain(f"Saved: {path}"), style="dim", markup=False)


async def _measure(
    settings: "Settings", texts: tuple[str, ...], runs: int, limit_s: float
) -> list["BenchResult"]:
    from app.models.open import choose_spec
    from app.models.spec import parse_model_spec

    specs = [parse_model_spec(text) for text in texts] or [await choose_spec(settings)]
    return [await _one(settings, spec, runs, limit_s) for spec in specs]


async def _one(settings: "Settings", spec: "ModelSpec", runs: int, limit_s: float) -> "BenchResult":
    from dataclasses import replace
    from datetime import UTC, datetime

    from app.models.bench import bench as run_bench
    from app.models.bench import memory_of
    from app.models.memory import resident_bytes
    from app.models.open import open_model
    from app.models.weights import resolve_gguf
    from evals.machine import machine

    before = await asyncio.to_thread(resident_bytes)
    with progress_bar("weights", unit="bytes") as on_progress:
        opened = await open_model(
            settings,
            spec=spec,
            fetch=lambda name: resolve_gguf(name, settings.cache_dir, progress=on_progress),
        )
    try:
        result = await run_bench(
            opened,
            runs=runs,
            timeout_s=settings.call_timeout_s,
            time_limit_s=limit_s,
            memory=lambda: memory_of(opened.spec, ollama_url=settings.ollama_url, before_bytes=before),
        )
    finally:
        await opened.aclose()
    about = await asyncio.to_thread(machine)
    return replace(result, at=datetime.now(UTC).isoformat(timespec="seconds"), machine=about)


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False)


def _print(console: Any, results: list["BenchResult"]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", overflow="fold")
    for result in results:
        table.add_column(plain(result.spec), justify="right", overflow="fold")
    rows = [_rows(result) for result in results]
    for number, (title, _) in enumerate(rows[0]):
        table.add_row(title, *(column[number][1] for column in rows))
    console.print(table)
    for result in results:
        if result.cut_short:
            console.print(plain(f"{result.spec}: {result.cut_short}"), style="yellow", markup=False)
    about = results[0].machine
    console.print(
        plain(f"{about['processor']}, {about['cores']} cores, {about['system']}. Median (min to max)."),
        style="dim",
        markup=False,
    )


def _rows(result: "BenchResult") -> list[tuple[str, str]]:
    memory = result.memory
    taken = memory.server if memory.server is not None else memory.ours
    share = "-" if result.cached_share is None else f"{result.cached_share:.0%}"
    return [
        ("prompt, tokens/s", _shown(result.prompt_tokens_per_s)),
        ("output, tokens/s", _shown(result.output_tokens_per_s)),
        (f"first token, {result.prompt_tokens} new tokens, s", _shown(result.first_token_cold_s, 2)),
        ("first token, cached prefix, s", _shown(result.first_token_cached_s, 2)),
        ("cached of cold", share),
        ("first call, s", f"{result.load_s:.1f}"),
        ("memory, GB", "-" if taken is None else f"{taken / 1e9:.2f}"),
        ("on the graphics card, GB", f"{memory.gpu / 1e9:.2f}" if memory.gpu else "-"),
    ]


def _shown(spread: "Spread | None", digits: int = 1) -> str:
    if spread is None:
        return "-"
    return f"{spread.median:.{digits}f} ({spread.min:.{digits}f} to {spread.max:.{digits}f})"
