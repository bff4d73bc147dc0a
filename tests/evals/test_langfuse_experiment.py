"""Whole runs of a suite with fakes for a model, against a server that speaks Langfuse's interface."""

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langfuse.api import DatasetStatus, LangfuseAPI
from stand_ins.langfuse_server import LangfuseServer
from test_run_suite import Killed, kill_at, report_of, use, write_suite

import app.tracing.langfuse_client
import evals.langfuse_experiment
import evals.traced
from app.settings import load_settings
from app.tracing.store import TraceStore
from evals.langfuse_datasets import LangfuseDatasetError, LangfuseDatasets
from evals.langfuse_items import is_of_a_suite, item_id, item_of, items_sha256
from evals.run import main
from evals.suite import Case

SECRET = "010-1234-5678"
ROW: dict[str, Any] = {
    "question": f"연차 휴가 규정을 알려 주세요. 제 번호는 {SECRET}입니다",
    "answers": ["17일"],
    "answerable": True,
    "passages": [{"title": "휴가", "text": "연차 휴가는 17일입니다. 신청은 3일 전까지 합니다."}],
}
ROWS = [
    ROW | {"id": "leave-1"},
    ROW | {"id": "leave-2"},
    ROW | {"id": "missing-1", "answerable": False, "answers": []},
]
BOTH = ["--baseline", "plain"]
NAME = "rules/tiny"
"""Of the suite, in Langfuse."""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return suite_at(tmp_path / "rules" / "tiny.jsonl", ROWS)


