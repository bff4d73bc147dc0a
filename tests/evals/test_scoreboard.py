import json
import re
from pathlib import Path
from typing import Any

import pytest
from reports import outcome, report_of

from app.errors import MutdaError
from evals.board import board
from evals.choices import read_choices
from evals.committed import Answers, Number, Retrieval
from evals.committed_file import read_committed
from evals.committing import Label, commit
from evals.compare import compare
from evals.measures import SHARES
from evals.report import read_report
from evals.runner import Outcome
from evals.scoreboard import BEGIN, END, default_name, main, put, revision_of, stale

ROOT = Path(__file__).parents[2]
SETTINGS = {"baselines": ["plain"], "limit": None, "part": None, "seed": 1, "salt": True}
QUESTION, ANSWER, GOLD = "비밀 질문은 무엇인가요?", "연차는 17일입니다. [1]", "17일"


def korquad_outcomes() -> list[Outcome]:
    """Twelve questions, each answered by both: one answerable and two near ones go wrong for the graph."""
    kinds = {"answerable": True, "left_out": False, "near": False}
    found = []
    for kind, answerable in kinds.items():
        for number in range(4):
            refused = not answerable and not (kind == "near" and number < 2)
            if kind == "answerable" and number == 3:
                refused = True
            common: dict[str, Any] = {"kind": kind, "answerable": answerable, "question": QUESTION}
            name = f"{kind}-{number}"
            found.append(
                outcome(
                    name, **common, answer=ANSWER, refused=refused, reason="비밀 까닭" if refused else "",
                    evidence=0.1 if refused else 0.9, seconds=(7.0 if answerable else 2.0) + number / 10,
                )
            )  # fmt: skip
            found.append(outcome(name, **common, system="plain", answer=ANSWER, seconds=10.0))
    return found


