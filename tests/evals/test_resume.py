import json
from pathlib import Path

import pytest
from reports import ABOUT, outcome

from app.errors import MutdaError
from evals.resume import Journal, journal_path, keep_journal, read_journal

OUTCOMES = [outcome("q-1"), outcome("q-2", error="gone"), outcome("q-2", system="plain"), outcome("q-3")]
CASES = [item.case for item in OUTCOMES if item.system == "graph"]


def written(path: Path, count: int = 4) -> Path:
    with Journal(path, ABOUT) as journal:
        for item in OUTCOMES[:count]:
            journal.add(item)
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
