import json
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from reports import ABOUT, outcome
from test_run_suite import ROWS, Killed, kill_at, use, write_suite

from app.errors import MutdaError
from evals import identity
from evals.resume import Journal, journal_path, keep_journal, read_journal
from evals.run import main

OUTCOMES = [outcome("q-1"), outcome("q-2", error="gone"), outcome("q-2", system="plain"), outcome("q-3")]
CASES = [item.case for item in OUTCOMES if item.system == "graph"]


def written(path: Path, count: int = 4) -> Path:
    """Of a run that was broken off."""
    with suppress(KeyboardInterrupt), Journal(path, ABOUT) as journal:
        for item in OUTCOMES[:count]:
            journal.add(item)
        raise KeyboardInterrupt
    return path


def test_outcomes_come_back_as_they_were(tmp_path: Path) -> None:
    path = written(journal_path(tmp_path / "r.json"))
    assert path.name == "r.json.unfinished.jsonl"
    assert read_journal(path, ABOUT, CASES) == (ABOUT["date"], OUTCOMES)
    assert read_journal(tmp_path / "none", ABOUT, CASES) == ("", [])


def test_each_outcome_is_on_the_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT) as journal:
        for count, item in enumerate(OUTCOMES, start=1):
            journal.add(item)
            assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + count
        journal.finish()
    assert not path.exists()


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_last_line_that_was_cut_off_is_asked_again(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "j")
    path.write_bytes(path.read_bytes()[:-cut])
    assert read_journal(path, ABOUT, CASES)[1] == OUTCOMES[:3]


def test_failures_at_the_end_are_asked_again_and_others_are_not(tmp_path: Path) -> None:
    assert read_journal(written(tmp_path / "a", 2), ABOUT, CASES)[1] == OUTCOMES[:1]
    assert read_journal(written(tmp_path / "b", 3), ABOUT, CASES)[1] == OUTCOMES[:3]


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = written(tmp_path / "j")
    other = ABOUT | {"model": "b:", "settings": ABOUT["settings"] | {"limit": 3}}
    with pytest.raises(MutdaError) as caught:
        read_journal(path, other, CASES)
    assert str(caught.value) == (
        "The interrupted run was another one (model fake: → b:; limit None → 3). "
        "Put that back, or run without --resume to begin anew."
    )