def suite_at(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    return write_suite(path, rows)


@pytest.fixture(params=[False, True], ids=["version 4", "version 3"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[LangfuseServer]:
    with LangfuseServer(has_runs=request.param, public_key=own_key()) as server:
        point_at(server, monkeypatch)
        yield server


@pytest.fixture(autouse=True)
def ended_threads() -> Iterator[None]:
    """What waited for a server at fault hangs up when that is gone, and is not to outlive its test."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("langfuse"):
            thread.join(max(0.0, deadline - time.monotonic()))


def own_key() -> str:
    """The SDK keeps one client for each public key, and that of a test before may still wait for its server."""
    return f"pk-lf-{uuid4().hex}"


def point_at(server: LangfuseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def test_each_question_is_a_trace_of_its_own(
    suite: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    assert main([str(suite), *BOTH]) == 0
    report = report_of()
    rows = {row["result"]["trace_id"]: row for row in report["questions"]}
    traces = server.traces()
    assert len(rows) == 6 and set(rows) == set(traces)
    session = f"{NAME} {report['date']}"
    for trace_id, spans in traces.items():
        row = rows[trace_id]
        root = spans[0]
        assert root.name == ("rag" if row["system"] == "graph" else "plain") and root.parent_id == ""
        assert root.metadata("question_id") == row["id"]
        for span in spans:
            assert span.attributes["session.id"] == session
            assert span.attributes["langfuse.trace.tags"] == [NAME, row["system"]]
            assert span.attributes["langfuse.environment"] == "experiment"
    graph, plain = (
        next(t for t, row in rows.items() if row["system"] == name) for name in ("graph", "plain")
    )
    assert server.tree(graph)[:2] == ["rag", "  prepare"]
    assert server.tree(plain)[0] == "plain" and len(server.tree(plain)) == 2
    assert traces[plain][0].read("output")["answer"].startswith("연차 휴가는 17일입니다.")


def test_the_suite_is_a_dataset_and_each_system_an_experiment(
    suite: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    assert main([str(suite), *BOTH]) == 0
    report = report_of()
    (dataset,) = server.datasets.values()
    assert dataset["name"] == NAME and dataset["metadata"]["suite_sha256"] == report["suite_sha256"]
    assert dataset["metadata"]["questions"] == 3
    assert set(server.items) == {item_id(NAME, row["id"]) for row in ROWS}
    item = server.items[item_id(NAME, "leave-1")]
    assert item["input"]["question"] == "연차 휴가 규정을 알려 주세요. 제 번호는 [phone]입니다"
    assert item["input"]["passages"] == ROW["passages"]
    assert item["expectedOutput"] == {"answerable": True, "answers": ["17일"], "sources": [], "forbidden": []}
    assert item["metadata"] == {"id": "leave-1", "kind": "leave"}
    runs = report["langfuse"]["runs"]
    for row in report["questions"]:
        for span in server.traces()[row["result"]["trace_id"]]:
            told = {
                name.removeprefix("langfuse.experiment."): value
                for name, value in span.attributes.items()
                if name.startswith("langfuse.experiment.")
            }
            root = next(s for s in server.traces()[span.trace_id] if not s.parent_id)
            assert told.pop("item.root_observation_id") == root.id
            assert told["name"] == f"{row['system']} · fake: · {report['date']}"
            assert told["item.id"] == item_id(NAME, row["id"])
            assert told["dataset.id"] == dataset["id"]
            assert runs[row["system"]].endswith(f"/datasets/{dataset['id']}/runs/{told['id']}")
            assert (
                told["metadata.model"] == "fake:" and told["metadata.suite_sha256"] == report["suite_sha256"]
            )
            assert ("item.expected_output" in told) == (span is root)
    assert runs["graph"] != runs["plain"]
    linked = [(kept["datasetItemId"], kept["traceId"], kept["datasetRunId"]) for kept in server.run_items]
    if server.has_runs:
        assert sorted(linked) == sorted(
            (item_id(NAME, row["id"]), row["result"]["trace_id"], runs[row["system"]].rpartition("/")[2])
            for row in report["questions"]
        )
    else:
        assert linked == [] and server.posts.count("/api/public/dataset-run-items") == 2
    assert SECRET not in "".join(body.decode(errors="replace") for body in server.raw)


def test_the_scores_of_the_report_are_on_the_traces(
    suite: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    assert main([str(suite), *BOTH]) == 0
    for row in report_of()["questions"]:
        found = {
            score["name"]: score["value"]
            for score in server.scores
            if score["traceId"] == row["result"]["trace_id"]
        }
        assert found["right"] == (row["mark"] == "right") and found["refused"] == row["refused"]
        assert found["calls"] == row["result"]["cost"]["llm_calls"]
        assert found["seconds"] == pytest.approx(row["seconds"])
        if row["system"] == "graph":
            assert found["evidence"] == row["result"]["evidence"]
            valid = row["citations_valid"]
            assert found["citations valid"] == sum(valid) / len(valid)
        else:
            assert not {"evidence", "grounded", "citations valid", "Brier"} & set(found)


def test_running_twice_doubles_nothing_and_makes_another_experiment(
    suite: Path, tmp_path: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        use(monkeypatch)
        monkeypatch.setattr("evals.run.datetime", at(number))
        assert main([str(suite), "--limit", "2", "--json", str(tmp_path / f"{number}.json")]) == 0
    assert len(server.datasets) == 1 and len(server.items) == 3
    # The second found everything there.
    assert server.posts.count("/api/public/dataset-items") == 3
    assert server.posts.count("/api/public/v2/datasets") == 2
    first, second = (
        json.loads((tmp_path / f"{n}.json").read_text(encoding="utf-8"))["langfuse"] for n in range(2)
    )
    assert first["dataset"] == second["dataset"] and first["runs"] != second["runs"]
    write_suite(suite, [ROWS[0] | {"answers": ["열이레"]}, *ROWS[1:]])
    use(monkeypatch)
    assert main([str(suite), "--limit", "1"]) == 0
    assert len(server.items) == 3
    assert server.items[item_id(NAME, "leave-1")]["expectedOutput"]["answers"] == ["열이레"]
    assert server.datasets[NAME]["metadata"]["suite_sha256"] == report_of()["suite_sha256"]


def status(server: LangfuseServer) -> dict[str, str]:
    return {item["metadata"]["id"]: item["status"] for item in server.items.values()}


def test_what_left_the_suite_is_archived_and_comes_back(
    suite: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than a page of the list, with what archived items leave behind.
    many = [*ROWS, *(ROW | {"id": f"extra-{n}"} for n in range(60))]
    write_suite(suite, many)
    use(monkeypatch)
    assert main([str(suite), "--limit", "1"]) == 0
    (dataset,) = server.datasets.values()
    by_hand = {"id": "cmb2x9d0q0001ad07o5s3l8vf", "datasetName": NAME, "datasetId": dataset["id"]}
    server.items[by_hand["id"]] = by_hand | {"status": "ACTIVE", "metadata": {"id": "by hand"}}
    write_suite(suite, ROWS[:2])
    use(monkeypatch)
    assert main([str(suite), "--limit", "1"]) == 0
    active = {name for name, kept in status(server).items() if kept == "ACTIVE"}
    assert active == {"leave-1", "leave-2", "by hand"} and len(server.items) == 64
    gone = server.items[item_id(NAME, "missing-1")]
    assert gone["input"]["question"] and gone["expectedOutput"]["answerable"] is False
    posts = len(server.posts)
    use(monkeypatch)
    assert main([str(suite), "--limit", "1"]) == 0
    assert server.posts[posts:].count("/api/public/dataset-items") == 0
    write_suite(suite, ROWS)
    use(monkeypatch)
    assert main([str(suite), "--limit", "1"]) == 0
    active = {name for name, kept in status(server).items() if kept == "ACTIVE"}
    assert active == {"leave-1", "leave-2", "missing-1", "by hand"}


def test_suites_of_one_file_name_are_two_datasets(
    tmp_path: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("korquad", "paraphrases"):
        suite = suite_at(tmp_path / folder / "suite.jsonl", ROWS)
        use(monkeypatch)
        assert main([str(suite)]) == 0
    assert set(server.datasets) == {"korquad/suite", "paraphrases/suite"}
    assert len(server.items) == 6 and set(status(server).values()) == {"ACTIVE"}
    tags = {tuple(span.attributes["langfuse.trace.tags"]) for span in server.spans}
    assert tags == {("korquad/suite", "graph"), ("paraphrases/suite", "graph")}


@pytest.mark.parametrize("has_runs", [False, True])
def test_what_could_not_be_archived_is_the_next_time(
    suite: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    has_runs: bool,
) -> None:
    with LangfuseServer(has_runs=has_runs, public_key=own_key()) as server:
        point_at(server, monkeypatch)
        use(monkeypatch)
        assert main([str(suite), "--limit", "1"]) == 0
        write_suite(suite, ROWS[:2])
        use(monkeypatch)
        server.fault, server.faulty_paths = "500", "/api/public/dataset-items?"
        capsys.readouterr()
        assert main([str(suite), "--limit", "1"]) == 0
        out = capsys.readouterr().out
        # The list, and that all is there.
        assert "Langfuse did not take 2 parts of the dataset and its runs (it answered 500)." in out
        assert status(server)["missing-1"] == "ACTIVE"
        server.fault = "none"
        use(monkeypatch)
        assert main([str(suite), "--limit", "1"]) == 0
        assert status(server)["missing-1"] == "ARCHIVED"


def at(second: int) -> Any:
    from datetime import datetime

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2026, 11, 21, 9, 0, second, tzinfo=tz)

    return Clock


def test_the_reports_lead_to_them(
    suite: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch)
    assert main([str(suite), *BOTH]) == 0
    report = report_of()
    folder = Path(os.environ["MUTDA_DATA_DIR"]) / "reports"
    page, text = ((folder / f"tiny.fake.{kind}").read_text(encoding="utf-8") for kind in ("html", "md"))
    project = f"{server.url}/project/test"
    assert report["langfuse"]["dataset"] == f"{project}/datasets/dataset-0"
    for row in report["questions"]:
        assert row["trace_url"] == f"{project}/traces/{row['result']['trace_id']}"
    addresses = [report["langfuse"]["dataset"], *report["langfuse"]["runs"].values()]
    for url in [*addresses, *(row["trace_url"] for row in report["questions"])]:
        assert f'href="{url}"' in page and f"]({url})" in text


def test_a_run_that_is_carried_on_goes_on_in_its_experiments(
    suite: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kill_at(8))
    with pytest.raises(Killed):
        main([str(suite), *BOTH])
    use(monkeypatch)
    assert main([str(suite), *BOTH, "--resume"]) == 0
    names = {span.attributes["langfuse.experiment.name"] for span in server.spans}
    ids = {span.attributes["langfuse.experiment.id"] for span in server.spans}
    assert len(names) == len(ids) == 2
    assert {span.attributes["session.id"] for span in server.spans} == {f"{NAME} {report_of()['date']}"}


def test_a_failed_question_is_scored_too(
    suite: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.errors import ModelError

    def fail(count: int) -> None:
        if count == 2:
            raise ModelError("the server broke off")

    use(monkeypatch, fail)
    assert main([str(suite), "--limit", "1"]) == 0
    assert report_of()["questions"][0]["mark"] == "error"
    (trace_id,) = server.traces()
    assert {score["name"]: score["value"] for score in server.scores if score["traceId"] == trace_id} == {
        "right": 0.0,
        "contained": 0.0,
        "exact match": 0.0,
        "F1": 0.0,
        "refused": 1.0,
        "false refuse": 1.0,
    }


@pytest.mark.parametrize(
    ("fault", "paths", "said"),
    [
        ("hang", "", "Langfuse has this run as no experiment (no answer within 0.5 s)."),
        ("500", "", "Langfuse has this run as no experiment (it answered 500)."),
        (
            "500",
            "/api/public/dataset-items",
            "Langfuse has this run as no experiment (it answered 500).",
        ),
        (
            "hang",
            "/api/public/v2/datasets",
            "Langfuse has this run as no experiment (no answer within 0.5 s).",
        ),
    ],
)
def test_a_server_at_fault_costs_the_report_nothing(
    suite: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Any,
    paths: str,
    said: str,
) -> None:
    # Who answers at once, if only with an error, is given the time that a slow machine takes.
    if fault == "hang":
        monkeypatch.setattr(evals.langfuse_experiment, "BEGIN_S", 0.5)
    if fault == "hang" and not paths:
        monkeypatch.setattr(evals.traced, "CLOSE_S", 2.0)
        # Its last post is tried again for so long after the server is gone.
        monkeypatch.setattr(app.tracing.langfuse_client, "CALL_TIMEOUT_S", 10.0)
    with LangfuseServer(fault=fault, faulty_paths=paths, public_key=own_key()) as server:
        point_at(server, monkeypatch)
        use(monkeypatch)
        started = time.perf_counter()
        assert main([str(suite), *BOTH]) == 0
        # A post that is waited for would take ten seconds, and there are more than a hundred.
        assert time.perf_counter() - started < 120
    report = report_of()
    assert len(report["questions"]) == 6 and report["interrupted"] is False
    assert "langfuse" not in report and "trace_url" not in report["questions"][0]
    lines = [line for line in capsys.readouterr().out.splitlines() if "Langfuse" in line]
    assert len(lines) == 1 and lines[0].startswith(said)
    # Spans go their own way: with the server's other half at fault they arrive.
    assert len(server.traces()) == (6 if paths else 0)
    assert ("did not take" in lines[0]) == (not paths)


def test_a_server_that_goes_away_in_the_middle_is_told_of_once(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with LangfuseServer(has_runs=True, public_key=own_key()) as server:
        point_at(server, monkeypatch)

        def fail(count: int) -> None:
            if count == 2:
                server.faulty_paths, server.fault = "/api/public/dataset-", "500"

        use(monkeypatch, fail)
        assert main([str(suite), *BOTH]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "Langfuse" in line]
    assert len(lines) == 1
    assert lines[0].endswith("parts of the dataset and its runs (it answered 500).")
    assert len(report_of()["langfuse"]["runs"]) == 2


def test_a_refused_key_is_said(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with LangfuseServer(public_key=own_key()) as server:
        point_at(server, monkeypatch)
        monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-wrong")
        use(monkeypatch)
        assert main([str(suite)]) == 0
    assert "as no experiment (it refuses the keys, 401)." in capsys.readouterr().out


def test_of_a_share_of_the_traces_the_experiment_has_that_share(
    tmp_path: Path, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0.5")
    suite = write_suite(tmp_path / "many.jsonl", [ROW | {"id": f"leave-{n}"} for n in range(24)])
    use(monkeypatch)
    assert main([str(suite)]) == 0
    report = report_of("many.fake.json")
    sent = {row["result"]["trace_id"] for row in report["questions"] if "trace_url" in row}
    assert 3 <= len(sent) <= 21 and set(server.traces()) == sent
    assert {score["traceId"] for score in server.scores} == sent
    assert not server.has_runs or {kept["traceId"] for kept in server.run_items} == sent
    assert len(server.items) == 24


def test_without_langfuse_nothing_is_traced_unless_asked_for(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> list[str]:
        folder = load_settings().data_dir / "traces"
        if not folder.exists():
            return []
        with closing(TraceStore.open_to_read(folder)) as store:
            return [header.id for header in store.headers(limit=20)]

    use(monkeypatch)
    assert main([str(suite), *BOTH]) == 0
    assert "langfuse" not in report_of()
    assert stored() == []
    use(monkeypatch)
    assert main([str(suite), *BOTH, "--trace"]) == 0
    rows = report_of()["questions"]
    assert sorted(stored()) == sorted(row["result"]["trace_id"] for row in rows)


# -- its parts


def case(**changes: Any) -> Case:
    values: dict[str, Any] = {"id": "leave-1", "question": "며칠?", "answers": ["17일"], "answerable": True}
    return Case(**(values | changes))


def test_an_item_keeps_its_id_and_no_other_suite_has_it() -> None:
    from app.tracing.masking import Masking

    one = item_of("tiny", case(), Masking())
    changed = item_of("tiny", case(question="몇 시?"), Masking())
    assert one.id == changed.id == item_id("tiny", "leave-1") != item_id("other", "leave-1")
    assert is_of_a_suite(one.id) and not is_of_a_suite("cmb2x9d0q0001ad07o5s3l8vf")
    assert (
        items_sha256([one]) == items_sha256([item_of("tiny", case(), Masking())]) != items_sha256([changed])
    )


def test_the_sdk_reads_what_the_stand_in_answers() -> None:
    with LangfuseServer(has_runs=True) as server, httpx.Client(timeout=60, trust_env=False) as client:
        settings = load_settings(
            langfuse_public_key=server.public_key,
            langfuse_secret_key=server.secret_key,
            langfuse_base_url=server.url,
        )
        sdk = LangfuseAPI(
            base_url=server.url,
            username=server.public_key,
            password=server.secret_key,
            httpx_client=client,
        )
        made = sdk.datasets.create(name="한글 이름/둘", metadata={"a": 1})
        item = sdk.dataset_items.create(dataset_name=made.name, id="i", input={"question": "?"})
        linked = sdk.dataset_run_items.create(run_name="r", dataset_item_id=item.id, trace_id="a" * 32)
        ours = LangfuseDatasets(settings)
        assert ours.active_items(made.name) == ["i"]
        ours.archive_item(made.name, "i")
        assert ours.active_items(made.name) == []
        (kept,) = sdk.dataset_items.list(dataset_name=made.name, page=1, limit=50).data
        assert kept.status == DatasetStatus.ARCHIVED and kept.input == {"question": "?"}
        found = ours.dataset("한글 이름/둘")
        assert found and (found.id, found.metadata) == (made.id, {"a": 1})
        assert ours.dataset("none") is None and ours.project() == "test"
        assert ours.link("r", "i", "b" * 32, metadata={}) == linked.dataset_run_id
        assert ours.link("r", "none", "b" * 32, metadata={}, may_lack=True) is None
        with pytest.raises(LangfuseDatasetError, match=r"^it answered 404$"):
            ours.link("r", "none", "b" * 32, metadata={})
        ours.close()


def test_a_report_leads_nowhere_but_to_the_web() -> None:
    from app.markup import link as in_html
    from evals.markdown import link as in_markdown

    assert in_html("a", "javascript:alert(1)") == "a" == in_markdown("a", "javascript:alert(1)")
    assert in_html("<a>", 'https://x/"b') == '<a href="https://x/&quot;b" rel="noreferrer">&lt;a&gt;</a>'
    assert in_markdown("a", "https://x/b) [c](d |") == "[a](https://x/b%29%20%5Bc%5D%28d%20%7C)"
