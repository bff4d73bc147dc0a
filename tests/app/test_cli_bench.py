import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import closed_port
from stand_ins.ollama_server import Model, OllamaStandIn

from app import cli

Mutda = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mutda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mutda:
    """Runs one `mutda` in this process, with the scripted model: exit code, stdout, stderr."""
    rules = [{"contains": "", "text": "하나 둘 셋 넷 다섯 여섯"}]
    (tmp_path / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "MUTDA_DATA_DIR": str(tmp_path / "data"),
        "MUTDA_CACHE_DIR": str(tmp_path / "cache"),
        "MUTDA_MODEL": "fake:rules.json",
        "MUTDA_OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
        "COLUMNS": "120",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr("app.models.weights.local.hub_cached", lambda *_: None)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mutda", *words])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


def test_a_table_and_a_file(mutda: Mutda, tmp_path: Path) -> None:
    code, out, err = mutda("bench", "--runs", "2")
    assert (code, err) == (0, "")
    titles = [line.split("  ")[0].strip() for line in out.splitlines()]
    assert titles[0] == "" and "fake:" in out.splitlines()[0]
    assert titles[1:3] == ["prompt, tokens/s", "output, tokens/s"]
    assert "cached of cold" in titles and "memory, GB" in titles
    assert "cores" in out and "Median (min to max)." in out
    saved = json.loads((tmp_path / "data" / "bench.json").read_text(encoding="utf-8"))
    result = saved["results"]["fake:"]
    assert result["machine"]["cores"] >= 1 and result["at"].startswith("20")
    assert result["output_tokens_per_s"]["runs"] == 2


def test_json(mutda: Mutda) -> None:
    code, out, _ = mutda("bench", "--json", "--runs", "1")
    assert code == 0
    (result,) = json.loads(out)
    assert result["spec"] == "fake:" and result["first_token_cold_s"]["runs"] == 1


def test_several_models_and_their_speeds_in_the_list(mutda: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ["하나", " 둘", " 셋", " 넷", " 다섯", " 여섯"]
    with OllamaStandIn(models={"m:latest": Model()}, answer=answer, loaded=["m"]) as server:
        monkeypatch.setenv("MUTDA_OLLAMA_URL", server.url)
        words = ["--model", "ollama:m", "--model", "fake:", "--model", "ollama:m"]
        code, out, err = mutda("bench", "--runs", "1", *words)
        assert (code, err) == (0, "")
        assert out.splitlines()[0].split() == ["ollama:m", "fake:"]
        assert "6.00" in out  # GB, as the server says
        code, out, _ = mutda("models", "list", "--json")
    (listed,) = json.loads(out)["models"]
    assert listed["output_tokens_per_s"] > 0


def test_a_spec_that_cannot_be(mutda: Mutda) -> None:
    code, out, err = mutda("bench", "--model", "llama3")
    assert (code, out) == (2, "") and err.startswith("mutda: MUTDA_MODEL='llama3': expected one of")


def test_a_model_that_cannot_be_reached(mutda: Mutda) -> None:
    code, out, err = mutda("bench", "--model", "ollama:m")
    assert (code, out) == (3, "") and "cannot be reached" in err
