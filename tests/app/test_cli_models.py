import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import closed_port
from stand_ins.ollama_server import Model, OllamaStandIn
from stand_ins.tiny_gguf import QWEN, write_gguf

from app import cli
from app.models.modelfile import shipped_modelfile

ROOT = Path(__file__).parents[2]
Mutda = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a GGUF, and nothing of this machine."""
    monkeypatch.chdir(tmp_path)
    write_gguf(tmp_path / "x.gguf", QWEN)
    for name, value in {
        "MUTDA_CACHE_DIR": str(tmp_path / "cache"),
        "MUTDA_OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
        "HF_HOME": str(tmp_path / "hub"),
        "COLUMNS": "120",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr("app.models.weights.local.hub_cached", lambda *_: None)
    return tmp_path


@pytest.fixture
def mutda(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mutda:
    """Runs one `mutda models` in this process: exit code, stdout, stderr."""

    def run(*words: str, server: OllamaStandIn | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mutda", "models", *words])
        if server:
            monkeypatch.setenv("MUTDA_OLLAMA_URL", server.url)
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("words", [["models"], ["models", "create"], ["models", "check"], ["bench"]])
def test_help_loads_nothing_that_takes_time(words: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["mutda", *{words!r}, "--help"]
from app.cli import main
try:
    main()
except SystemExit as end:
    heavy = "evals faiss httpx langchain_core langgraph numpy ollama openai rich xllamacpp".split()
    print(end.code, [name for name in heavy if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        timeout=120,
    )
    assert done.stderr == "" and done.stdout.splitlines()[-1] == "0 []"
    if words == ["models"]:
        for command in ("pull", "create", "list", "check"):
            assert re.search(rf"^  {command}\s+\S", done.stdout, re.MULTILINE)


# -- create


def test_create_makes_a_model_and_asks_it_one_question(mutda: Mutda) -> None:
    with OllamaStandIn() as server:
        code, out, err = mutda("create", "llama3-ko", server=server)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "ollama:llama3-ko is made.",
        "Q  대한민국의 수도는 어디인가요? 한 문장으로 답하세요.",
        "A  서울입니다.",
    ]
    assert re.fullmatch(r"   \d+\.\d s, loading included", lines[3])
    shipped = shipped_modelfile("llama3-ko")
    assert shipped is not None
    assert server.created[0]["from"] == shipped.source
    assert server.created[0]["template"] == shipped.template


def test_create_from_a_file_with_the_template_that_is_shipped(mutda: Mutda) -> None:
    with OllamaStandIn() as server:
        assert mutda("create", "llama3-ko", "--from", "x.gguf", "--no-ask", server=server) == (
            0, "ollama:llama3-ko is made.\n", "",
        )  # fmt: skip
    assert list(server.created[0]["files"]) == ["x.gguf"] and "from" not in server.created[0]
    assert server.created[0]["template"].endswith("Answer:")


def test_create_of_a_name_of_one_s_own_leaves_the_template_to_the_weights(mutda: Mutda) -> None:
    with OllamaStandIn() as server:
        assert mutda("create", "mine", "--from", "x.gguf", "--no-ask", server=server)[0] == 0
    assert set(server.created[0]) == {"model", "stream", "files", "parameters"}
    assert server.created[0]["parameters"] == {"num_ctx": 4096, "num_predict": 256, "temperature": 0}


def test_create_takes_the_embedded_weights_of_the_cache(
    mutda: Mutda, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.weights.resolve_gguf", lambda *_, **__: here / "x.gguf")
    with OllamaStandIn() as server:
        assert mutda("create", "qwen-embedded", "--no-ask", server=server)[0] == 0
    assert list(server.created[0]["files"]) == ["x.gguf"]


def test_create_sets_the_context_that_prompts_may_take(mutda: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_CONTEXT_TOKENS", "8192")
    with OllamaStandIn() as server:
        assert mutda("create", "llama3-ko", "--no-ask", server=server)[0] == 0
    assert server.created[0]["parameters"]["num_ctx"] == 8192


def test_a_model_that_answers_nothing_is_said(mutda: Mutda) -> None:
    with OllamaStandIn(answer=[" "]) as server:
        code, out, _ = mutda("create", "eeve", server=server)
    assert code == 0 and "A  (nothing)" in out
    assert out.endswith("It gave no answer. See why: mutda models check eeve\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["mine"],
            "There is no Modelfile for mine; there are eeve, llama3-ko, llama3-ko-instruct, qwen-embedded. "
            "Say where its weights are: --from FILE.gguf",
        ),
        (["mine", "--from", "no.gguf"], "There is no file or folder no.gguf. Check the path after --from."),
        (["mine", "--from", "x.gguf", "--quantize", "q9"], "--quantize q9 is none of q4_k_m, q4_k_s, q8_0."),
        (
            ["mine", "--from", "x.gguf", "--quantize", "q8_0"],
            "x.gguf is quantised already (Q4_K_M). Leave --quantize out.",
        ),
    ],
)
def test_what_a_user_can_get_wrong(words: list[str], line: str, mutda: Mutda) -> None:
    assert mutda("create", *words) == (2, "", f"mutda: {line}\n")


def test_without_a_server(mutda: Mutda) -> None:
    for words in (["create", "eeve"], ["check", "eeve"]):
        code, out, err = mutda(*words)
        assert (code, out) == (3, "")
        assert re.fullmatch(r"mutda: Ollama at \S+ cannot be reached\. Run: ollama serve\n", err)


# -- list


def test_list_shows_what_there_is(mutda: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.listing.available_bytes", lambda: 8_000_000_000)
    models = {"llama3-ko:latest": Model(), "huge:latest": Model(size_bytes=40_000_000_000)}
    with OllamaStandIn(models=models, loaded=["llama3-ko"]) as server:
        code, out, err = mutda("list", server=server)
        assert (code, err) == (0, "")
        rows = [line.split() for line in out.splitlines()]
        assert rows[1] == ["ollama:llama3-ko", "4.92", "Q4_K_M", "4,096", "5.76", "loaded", "-", "-"]
        assert rows[2] == ["ollama:huge", "40.00", "Q4_K_M", "4,096", "40.84", "no", "-", "-"]
        assert out.endswith("8.00 GB of memory are free here.\n")
        code, out, _ = mutda("list", "--json", server=server)
    listed = json.loads(out)
    assert [model["spec"] for model in listed["models"]] == ["ollama:llama3-ko", "ollama:huge"]
    assert listed["available_bytes"] == 8_000_000_000


def test_list_with_nothing_there(mutda: Mutda) -> None:
    code, out, _ = mutda("list")
    assert code == 0
    assert out.startswith("No models were found. Run: mutda models pull\n")
    assert "cannot be reached. Run: ollama serve" in out


# -- check


def test_check_finds_nothing_wrong(mutda: Mutda) -> None:
    with OllamaStandIn() as server:
        mutda("create", "llama3-ko", "--no-ask", server=server)
        server.models["llama3-ko:latest"].capabilities = ("completion",)
        code, out, err = mutda("check", "llama3-ko", server=server)
    assert (code, err) == (0, "")
    assert out.endswith("Nothing is wrong with llama3-ko.\n")


def test_check_says_which_line_to_change(mutda: Mutda) -> None:
    bad = Model(template="<s>Human:\n{{ .Prompt }}</s>\n<s>Assistant:\n", parameters={"num_ctx": 2048})
    with OllamaStandIn(models={"bad:latest": bad}, answer=["</s>"]) as server:
        code, out, err = mutda("check", "ollama:bad", server=server)
        assert (code, err) == (1, "")
        lines = out.splitlines()
        assert lines[3].startswith("error: the template writes <s> </s>")
        assert 'PARAMETER stop """' in lines and "PARAMETER num_ctx 4096" in lines
        assert "error: its answer shows </s>" in lines
        code, out, _ = mutda("check", "bad", "--json", "--no-live", server=server)
    found = json.loads(out)
    assert code == 1 and found["model"] == "ollama:bad" and found["trial"] is None
    assert {finding["level"] for finding in found["findings"]} == {"error", "warning"}


def test_check_of_a_model_that_is_not_there(mutda: Mutda) -> None:
    with OllamaStandIn() as server:
        code, _, err = mutda("check", "eeve", server=server)
    assert code == 3
    assert err.endswith("does not have eeve. Run: mutda models create eeve, or ollama pull eeve\n")
