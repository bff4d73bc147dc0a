"""What makes two runs the same measurement: questions, documents, model, settings and code."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

KEYS = (
    "suite_sha256",
    "corpus_sha256",
    "model",
    "model_family",
    "model_fingerprint",
    "embedder",
    "embedder_fingerprint",
    "settings",
    "code_sha256",
    "run_code_sha256",
    "machine",
    "versions",
)
_NAMES = {
    "suite_sha256": "suite",
    "corpus_sha256": "documents",
    "code_sha256": "code",
    "run_code_sha256": "code of the run",
}
_ROOT = Path(__file__).parents[1]
_ANSWERING = ("app/corpus", "app/models", "app/prompts", "graphs", "tools")
"""Code and prompts that answers come from."""
_OF_A_RUN = (
    "app/settings.py",
    "evals/baseline.py",
    "evals/declined.py",
    "evals/halves.py",
    "evals/ingested.py",
    "evals/plain.py",
    "evals/run.py",
    "evals/runner.py",
    "evals/salted.py",
    "evals/suite.py",
    "evals/systems.py",
    "evals/tutorial.py",
)
"""What else decides which questions a run asks and what is answered: settings, baselines, how they are put to
them. Not what judges the answers: that is done anew from the answers when a report is written."""
_SHOWN_CHARS = 40


def identity(about: Mapping[str, Any]) -> dict[str, Any]:
    """Of a report or what will become one; the operating system's version aside."""
    chosen = {key: about[key] for key in KEYS if key in about}
    if "machine" in chosen:
        chosen["machine"] = {name: value for name, value in about["machine"].items() if name != "system"}
    return chosen


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """ "model a: → b:" for each thing that is not the same; what only one of them tells is passed over."""
    old, new = dict(_flat(identity(before))), dict(_flat(identity(after)))
    return [
        f"{name} {_short(old[name], name)} → {_short(new[name], name)}"
        for name in old
        if name in new and old[name] != new[name]
    ]


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{above}{_NAMES.get(key, key)}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name.removeprefix("settings."), value


def _short(value: Any, name: str) -> str:
    if name in _NAMES.values():
        return str(value)[:8] or "none"
    text = ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def folder_sha256(folder: Path) -> str:
    """Of the names and contents of all files below a folder."""
    return _sha256(folder, [folder])


def code_sha256() -> str:
    """Of the code and the prompts that answers come from."""
    return _sha256(_ROOT, [_ROOT / name for name in _ANSWERING])


def run_code_sha256() -> str:
    """Of what else the answers of one run hang on, its baselines' too.

    Apart from `code_sha256`, which tells the graph's code of committed reports, whoever answered beside it.
    """
    return _sha256(_ROOT, [_ROOT / name for name in _OF_A_RUN])


def _sha256(root: Path, above: list[Path]) -> str:
    """Of files, and of all files below folders."""
    digest = sha256()
    for start in above:
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
                digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()
