import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
SUITE = ROOT / "evals" / "datasets" / "samples.jsonl"
KINDS = {"answerable", "paraphrased", "unanswerable", "calculation", "followup"}
ENCODING_OF_SUFFIX = {".csv": "cp949", ".txt": "utf-8", ".html": "utf-8", ".md": "utf-8"}
REQUIRED_TYPES = {
    "id": str,
    "kind": str,
    "question": str,
    "answers": list,
    "answerable": bool,
    "sources": list,
}


def read_rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in SUITE.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return read_rows()


def test_fields_have_their_types(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert set(row) - {"history"} == set(REQUIRED_TYPES), row
        for field, expected in REQUIRED_TYPES.items():
            assert type(row[field]) is expected, (row["id"], field)
        assert row["id"].strip(), row
        assert row["question"].strip(), row["id"]
        assert all(isinstance(text, str) and text.strip() for text in row["answers"] + row["sources"]), row[
            "id"
        ]
        assert len(set(row["answers"])) == len(row["answers"]), row["id"]


def test_ids_and_questions_with_their_history_are_unique(rows: list[dict[str, Any]]) -> None:
    assert len({row["id"] for row in rows}) == len(rows)
    asked = {json.dumps([row["question"], row.get("history", [])]) for row in rows}
    assert len(asked) == len(rows)


def test_sixty_questions_and_ten_of_each_kind(rows: list[dict[str, Any]]) -> None:
    counts = Counter(row["kind"] for row in rows)
    assert set(counts) == KINDS
    assert min(counts.values()) >= 10, counts
    assert len(rows) >= 60


def test_named_sources_exist_and_every_sample_is_asked_about(rows: list[dict[str, Any]]) -> None:
    named = {source for row in rows for source in row["sources"]}
    assert named == {path.name for path in SAMPLES.iterdir() if path.name != "README.md"}


def test_only_unanswerable_rows_lack_answers_and_sources(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["answerable"] is (row["kind"] != "unanswerable"), row["id"]
        assert bool(row["answers"]) is row["answerable"], row["id"]
        assert bool(row["sources"]) is row["answerable"], row["id"]


def test_only_followups_have_history_and_it_ends_with_an_answer(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert ("history" in row) is (row["kind"] == "followup"), row["id"]
        history = row.get("history", [])
        for turn, message in enumerate(history):
            assert set(message) == {"role", "content"}, row["id"]
            assert message["role"] == ("user", "assistant")[turn % 2], row["id"]
            assert message["content"].strip(), row["id"]
        assert len(history) % 2 == 0, row["id"]
        assert (len(history) >= 2) is (row["kind"] == "followup"), row["id"]


def test_gold_text_occurs_in_the_plain_text_sources(rows: list[dict[str, Any]]) -> None:
    checked = 0
    for row in rows:
        paths = [SAMPLES / source for source in row["sources"]]
        if (
            row["kind"] == "calculation"
            or not paths
            or any(p.suffix not in ENCODING_OF_SUFFIX for p in paths)
        ):
            continue
        text = "\n".join(path.read_bytes().decode(ENCODING_OF_SUFFIX[path.suffix]) for path in paths)
        assert any(answer in text for answer in row["answers"]), (row["id"], row["answers"])
        checked += 1
    assert checked >= 20


def test_followup_history_does_not_give_the_answer_away(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        spoken = " ".join(message["content"] for message in row.get("history", [])) + row["question"]
        assert not any(answer in spoken for answer in row["answers"]), row["id"]
