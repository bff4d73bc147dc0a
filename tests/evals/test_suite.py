import json
from pathlib import Path
from typing import Any

import pytest

from evals.suite import Case, SuiteError, default_kind, read_suite, sample

LINE = {"id": "leave-1", "question": "며칠인가요?", "answers": ["17일"], "answerable": True}


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_reads_every_key(tmp_path: Path) -> None:
    full = LINE | {
        "kind": "followup",
        "sources": ["a.txt"],
        "passages": [{"title": "제목", "text": "본문\u2028줄"}],
        "history": [{"role": "user", "content": "안녕"}, {"role": "assistant", "content": "네"}],
        "forbidden": ["파란고래77"],
    }
    first, second = read_suite(write(tmp_path / "s.jsonl", full, "", LINE | {"id": "leave-2"}))
    assert first.kind == "followup" and first.sources == ["a.txt"]
    assert first.passages is not None and first.passages[0].text == "본문\u2028줄"
    assert [message.role for message in first.history] == ["user", "assistant"]
    assert first.forbidden == ["파란고래77"] and second.forbidden == []
    assert second.kind == "leave" and second.passages is None and second.history == []


def test_kind_is_the_words_that_the_id_numbers() -> None:
    assert default_kind("leave-1", True) == "leave"
    assert default_kind("연차 휴가-1", True) == "answerable"
    assert default_kind("연차_휴가_01", True) == "연차_휴가"
    assert default_kind("nm-relevant-277499#0", True) == "nm-relevant"
    assert default_kind("nm-non_relevant-395151#0", False) == "nm-non_relevant"
    assert default_kind("6548850-0-0", True) == "answerable"
    assert default_kind("6548850-0-0", False) == "unanswerable"


@pytest.mark.parametrize(
    "case_id", ["a3f9c1", "b2", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "abcdefab-12ab-4d", "q"]
)
def test_an_id_that_numbers_no_words_names_no_kind(case_id: str) -> None:
    assert default_kind(case_id, True) == "answerable"
    assert default_kind(case_id, False) == "unanswerable"


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", LINE)
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    (case,) = read_suite(path)
    assert case.id == "leave-1"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (LINE | {"passage": []}, 'unknown key "passage"'),
        (LINE | {"passages": [{"title": "a", "text": "b", "url": "c"}]}, 'unknown key "passages.0.url"'),
        ({key: LINE[key] for key in ("id", "question", "answers")}, 'the key "answerable" is missing'),
        (LINE | {"answerable": "yes"}, '"answerable": input should be a valid boolean'),
        (LINE | {"answers": [""]}, '"answers.0" is empty'),
        (
            LINE | {"answerable": False},
            '"answers" must be empty where "answerable" is false: a refusal is right there',
        ),
        (LINE | {"forbidden": [" "]}, '"forbidden.0" is empty'),
        (LINE | {"forbidden": "파란고래77"}, '"forbidden": input should be a valid array'),
        (
            LINE | {"history": [{"role": "system", "content": ""}]},
            "\"history.0.role\": input should be 'user' or 'assistant'",
        ),
        ("{not json", "this is not JSON (key must be a string at line 1 column 2)"),
        ("[]", "input should be an object"),
        (LINE, 'the id "leave-1" stands on line 1 already'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: dict[str, Any] | str, message: str) -> None:
    path = write(tmp_path / "s.jsonl", LINE, row)
    with pytest.raises(SuiteError) as error:
        read_suite(path)
    assert str(error.value) == f"{path}:2: {message}"


def test_files_that_are_no_suite(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="cannot be read: No such file"):
        read_suite(tmp_path / "none.jsonl")
    (tmp_path / "cp949.jsonl").write_bytes("질문".encode("cp949"))
    with pytest.raises(SuiteError, match="cannot be read: it is not UTF-8"):
        read_suite(tmp_path / "cp949.jsonl")
    with pytest.raises(SuiteError, match="has no questions"):
        read_suite(write(tmp_path / "empty.jsonl", ""))


def test_a_sample_takes_the_kinds_in_equal_shares_and_keeps_their_order() -> None:
    cases = [
        Case(id=f"{kind}-{n}", question="?", answers=[], answerable=False, kind=kind)
        for kind, count in (("a", 10), ("b", 10), ("c", 1))
        for n in range(count)
    ]
    chosen = sample(cases, 7, seed=1)
    kinds = [case.kind for case in chosen]
    assert kinds == ["a"] * 3 + ["b"] * 3 + ["c"]
    assert chosen == sample(cases, 7, seed=1)
    assert any(sample(cases, 7, seed=seed) != chosen for seed in range(2, 6))
    assert [case.id for case in chosen] == sorted(case.id for case in chosen)
    assert sample(cases, 99, seed=1) == cases
