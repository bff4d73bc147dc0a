import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.errors import MutdaError
from evals.aside import keep_report, left_by

BESIDE = (".md", ".html")
DATE = "2026-11-21T18:00:00+09:00"
KEPT = "s.fake-2026-11-21T090000Z"


def report(path: Path, **about: Any) -> Path:
    path.write_text(json.dumps({"date": DATE, **about}), encoding="utf-8")
    return path


def test_a_report_is_kept_under_its_date_with_its_other_forms(tmp_path: Path) -> None:
    path = report(tmp_path / "s.fake.json")
    for ending in (*BESIDE, ".csv"):
        path.with_suffix(ending).write_text(ending, encoding="utf-8")
    was = path.read_bytes()
    kept = tmp_path / f"{KEPT}.json"
    assert keep_report(path, BESIDE) == {
        path: kept, path.with_suffix(".md"): kept.with_suffix(".md"),
        path.with_suffix(".html"): kept.with_suffix(".html"),
    }  # fmt: skip
    assert kept.read_bytes() == was and kept.with_suffix(".md").read_text(encoding="utf-8") == ".md"
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        ["s.fake.csv", f"{KEPT}.html", f"{KEPT}.json", f"{KEPT}.md"]
    )
    assert keep_report(path, BESIDE) == {}


def test_what_has_that_name_already_is_not_written_over(tmp_path: Path) -> None:
    for number in range(3):
        keep_report(report(tmp_path / "s.fake.json", number=number))
    names = [f"{KEPT}.json", f"{KEPT}-2.json", f"{KEPT}-3.json"]
    assert [json.loads((tmp_path / name).read_text(encoding="utf-8"))["number"] for name in names] == [
        0,
        1,
        2,
    ]
    (tmp_path / f"{KEPT}-4.html").write_text("", encoding="utf-8")
    path = report(tmp_path / "s.fake.json")
    assert keep_report(path, BESIDE) == {path: tmp_path / f"{KEPT}-5.json"}


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"date": 3}', '{"date": "today"}', '{"date": "0001-01-01T00:00:00+09:00"}']
)
def test_what_tells_no_date_has_that_of_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes"
    path.write_text(text, encoding="utf-8")
    written = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))
    (kept,) = keep_report(path, BESIDE).values()
    assert kept.name == "notes-2025-05-06T070809Z" and kept.read_text(encoding="utf-8") == text


def test_a_form_without_its_report_is_kept_and_a_folder_is_left(tmp_path: Path) -> None:
    (tmp_path / "r.md").write_text("mine", encoding="utf-8")
    (kept,) = keep_report(tmp_path / "r.json", BESIDE).values()
    assert kept.suffix == ".md" and kept.read_text(encoding="utf-8") == "mine"
    (tmp_path / "f.json").mkdir()
    assert keep_report(tmp_path / "f.json", BESIDE) == {} and (tmp_path / "f.json").is_dir()


def test_what_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    path = report(tmp_path / "r.json")
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(MutdaError) as caught:
        keep_report(path)
    assert str(caught.value) == (
        f"The report that lies at {path} cannot be kept under another name (Permission denied), "
        "and is not written over. Name another file with --json."
    )


def test_a_run_knows_what_it_left_when_it_was_interrupted(tmp_path: Path) -> None:
    about = {"date": DATE}
    assert left_by(report(tmp_path / "r.json", interrupted=True), about)
    assert not left_by(report(tmp_path / "r.json", interrupted=False), about)
    assert not left_by(report(tmp_path / "r.json", interrupted=True), {"date": "2026-11-21T18:00:01+09:00"})
    assert not left_by(tmp_path / "none.json", about)