@pytest.fixture
def evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the code that a run tells of."""
    root = tmp_path / "code"
    for name in identity._OF_A_RUN:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(identity._ROOT / name, root / name)
    monkeypatch.setattr(identity, "_ROOT", root)
    return root / "evals"


def change(path: Path) -> None:
    code = path.read_text(encoding="utf-8")
    assert "MAX_REWRITES = 3" in code
    path.write_text(code.replace("MAX_REWRITES = 3", "MAX_REWRITES = 1"), encoding="utf-8")


def test_a_run_of_another_baseline_is_not_carried_on(
    evaluation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [str(write_suite(tmp_path / "tiny.jsonl", ROWS)), "--json", str(tmp_path / "r.json")]
    options += ["--baseline", "tutorial"]
    use(monkeypatch, kill_at(5))
    with pytest.raises(Killed):
        main(options)
    journal = journal_path(tmp_path / "r.json").read_text(encoding="utf-8")
    change(evaluation / "tutorial.py")
    use(monkeypatch)
    capsys.readouterr()
    assert main([*options, "--resume"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("The interrupted run was another one (code of the run ")
    assert (
        told.endswith(". Put that back, or run without --resume to begin anew.\n") and told.count("\n") == 1
    )
    assert journal_path(tmp_path / "r.json").read_text(encoding="utf-8") == journal


def test_a_journal_of_before_the_code_of_the_run_was_told_is_of_other_code(tmp_path: Path) -> None:
    path = written(tmp_path / "j")
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    about = json.loads(first)["about"]
    assert about.pop("run_code_sha256") and about == ABOUT
    path.write_text(json.dumps({"about": about}) + "\n" + rest, encoding="utf-8")
    with pytest.raises(MutdaError, match=r"another one \(code of the run none → [0-9a-f]{8}\)"):
        read_journal(path, ABOUT, CASES)


@pytest.mark.parametrize("text", ["", "x\n", "[]\n", '{"about": 3}\n', "{}\n"])
def test_a_damaged_journal_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "j"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MutdaError, match=r"is damaged\. Run without --resume to begin anew\.$"):
        read_journal(path, ABOUT, CASES)


def test_a_line_damaged_in_the_middle_is_no_cut_off_line(tmp_path: Path) -> None:
    path = written(tmp_path / "j")
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([lines[0], lines[1][:50], *lines[2:]]), encoding="utf-8")
    with pytest.raises(MutdaError, match="is damaged"):
        read_journal(path, ABOUT, CASES)
    path.write_text("\n".join([lines[0], json.dumps({"id": "unknown"}), ""]), encoding="utf-8")
    with pytest.raises(MutdaError, match="is damaged"):
        read_journal(path, ABOUT, CASES)


# -- beginning anew


def test_a_journal_is_kept_as_that_of_a_dated_report(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert keep_journal(report) is None
    for name in ("r-2026-11-21T090000Z.json", "r-2026-11-21T090000Z-2.json"):
        written(journal_path(report))
        assert keep_journal(report) == tmp_path / name and not journal_path(report).exists()
        assert read_journal(journal_path(tmp_path / name), ABOUT, CASES) == (ABOUT["date"], OUTCOMES)


def test_a_journal_without_an_answer_is_not_worth_a_name(tmp_path: Path) -> None:
    written(journal_path(tmp_path / "r.json"), 0)
    assert keep_journal(tmp_path / "r.json") is None


@pytest.mark.parametrize("text", ["x", "[]\n", '{"about": {}}\n{"id": "q-'])
def test_a_damaged_journal_is_kept_too(tmp_path: Path, text: str) -> None:
    journal_path(tmp_path / "r.json").write_text(text, encoding="utf-8")
    kept = keep_journal(tmp_path / "r.json")
    assert kept and journal_path(kept).read_text(encoding="utf-8") == text


def test_a_journal_that_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    written(journal_path(tmp_path / "r.json"))
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(
        MutdaError, match=r"cannot be kept under another name \(Permission denied\), and is not"
    ):
        keep_journal(tmp_path / "r.json")
    assert journal_path(tmp_path / "r.json").exists()


# -- two runs at once

_HOLD = """
import sys, time
from pathlib import Path
from evals.resume import Journal
journal = Journal(Path(sys.argv[1]), {"date": "2026-11-21T09:00:00+00:00"})
print("held", flush=True)
time.sleep(60)
"""


def held(path: Path) -> str:
    return f"Another run is writing {path}. Wait until it has ended, or name another file with --json."


def test_nobody_else_reads_moves_or_replaces_the_journal_of_a_run_that_goes_on(tmp_path: Path) -> None:
    report = tmp_path / "deep" / "r.json"
    path = journal_path(report)
    with Journal(path, ABOUT, OUTCOMES) as journal:
        text = path.read_text(encoding="utf-8")
        for attempt in (
            lambda: read_journal(path, ABOUT, CASES),
            lambda: keep_journal(report),
            lambda: Journal(path, ABOUT),
        ):
            with pytest.raises(MutdaError) as caught:
                attempt()
            assert str(caught.value) == held(path)
        assert path.read_text(encoding="utf-8") == text
    # All is answered, and the report still to be written.
    with pytest.raises(MutdaError, match="Another run is writing"):
        read_journal(path, ABOUT, CASES)
    journal.finish()
    assert list(report.parent.iterdir()) == []


def test_a_run_that_was_broken_off_ends_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with suppress(KeyboardInterrupt), Journal(path, ABOUT) as first:
        raise KeyboardInterrupt
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["j"]
    second = Journal(path, ABOUT)
    first.finish()
    assert path.exists()
    second.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_cannot_be_written_is_held_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(MutdaError, match=r"cannot be written \(.+\)\. Name another file with --json\.$"):
        Journal(tmp_path / "file" / "j", ABOUT)
    (tmp_path / "j").mkdir()
    with pytest.raises(MutdaError, match="cannot be written"):
        Journal(tmp_path / "j", ABOUT)
    (tmp_path / "j").rmdir()
    Journal(tmp_path / "j", ABOUT).finish()


@pytest.mark.parametrize("option", [["--resume"], []])
def test_a_second_terminal_is_told_in_one_line(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    suite, report = write_suite(tmp_path / "tiny.jsonl", ROWS), tmp_path / "r.json"
    path = journal_path(report)
    with Journal(path, ABOUT) as first:
        text = path.read_text(encoding="utf-8")
        use(monkeypatch)
        assert main([str(suite), "--json", str(report), *option]) == 2
        assert capsys.readouterr().err == held(path) + "\n"
        assert path.read_text(encoding="utf-8") == text and not report.exists()
        first.finish()


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(MutdaError, match="Another run is writing"):
            Journal(path, ABOUT)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
    assert path.exists()
    Journal(path, ABOUT).finish()
    assert list(tmp_path.iterdir()) == []
