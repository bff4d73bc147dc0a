"""The set-up commands, with a stand-in for what they install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECOND_NS = 1_000_000_000

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("make") is None, reason="needs make and a POSIX shell"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One with a blank in its path, where everything is installed and nothing indexed."""
    folder = tmp_path / "새 폴더"
    for name in ("samples", "app/models", ".venv/bin"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    stub = folder / ".venv/bin/mutda"
    stub.write_text('#!/bin/sh\nmkdir -p "$MUTDA_DATA_DIR"\nprintf "%s\\n" "$*" >> said\n', encoding="utf-8")
    stub.chmod(0o755)
    for name in (
        "pyproject.toml",
        "requirements.lock",
        "samples/a.md",
        "samples",
        "app/models/e5_embedder.gguf",
    ):
        old(folder / name)
    for name in (".venv/bin/python", ".venv/.core", ".venv/.weights"):
        old(folder / name, seconds=50)
    return folder


def old(path: Path, seconds: int = 100) -> None:
    path.touch()
    before = path.stat().st_mtime_ns - seconds * SECOND_NS
    os.utime(path, ns=(before, before))


def make(checkout: Path, question: str) -> list[str]:
    """What mutda was asked to do."""
    (checkout / "said").unlink(missing_ok=True)
    given = {name: value for name, value in os.environ.items() if name not in ("MUTDA_DATA_DIR", "MAKEFLAGS")}
    subprocess.run(
        ["make", "--silent", "ask", f"Q={question}"],
        cwd=checkout,
        env=given,
        check=True,
        timeout=30,
        capture_output=True,
    )
    return (checkout / "said").read_text("utf-8").splitlines()


def test_the_samples_are_indexed_once_and_again_when_they_change(checkout: Path) -> None:
    assert make(checkout, "가") == ["ingest samples --prune --rebuild", "ask 가"]
    stamp = checkout / ".mutda/.samples"
    old(stamp, seconds=10)
    assert make(checkout, "나") == ["ask 나"]
    (checkout / "samples/a.md").touch()
    assert make(checkout, "다") == ["ingest samples --prune", "ask 다"]
    old(stamp, seconds=10)
    old(checkout / "samples/a.md")
    (checkout / "app/models/e5_embedder.gguf").touch()
    assert make(checkout, "라") == ["ingest samples --prune --rebuild", "ask 라"]
    assert not list(checkout.parent.glob("새"))


@pytest.mark.parametrize(
    "question", ["정가 $100 이상이면?", "$(shell touch ran)", "`touch ran`", "'a' \"b\" \\ #c"]
)
def test_a_question_is_asked_as_it_was_typed(checkout: Path, question: str) -> None:
    assert make(checkout, question)[-1] == f"ask {question}"
    assert not (checkout / "ran").exists()
