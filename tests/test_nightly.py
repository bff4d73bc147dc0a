"""What is measured each night (.ci/nightly), with a stand-in for the model's runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.committed import Answers
from evals.committed_file import read_committed
from evals.options import Options, parse

ROOT = Path(__file__).parents[1]
WORKFLOW: dict[str, Any] = yaml.safe_load(
    (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
)
PARTS: list[str] = [
    part for job in ("suite", "outside") for part in WORKFLOW["jobs"][job]["strategy"]["matrix"]["part"]
]
COMMITTED = {report.name: report for report in read_committed(ROOT / "evals" / "reports")}
OUTSIDE = {"KORQUAD_DEV": "KorQuAD_v1.0_dev.json", "NOMIRACL_KO": "nomiracl_ko_part.jsonl"}
# Runs what is only a stand-in itself, notes everything else, and says of each run how it compares.
PYTHON = f"""#!/bin/sh
case "$1" in tests/*) exec "{sys.executable}" "$@";; esac
printf '%s\\n' "$*" >> "$NOTES"
case "$*" in *" hold "*) exit "$HELD";; esac
"""

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="needs a POSIX shell"
)


def nightly(
    part: str, folder: Path, environment: Mapping[str, str] | None = None, *, held: int = 0
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """How it ended, and the words of each command of the project's that it ran."""
    python, notes = folder / "python", folder / "notes"
    python.write_text(PYTHON, encoding="utf-8")
    python.chmod(0o755)
    notes.unlink(missing_ok=True)
    known = {key: value for key, value in os.environ.items() if key not in (*OUTSIDE, "GITHUB_ACTIONS")}
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "nightly"), part],
        env={**known, "PYTHON": str(python), "NOTES": str(notes), "HELD": str(held), **(environment or {})},
        capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
    return done, [line.split() for line in lines]


def asked(commands: list[list[str]]) -> Options:
    (words,) = [words[2:] for words in commands if words[:2] == ["-m", "evals.run"]]
    return parse(words)


def test_every_suite_and_every_committed_report_has_a_part() -> None:
    suites = {path.stem for path in (ROOT / "evals" / "datasets").glob("*.jsonl")}
    assert set(PARTS) >= suites - {"korquad_paraphrases"} and {"paraphrases", "retrieval"} <= set(PARTS)
    assert {name.partition(".")[0] for name in COMMITTED} <= {*PARTS, "korquad_paraphrases"}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_ends_with_the_comparison_and_fails_with_it(part: str, tmp_path: Path) -> None:
    done, commands = nightly(part, tmp_path, OUTSIDE)
    assert (done.returncode, done.stderr) == (0, "")
    holds = [words for words in commands if words[:3] == ["-m", "evals.scoreboard", "hold"]]
    assert holds and commands[-len(holds) :] == holds
    assert {words[3] for words in holds} == {f"reports/{part}.json"}
    assert f"--json reports/{part}.json" in " ".join(commands[-len(holds) - 1])
    assert nightly(part, tmp_path, OUTSIDE, held=1)[0].returncode == 1


@pytest.mark.parametrize("name", [name for name, report in COMMITTED.items() if isinstance(report, Answers)])
def test_a_part_asks_what_its_committed_report_was_asked(name: str, tmp_path: Path) -> None:
    report = COMMITTED[name]
    assert isinstance(report, Answers)
    _, commands = nightly(name, tmp_path, OUTSIDE)
    options = asked(commands)
    assert options.suite.name == report.suite and options.model == report.model
    assert (options.corpus is None) == (not report.corpus_sha256)
    of_run = {
        "baselines": list(options.baselines), "limit": options.limit, "part": options.part,
        "seed": options.seed, "salt": options.salted,
    }  # fmt: skip
    assert of_run == {key: report.settings[key] for key in of_run}


@pytest.mark.parametrize(
    "part", [part for part in PARTS if part not in {*COMMITTED, "retrieval", "paraphrases"}]
)
def test_a_part_without_a_committed_report_has_plain_rag_beside_it(part: str, tmp_path: Path) -> None:
    _, commands = nightly(part, tmp_path)
    assert "plain" in asked(commands).baselines


def test_the_tutorials_baseline_answers_a_few_questions_in_a_part_of_its_own(tmp_path: Path) -> None:
    _, commands = nightly("samples.tutorial", tmp_path)
    options = asked(commands)
    assert options.baselines == ("plain", "tutorial") and options.limit == 24 and options.salted
    # Held under a name of its own: the committed report of the samples was asked all of them.
    assert commands[-1][-2:] == ["--name", "samples.tutorial"]


def test_the_calculations_look_things_up_in_the_stand_in(tmp_path: Path) -> None:
    _, commands = nightly("calc", tmp_path)
    options = asked(commands)
    assert options.search.startswith("http://127.0.0.1:") and options.web_search == "on"
    assert options.corpus == Path("samples")


@pytest.mark.parametrize(
    ("part", "variable"),
    [("korquad", "KORQUAD_DEV"), ("paraphrases", "KORQUAD_DEV"), ("nomiracl", "NOMIRACL_KO")],
)
def test_data_from_outside_are_optional_and_what_is_left_out_is_told(
    part: str, variable: str, tmp_path: Path
) -> None:
    done, commands = nightly(part, tmp_path)
    assert done.returncode == 0 and commands == []
    assert done.stdout == f"{part}: left out, {variable} names no {OUTSIDE[variable]}.\n"
    done, _ = nightly(part, tmp_path, {"GITHUB_ACTIONS": "true"})
    assert done.stdout.startswith(f"::notice::{part}: left out")


def test_a_part_that_there_is_not(tmp_path: Path) -> None:
    done, commands = nightly("nothing", tmp_path)
    assert (done.returncode, done.stderr, commands) == (2, 'There is no part "nothing".\n', [])
