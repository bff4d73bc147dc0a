import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes import Script, make_resources
from langchain_core.messages import BaseMessage, HumanMessage
from rich.cells import cell_len
from rich.console import Console
from stand_ins.search_server import SearchServer

import evals.plain
import evals.run
from app.models.fake import FakeModel, FakeReply
from app.settings import Settings
from evals.calibrate import CalibrateOptions, calibrate
from evals.ingested import collection_name
from evals.run import main
from graphs.resources import Resources
from graphs.state import Question
from tools.web_search import web_search

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
    assert "leave-1" in out and "Answers:" in out and "Cost of one question" in out
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
    assert report["time_ratios"]["plain"]["n"] == 2
    folder = Path(os.environ["MUTDA_DATA_DIR"]) / "reports"
    assert sorted(path.name for path in folder.iterdir()) == [
        "tiny.fake.html", "tiny.fake.json", "tiny.fake.md"
    ]  # fmt: skip
    page = (folder / "tiny.fake.html").read_text(encoding="utf-8")
    assert "연차 휴가 규정을 알려 주세요" in page and "비교: graph − plain" in page
    assert "비교: graph − plain" in (folder / "tiny.fake.md").read_text(encoding="utf-8")


PAGES = [{"title": "연차 휴가", "url": "https://a.example/", "content": "연차 휴가는 17일입니다."}]


