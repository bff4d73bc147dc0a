import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import closed_port

from app import cli
from app.cli_doctor import line_of
from app.doctor.finding import Finding, warn

Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Doctor:
    """Runs `mutda doctor` in this process; gives its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    for name, value in {
        "MUTDA_DATA_DIR": str(tmp_path / "data"),
        "MUTDA_CACHE_DIR": str(tmp_path / "cache"),
        "MUTDA_MODEL": "fake:",
        "MUTDA_EMBEDDER": "toy:",
        "MUTDA_OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
    }.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["mutda", "doctor", *words])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        assert captured.err == ""
        return code or 0, captured.out

    return run


def test_each_part_is_one_line_with_what_to_do(doctor: Doctor) -> None:
    code, out = doctor()
    assert code == 0
    lines = out.splitlines()
    assert all(line[:4].strip() in ("ok", "warn", "fail") for line in lines)
    (collection,) = [line for line in lines if line[5:].startswith("collection")]
    assert collection == 'warn collection  there is no collection "default" yet → mutda ingest PATH...'
    assert len(lines) == 13


def test_json_holds_the_same(doctor: Doctor) -> None:
    code, out = doctor("--json")
    found = json.loads(out)
    assert (code, found["exit_code"]) == (0, 0)
    assert {item["name"] for item in found["checks"]} >= {"python", "model", "langfuse", "collection"}
    assert set(found["checks"][0]) == {"name", "level", "text", "todo", "blame"}


def test_a_service_that_fails_ends_with_3(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_MODEL", "ollama:llama3-ko")
    code, out = doctor()
    assert code == 3
    assert "→ start it: ollama serve" in out


def test_a_wrong_setting_ends_with_2(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1")
    code, out = doctor()
    assert code == 2
    assert "LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL are not set" in out
    monkeypatch.setenv("MUTDA_THREADS", "many")
    code, out = doctor("--json")
    assert (code, json.loads(out)["exit_code"]) == (2, 2)


def test_what_a_server_said_cannot_move_the_cursor() -> None:
    assert line_of(warn("model", "a\x1b[2Jb\nc", "d")) == "model       a[2Jb c → d"
    assert line_of(Finding(name="data", level="ok", text="well")) == "data        well"
