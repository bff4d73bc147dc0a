import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import closed_port

from app import cli
from graphs.evidence import read_calibration

ROOT = Path(__file__).parents[2]
Mutda = Callable[..., tuple[int, str, str]]


def write(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve documents, a suite that asks about each what it says and what it does not, a scripted model."""
    monkeypatch.chdir(tmp_path)
    Path("문서").mkdir()
    rows: list[dict[str, Any]] = []
    for number in range(12):
        text = f"부서{number} 안내\n\n부서{number}의 회의는 회의실에서 합니다. 담당은 사람{number}입니다.\n"
        (Path("문서") / f"부서{number}.txt").write_text(text, encoding="utf-8")
        rows += [
            {"id": f"answerable-{number}", "question": f"부서{number} 회의 담당은 누구인가요?",
             "answers": [f"사람{number}"], "answerable": True, "sources": [f"부서{number}.txt"]},
            {"id": f"left_out-{number}", "question": f"부서{number} 회의 예산은 누가 정하나요?",
             "answers": [], "answerable": False},
        ]  # fmt: skip
    write("suite.jsonl", rows)
    # Of what is not there it is less sure, and all of it lies above the bars in use.
    rules = [{"contains": "예산", "yes": 0.93}, {"contains": "yes or no", "yes": 0.995}]
    Path("rules.json").write_text(json.dumps(rules, ensure_ascii=False), encoding="utf-8")
    for name, value in {
        "MUTDA_CACHE_DIR": str(tmp_path / "cache"),
        "MUTDA_EMBEDDER": "toy:",
        "MUTDA_OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


@pytest.fixture
def mutda(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mutda:
    """Runs one command in this process: exit code, stdout, stderr."""

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


def test_help_loads_nothing_that_takes_time() -> None:
    code = """
import sys
sys.argv = ["mutda", "calibrate", "--help"]
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
    for option in ("--suite", "--model", "--corpus", "--limit", "--seed", "--part", "--anew"):
        assert option in done.stdout
    assert "--store-anyway" in done.stdout


def test_answers_go_by_what_was_fitted(mutda: Mutda) -> None:
    words = ("calibrate", "--model", "fake:rules.json", "--suite", "suite.jsonl", "--corpus", "문서")
    code, out, err = mutda(*words)
    assert (code, err) == (0, "")
    assert "answerable" in out and "left_out" in out and "AUC at each look" in out and "█" in out
    path = Path(
        next(line for line in out.splitlines() if line.startswith("Stored: ")).removeprefix("Stored: ")
    )
    calibration, data = read_calibration(path)
    assert data["figures"]["balanced"]["suite"][""]["before"]["value"] == 0.5
    assert data["figures"]["balanced"]["suite"][""]["after"]["value"] == 1
    assert data["questions"]["embedder"] == "toy:64"

    options = ("--corpus", "문서", "--model", "fake:rules.json", "--json", "r.json")
    code, out, err = mutda("eval", "run", "suite.jsonl", *options)
    assert (code, err) == (0, "")
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    used = report["settings"]["calibration"]
    assert used["accept_narrow"] == calibration.accept_narrow and used["fitted_on"] == calibration.fitted_on
    assert "generate" not in routes(report, "left_out") and "generate" in routes(report, "answerable")

    path.write_text("{", encoding="utf-8")
    code, out, err = mutda("eval", "run", "suite.jsonl", *options)
    assert code == 2 and err.startswith(f"mutda: The calibration {path} cannot be used (it is not JSON).")
    assert err.count("\n") == 1
    path.unlink()
    code, out, err = mutda("eval", "run", "suite.jsonl", *options)
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert "generate" in routes(report, "left_out")


def routes(report: dict[str, Any], kind: str) -> set[str]:
    """Nodes that questions of a kind went through."""
    return {step for row in report["questions"] if row["kind"] == kind for step in row["result"]["route"]}


def test_it_takes_what_it_is_told(mutda: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr("evals.calibrate.calibrate", lambda options, console: given.append(options) or 130)
    code, _, _ = mutda(
        "calibrate", "--suite", "a.jsonl", "--suite", "b.jsonl", "--corpus", "x", "--corpus", "y",
        "--model", "fake:z", "--part", "fit", "--limit", "9", "--seed", "4", "--anew", "--store-anyway",
    )  # fmt: skip
    assert code == 130
    (options,) = given
    assert options.suites == (Path("a.jsonl"), Path("b.jsonl")) and options.corpora == (Path("x"), Path("y"))
    assert (options.model, options.part, options.limit, options.seed) == ("fake:z", "fit", 9, 4)
    assert options.anew is True and options.store_anyway is True


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "--suite"),
        (("--suite", "none.jsonl"), "mutda: The suite none.jsonl cannot be read: No such file or directory.\n"),
        (
            ("--suite", "suite.jsonl"),
            'mutda: The question "answerable-0" brings no passages: name its folder of documents with '
            "--corpus.\n",
        ),
        (("--suite", "suite.jsonl", "--corpus", "none"), "mutda: --corpus none is not a folder.\n"),
        (
            ("--suite", "suite.jsonl", "--corpus", "문서", "--limit", "6"),
            "mutda: Too few questions to fit: the passages hold the answer of 3, and of 3 they do not; "
            "10 of each are the least.\n",
        ),
        (("--suite", "suite.jsonl", "--corpus", "문서", "--model", "nonsense"), "mutda: MUTDA_MODEL='nonsense'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    mutda: Mutda, words: tuple[str, ...], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUTDA_MODEL", "fake:rules.json")
    code, _, err = mutda("calibrate", *words)
    assert code == 2
    assert err.startswith(line) or line in err
