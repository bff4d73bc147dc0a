from pathlib import Path

import pytest

from evals.suite_name import full_name, is_telling, short_name


def test_the_file_says_which_suite_it_is_or_its_folder_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert short_name(Path("datasets/samples.jsonl")) == "samples"
    assert short_name(Path("/a/korquad/suite.jsonl")) == "korquad-suite"
    assert full_name(Path("/a/datasets/samples.jsonl")) == full_name(Path("/b/datasets/samples.jsonl"))
    assert full_name(Path("/a/korquad/suite.jsonl")) == "korquad/suite"
    assert full_name(Path("/suite.jsonl")) == short_name(Path("/suite.jsonl")) == "suite"
    (tmp_path / "korquad" / "corpus").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "korquad")
    assert short_name(Path("suite.jsonl")) == short_name(Path("corpus/../suite.jsonl")) == "korquad-suite"
    assert is_telling("samples") and not is_telling("suite") and not is_telling("")
