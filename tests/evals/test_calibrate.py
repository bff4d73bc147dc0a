import io
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import CALIBRATION, Script, make_resources, step_of
from langchain_core.messages import BaseMessage
from rich.console import Console

import evals.gathering
from app.errors import ModelError, MutdaError, ServiceError
from app.models.fake import FakeModel, FakeReply
from evals.calibrate import CalibrateOptions, Fitted, calibrate, fit_and_judge
from evals.calibration_figures import curve_of, risk_at_levels
from evals.calibration_page import page
from evals.calibration_report import behind, sparkline, verdict
from evals.calibration_store import FittedOn, fitted_on, store
from evals.fit import GRADER_ALONE
from evals.gathered import Gathered, case_key, key_of
from evals.gathering import choose_suites, names_of
from evals.policy import Questions
from evals.suite import Case, GivenPassage
from graphs.evidence import read_calibration
from graphs.fingerprint import Fingerprint
from graphs.resources import Resources

FINGERPRINT = Fingerprint(family="fake", spec="fake:", prompts_sha256="a" * 64)


def rows(n: int = 24) -> list[dict[str, Any]]:
    """Every second question is answered by the passage it brings; the others' passages are blank."""
    return [
        {
            "id": f"{'has' if number % 2 == 0 else 'lacks'}-{number}",
            "question": f"부서 {number}의 담당은 누구인가요?",
            "answers": [],
            "answerable": number % 2 == 0,
            "passages": [
                {"title": "담당", "text": f"부서 {number}의 담당은 사람입니다." if number % 2 == 0 else f"빈 글 {number}"},
                {"title": "주차", "text": f"부서 {number}의 주차장은 지하입니다."},
                {"title": "식당", "text": f"부서 {number}의 식당은 옥상입니다."},
            ],
        }
        for number in range(n)
    ]  # fmt: skip


def write_suite(path: Path, cases: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(case, ensure_ascii=False) for case in cases), encoding="utf-8")
    return path


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_suite(tmp_path / "own.jsonl", rows())


@pytest.fixture
def console() -> Console:
    return Console(width=120, highlight=False, record=True)


def use(
    monkeypatch: pytest.MonkeyPatch, before_reply: Callable[[int], None] = lambda count: None
) -> list[str]:
    """Open fakes instead of a model; gives the questions that were graded, as they come."""
    graded: list[str] = []
    script = Script()

    def reply(messages: Sequence[BaseMessage]) -> FakeReply:
        text = str(messages[-1].content)
        if step_of(messages) != "grade":
            return script(messages)
        graded.append(text.partition("Question: ")[2].partition("\n")[0])
        before_reply(len(graded))
        return FakeReply(yes=0.2 if "빈 글" in text else 0.6)

    @asynccontextmanager
    async def opened(*arguments: Any, **options: Any) -> AsyncIterator[Resources]:
        yield make_resources(model=FakeModel(reply))

    monkeypatch.setattr(evals.gathering, "open_resources", opened)
    return graded


def folder() -> Path:
    return Path(os.environ["MUTDA_DATA_DIR"]) / "calibrations"


def stored() -> Path:
    (path,) = folder().glob("*.json")
    return path


# -- from questions to a file


