import os
import socket
import unicodedata
from pathlib import Path

import pytest

from app.corpus.walk import as_listed, is_gone, is_missing, is_under, walk


def _is_text(path: Path) -> bool:
    return path.suffix == ".txt"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub/image.png", ".hidden/d.txt", ".e.txt", "store/f.txt"):
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return docs


def test_folders_are_walked_in_order_without_hidden_and_excluded_ones(docs: Path) -> None:
    found = walk([docs], _is_text, [docs / "store"])
    assert [file.name for file in found.files] == ["docs/a.txt", "docs/b.txt", "docs/sub/c.txt"]
    assert [file.path for file in found.files] == [
        str(docs / name) for name in ("a.txt", "b.txt", "sub/c.txt")
    ]
    assert found.skipped == 1
    assert found.failed == []


def test_names_and_paths_as_the_user_gave_them(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(docs)
    found = walk([Path(), Path("sub/image.png")], _is_text)
    assert [(file.given, file.name) for file in found.files] == [
        ("a.txt", "docs/a.txt"),
        ("b.txt", "docs/b.txt"),
        ("store/f.txt", "docs/store/f.txt"),
        ("sub/c.txt", "docs/sub/c.txt"),
        ("sub/image.png", "image.png"),
    ]


def test_a_file_is_taken_once(docs: Path) -> None:
    found = walk([docs / "sub", docs, docs / "sub" / "c.txt"], _is_text)
    assert len(found.files) == len({file.path for file in found.files}) == 4


def test_links_that_loop_are_walked_once(docs: Path) -> None:
    (docs / "sub" / "up").symlink_to(docs)
    (docs / "z.txt").symlink_to(docs / "a.txt")
    (docs / "y.txt").symlink_to(docs / "nothing")
    found = walk([docs], _is_text)
    assert [file.name for file in found.files] == [
        "docs/a.txt",
        "docs/b.txt",
        "docs/z.txt",
        "docs/store/f.txt",
        "docs/sub/c.txt",
    ]


def test_what_is_not_there_or_no_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        found = walk([tmp_path / "none", path], _is_text)
    assert found.failed == [
        (str(tmp_path / "none"), "there is no such file or folder"),
        (str(path), "it is not a file"),
    ]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_not_utf8_is_reported_in_readable_form(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.txt")).write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    found = walk([tmp_path], _is_text)
    assert found.files == []
    assert found.failed == [(f"{tmp_path}/bad\ufffd.txt", "its name is not valid UTF-8; rename it")]


def test_gone_is_only_what_is_surely_gone(docs: Path) -> None:
    assert not is_gone(str(docs / "a.txt"))
    assert is_gone(str(docs / "none.txt"))
    assert is_gone(str(docs / "a.txt" / "below"))
    assert not is_gone(str(docs / ("x" * 300)))


def test_what_nobody_can_look_at_is_reported_and_the_rest_is_found(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = walk([docs], lambda path: True)
    locked = whole.files[0].path
    look = Path.stat

    def refuse(path: Path, **given: bool) -> os.stat_result:
        if str(path) == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, **given)

    monkeypatch.setattr(Path, "stat", refuse)
    found = walk([docs], lambda path: True)
    assert [file.path for file in found.files] == [file.path for file in whole.files[1:]]
    assert (locked, "cannot be read (Permission denied)") in found.failed
    alone = walk([Path(locked)], lambda path: True)
    assert alone.failed == [(locked, "cannot be read (Permission denied)")]


def test_a_name_that_is_too_long_is_reported(tmp_path: Path) -> None:
    long = tmp_path / ("긴" * 200)
    ((path, reason),) = walk([long], lambda path: True).failed
    assert path == str(long) and reason.startswith("cannot be read")
    assert not is_gone(str(long))


@pytest.fixture
def lenient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that opens under three spellings and is listed under one, as macOS and Windows do."""
    listed = tmp_path / "보고서 Docs"
    listed.mkdir()
    (listed / "a.txt").write_text("a")
    others = {unicodedata.normalize("NFD", listed.name), listed.name.upper()}
    for name in others:
        (tmp_path / name).symlink_to(listed)
    names_of = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: [n for n in names_of(folder) if n not in others])
    return listed


def test_a_folder_in_another_spelling_is_the_same_folder(lenient: Path) -> None:
    other = lenient.with_name(lenient.name.upper())
    decomposed = lenient.with_name(unicodedata.normalize("NFD", lenient.name))
    assert other.is_dir() and decomposed.is_dir() and str(other) != str(lenient)
    found = walk([lenient, other, decomposed / "a.txt"], _is_text)
    assert [file.path for file in found.files] == [str(lenient / "a.txt")]
    assert found.roots == [lenient, lenient, lenient / "a.txt"]
    assert is_gone(str(other / "a.txt")) and not is_gone(str(lenient / "a.txt"))
    assert not is_missing(other / "a.txt") and is_missing(other / "b.txt")
    # What was stored under it before is found below the folder, and forgotten.
    assert is_under(str(other / "a.txt"), found.roots) and is_under(str(decomposed / "a.txt"), [lenient])
    assert not is_under(str(lenient / "a.txt"), [lenient / "sub"])


def test_a_path_from_here_is_not_missing(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(docs)
    assert not is_missing(Path("sub/../a.txt")) and is_missing(Path("none.txt"))


def test_what_is_not_there_and_what_cannot_be_listed_keep_their_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "A.txt").write_text("a")
    assert as_listed(tmp_path / "a.txt") == tmp_path / "a.txt"  # another name on this disk
    (tmp_path / "b.txt").write_text("b")

    def locked(folder: str) -> list[str]:
        raise PermissionError(folder)

    monkeypatch.setattr(os, "listdir", locked)
    assert as_listed(tmp_path / "b.txt") == tmp_path / "b.txt"


def test_a_folder_of_thousands_of_named_files_is_listed_once(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    names_of = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: asked.append(folder) or names_of(folder))
    walk([docs / "a.txt", docs / "b.txt", docs / "a.txt"], _is_text)
    assert asked.count(str(docs)) == 1