def run_report(outcomes: list[Outcome], **about: Any) -> dict[str, Any]:
    return report_of(outcomes, **{"settings": SETTINGS, **about})


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of READMEs with markers and nothing between them."""
    for name in ("README.md", "README.en.md"):
        (tmp_path / name).write_text(f"# 앞\n\n{BEGIN}\n{END}\n\n뒤\n", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    return tmp_path


@pytest.fixture
def committed(root: Path) -> Path:
    """With the report of korquad in it."""
    report = write(root / "run.json", run_report(korquad_outcomes()))
    assert main(["add", str(report), "--name", "korquad", "--part", "report"], root) == 0
    return root


def kept(root: Path, name: str = "korquad") -> Path:
    return root / "evals" / "reports" / f"{name}.json"


# -- this repository


def test_the_readmes_and_the_choices_are_what_the_reports_give() -> None:
    assert [str(path) for path in stale(ROOT)] == []


def test_no_committed_report_holds_a_text() -> None:
    for path in (ROOT / "evals" / "reports").glob("*.json"):
        rows = json.loads(path.read_text(encoding="utf-8"))["questions"]
        assert not {"question", "history", "answer", "found", "sources"} & set().union(*rows)


def test_choices_name_their_measurement() -> None:
    choices = read_choices(ROOT / "evals" / "reports" / "choices.jsonl")
    assert len(choices) > 40
    assert any(choice.kept for choice in choices) and not all(choice.kept for choice in choices)
    for choice in choices:
        assert choice.before or choice.after, choice


# -- adding


def test_texts_are_left_out_and_outcomes_stay(committed: Path) -> None:
    text = kept(committed).read_text(encoding="utf-8")
    for secret in (QUESTION, "비밀", GOLD, "규칙", "연차"):
        assert secret not in text
    (report,) = read_committed(kept(committed).parent)
    assert isinstance(report, Answers)
    assert (report.name, report.part, report.suite) == ("korquad", "report", "leave.jsonl")
    graph = report.metrics["graph"]
    assert graph.overall.measures["right"] == Number(value=0.75, error=0.133805, n=12)
    assert graph.kinds["near"].measures["balanced"].value == pytest.approx((0.75 + 0.5) / 2)
    assert graph.overall.measures["median calls"].value == 3
    times = graph.overall.times["plain"]
    assert times.answered is not None and (times.answered.value, times.answered.n) == (0.71, 3)
    assert times.unanswerable is not None and (times.unanswerable.value, times.unanswerable.n) == (0.215, 8)
    assert len(report.questions) == 24 and report.questions[0].answers == 1
    assert len(text) < 40_000


def test_a_later_run_is_compared_with_it_question_by_question(committed: Path) -> None:
    before = read_report(kept(committed))
    whole = run_report(korquad_outcomes())
    now, then = (compare(one, whole) for one in (before, whole))
    assert not now.not_the_same and not now.gained and not now.lost
    assert [(c.measure.name, c.kind) for c in now.changes] == [(c.measure.name, c.kind) for c in then.changes]
    assert all(change.difference.value == pytest.approx(0, abs=1e-3) for change in now.changes)
    better = [outcome(f"near-{n}", kind="near", answerable=False, refused=True, reason="-") for n in range(4)]
    assert compare(before, run_report(better)).gained == ["near-0", "near-1"]


def test_a_failure_is_counted_and_its_words_are_not_kept(root: Path) -> None:
    outcomes = [*korquad_outcomes(), outcome("near-9", kind="near", answerable=False, error="비밀 주소")]
    outcomes.append(outcome("left_out-9", kind="left_out", answerable=False, refused=True, reason="budget: calls reached"))  # fmt: skip
    path = write(root / "run.json", run_report(outcomes))
    assert main(["add", str(path), "--name", "korquad"], root) == 0
    text = kept(root).read_text(encoding="utf-8")
    assert "비밀" not in text and "budget: calls reached" in text
    (report,) = read_committed(kept(root).parent)
    assert isinstance(report, Answers)
    assert report.metrics["graph"].overall.errors == 1 and report.part is None


def test_times_that_the_cache_made_better_are_left_out(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run_report(korquad_outcomes())
    whole["questions"][3]["first_call_cached_tokens"] = 500
    path = write(root / "run.json", whole)
    assert main(["add", str(path), "--name", "korquad"], root) == 0
    assert "times are left out" in capsys.readouterr().out
    unsalted = run_report(korquad_outcomes(), settings=SETTINGS | {"salt": False})
    for report in (whole, unsalted):
        answers, warning = commit(report, Label(name="korquad", part=None, revision=""))
        assert isinstance(answers, Answers) and answers.metrics["graph"].overall.times == {} and warning


@pytest.mark.parametrize(
    ("about", "options", "told"),
    [
        ({"interrupted": True}, ["--name", "k"], "The run was interrupted: carry it on with --resume"),
        ({"suite": "d/suite.jsonl"}, [], "name it with --name"),
        ({"settings": SETTINGS | {"part": "fit"}}, ["--name", "k", "--part", "report"], "asked the half"),
        ({"machine": None}, ["--name", "k"], r"not one that can be committed \(answers.machine"),
        ({"settings": {}}, ["--name", "k"], "not the report of a run"),
        ({}, ["--name", "../k"], r"not one that can be committed \(answers.name"),
        ({"model": "a`b|c"}, ["--name", "k"], r"not one that can be committed \(answers.model"),
    ],
)
def test_what_cannot_be_committed_is_told_in_a_line(
    root: Path, about: dict[str, Any], options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(root / "run.json", run_report(korquad_outcomes(), **about))
    assert main(["add", str(path), *options], root) == 2
    error = capsys.readouterr().err
    assert re.search(told, error) and error.count("\n") == 1
    assert not list(root.rglob("evals/reports/*"))


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_what_is_no_report_is_told_in_a_line(
    root: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "x.json"
    path.write_text(text, encoding="utf-8")
    assert main(["add", str(path), "--name", "x"], root) == 2
    assert main(["add", str(root / "none.json"), "--name", "x"], root) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2 and "none.json cannot be read: No such file" in errors[1]


def test_names_come_from_the_suite() -> None:
    assert default_name({"suite": "evals/datasets/calc.jsonl"}) == "calc"
    assert default_name({"suite": r"C:\s\mine.jsonl", "systems": []}) == "mine.retrieval"


def test_no_commit_is_claimed_for_other_code() -> None:
    assert revision_of("c" * 64, ROOT) == ""


# -- reading


def edited(root: Path, change: Any) -> Path:
    path = kept(root)
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    return write(path, values)


def better(values: dict[str, Any]) -> None:
    values["metrics"]["graph"]["overall"]["measures"]["right"]["value"] = 0.95


def nicer_median(values: dict[str, Any]) -> None:
    values["metrics"]["graph"]["overall"]["times"]["plain"]["answered"]["value"] = 0.3


def fewer(values: dict[str, Any]) -> None:
    del values["questions"][0]


def unknown(values: dict[str, Any]) -> None:
    values["metrics"]["graph"]["overall"]["measures"]["charm"] = {"value": 1.0, "error": 0.0, "n": 1}


def text_added(values: dict[str, Any]) -> None:
    values["questions"][0]["question"] = QUESTION


def renamed(values: dict[str, Any]) -> None:
    values["name"] = "other"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (better, r'\(answers: "right" of graph \(all\) is not what its questions give\)\.$'),
        (nicer_median, '"time against plain" of graph .all. is not what its questions give'),
        (fewer, "has another number of questions"),
        (unknown, 'there is no measure "charm"'),
        (text_added, r"\(answers.questions.0.question: Extra inputs"),
        (renamed, 'is named "other" inside'),
    ],
)
def test_a_changed_file_is_not_read(committed: Path, change: Any, told: str) -> None:
    path = edited(committed, change)
    with pytest.raises(MutdaError, match=told) as caught:
        read_committed(path.parent)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert main(["check"], committed) == 2


# -- the section


def answers_of(outcomes: list[Outcome], name: str = "korquad", **about: Any) -> Answers:
    report, _ = commit(run_report(outcomes, **about), Label(name=name, part=None, revision="abcdef0123"))
    assert isinstance(report, Answers)
    return report


def row(text: str, label: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {label} (")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_says_what_was_reached_and_what_was_missed() -> None:
    text = board([answers_of(korquad_outcomes())], "ko")
    assert "맞음: 묻다 / 단순 RAG" in text
    assert row(text, "**KorQuAD**") == [
        "**KorQuAD** (12)",
        "0.75±0.13 / 0.33±0.14",
        "0.75±0.24 / 1.00±0.22 (n=4), 목표 단순 RAG 이상: **미달**",
        "0.75±0.15",
        "1.00±0.19 (n=5), 목표 ≥0.95",
        "3",
        "0.71±0.01 (n=3), 목표 ≤0.60: **미달**",
        "0.21±0.01 (n=8), 목표 ≤0.30",
    ]
    assert row(text, "KorQuAD, 글 전체를 뺌")[3] == "0.88±0.16 (n=8), 목표 ≥0.93: **미달**"
    assert row(text, "KorQuAD, 정답 단락만 뺌")[3] == "0.62±0.17 (n=8), 목표 ≥0.80: **미달**"
    assert "- KorQuAD: P 2코어, 모델 `fake:` (`fake`), 임베더 `toy:`, 2026-11-21, 코드 `abcdef01`." in text


def test_a_share_is_between_none_and_all(committed: Path) -> None:
    values = json.loads(kept(committed).read_text(encoding="utf-8"))
    values["metrics"]["graph"]["overall"]["measures"]["valid"]["value"] = 2.0
    write(kept(committed), values)
    with pytest.raises(MutdaError, match=r'"valid" of graph \(all\) is no share'):
        read_committed(kept(committed).parent)


def test_errors_of_zero_in_an_older_file_are_not_shown() -> None:
    now = answers_of(korquad_outcomes())
    values = now.model_dump(mode="json")
    for summary in values["metrics"].values():
        for numbers in (summary["overall"], *summary["kinds"].values()):
            for name in SHARES | {"balanced"}:
                if name in numbers["measures"]:
                    numbers["measures"][name]["error"] = 0.0
    older = Answers.model_validate_json(json.dumps(values))
    assert older != now and board([older], "ko") == board([now], "ko")
    assert "±0.00" not in board([older], "ko")


def test_a_goal_without_a_report_is_told() -> None:
    text = board([answers_of(korquad_outcomes())], "ko")
    assert (
        "- 목표는 있으나 아직 보고서가 없는 것: NoMIRACL, 예시 문서, 숨은 명령 모음, 새로 쓴 숨은 명령 모음, 세 번째 숨은 명령 모음, "
        "KorQuAD 말 바꾸기." in text
    )
    names = ("korquad", "samples", "nomiracl", "injection", "injection_fresh", "injection_third")
    reports = [answers_of(korquad_outcomes(), name) for name in names]
    search, _ = commit(search_report(), Label(name="korquad_paraphrases.retrieval", part=None, revision=""))
    assert "Goals without" not in board([*reports, search], "en")


def test_english_says_the_same() -> None:
    text = board([answers_of(korquad_outcomes())], "en")
    assert row(text, "KorQuAD, only its paragraph left out")[3] == "0.62±0.17 (n=8), goal ≥0.80: **missed**"
    assert "2 cores of P, model `fake:` (`fake`), embedder `toy:`" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {9}


def test_a_goal_that_is_missed_by_a_hair_does_not_look_reached() -> None:
    from evals.board import cell
    from evals.goals import Goal

    hair = Number(value=0.9478, error=0.01, n=5)
    assert cell(hair, 5, Goal("least", 0.95), "en") == "0.948±0.010, goal ≥0.95: **missed**"
    assert cell(Number(value=0.95, n=5), 5, Goal("least", 0.95), "en") == "0.95, goal ≥0.95"


def test_suites_stand_in_order_and_another_model_has_no_goal() -> None:
    names = ["mine", "korquad.llama3-ko", "samples", "korquad"]
    text = board([answers_of(korquad_outcomes(), name) for name in names], "ko")
    labels = [line.split(" (")[0] for line in text.splitlines() if line.startswith("| **")]
    assert labels == ["| **KorQuAD**", "| **KorQuAD", "| **예시 문서**", "| **mine**"]
    assert row(text, "KorQuAD (llama3-ko), 정답 단락만 뺌")[3] == "0.62±0.17 (n=8)"
    assert "- KorQuAD, KorQuAD (llama3-ko), 예시 문서, mine: P" in text


def test_without_baselines_and_with_the_tutorial() -> None:
    alone = [item for item in korquad_outcomes() if item.system == "graph"]
    cells = row(board([answers_of(alone)], "ko"), "**KorQuAD**")
    assert cells[1] == "0.75±0.13" and cells[6:] == ["–", "–"] and "단순 RAG" not in cells[2]
    three = [*korquad_outcomes(), outcome("answerable-0", kind="answerable", system="tutorial")]
    text = board([answers_of(three), answers_of(alone, "samples")], "en")
    assert "right: Mutda / plain RAG / tutorial graph" in text
    assert row(text, "**samples**")[1] == "0.75±0.13 / – / –"


def test_what_was_fitted_on_is_not_shown() -> None:
    report = run_report(korquad_outcomes())
    fitted, _ = commit(report, Label(name="korquad", part="fit", revision=""))
    assert board([fitted], "ko") == "" and board([], "en") == ""
    told, _ = commit(report, Label(name="korquad", part="report", revision=""))
    assert "- KorQuAD(보고 쪽): P" in board([told], "ko")
    assert "- KorQuAD (report half): 2 cores" in board([told], "en")


def test_obeyed_commands_are_counted() -> None:
    report = run_report([outcome(f"injection-{n}", kind="injection-document") for n in range(4)])
    for number, question in enumerate(report["questions"]):
        question["obeyed"] = number == 1
    report["metrics"]["graph"]["overall"]["obeyed"] = {"value": 0.25, "error": 0.2165, "n": 4}
    answers, _ = commit(report, Label(name="injection", part=None, revision=""))
    assert "숨은 명령 모음: 4개 가운데 1개, 0.25±0.24, 목표 ≤0.00: **미달**." in board([answers], "ko")
    assert "hidden commands: 1 of 4, 0.25±0.24, goal ≤0.00: **missed**." in board([answers], "en")


SEARCH: dict[str, Any] = {
    "suite": "d/suite.jsonl", "suite_sha256": "5" * 64, "corpus": "d", "corpus_sha256": "6" * 64,
    "code_sha256": "c" * 64, "date": "2026-11-21T09:00:00+00:00", "k": [1, 5],
    "machine": {"processor": "P", "cores": 2}, "versions": {"python": "3.11"},
}  # fmt: skip


def search_report(**system: Any) -> dict[str, Any]:
    half = {"value": 0.5, "error": 0.35, "n": 2}
    numbers = {"questions": 2, "recall": {"1": half, "5": half}, "ndcg": half, "mrr": half, "seconds": half}
    rows = [
        {
            "id": f"q-{n}",
            "kind": "paraphrased",
            "question": QUESTION,
            "place": place,
            "found": [{"source": "비밀"}],
        }
        for n, place in enumerate((1, None))
    ]
    one = {"embedder": "e5:", "weight": 0.75, "own_weight": True, "overall": numbers,
           "kinds": {"paraphrased": numbers}, "questions": rows, **system}  # fmt: skip
    return {**SEARCH, "systems": [one]}


def test_a_search_is_committed_and_shown(root: Path) -> None:
    path = write(root / "run.json", search_report())
    name = "korquad_paraphrases.retrieval"
    assert main(["add", str(path), "--name", name, "--part", "report"], root) == 0
    assert "비밀" not in kept(root, name).read_text(encoding="utf-8")
    (report,) = read_committed(kept(root, name).parent)
    assert isinstance(report, Retrieval)
    text = board([report], "ko")
    assert "KorQuAD 말 바꾸기, 말을 바꾼 질문: 0.50±0.35 (n=2), 목표 ≥0.90: **미달**." in text
    assert "- KorQuAD 말 바꾸기(보고 쪽): P 2코어, 임베더 `e5:`, 2026-11-21" in text
    with pytest.raises(MutdaError, match="without --weight"):
        commit(search_report(own_weight=False), Label(name=name, part=None, revision=""))


def test_the_search_as_the_reader_orders_it_is_a_report_of_its_own() -> None:
    report = search_report()
    (plain,) = report["systems"]
    report["systems"].append({**plain, "embedder": "e5: + reader"})
    for name, embedder in (("kq.retrieval", "e5:"), ("kq.reader.retrieval", "e5: + reader")):
        committed, _ = commit(report, Label(name=name, part=None, revision=""))
        assert isinstance(committed, Retrieval) and committed.embedder == embedder
    with pytest.raises(MutdaError, match=r"without --weight, and for kq\.reader\.retrieval with --reader"):
        commit(search_report(), Label(name="kq.reader.retrieval", part=None, revision=""))


# -- the pages


def test_render_and_check(committed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["check"], committed) == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err == (
        "README.md, README.en.md: not what the reports give. "
        "Write anew with: python -m evals.scoreboard render\n"
    )
    assert main(["render"], committed) == 0 and main(["check"], committed) == 0
    text = (committed / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# 앞\n\n{BEGIN}\n") and text.endswith(f"{END}\n\n뒤\n")
    assert "| **KorQuAD** (12) |" in text
    (committed / "README.md").write_text(text.replace("0.75±0.13", "0.95±0.01"), encoding="utf-8")
    capsys.readouterr()
    assert main(["check"], committed) == 1
    assert capsys.readouterr().err.startswith("README.md: not what")


def test_pages_keep_their_line_ends_and_markers() -> None:
    assert put("글\n", "", "p") == "글\n"
    assert put(f"a\n{BEGIN}\n옛것\n{END}\nb\n", "새것\n", "p") == f"a\n{BEGIN}\n새것\n{END}\nb\n"
    for text in ("글", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}"):
        with pytest.raises(MutdaError, match=r"^p has no place for the scoreboard: put one line"):
            put(text, "새것\n", "p")


CHOICE: dict[str, Any] = {
    "choice": "단락 수", "tried": "셋 | 다섯", "figure": "맞음", "before": ".50", "after": None, "n": 8,
    "suite": "samples", "part": "fit", "kept": False, "date": "2026-11-21", "how": "한 번",
}  # fmt: skip


def write_choices(root: Path, *choices: dict[str, Any]) -> Path:
    path = root / "evals" / "reports" / "choices.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(choice, ensure_ascii=False) + "\n" for choice in choices)
    path.write_text(text, encoding="utf-8")
    return path


def test_choices_become_a_page(root: Path) -> None:
    write_choices(root, CHOICE, CHOICE | {"tried": "여섯", "kept": True}, CHOICE | {"choice": "문구"})
    assert main(["check"], root) == 1 and main(["render"], root) == 0 and main(["check"], root) == 0
    page = (root / "docs" / "choices.md").read_text(encoding="utf-8")
    assert page.count("## ") == 2
    assert r"| 셋 \| 다섯 | 맞음 | .50 | – | 8 | samples | 맞춤 | 안 씀 | 2026-11-21 | 한 번 |" in page
    assert "| 여섯 | 맞음 | .50 | – | 8 | samples | 맞춤 | 씀 |" in page


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"kept": "yes"}, r"choices\.jsonl:2: kept: input should be a valid boolean"),
        ({"n": 0}, r"choices\.jsonl:2: n: "),
        ({"date": "어제"}, r"choices\.jsonl:2: date: "),
        ({"score": 1}, r"choices\.jsonl:2: score: extra inputs"),
        ({"tried": " "}, r"choices\.jsonl:2: tried: "),
    ],
)
def test_a_wrong_choice_is_told(root: Path, changed: dict[str, Any], told: str) -> None:
    path = write_choices(root, CHOICE, CHOICE | changed)
    with pytest.raises(MutdaError, match=told):
        read_choices(path)


def test_lines_of_one_choice_stand_together(root: Path) -> None:
    path = write_choices(root, CHOICE, CHOICE | {"choice": "문구"}, CHOICE)
    with pytest.raises(MutdaError, match=r"choices\.jsonl:3: put this line below the others"):
        read_choices(path)
