import ast
import shutil
from pathlib import Path

import pytest
from reports import ABOUT

from evals import identity
from evals.identity import code_sha256, differences, folder_sha256, run_code_sha256
from evals.systems import BASELINES

ROOT = Path(__file__).parents[2]
OF_A_RUN = identity._OF_A_RUN


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


def test_documents_that_there_are_none_of_are_told_so() -> None:
    assert differences(ABOUT, ABOUT | {"corpus_sha256": "a" * 64}) == ["documents none → aaaaaaaa"]


def test_the_code_has_a_name() -> None:
    assert code_sha256() == code_sha256() and len(code_sha256()) == 64


@pytest.mark.parametrize("name", OF_A_RUN)
def test_what_else_an_answer_hangs_on_has_a_name_of_its_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in OF_A_RUN:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "rag.py").write_text("", encoding="utf-8")
    here = run_code_sha256()
    monkeypatch.setattr(identity, "_ROOT", tmp_path)
    code = code_sha256()
    assert run_code_sha256() == here
    with (tmp_path / name).open("a", encoding="utf-8") as file:
        file.write("# changed")
    # That of committed reports is the graph's alone, as it always was.
    assert run_code_sha256() != here and code_sha256() == code
    (tmp_path / "graphs" / "rag.py").write_text("changed", encoding="utf-8")
    assert code_sha256() != code


def test_all_that_the_baselines_import_of_the_evaluation_counts() -> None:
    known: set[str] = set()
    to_read = [module for module, _ in BASELINES.values()]
    while to_read:
        path = f"{to_read.pop().replace('.', '/')}.py"
        if path not in known:
            known.add(path)
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            to_read += [name for name in names if name.startswith("evals.")]
    assert "evals/tutorial.py" in known and known <= set(OF_A_RUN)
