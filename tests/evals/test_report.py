import json
from pathlib import Path

import pytest

from app.errors import MutdaError
from evals.report import read_either, read_report, report_name, write_json, write_whole


def test_the_name_of_the_file() -> None:
    assert report_name(Path("a/samples.jsonl"), "embedded:") == "samples.embedded.json"
    assert report_name(Path("s.jsonl"), "ollama:llama3-ko") == "s.ollama-llama3-ko.json"
    assert report_name(Path("s.jsonl"), "embedded:/m/q.gguf") == "s.embedded-m-q.gguf.json"
    assert report_name(Path("/a/korquad/suite.jsonl"), "embedded:") == "korquad-suite.embedded.json"


def test_the_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "r.json"
    write_json(path, {"답": 1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"답": 1}
    assert [item.name for item in path.parent.iterdir()] == ["r.json"]
    with pytest.raises(MutdaError, match=r"cannot be written .*Name another file with --json\.$"):
        write_json(path / "below.json", {})


def test_what_utf_8_cannot_write_does_not_lose_the_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "r.html", "답 \ud800 끝")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == "답 ? 끝"


def test_what_is_no_report_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with pytest.raises(MutdaError, match=r"^The report .*r\.json cannot be read: No such file"):
        read_report(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(MutdaError, match=r"r\.json cannot be read: it is not JSON\.$"):
        read_report(path)
    for text in ("[]", '{"questions": []}', '{"systems": []}', '{"form": "retrieval", "questions": []}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(MutdaError, match=r"r\.json is not a report of an evaluation\.$"):
            read_report(path)


def test_a_report_of_the_search_is_read_where_either_will_do(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    report = {"suite_sha256": "5" * 64, "k": [1], "systems": [{}]}
    path.write_text(json.dumps(report), encoding="utf-8")
    assert read_either(path) == report
    with pytest.raises(MutdaError, match=r"r\.json is a report of the search alone, not of answers\.$"):
        read_report(path)