@pytest.mark.parametrize("searches", [True, False])
def test_nothing_is_looked_up_outside_but_where_the_command_names_it(
    searches: bool, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(grade=0.01)

    def reply(messages: Sequence[BaseMessage]) -> FakeReply:
        return FakeReply(text="1") if "Warm up" in str(messages[0].content) else script(messages)

    @asynccontextmanager
    async def opened(settings: Settings, **options: Any) -> AsyncIterator[Resources]:
        log = settings.data_dir / "web.jsonl"
        search = web_search(settings.web_search, settings.search_url or None, log, 5.0)
        yield make_resources(model=FakeModel(reply), search=search, web_search=settings.web_search)

    monkeypatch.setattr(evals.run, "open_resources", opened)
    monkeypatch.setenv("MUTDA_WEB_SEARCH", "on")
    with SearchServer(PAGES) as server:
        monkeypatch.setenv("MUTDA_SEARCH_URL", server.url)
        options = ["--search", server.url] if searches else []
        assert main([str(suite), "--limit", "1", *options]) == 0
        assert bool(server.queries) is searches
    assert report_of()["settings"]["context"]["web_search"] == ("on" if searches else "off")


def test_a_report_says_which_weights_prompts_and_embedder_were_used(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    assert main([str(suite), "--limit", "1"]) == 0
    report = report_of()
    assert report["model_fingerprint"].startswith("fake-")
    assert report["embedder"] == "toy:" and report["embedder_fingerprint"]


def test_limit_seed_json_and_no_salt(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)
    path = tmp_path / "deep" / "r.json"
    options = ["--limit", "2", "--seed", "5", "--json", str(path), "--baseline", "plain", "--no-salt"]
    assert main([str(suite), *options]) == 0
    report = json.loads(path.read_text(encoding="utf-8"))
    assert {question["kind"] for question in report["questions"]} == {"leave", "missing"}
    assert report["settings"]["seed"] == 5 and report["settings"]["salt"] is False


# -- what is fitted on and what is reported


def apart(n: int = 40) -> list[dict[str, Any]]:
    """Two questions on each article, every second article without an answer."""
    return [
        ROW
        | {"id": f"{'missing' if (at // 2) % 2 else 'leave'}-{at}", "question": f"연차 휴가 규정 {at}번을 알려 주세요"}
        | {"answers": [] if (at // 2) % 2 else ["17일"], "answerable": not (at // 2) % 2}
        | {"passages": [{"title": f"글 {at // 2}", "text": f"연차 {at}"}]}
        for at in range(n)
    ]  # fmt: skip


def test_a_half_shares_no_article_with_the_other_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    suite = write_suite(tmp_path / "tiny.jsonl", apart())
    articles: dict[str, set[int]] = {}
    for part in ("fit", "report"):
        assert main([str(suite), "--part", part]) == 0
        out, report = capsys.readouterr().out, report_of()
        articles[part] = {int(row["id"].split("-")[1]) // 2 for row in report["questions"]}
        asked = report["asked"]
        assert asked["part"] == part and asked["half"] == len(report["questions"]) and asked["suite"] == 40
        assert 0 < asked["aside"] < 20 and asked["seen"] is None
        assert f'Part: "{part}", {asked["half"]} of the suite\'s 40 questions.' in out
        assert "The calibration in use keeps no list" in out
    assert articles["fit"] and articles["report"] and not articles["fit"] & articles["report"]


def test_questions_that_the_calibration_in_use_was_fitted_on_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    suite = write_suite(tmp_path / "tiny.jsonl", apart(80))
    monkeypatch.setattr("evals.gathering.open_resources", vars(evals.run)["open_resources"])
    assert calibrate(CalibrateOptions(suites=(suite,), part="fit"), Console(quiet=True)) == 0
    (path,) = (Path(os.environ["MUTDA_DATA_DIR"]) / "calibrations").glob("*.json")
    fitted = len(json.loads(path.read_text(encoding="utf-8"))["questions"]["keys"])
    assert main([str(suite)]) == 0
    out = capsys.readouterr().out
    assert f"Warning: the calibration in use was fitted on {fitted} of the 80 questions asked" in out
    assert report_of()["asked"]["seen"] == fitted > 20
    assert main([str(suite), "--part", "report"]) == 0
    assert "was fitted on none of the questions asked" in capsys.readouterr().out


def test_a_half_without_questions_is_a_mistake_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [ROW | {"id": f"leave-{number}"} for number in range(30)]
    suite = write_suite(tmp_path / "s.jsonl", rows)  # they bring the same passages
    assert main([str(suite), "--part", "report"]) == 2
    assert capsys.readouterr().err == f'No question of {suite} is of the half "report".\n'


def test_ctrl_c_leaves_what_was_done(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Call 1 warms up, 2 to 4 answer the first question.
    use(monkeypatch, lambda count: os.kill(os.getpid(), signal.SIGINT) if count == 6 else None)
    assert main([str(suite)]) == 130
    captured = capsys.readouterr()
    assert captured.err == "Interrupted. Carry on with --resume.\n"
    assert "Answers:" in captured.out
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
    monkeypatch.setenv("MUTDA_READER", "false")  # with a scripted model nothing is judged by weights
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


def test_questions_whose_files_are_not_there_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MUTDA_EMBEDDER", "toy:64")
    folder = tmp_path / "문서"
    folder.mkdir()
    (folder / "휴가.txt").write_text(PASSAGES[0]["text"], encoding="utf-8")
    bare = {name: value for name, value in ROW.items() if name != "passages"}
    there, typo = bare | {"id": "a-1", "sources": ["휴가.txt"]}, bare | {"id": "a-2", "sources": ["휴기.txt"]}
    brings = ROW | {"id": "a-3", "sources": ["휴기.txt"]}
    line = "1 questions count as not found: 휴기.txt, for one, is not among the documents."
    suite = write_suite(tmp_path / "s.jsonl", [there, typo, brings])
    assert main([str(suite), "--corpus", str(folder), "--model", "fake:"]) == 0
    out = capsys.readouterr().out
    # Before the questions, and again below the tables.
    first, last = out.index(line), out.rindex(line)
    assert first < out.index("a-1") < out.index("Answers:") < last
    write_suite(suite, [there])
    assert main([str(suite), "--corpus", str(folder), "--model", "fake:"]) == 0
    assert "not among the documents" not in capsys.readouterr().out


def test_each_folder_and_embedder_has_its_collection(tmp_path: Path) -> None:
    names = {
        collection_name(folder, spec) for folder in (tmp_path, tmp_path / "a") for spec in ("use:", "toy:")
    }
    assert len(names) == 4


# -- carrying on


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    """The report without what no two runs share: the clock, and what an engine's cache happens to hold."""
    text = json.dumps({key: value for key, value in report.items() if key not in {"date", "time_ratios"}})

    def without(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        own = ("seconds", "cached", "evaluated", "trace_id")
        return {key: value for key, value in pairs if not any(part in key for part in own)}

    kept: dict[str, Any] = json.loads(text, object_pairs_hook=without)
    return kept


class Killed(BaseException):
    """As sudden as a kill: nothing of the run's own code catches it."""


def kill_at(call: int) -> Callable[[int], None]:
    def before(count: int) -> None:
        if count == call:
            raise Killed

    return before


@pytest.mark.parametrize("call", [5, 8, 10, 13])
def test_a_killed_run_that_is_carried_on_equals_one_that_was_not(
    suite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    call: int,
) -> None:
    path = tmp_path / "r.json"
    options = [str(suite), "--json", str(path), "--baseline", "plain"]
    use(monkeypatch)
    assert main(options) == 0
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    use(monkeypatch, kill_at(call))
    with pytest.raises(Killed):
        main(options)
    assert not path.exists()
    kept = len((tmp_path / "r.json.unfinished.jsonl").read_text(encoding="utf-8").splitlines()) - 1
    assert 0 < kept < 6
    use(monkeypatch)
    capsys.readouterr()
    assert main([*options, "--resume"]) == 0
    out = capsys.readouterr().out
    assert f"{kept} answers are there already." in out and "6/6" in out and f"{kept}/6" not in out
    assert timeless(json.loads(path.read_text(encoding="utf-8"))) == timeless(whole)
    assert not (tmp_path / "r.json.unfinished.jsonl").exists()


def test_an_interrupted_run_is_carried_on_from_its_journal(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lambda count: os.kill(os.getpid(), signal.SIGINT) if count == 6 else None)
    assert main([str(suite)]) == 130
    began = report_of()["date"]
    use(monkeypatch)
    assert main([str(suite), "--resume"]) == 0
    report = report_of()
    assert report["interrupted"] is False and report["date"] == began
    assert [question["id"] for question in report["questions"]] == ["leave-1", "leave-2", "missing-1"]


def test_another_run_is_not_carried_on(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, kill_at(6))
    with pytest.raises(Killed):
        main([str(suite)])
    use(monkeypatch)
    capsys.readouterr()
    assert main([str(suite), "--resume", "--limit", "2"]) == 2
    assert capsys.readouterr().err == (
        "The interrupted run was another one (limit None → 2). "
        "Put that back, or run without --resume to begin anew.\n"
    )
    write_suite(suite, ROWS[:2])
    assert main([str(suite), "--resume"]) == 2
    assert "was another one (suite " in capsys.readouterr().err


def test_beginning_anew_keeps_the_interrupted_run_aside(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, kill_at(6))
    with pytest.raises(Killed):
        main([str(suite)])
    use(monkeypatch)
    capsys.readouterr()
    assert main([str(suite), "--limit", "2"]) == 0
    folder = Path(os.environ["MUTDA_DATA_DIR"]) / "reports"
    (journal,) = folder.glob("*.unfinished.jsonl")
    kept = journal.with_name(journal.name.removesuffix(".unfinished.jsonl"))
    said = f'An interrupted run was here. It is kept, and goes on with --resume --json "{kept}".'
    assert said in capsys.readouterr().out.splitlines()
    use(monkeypatch)
    assert main([str(suite), "--resume", "--json", str(kept)]) == 0
    assert "answers are there already." in capsys.readouterr().out and not journal.exists()
    assert len(report_of(kept.name)["questions"]) == 3 and len(report_of()["questions"]) == 2


def test_each_interrupted_run_is_kept_and_one_without_an_answer_is_none(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in (6, 2, 2, 6, 6):
        use(monkeypatch, kill_at(call))
        with pytest.raises(Killed):
            main([str(suite)])
    folder = Path(os.environ["MUTDA_DATA_DIR"]) / "reports"
    # The last one is where --resume looks for it.
    assert len(list(folder.glob("tiny.fake-*.json.unfinished.jsonl"))) == 2
    assert len(list(folder.glob("*.unfinished.jsonl"))) == 3


# -- reports that are there


def kept_reports() -> list[Path]:
    folder = Path(os.environ["MUTDA_DATA_DIR"]) / "reports"
    return sorted(folder.glob("tiny.fake-*.json"))


def test_another_run_keeps_the_report_that_is_there(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    assert main([str(suite)]) == 0
    assert "Another report was here" not in capsys.readouterr().out
    use(monkeypatch)
    assert main([str(suite), "--limit", "2"]) == 0
    (kept,) = kept_reports()
    assert f"Another report was here; it is kept as {kept}" in capsys.readouterr().out.splitlines()
    assert len(report_of(kept.name)["questions"]) == 3 and len(report_of()["questions"]) == 2
    assert "질문 3개" in kept.with_suffix(".md").read_text(encoding="utf-8")
    assert "leave-2" in kept.with_suffix(".html").read_text(encoding="utf-8")
    use(monkeypatch, lambda count: os.kill(os.getpid(), signal.SIGINT) if count == 6 else None)
    assert main([str(suite)]) == 130
    assert sorted(len(report_of(path.name)["questions"]) for path in kept_reports()) == [2, 3]
    assert len(report_of()["questions"]) == 1


def test_a_run_that_is_carried_on_goes_on_in_its_own_file(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, lambda count: os.kill(os.getpid(), signal.SIGINT) if count == 6 else None)
    assert main([str(suite)]) == 130
    use(monkeypatch)
    assert main([str(suite), "--resume"]) == 0
    assert kept_reports() == [] and "kept as" not in capsys.readouterr().out
    assert len(report_of()["questions"]) == 3


def test_a_killed_run_that_is_carried_on_keeps_the_report_of_the_one_before(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    assert main([str(suite), "--limit", "2"]) == 0
    use(monkeypatch, kill_at(6))
    with pytest.raises(Killed):
        main([str(suite)])
    use(monkeypatch)
    assert main([str(suite), "--resume"]) == 0
    (kept,) = kept_reports()
    assert len(report_of(kept.name)["questions"]) == 2 and len(report_of()["questions"]) == 3


def test_a_run_that_answers_nothing_leaves_the_report_where_it_is(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    assert main([str(suite)]) == 0
    use(monkeypatch, kill_at(1))
    with pytest.raises(Killed):
        main([str(suite)])
    assert kept_reports() == [] and len(report_of()["questions"]) == 3


def test_a_file_named_with_json_is_kept_too(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.json").write_text("notes", encoding="utf-8")
    (tmp_path / "mine.md").write_text("more notes", encoding="utf-8")
    use(monkeypatch)
    assert main([str(suite), "--json", str(tmp_path / "mine.json")]) == 0
    (kept,) = tmp_path.glob("mine-*.json")
    assert kept.read_text(encoding="utf-8") == "notes"
    assert kept.with_suffix(".md").read_text(encoding="utf-8") == "more notes"
    assert json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))["questions"]


def test_the_report_before_may_lie_where_the_one_after_goes(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    assert main([str(suite)]) == 0
    path = Path(os.environ["MUTDA_DATA_DIR"]) / "reports" / "tiny.fake.json"
    use(monkeypatch)
    capsys.readouterr()
    assert main([str(suite), "--baseline", str(path)]) == 0
    (kept,) = kept_reports()
    assert f"{kept} (graph)" in path.with_suffix(".html").read_text(encoding="utf-8")


def test_a_report_is_not_named_as_its_own_other_form(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.md"
    assert main([str(suite), "--json", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"--json {path} is where its Markdown or HTML goes: name a file in .json.\n"
    )


def test_a_finished_run_has_nothing_to_carry_on_and_one_never_begun_begins(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    assert main([str(suite), "--resume"]) == 0
    assert main([str(suite), "--resume"]) == 2
    assert "is finished: there is nothing to carry on." in capsys.readouterr().err


# -- comparing


def test_an_earlier_report_is_compared_with_and_nothing_runs_for_it(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    earlier = tmp_path / "earlier.json"
    assert main([str(suite), "--json", str(earlier)]) == 0
    was = json.loads(earlier.read_text(encoding="utf-8"))
    was["questions"][0] |= {"mark": "wrong", "contained": False}
    earlier.write_text(json.dumps(was), encoding="utf-8")
    capsys.readouterr()
    assert main([str(suite), "--baseline", str(earlier)]) == 0
    out = capsys.readouterr().out
    assert "this run (graph) against" in out and "Right now (1): leave-1" in out
    assert {question["system"] for question in report_of()["questions"]} == {"graph"}


def test_a_baseline_that_is_neither_a_name_nor_a_report(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(suite), "--baseline", "plane"]) == 2
    assert capsys.readouterr().err == "--baseline plane is neither plain nor tutorial nor a report's file.\n"
    assert main([str(suite), "--baseline", str(suite)]) == 2
    assert "cannot be read: it is not JSON." in capsys.readouterr().err


def test_a_report_over_other_questions_does_not_lose_the_run(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    other = write_suite(tmp_path / "other.jsonl", [ROW | {"id": "else-1"}])
    assert main([str(other)]) == 0
    path = Path(os.environ["MUTDA_DATA_DIR"]) / "reports" / "other.fake.json"
    assert main([str(suite), "--baseline", str(path)]) == 0
    assert "have no question in common." in " ".join(capsys.readouterr().out.split())
    assert len(report_of()["questions"]) == 3


def test_no_line_of_a_run_in_a_pipe_is_wider_than_a_hundred_columns(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Script()

    async def by_tutorial(question: Question, resources: Resources) -> dict[str, Any]:
        reply = script([HumanMessage("Answer the question")])
        state: dict[str, Any] = await evals.plain.answer_plainly(question, resources)
        state["result"] |= {"answer": reply.text * 20}
        return state

    monkeypatch.setattr("evals.tutorial.answer_by_tutorial", by_tutorial)
    use(monkeypatch)
    assert main([str(suite), "--baseline", "plain", "--baseline", "tutorial"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("Report: ")]
    assert max(map(cell_len, lines)) <= 100
    assert [line.split()[0] for line in lines[:9]] == [f"{number}/9" for number in range(1, 10)]
    assert report_of()["settings"]["baselines"] == ["plain", "tutorial"]
