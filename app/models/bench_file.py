"""Where measurements of this machine are kept: one JSON file in the data folder."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from app.errors import MutdaError

FILENAME = "bench.json"


def bench_path(data_dir: Path) -> Path:
    """The file of measurements."""
    return data_dir / FILENAME


def read_bench(data_dir: Path) -> dict[str, Any]:
    """{spec: result as `BenchResult.as_json` gives it}; empty where nothing usable was saved."""
    try:
        results = json.loads(bench_path(data_dir).read_text(encoding="utf-8"))["results"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return results if isinstance(results, dict) else {}


def save_bench(data_dir: Path, results: dict[str, Any]) -> Path:
    """Put `results` over the saved ones of the same specs, atomically. Raises MutdaError."""
    path = bench_path(data_dir)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    text = json.dumps({"results": read_bench(data_dir) | results}, ensure_ascii=False, indent=2)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise MutdaError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def saved_speeds(data_dir: Path) -> dict[str, tuple[float | None, float | None]]:
    """Median prompt and output tokens/s of each spec that was measured."""
    return {
        spec: (_median(result, "prompt_tokens_per_s"), _median(result, "output_tokens_per_s"))
        for spec, result in read_bench(data_dir).items()
        if isinstance(result, dict)
    }


def _median(result: dict[str, Any], name: str) -> float | None:
    spread = result.get(name)
    value = spread.get("median") if isinstance(spread, dict) else None
    return float(value) if isinstance(value, int | float) else None