def test_it_asks_fits_tells_and_stores(
    suite: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    graded = use(monkeypatch)
    assert calibrate(CalibrateOptions(suites=(suite,)), console) == 0
    assert len(graded) == 48  # both looks of each
    out = console.export_text()
    # Grades of .6 are below the bar of the calibration in use, .7, at the first look, not at the second.
    assert "own" in out and "has" in out and "lacks" in out and "1.000±.000" in out
    assert "Evidence: bias" in out and "the grader and missing numbers" in out
    assert "12 questions" not in out and "before" in out and "5-fold cross-validation" in out
    calibration, data = read_calibration(stored())
    assert calibration.family == "fake" and set(calibration.evidence_weights) == {"bias", *GRADER_ALONE}
    assert calibration.hopeless <= calibration.accept_narrow
    assert calibration.grounded_weights == CALIBRATION.grounded_weights  # not fitted here
    assert calibration.fitted_on.startswith("own (sha256 ") and "12 has, 12 lacks" in calibration.fitted_on
    assert data["model"]["spec"] == "fake:" and len(data["model"]["prompts_sha256"]) == 64
    assert data["questions"]["suites"][0]["kinds"] == {"has": 12, "lacks": 12}
    assert len(data["questions"]["keys"]) == len(data["questions"]["cases"]) == 24
    assert data["figures"]["overall"]["after"]["value"] == pytest.approx(1)
    assert data["figures"]["widened"]["before"] > 0.4 > data["figures"]["widened"]["after"]
    assert f"delete {stored()}" in out
    html = (folder().parent / "reports" / f"{stored().stem}.calibration.html").read_text(encoding="utf-8")
    assert html.count('<svg viewBox="0 0 600') == 2 and "교차 검증" in html and "own" in html


def test_the_older_one_is_kept_and_known_questions_are_told(
    suite: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    graded = use(monkeypatch)
    calibrate(CalibrateOptions(suites=(suite,)), console)
    first = stored().read_text(encoding="utf-8")
    console.export_text()
    calibrate(CalibrateOptions(suites=(suite,), limit=20, seed=3), console)
    out = console.export_text()
    previous = stored().with_name(f"{stored().name}.previous")
    assert previous.read_text(encoding="utf-8") == first != stored().read_text(encoding="utf-8")
    assert f"rename {previous} to {stored().name}" in out
    assert "It was fitted on 20 of these 20 questions: its figures here are flattered." in out
    assert len(graded) == 48  # nothing was asked again


def test_what_is_behind_is_stored_only_where_it_is_wanted(
    suite: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    def judge(*arguments: Any, **options: Any) -> Fitted:
        fitted = fit_and_judge(*arguments, **options)
        return replace(fitted, figures={**fitted.figures, "gain": {"value": -0.01, "error": 0.05, "n": 24}})

    graded = use(monkeypatch)
    calibrate(CalibrateOptions(suites=(suite,)), console)
    first = stored().read_text(encoding="utf-8")
    console.export_text()
    monkeypatch.setattr("evals.calibrate.fit_and_judge", judge)
    assert calibrate(CalibrateOptions(suites=(suite,), limit=20), console) == 0
    out = console.export_text()
    line = "Not stored: the one before stays in use. To store this one all the same, add --store-anyway.\n"
    assert line in out and "Stored: " not in out and "difference -0.010" in out
    assert stored().read_text(encoding="utf-8") == first
    report = folder().parent / "reports" / f"{stored().stem}.calibration.html"
    assert f"Report: {report}" in out and "저장하지 않았습니다" in report.read_text(encoding="utf-8")

    report.unlink()
    report.mkdir()
    calibrate(CalibrateOptions(suites=(suite,), limit=20), console)
    assert f"The report {report} cannot be written.\n" in console.export_text()
    report.rmdir()
    calibrate(CalibrateOptions(suites=(suite,), limit=20, store_anyway=True), console)
    out = console.export_text()
    assert f"Stored: {stored()}" in out and "Not stored" not in out
    assert stored().read_text(encoding="utf-8") != first
    assert "저장하지 않았습니다" not in report.read_text(encoding="utf-8")
    assert len(graded) == 48


@pytest.mark.parametrize(("gain", "is_behind"), [(0.1, False), (0.0, False), (-1e-17, False), (-0.001, True)])
def test_a_tie_is_not_behind(gain: float, is_behind: bool) -> None:
    assert behind({"gain": {"value": gain, "error": 0.05, "n": 24}}) is is_behind


def test_a_report_that_cannot_be_written_costs_no_calibration(
    suite: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    use(monkeypatch)
    (folder().parent / "reports").write_text("", encoding="utf-8")
    assert calibrate(CalibrateOptions(suites=(suite,)), console) == 0
    assert "the calibration is stored all the same" in console.export_text() and stored().exists()


def test_the_time_left_stands_below_at_a_terminal(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)
    terminal = Console(width=120, force_terminal=True, file=io.StringIO())
    assert calibrate(CalibrateOptions(suites=(suite,)), terminal) == 0
    out = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "24/24" in out and "left" in out


def test_a_half_of_the_questions_is_that_of_the_other_measurements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    from evals.korquad import part_of

    use(monkeypatch)
    suite = write_suite(tmp_path / "own.jsonl", rows(60))
    calibrate(CalibrateOptions(suites=(suite,), part="fit"), console)
    data = read_calibration(stored())[1]
    fit = sum(part_of(row["id"]) == "fit" for row in rows(60))
    assert 15 < fit < 45 and len(data["questions"]["keys"]) == fit
    assert data["questions"]["part"] == "fit" and 'of the half "fit"' in data["calibration"]["fitted_on"]
    # The passages of every one are called the same: nothing is left to report on.
    line = f'own: Part: "fit", {fit} of the suite\'s 60 questions. In neither half: {60 - fit}, which share'
    assert line in console.export_text()


def test_questions_over_one_file_are_not_halved(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    bare = [
        {"id": f"a-{n}", "question": f"{n}?", "answers": ["나"], "answerable": True, "sources": [f"{n // 10}.txt"]}
        for n in range(60)
    ]  # fmt: skip
    suite = write_suite(tmp_path / "own.jsonl", bare)

    def files(part: Any) -> list[str]:
        (chosen,) = choose_suites([suite], [docs], part=part, limit=None, seed=1)
        return sorted(name for case in chosen.cases for name in case.sources)

    both = files("fit") + files("report")
    assert sorted(both) == files(None) and set(files("fit")) & set(files("report")) == set()
    assert 0 < len(files("fit")) < 60


def test_too_few_questions_store_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    use(monkeypatch)
    with pytest.raises(MutdaError, match="Too few questions to fit"):
        calibrate(CalibrateOptions(suites=(write_suite(tmp_path / "s.jsonl", rows(10)),)), console)
    assert list(folder().glob("*.json")) == []
    arithmetic = [{**row, "question": "17일에서 3일을 빼면 며칠인가요?"} for row in rows(10)]
    with pytest.raises(MutdaError, match="No question is left"):
        calibrate(CalibrateOptions(suites=(write_suite(tmp_path / "a.jsonl", arithmetic),)), console)


# -- carrying on


class Killed(BaseException):
    """As sudden as a kill."""


def test_a_killed_run_is_carried_on(suite: Path, monkeypatch: pytest.MonkeyPatch, console: Console) -> None:
    def kill(count: int) -> None:
        if count == 16:
            raise Killed

    use(monkeypatch, kill)
    with pytest.raises(Killed):
        calibrate(CalibrateOptions(suites=(suite,)), console)
    (path,) = folder().glob("*.signals.jsonl")
    kept = path.read_text(encoding="utf-8")
    assert kept.count("\n") == 7
    path.write_text(kept[:-40], encoding="utf-8")  # the disk was full in the middle of a line
    graded = use(monkeypatch)
    assert calibrate(CalibrateOptions(suites=(suite,)), console) == 0
    assert "Of 6 questions the signals are there already." in console.export_text()
    assert len(graded) == 2 * (24 - 6)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6 + 1 + 18
    graded.clear()
    calibrate(CalibrateOptions(suites=(suite,)), console)
    assert graded == []
    calibrate(CalibrateOptions(suites=(suite,), anew=True), console)
    assert len(graded) == 48


def test_ctrl_c_ends_it_in_order(
    suite: Path, monkeypatch: pytest.MonkeyPatch, console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, lambda count: os.kill(os.getpid(), signal.SIGINT) if count == 6 else None)
    assert calibrate(CalibrateOptions(suites=(suite,)), console) == 130
    assert capsys.readouterr().err == "Interrupted. Run the same command again to carry on.\n"
    assert list(folder().glob("*.json")) == [] and list(folder().glob("*.signals.jsonl"))


def test_a_failure_leaves_one_question_out_and_three_in_a_row_end_it(
    suite: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    def fail(*counts: int) -> Callable[[int], None]:
        def before(count: int) -> None:
            if count in counts:
                raise ModelError("The server is gone.")

        return before

    use(monkeypatch, fail(3, 8))
    calibrate(CalibrateOptions(suites=(suite,)), console)
    assert "Left out: 2 questions that failed." in console.export_text()
    assert len(read_calibration(stored())[1]["questions"]["keys"]) == 22
    use(monkeypatch, fail(*range(30)))
    with pytest.raises(ServiceError, match=r"3 questions in a row failed.*gone.*carry on"):
        calibrate(CalibrateOptions(suites=(suite,), anew=True), console)


def test_a_record_is_of_a_question_its_documents_embedder_and_looks() -> None:
    bare = Case(id="a-1", question="누구?", answers=["나"], answerable=True, kind="a", sources=["a.txt"])
    where: dict[str, Any] = {"documents": "d", "embedder": "toy:", "looks": (2, 4)}
    keys = {
        key_of(bare, **where),
        key_of(bare.model_copy(update={"question": "누가?"}), **where),
        key_of(bare.model_copy(update={"answers": ["너"]}), **where),
        *(key_of(bare, **{**where, **change}) for change in (
            {"documents": "e"}, {"embedder": "use:"}, {"looks": (2, 6)},
        )),
    }  # fmt: skip
    assert len(keys) == 6
    assert key_of(bare.model_copy(update={"id": "b", "kind": "b"}), **where) in keys
    given = bare.model_copy(update={"passages": [GivenPassage(title="t", text="글")]})
    assert key_of(given, **where) == key_of(given, **{**where, "documents": "e"})


def test_a_calibration_knows_its_questions_over_other_documents_too() -> None:
    case = Case(id="a-1", question="누구?", answers=["나"], answerable=True, kind="a", sources=["a.txt"])
    key = key_of(case, documents="d", embedder="toy:", looks=(2, 4))
    by_key = FittedOn(keys=frozenset({key}), cases=frozenset())
    assert by_key.saw(case, key) and not by_key.saw(case, "another")
    known = FittedOn(keys=frozenset({key}), cases=frozenset({case_key(case)}))
    assert known.saw(case.model_copy(update={"id": "b", "kind": "b"}), "another")
    assert not known.saw(case.model_copy(update={"question": "누가?"}), "another")


def test_a_calibration_without_a_list_is_told_from_one_of_nothing(tmp_path: Path) -> None:
    def put(**questions: Any) -> FittedOn | None:
        store(tmp_path, CALIBRATION, FINGERPRINT, questions=questions, figures={}, date="2026-11-22")
        return fitted_on(tmp_path, FINGERPRINT)

    assert fitted_on(tmp_path, FINGERPRINT) is None
    assert put(part=None) is None
    assert put(keys=["a"]) == FittedOn(keys=frozenset({"a"}), cases=frozenset())
    assert put(keys=["a"], cases=["b"]) == FittedOn(keys=frozenset({"a"}), cases=frozenset({"b"}))


def test_lines_that_are_no_records_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('[1]\n{"key": "a"}\nnonsense\n', encoding="utf-8")
    with Gathered(path) as kept:
        assert kept.records == {}
        kept.add("k", {"looks": {}, "unasked": "", "rests_on": []})
    with Gathered(path) as kept:
        assert list(kept.records) == ["k"]
    with pytest.raises(MutdaError, match="cannot be kept"):
        Gathered(tmp_path)


# -- suites and their documents


def test_each_suite_gets_its_documents(tmp_path: Path) -> None:
    bare = [{"id": "a-1", "question": "누구?", "answers": ["나"], "answerable": True}]
    one, two = (
        write_suite(tmp_path / "one/suite.jsonl", bare),
        write_suite(tmp_path / "two/suite.jsonl", bare),
    )
    given = write_suite(tmp_path / "given.jsonl", rows(2))
    docs, more = tmp_path / "docs", tmp_path / "more"
    docs.mkdir()
    more.mkdir()

    def chosen(*corpora: Path) -> list[tuple[str, Path | None]]:
        suites = choose_suites([one, given, two], corpora, part=None, limit=None, seed=1)
        return [(suite.name, suite.corpus) for suite in suites]

    assert chosen(docs) == [("one/suite", docs), ("given", None), ("two/suite", docs)]
    assert chosen(docs, more) == [("one/suite", docs), ("given", None), ("two/suite", more)]
    with pytest.raises(MutdaError, match="given 3 times, and 2 suites need documents"):
        chosen(docs, more, docs)
    with pytest.raises(MutdaError, match='"a-1" brings no passages'):
        chosen()
    assert names_of([tmp_path / "a.jsonl", tmp_path / "b.jsonl"]) == ["a", "b"]
    assert names_of([Path("x/a/s.jsonl"), Path("y/a/s.jsonl")]) == ["x/a/s.jsonl", "y/a/s.jsonl"]


# -- figures


def judged(n: int = 60, *, seed: int = 1) -> tuple[Questions, Any]:
    chance = np.random.default_rng(seed)
    holds = np.arange(n) % 2 == 0
    narrow = np.column_stack(
        [np.where(holds, 1.5, -1.5) + chance.normal(0, 1.2, n), np.full((n, 2), 0.5), np.zeros((n, 2))]
    )
    asked = Questions(
        suites=tuple("a" if i < 30 else "b" for i in range(n)),
        kinds=tuple("has" if there else f"lacks{i % 3}" for i, there in enumerate(holds)),
        groups=np.arange(n) // 2,
        narrow=narrow,
        wide=np.full((n, 5), np.nan),
        best=np.full((n, 2), np.nan),
        holds_narrow=holds,
        holds_wide=holds,
    )
    return asked, fit_and_judge(asked, CALIBRATION, seed=1)


def test_figures_are_of_each_suite_kind_and_signal() -> None:
    asked, fitted = judged()
    found = fitted.figures
    assert list(found["balanced"]) == ["a", "b"]
    assert list(found["balanced"]["a"]) == ["has", "lacks1", "lacks0", "lacks2", ""]
    assert found["balanced"]["a"][""]["n"] == 30 and found["balanced"]["a"]["lacks0"]["n"] == 5
    assert found["balanced"]["a"]["lacks0"]["after"]["n"] == 20  # held against the suite's answerable ones
    assert found["auc"]["a"]["grade"]["narrow"]["value"] > 0.8
    assert found["auc"]["a"]["grade"]["wide"]["value"] is None
    assert found["auc"]["a"]["coverage"]["narrow"]["value"] == 0.5
    assert 0 < found["calibration_error"]["after"]["value"] < 0.3
    json.dumps(found)
    after = fitted.after
    assert found["point"]["after"]["coverage"] == after.accepted.mean()
    expected = (after.right.astype(float) - fitted.before.right).mean()
    assert np.sign(found["gain"]["value"]) == np.sign(expected) or abs(found["gain"]["value"]) < 0.05
    assert len(asked) == found["questions"] == 60


def test_the_risk_at_a_coverage_is_of_the_surest_that_make_it_up() -> None:
    _, fitted = judged()
    levels = risk_at_levels(curve_of(fitted.after))
    assert levels[0] == 0.0 and levels[-1] == 0.5
    surest = np.argsort(-fitted.after.evidence)[:30]
    assert levels[4] == pytest.approx(1 - fitted.after.holds[surest].mean(), abs=0.04)
    assert risk_at_levels([]) == [None] * 10


def test_a_line_of_bars() -> None:
    assert sparkline([0.0, 0.25, 0.5, None], 0.5) == "▁▄█ "
    assert sparkline([0.0, 0.0], 0.0) == "▁▁"


@pytest.mark.parametrize(
    ("gain", "words"), [(0.2, "+0.200±0.050."), (0.06, "within chance"), (-0.2, "worse on these questions")]
)
def test_the_verdict_knows_chance(gain: float, words: str) -> None:
    estimate = {"value": 0.8, "error": 0.03, "n": 9}
    found = {
        "overall": {"before": estimate, "after": estimate},
        "gain": {"value": gain, "error": 0.05, "n": 9},
    }
    assert verdict(found).endswith(words) or words in verdict(found)


def test_names_in_the_report_are_text_whatever_they_hold() -> None:
    _, fitted = judged()
    text = page(fitted.figures, fitted.before, fitted.after, spec="<script>x</script>", before_on="<b>",
                after_on="</p><img>", date="2026", policy="<i>")  # fmt: skip
    assert "<script" not in text and "<b>" not in text and "<img>" not in text and "<i>" not in text


# -- storing


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(MutdaError, match=r"The calibration .* cannot be written"):
        store(tmp_path / "file", CALIBRATION, FINGERPRINT, questions={}, figures={}, date="")


def test_what_is_stored_is_read_back(tmp_path: Path) -> None:
    made = store(tmp_path, CALIBRATION, FINGERPRINT, questions={}, figures={}, date="")
    assert made.previous is None and read_calibration(made.path)[0] == CALIBRATION
    again = store(tmp_path, CALIBRATION, FINGERPRINT, questions={}, figures={}, date="")
    assert again.previous is not None and again.previous.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [made.path.name, again.previous.name]
