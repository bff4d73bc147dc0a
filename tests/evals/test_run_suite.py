import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes import Script, make_resources
from langchain_core.messages import BaseMessage

import evals.run
from app.models.fake import FakeModel, FakeReply
from evals.run import collection_name, main
from graphs.resources import Resources

PASSAGES = [{"title": "휴가", "text": "연차 휴가는 17일입니다. 신청은 3일 전까지 합니다."}]
ROW = {
    "question": "연차 휴가 규정을 알려 주세요",
    "answers": ["17일"],
    "answerable": True,
    "passages": PASSAGES,
}
ROWS = [
    ROW | {"id": "leave-1"},
    ROW | {"id": "leave-2"},
    ROW | {"id": "missing-1", "answers": [], "answerable": False},
]


def write_suite(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_suite(tmp_path / "tiny.jsonl", ROWS)


def use(monkeypatch: pytest.MonkeyPatch, before_reply: Callable[[int], None] = lambda count: None) -> None:
    """Open fakes instead of a model; `before_reply` is told which call it is, the warm-up being 1."""
    script, count = Script(), 0

    def reply(messages: Sequence[BaseMessage]) -> FakeReply:
        nonlocal count
        count += 1
        before_reply(count)
        return FakeReply(text="1") if "Warm up" in str(messages[0].content) else script(messages)

    @asynccontextmanager
    async def opened(*arguments: Any, **options: Any) -> AsyncIterator[Resources]:
        yield make_resources(model=FakeModel(reply))

    monkeypatch.setattr(evals.run, "open_resources", opened)


def report_of(name: str = "tiny.fake.json") -> dict[str, Any]:
    path = Path(os.environ["MUTDA_DATA_DIR"]) / "reports" / name
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def test_a_run_prints_and_leaves_a_report(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    assert main([str(suite), "--baseline", "plain"]) == 0
    out = capsys.readouterr().out
    assert "leave-1" in out and "Quality" in out and "Cost of one question" in out
    assert "Wall time graph / plain over 2 answerable questions" in out
    report = report_of()
    assert report["interrupted"] is False and report["settings"]["salt"] is True
    assert report["machine"]["cores"] >= 1 and report["versions"]["python"]
    assert [(q["id"], q["system"], q["mark"]) for q in report["questions"]] == [
        ("leave-1", "graph", "right"), ("leave-1", "plain", "right"),
        ("leave-2", "plain", "right"), ("leave-2", "graph", "right"),
        ("missing-1", "graph", "wrong"), ("missing-1", "plain", "wrong"),
    ]  # fmt: skip
    graph = report["metrics"]["graph"]["overall"]
    assert graph["contained"]["value"] == 1 and graph["refusals"]["false_accept"]["value"] == 1
    assert report["questions"][0]["result"]["citations"][0]["text"] == "연차 휴가는 17일입니다."
    assert report["time_ratio"]["n"] == 2


def test_limit_seed_json_and_no_salt(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)
    path = tmp_path / "deep" / "r.json"
    options = ["--limit", "2", "--seed", "5", "--json", str(path), "--baseline", "plain", "--no-salt"]
    assert main([str(suite), *options]) == 0
    report = json.loads(path.read_text(encoding="utf-8"))
    assert {question["kind"] for question in report["questions"]} == {"leave", "missing"}
    assert report["settings"]["seed"] == 5 and report["settings"]["salt"] is False


def test_ctrl_c_leaves_what_was_done(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Call 1 warms up, 2 to 4 answer the first question.
    use(monkeypatch, lambda count: os.kill(os.getpid(), signal.SIGINT) if count == 6 else None)
    assert main([str(suite)]) == 130
    captured = capsys.readouterr()
    assert captured.err == "Interrupted.\n"
    assert "Quality" in captured.out
    report = report_of()
    assert report["interrupted"] is True
    assert [question["id"] for question in report["questions"]] == ["leave-1"]


def test_documents_are_needed_where_questions_bring_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = {key: value for key, value in ROWS[1].items() if key != "passages"}
    suite = write_suite(tmp_path / "s.jsonl", [ROWS[0], bare])
    assert main([str(suite)]) == 2
    assert capsys.readouterr().err == (
        'The question "leave-2" brings no passages: name its folder of documents with --corpus.\n'
    )
    assert main([str(suite), "--corpus", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"--corpus {tmp_path / 'none'} is not a folder.\n"
    (tmp_path / "empty").mkdir()
    assert main([str(suite), "--corpus", str(tmp_path / "empty"), "--model", "nonsense"]) == 2
    assert main([str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl cannot be read" in capsys.readouterr().err


def test_a_folder_is_ingested_and_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUTDA_EMBEDDER", "toy:64")
    folder = tmp_path / "문서"
    folder.mkdir()
    (folder / "휴가.txt").write_text("연차 휴가는 17일입니다. 신청은 3일 전까지 합니다.\n", encoding="utf-8")
    (folder / "경비.txt").write_text("출장비는 하루 45,000원입니다.\n", encoding="utf-8")
    row = {
        "id": "leave-1",
        "question": "연차 휴가 규정을 알려 주세요",
        "answers": ["17일"],
        "answerable": True,
    }
    suite = write_suite(tmp_path / "s.jsonl", [row | {"sources": ["휴가.txt"]}])
    for _ in range(2):
        assert main([str(suite), "--corpus", str(folder), "--model", "fake:"]) == 0
    report = report_of("s.fake.json")
    (question,) = report["questions"]
    assert question["recall_found"] is True and question["contained"] is True
    assert question["found"][0]["source"] == "문서/휴가.txt"
    assert question["citations_stand"] == [True, True] and question["supported"] is True
    folders = [path.name for path in (Path(os.environ["MUTDA_DATA_DIR"]) / "evals").iterdir()]
    assert folders == [collection_name(folder, "toy:64")]
    assert report["questions"][0]["result"]["collection"] == folders[0]


def test_each_folder_and_embedder_has_its_collection(tmp_path: Path) -> None:
    names = {
        collection_name(folder, spec) for folder in (tmp_path, tmp_path / "a") for spec in ("use:", "toy:")
    }
    assert len(names) == 4
