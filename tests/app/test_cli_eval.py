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

from app import cli

ROOT = Path(__file__).parents[2]
PASSAGES = [{"title": "휴가", "text": "연차 휴가는 17일입니다. 신청은 3일 전까지 합니다."}]
ROW = {"question": "연차 휴가는 며칠인가요?", "answers": ["17일"], "answerable": True}
Mutda = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a suite and documents, the scripted model and the toy embedder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "문서").mkdir()
    (tmp_path / "문서" / "휴가.txt").write_text(PASSAGES[0]["text"], encoding="utf-8")
    write("given.jsonl", [ROW | {"id": "leave-1", "passages": PASSAGES}])
    write("suite.jsonl", [ROW | {"id": "leave-1", "sources": ["휴가.txt"]}])
    for name, value in {
        "MUTDA_CACHE_DIR": str(tmp_path / "cache"),
        "MUTDA_MODEL": "fake:",
        "MUTDA_EMBEDDER": "toy:",
        "MUTDA_OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def write(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


@pytest.fixture
def mutda(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mutda:
    """Runs one command in this process: exit code, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mutda", "eval", *words])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("words", [[], ["run"], ["compare"], ["retrieval"], ["draft"]])
def test_help_loads_nothing_that_takes_time(words: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["mutda", "eval", *{words!r}, "--help"]
from app.cli import main
try:
    main()
except SystemExit as end:
    heavy = "evals faiss httpx langchain_core langgraph numpy openai rich xllamacpp".split()
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
    if not words:
        for command in ("run", "compare", "retrieval", "draft"):
            assert re.search(rf"^  {command}\s+\S.*[^.]\.?$", done.stdout, re.MULTILINE)


def test_run_measures_and_compares(mutda: Mutda) -> None:
    code, out, err = mutda("run", "given.jsonl", "--json", "a.json", "--baseline", "plain", "--no-salt")
    assert (code, err) == (0, "")
    assert "leave-1" in out and "Report: a.json" in out
    report = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert list(report["metrics"]) == ["graph", "plain"] and report["settings"]["salt"] is False
    code, out, err = mutda("compare", "a.json", "a.json", "--system-a", "plain")
    assert (code, err) == (0, "") and out.startswith("graph against plain: ")
    code, out, err = mutda("run", "given.jsonl", "--json", "a.json", "--resume")
    assert code == 2
    assert err == (
        "mutda: a.json is finished: there is nothing to carry on. Run without --resume to begin anew.\n"
    )


def test_run_takes_what_it_is_told(mutda: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr("evals.run.measure", lambda options, console: given.append(options) or 130)
    code, _, _ = mutda(
        "run", "s.jsonl", "--corpus", "문서", "--model", "fake:x", "--limit", "3", "--part", "fit",
        "--seed", "7", "--resume", "--baseline", "plain", "--baseline", "old.json", "--baseline", "plain",
    )  # fmt: skip
    assert code == 130
    (options,) = given
    assert (
        options.corpus == Path("문서")
        and options.model == "fake:x"
        and options.baselines == ("plain", "old.json")
    )
    assert (options.limit, options.part, options.seed, options.json) == (3, "fit", 7, None)
    assert options.resume is True and options.salt is True


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "none.jsonl"], "The suite none.jsonl cannot be read: No such file or directory."),
        (
            ["run", "suite.jsonl"],
            'The question "leave-1" brings no passages: name its folder of documents with --corpus.',
        ),
        (
            ["compare", "none.json", "b.json"],
            "The report none.json cannot be read: No such file or directory.",
        ),
        (
            ["retrieval", "--corpus", "문서", "--suite", "suite.jsonl", "--k", "x"],
            "--k x is not a list of one to 5 different numbers from 1 to 100, such as 1,2,4,8.",
        ),
        (["retrieval", "--corpus", "없음", "--suite", "suite.jsonl"], "--corpus 없음 is not a folder."),
        (["draft", "없음"], "There is no 없음. Check the path."),
    ],
)
def test_mistakes_are_one_line(mutda: Mutda, words: list[str], line: str) -> None:
    assert mutda(*words) == (2, "", f"mutda: {line}\n")


@pytest.mark.parametrize(
    "words",
    [
        ["run", "suite.jsonl", "--limit", "0"],
        ["run", "suite.jsonl", "--part", "all"],
        ["retrieval", "--corpus", "문서", "--suite", "suite.jsonl", "--weight", "1.5"],
        ["draft", "문서", "--questions", "0"],
    ],
)
def test_values_that_an_option_does_not_take(mutda: Mutda, words: list[str]) -> None:
    code, out, err = mutda(*words)
    assert code == 2 and out == "" and "Error: Invalid value for" in err


def test_retrieval_prints_a_table_and_leaves_a_report(mutda: Mutda) -> None:
    words = ["retrieval", "--corpus", "문서", "--suite", "suite.jsonl", "--weight", "0", "--weight", "1"]
    code, out, err = mutda(*words, "--embedder", "toy:16", "--embedder", "toy:32", "--k", "1,4")
    assert (code, err) == (0, "")
    assert "recall@4" in out and "toy:16" in out and "texts/s" in out
    folder = Path(os.environ["MUTDA_DATA_DIR"]) / "reports"
    path = folder / f"{Path.cwd().name}-suite.retrieval.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    assert [(system["embedder"], system["weight"]) for system in report["systems"]] == [
        ("toy:16", 0.0), ("toy:16", 1.0), ("toy:32", 0.0), ("toy:32", 1.0)
    ]  # fmt: skip
    code, out, err = mutda("compare", str(path), "--system-a", "toy:16@0", "--system-b", "toy:32@1")
    assert (code, err) == (0, "") and out.startswith("toy:32@1 against toy:16@0: same suite and documents\n")
    assert "recall@4" in out and "nDCG@10" in out and "Found earlier (0): -" in out
    code, out, err = mutda("run", "given.jsonl", "--baseline", str(path))
    assert (code, err) == (2, f"mutda: {path} is a report of the search alone, not of answers.\n")
    code, out, err = mutda(*words, "--embedder", "toy:16")
    (kept,) = folder.glob("*-suite.retrieval-*.json")
    assert (code, err) == (0, "") and f"Another report was here; it is kept as {kept}" in out.splitlines()
    assert json.loads(kept.read_text(encoding="utf-8")) == report


def test_a_service_that_is_not_there(mutda: Mutda) -> None:
    words = ["retrieval", "--corpus", "문서", "--suite", "suite.jsonl", "--embedder", "ollama:bge-m3"]
    code, out, err = mutda(*words)
    assert code == 3 and out == "" and err.startswith("mutda: ") and err.count("\n") == 1


def test_draft_writes_a_suite_that_run_takes(mutda: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [{"contains": "Q: the question", "text": "Q: 연차 휴가는 며칠인가요?\nA: 17일"}]
    Path("rules.json").write_text(json.dumps(rules, ensure_ascii=False), encoding="utf-8")
    monkeypatch.setenv("MUTDA_MODEL", "fake:rules.json")
    code, out, err = mutda("draft", "문서", "--out", "q.jsonl", "--questions", "2", "--seed", "4")
    assert (code, out, err) == (0, "q.jsonl\nq.md\n", "Kept 1 of 1 proposals.\n")
    assert Path("q.md").read_text(encoding="utf-8").startswith("# 질문 초안 1개")
    monkeypatch.setenv("MUTDA_MODEL", "fake:")
    code, out, err = mutda("run", "q.jsonl", "--corpus", "문서")
    assert (code, err) == (0, "") and "draft-01" in out
