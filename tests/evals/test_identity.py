from pathlib import Path

from reports import ABOUT

from evals.identity import code_sha256, differences, folder_sha256


def test_nothing_differs_where_only_the_day_and_the_kernel_do() -> None:
    later = ABOUT | {"date": "2027", "machine": ABOUT["machine"] | {"system": "Linux 7"}}
    assert differences(ABOUT, later) == []


def test_what_differs_is_named() -> None:
    other = ABOUT | {
        "suite_sha256": "6" * 64,
        "model": "ollama:" + "x" * 50,
        "settings": {"baselines": ["plain"], "limit": 20, "context": {"k": 4}},
    }
    assert differences(ABOUT, other) == [
        "suite 55555555 → 66666666",
        "model fake: → ollama:" + "x" * 33 + "…",
        "baselines none → plain",
        "limit None → 20",
        "context.k 8 → 4",
    ]


def test_what_only_one_of_them_tells_is_passed_over() -> None:
    older = {key: value for key, value in ABOUT.items() if key != "code_sha256"}
    assert differences(older, ABOUT) == []


def test_documents_are_told_apart_by_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("1", encoding="utf-8")
    once = folder_sha256(tmp_path)
    assert folder_sha256(tmp_path) == once
    (tmp_path / "a" / "b.txt").write_text("2", encoding="utf-8")
    changed = folder_sha256(tmp_path)
    (tmp_path / "a" / "b.txt").rename(tmp_path / "a" / "c.txt")
    assert len({once, changed, folder_sha256(tmp_path)}) == 3


def test_the_code_has_a_name() -> None:
    assert code_sha256() == code_sha256() and len(code_sha256()) == 64
