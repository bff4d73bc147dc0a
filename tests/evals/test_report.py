import json
from pathlib import Path

import pytest
from rich.console import Console

from app.errors import MutdaError
from evals.metrics.standard_error import NOTHING, Estimate
from evals.report import line, mean_text, report_name, salt_warning, share_text, time_line, write_json
from evals.runner import Outcome
from evals.suite import Case
from evals.summary import Score


def outcome(**changes: object) -> Outcome:
    case = Case(id="leave-1", question="?", answers=["17일"], answerable=True, kind="leave")
    cost = {"llm_calls": 3, "prompt_tokens": 900, "cached_tokens": 400}
    values: dict[str, object] = {
        "case": case,
        "system": "graph",
        "seconds": 1.25,
        "result": {"cost": cost, "answer": "연차는 [b]17일[/b]입니다. [1]", "reason": "", "refused": False},
    }
    return Outcome(**(values | changes))  # type: ignore[arg-type]


def judged(**changes: object) -> Score:
    values: dict[str, object] = {
        "mark": "right", "refused": False, "contained": True, "recall_found": None, "recall_shown": None,
        "citations_stand": (), "supported": None,
    }  # fmt: skip
    return Score(**(values | changes))  # type: ignore[arg-type]


def printed(item: Outcome, marks: Score) -> str:
    console = Console(width=130)
    with console.capture() as capture:
        console.print(line(item, marks))
    return capture.get()


def test_a_line_shows_what_happened_and_markup_stays_text() -> None:
    text = printed(outcome(), judged())
    assert text.split() == [
        "leave-1", "leave", "graph", "right", "3", "500", "400", "1.25", "연차는", "[b]17일[/b]입니다.", "[1]"
    ]  # fmt: skip


def test_a_line_of_a_failure_and_of_a_refusal() -> None:
    assert "the server is gone" in printed(
        outcome(result={}, error="the server is gone"), judged(mark="error")
    )
    refusal = outcome(result=outcome().result | {"reason": "no evidence: nothing was found", "refused": True})
    assert "no evidence: nothing was found" in printed(refusal, judged(mark="refused", refused=True))


def test_numbers_as_text() -> None:
    assert share_text(Estimate(0.75, 0.2168, 4)) == ".750±.217"
    assert share_text(Estimate(1.0, 0.0, 4)) == "1.000±.000"
    assert share_text(NOTHING) == "-"
    assert mean_text(Estimate(4.44, 0.31, 5), 1) == "4.4±0.3"
    assert mean_text(Estimate(4.44, None, 1), 2) == "4.44"
    assert time_line(None) == ""


def test_runs_that_profited_from_the_cache_are_told() -> None:
    cold = outcome(first_call_cached_tokens=8)
    assert salt_warning([cold, outcome()]) == ""
    assert salt_warning([cold, outcome(first_call_cached_tokens=500)]) == (
        "1 runs began with up to 500 tokens from the engine's cache: their times are too good. "
        "Restart the model's server before comparing times."
    )


def test_the_name_of_the_file() -> None:
    assert report_name(Path("a/samples.jsonl"), "embedded:") == "samples.embedded.json"
    assert report_name(Path("s.jsonl"), "ollama:llama3-ko") == "s.ollama-llama3-ko.json"
    assert report_name(Path("s.jsonl"), "embedded:/m/q.gguf") == "s.embedded-m-q.gguf.json"


def test_the_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "r.json"
    write_json(path, {"답": 1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"답": 1}
    assert [item.name for item in path.parent.iterdir()] == ["r.json"]
    with pytest.raises(MutdaError, match=r"cannot be written .*Name another file with --json\.$"):
        write_json(path / "below.json", {})
