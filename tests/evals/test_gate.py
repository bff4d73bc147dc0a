import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from stand_ins.fake_reader import FakeReader

import evals.gate
from app.corpus.embedding import choose_embedder
from app.errors import ModelError
from app.models.chat import Reply
from app.models.fake import FakeModel
from app.settings import Settings, load_settings
from evals.baseline_file import (
    UNPAIRED,
    BaselineError,
    Measured,
    read_baseline,
    shortfalls,
    unmeasured,
    write_baseline,
)
from evals.gate import FLOORS, LIVE_EMBEDDER, LIVE_QUESTIONS, LIVE_SEED, SUITE, live, main, replay
from evals.recorded import ROOT
from evals.recording import main as record
from evals.setbacks import Counted, missed
from evals.suite import read_suite, sample
from evals.throwaway import resources_over

NAMES = ["가람", "나래", "다솜", "라온", "마루", "바다", "새벽", "아라", "자람", "하늘"]
COUNT = len(NAMES)
ROWS = [
    {
        "id": f"room-{number}", "question": f"{number}번 방은 누가 쓰나요?", "answers": [name], "answerable": True,
        "passages": [{"title": "방", "text": f"{number}번 방은 {name} 씨가 쓴다."}],
    }
    for number, name in enumerate(NAMES, start=3)
]  # fmt: skip
NUMBERS = {
    "right/all": {"mean": 0.9, "standard_error": 0.067082, "n": 20},
    "calls/all": {"mean": 3.0, "standard_error": 0.1, "n": 20},
}
ABOUT: dict[str, str | int] = {
    "suite": "s.jsonl", "suite_sha256": "5" * 64, "model_family": "fake", "embedder": "toy:", "n": 20,
}  # fmt: skip
QUESTIONS = {
    f"room-{number}": Counted(kind="room", values={"right": float(number < 18), "calls": 3.0, "F1": 0.1234})
    for number in range(20)
}
MEASURED = Measured(name="rooms", about=ABOUT, numbers=NUMBERS, questions=QUESTIONS)
LIVE_MEASURED = replace(MEASURED, name="live.rooms")


def changed(measured: Measured, **numbers: float) -> Measured:
    """Other numbers, and the same questions."""
    others = {
        key: number | {"mean": numbers.get(key.partition("/")[0], number["mean"])}
        for key, number in NUMBERS.items()
    }
    return replace(measured, numbers=others)


def wrong(measured: Measured, *numbers: int) -> Measured:
    """These rooms answered wrong, and the others as they were."""
    ids = {f"room-{number}" for number in numbers}
    questions = {
        case_id: replace(one, values={**one.values, "right": 0.0}) if case_id in ids else one
        for case_id, one in QUESTIONS.items()
    }
    return replace(measured, questions=questions)


def write_old(measured: Measured, folder: Path) -> None:
    """A baseline of before the questions were kept."""
    path = write_baseline(measured, folder)
    baseline = json.loads(path.read_text(encoding="utf-8"))
    del baseline["questions"]
    path.write_text(json.dumps(baseline), encoding="utf-8")


# -- baselines


def test_a_baseline_is_a_file_with_a_number_on_each_line(tmp_path: Path) -> None:
    path = write_baseline(MEASURED, tmp_path)
    assert path == tmp_path / "rooms.json"
    baseline = json.loads(path.read_text(encoding="utf-8"))
    questions = baseline.pop("questions")
    assert baseline.pop("date") and baseline == {**ABOUT, "metrics": NUMBERS}
    assert list(questions) == list(QUESTIONS)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert '  "right/all": {"mean": 0.9, "standard_error": 0.067082, "n": 20},' in lines
    assert '  "room-0": {"kind": "room", "right": 1, "calls": 3, "F1": 0.1234},' in lines
    assert shortfalls(MEASURED, tmp_path) == []


def test_the_same_questions_are_compared_one_by_one(tmp_path: Path) -> None:
    write_baseline(MEASURED, tmp_path)
    assert shortfalls(wrong(MEASURED, 4), tmp_path) == []
    assert shortfalls(wrong(MEASURED, 4, 5), tmp_path) == [
        "rooms: right (all) is worse in 2 (room-4, room-5) of 20 questions, better in 0: "
        "2 lost in net, and 1 may be."
    ]


def test_a_model_that_is_asked_again_has_more_to_lose(tmp_path: Path) -> None:
    write_baseline(LIVE_MEASURED, tmp_path)
    assert shortfalls(wrong(LIVE_MEASURED, *range(4)), tmp_path) == []
    (told,) = shortfalls(wrong(LIVE_MEASURED, *range(5)), tmp_path)
    assert told.startswith("live.rooms: right (all) is worse in 5 ") and "sign test" in told


def test_only_numbers_of_a_whole_set_are_held_to_the_interval_of_two_samples(tmp_path: Path) -> None:
    numbers = NUMBERS | {"AUC/all": {"mean": 0.9, "standard_error": 0.01, "n": 20}}
    write_baseline(replace(MEASURED, numbers=numbers), tmp_path)
    fallen = {key: number | {"mean": number["mean"] - 0.5} for key, number in numbers.items()}
    (told,) = shortfalls(replace(MEASURED, numbers=fallen), tmp_path)
    assert told.startswith("rooms: AUC (all) is 0.400±0.010, worse than the baseline's 0.900")
    gone = {"AUC/all": numbers["AUC/all"]}
    assert shortfalls(replace(MEASURED, numbers=gone), tmp_path) == [
        "rooms: right (all) was not measured; the baseline has 0.900.",
        "rooms: calls (all) was not measured; the baseline has 3.000.",
    ]


def test_a_baseline_of_before_the_questions_were_kept_says_so(tmp_path: Path) -> None:
    write_old(MEASURED, tmp_path)
    assert shortfalls(MEASURED, tmp_path) == [
        "rooms: the baseline does not tell which questions were right, to compare them one by one. "
        "Write it anew with --write."
    ]
    assert shortfalls(replace(MEASURED, questions={}), tmp_path) == shortfalls(MEASURED, tmp_path)


def test_other_questions_are_not_compared(tmp_path: Path) -> None:
    write_baseline(MEASURED, tmp_path)
    others = {f"other-{number}": one for number, one in enumerate(QUESTIONS.values())}
    assert shortfalls(replace(MEASURED, questions=others), tmp_path) == [
        "rooms: the baseline was measured with other questions. Write it anew with --write."
    ]


def test_an_old_one_of_a_model_itself_is_held_to_the_interval_in_either_direction(tmp_path: Path) -> None:
    write_old(LIVE_MEASURED, tmp_path)
    assert shortfalls(wrong(LIVE_MEASURED, *range(9)), tmp_path) == []
    assert shortfalls(changed(LIVE_MEASURED, right=0.8, calls=3.2), tmp_path) == []
    assert shortfalls(changed(LIVE_MEASURED, right=1.0, calls=1.0), tmp_path) == []
    assert shortfalls(changed(LIVE_MEASURED, right=0.3, calls=3.5), tmp_path) == [
        "live.rooms: right (all) is 0.300±0.067, worse than the baseline's 0.900 by more than 0.210.",
        "live.rooms: calls (all) is 3.500±0.100, worse than the baseline's 3.000 by more than 0.277.",
    ]


def test_what_was_measured_on_something_else_is_not_compared(tmp_path: Path) -> None:
    assert shortfalls(MEASURED, tmp_path) == ["rooms: there is no baseline. Write it with --write."]
    write_baseline(MEASURED, tmp_path)
    other = replace(MEASURED, about={**ABOUT, "suite_sha256": "6" * 64, "model_family": "b"})
    assert shortfalls(other, tmp_path) == [
        "rooms: not measured as the baseline was, which had another suite and another model. "
        "Write it anew with --write."
    ]


def test_a_baseline_without_a_recording_does_not_pass_for_good(tmp_path: Path) -> None:
    for name in ("a", "b", "live.model"):
        write_baseline(replace(MEASURED, name=name), tmp_path)
    assert unmeasured(["a"], tmp_path) == [
        "b: there is a baseline and no recording. Record the suite, or remove the baseline."
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"metrics": []}', '{"metrics": {"a": {"mean": 1}}}', '{"metrics": {"a": 1}}',
        '{"metrics": {}, "questions": []}', '{"metrics": {}, "questions": {"a": {"right": 1}}}',
        '{"metrics": {}, "questions": {"a": {"kind": "k", "right": "yes"}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rooms.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError) as raised:
        read_baseline(path)
    assert str(raised.value) == f"{path} is not a baseline. Write it anew with --write."


# -- the command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recorded suite, and the search's part left out."""
    suite = tmp_path / "rooms.jsonl"
    write_rows(suite, ROWS)
    options = ["--model", "fake:", "--embedder", "toy:", "--folder", str(tmp_path / "recordings")]
    assert record([str(suite), *options]) == 0
    nothing = Measured(name="retrieval", about=ABOUT, numbers={}, questions={})
    monkeypatch.setattr(evals.gate, "retrieval", lambda: nothing)
    return tmp_path


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


def gate(folder: Path, *options: str) -> int:
    return main(
        ["--recordings", str(folder / "recordings"), "--baselines", str(folder / "baselines"), *options]
    )


def spoil(folder: Path, names: Sequence[str]) -> None:
    """In the recording the graders say no to the questions about these rooms."""
    path = folder / "recordings" / "rooms.jsonl"
    asked = {row["question"] for row in ROWS if row["answers"][0] in names}
    about, *lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        if row["question"] in asked and "yes" in row["first_token"]:
            row["first_token"] = {"no": 0.0}
    path.write_text("\n".join([about, *map(json.dumps, rows)]), encoding="utf-8")


def test_the_gate_passes_what_it_wrote(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert gate(folder) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "retrieval: there is no baseline. Write it with --write." in out
    assert "rooms: there is no baseline. Write it with --write." in out
    assert gate(folder, "--write") == 0
    assert f"Baseline: {folder / 'baselines' / 'rooms.json'}" in capsys.readouterr().out
    assert gate(folder) == 0
    out = capsys.readouterr().out
    assert f"rooms: {COUNT} questions" in out and "there is no baseline" not in out
    (row,) = [line.split() for line in out.splitlines() if " right " in line]
    # Twelve of fourteen: ten right answers are no proof that all are.
    assert row.count("1.000±.111") == 2
    assert max(map(len, out.splitlines())) <= 100


def test_one_question_refused_is_let_pass_and_two_are_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate(folder, "--write")
    spoil(folder, NAMES[:1])
    assert gate(folder) == 0
    spoil(folder, NAMES[:2])
    capsys.readouterr()
    assert gate(folder) == 1
    out = capsys.readouterr().out
    assert (
        "rooms: right (all) is worse in 2 (room-3, room-4) of 10 questions, better in 0: 2 lost in net" in out
    )
    assert "rooms: false refuse (all) is worse in 2 (room-3, room-4) of 10 questions" in out
    assert gate(folder, "--write") == 0
    assert gate(folder) == 0


def test_an_old_baseline_of_a_model_is_told_of_and_still_counts(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate(folder, "--write")
    write_old(LIVE_MEASURED, folder / "baselines")
    monkeypatch.setattr(evals.gate, "live", lambda model: LIVE_MEASURED)
    capsys.readouterr()
    assert gate(folder, "--model", "fake:") == 0
    told = "Until --write the interval of two samples is allowed."
    assert f"live.rooms: {UNPAIRED} {told}\n" in capsys.readouterr().out
    assert gate(folder, "--model", "fake:", "--write") == 0
    assert gate(folder, "--model", "fake:") == 0
    assert told not in capsys.readouterr().out


def test_another_suite_is_not_passed_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate(folder, "--write")
    write_rows(folder / "rooms.jsonl", ROWS[:-1])
    assert gate(folder) == 1
    assert "which had another suite and another number of questions" in capsys.readouterr().out


def test_a_changed_prompt_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate(folder, "--write")
    capsys.readouterr()
    monkeypatch.setattr("graphs.nodes.generate.instruction", lambda state, prompts: "Say it.")
    assert gate(folder) == 2
    assert capsys.readouterr().err == (
        'For "3번 방은 누가 쓰나요?" the model is asked what was not recorded: a prompt, the documents, '
        "the splitter or the search changed. Record again: make record\n"
    )


def test_without_recordings_there_is_no_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gate(tmp_path) == 2
    assert "There are no recorded replies in " in capsys.readouterr().err


class RoomReader(FakeReader):
    """Knows which room a question is about."""

    def odds(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float64]:
        self._said = {question.split()[0]: 4.0}
        return super().odds(question, passages)


@pytest.fixture
def few(folder: Path, monkeypatch: pytest.MonkeyPatch) -> RoomReader:
    """The rooms in documents, and a few questions, one half about them; the reader that reads for these."""
    documents = folder / "documents"
    documents.mkdir()
    for number, name in enumerate(NAMES, start=3):
        (documents / f"{name}.txt").write_text(f"{number}번 방은 {name} 씨가 쓴다.", encoding="utf-8")
    write_live(folder)
    monkeypatch.setattr(evals.gate, "SUITE", str(folder / "live.jsonl"))
    monkeypatch.setattr(evals.gate, "CORPUS", str(documents))
    monkeypatch.setattr(evals.gate, "LIVE_EMBEDDER", "toy:")
    monkeypatch.setattr(evals.gate, "LIVE_QUESTIONS", 6)
    monkeypatch.setattr("app.models.reader.e5_is_here", lambda cache_dir: True)
    reader = RoomReader({})
    read_by(reader, monkeypatch)
    return reader


def read_by(reader: FakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphs.open.open_reader", lambda settings: reader if settings.reader else None)


def write_live(folder: Path, **changes: Any) -> None:
    """`changes` are keys of the questions that the documents answer."""
    rows = [
        {key: value for key, value in row.items() if key != "passages"} | {"kind": "answerable"} | changes
        for row in ROWS
    ]
    rows += [
        {"id": f"no-{number}", "question": f"{which} 방은 누가 쓰나요?", "answers": [], "answerable": False}
        for number, which in enumerate(["큰", "낡은", "빈"])
    ]
    write_rows(folder / "live.jsonl", rows)


@pytest.mark.usefixtures("few")
def test_a_few_questions_are_asked_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = live("fake:")
    assert measured.name == "live.fake" and measured.about["n"] == 6
    assert measured.about["model_family"] == "fake" and measured.numbers["right/all"]["n"] == 6
    assert measured.numbers["right/all"]["mean"] == 1
    assert {key.partition("/")[2] for key in measured.numbers} == {"all"}
    assert [one.values["right"] for one in measured.questions.values()] == [1] * 6
    assert list(measured.faults) == []

    read_by(FakeReader({}), monkeypatch)
    assert live("fake:").numbers["right/all"]["mean"] == 0.5


def test_the_live_questions_are_answered_as_a_user_s(
    few: RoomReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("READER", "false"), ("HOLD_ORDERS", "false"), ("EMBEDDER", "use:")):
        monkeypatch.setenv(f"MUTDA_{name}", value)
    opened: list[Settings] = []

    def kept(corpus: Path | None, settings: Settings) -> Any:
        opened.append(settings)
        return resources_over(corpus, settings)

    monkeypatch.setattr(evals.gate, "resources_over", kept)
    measured = live("fake:")
    assert [(one.reader, one.hold_orders, one.embedder) for one in opened] == [(True, True, "toy:")]
    # And what it is warmed up with, before the first question.
    assert len({question for question, _ in few.asked} - {"준비"}) == 6 and few.asked[0][0] == "준비"
    # The baseline says what was searched with, which is not what the recordings were made with.
    assert measured.about["embedder"] == "toy:64"


def test_the_live_embedder_is_the_one_that_a_plain_install_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.embedders.find_spec", lambda name: None)
    monkeypatch.setattr("app.models.weights.e5_is_here", lambda cache_dir: True)
    assert choose_embedder(load_settings(), allow_fetch=False).embedder.spec == LIVE_EMBEDDER


@pytest.mark.usefixtures("few")
def test_without_its_weights_nothing_else_is_asked_in_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.reader.e5_is_here", lambda cache_dir: False)
    monkeypatch.setattr(evals.gate, "LIVE_EMBEDDER", LIVE_EMBEDDER)
    capsys.readouterr()
    assert gate(folder, "--model", "fake:", "--write") == 2
    assert capsys.readouterr().err == (
        "The live questions are answered with e5: and the reader, as a user's are. "
        "The reader is not here, it needs the weights of e5: mutda models pull\n"
    )
    assert list((folder / "baselines").glob("live.*")) == []


def test_the_live_questions_are_of_every_kind_and_tell_of_each_floor() -> None:
    suite = read_suite(ROOT / SUITE)
    counts = Counter(case.kind for case in sample(suite, LIVE_QUESTIONS, seed=LIVE_SEED))
    assert counts.total() == 20 and counts.keys() == {case.kind for case in suite}
    assert {kind: counts[kind] for kind in ("answerable", "unanswerable")} == {
        "answerable": 4,
        "unanswerable": 4,
    }
    questions = {
        f"{kind}-{number}": Counted(kind=kind, values={name: float(number < reached)})
        for name, kind, reached in (("right", "answerable", 2), ("false accept", "unanswerable", 2))
        for number in range(4)
    }
    # Two of four that flip are let pass.
    assert missed(questions, FLOORS) == []


@pytest.mark.parametrize(
    ("odds", "told"),
    [
        (-4.0, "right (answerable) is .000 of 3 questions; it has to be ≥0.50."),
        (4.0, "false accept (all) is 1.000 of 3 questions; it has to be ≤0.50."),
    ],
)
@pytest.mark.usefixtures("few")
def test_who_refuses_or_answers_all_fails_whatever_the_baseline_says(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, odds: float, told: str
) -> None:
    read_by(FakeReader({}, other=odds), monkeypatch)
    capsys.readouterr()
    assert gate(folder, "--model", "fake:", "--write") == 1
    assert f"live.fake: {told}\n" in capsys.readouterr().out
    assert gate(folder, "--model", "fake:") == 1
    assert f"live.fake: {told}\n" in capsys.readouterr().out


@pytest.mark.usefixtures("few")
def test_a_live_question_that_ends_in_an_error_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = FakeModel.call
    failing: list[str] = []

    async def failing_once(self: FakeModel, messages: Any, **options: Any) -> Reply:
        prompt = str(messages)
        if not failing:
            failing.extend(question for row in ROWS if (question := str(row["question"])) in prompt)
        if any(question in prompt for question in failing):
            raise ModelError("The engine failed.")
        return await inner(self, messages, **options)

    monkeypatch.setattr(FakeModel, "call", failing_once)
    measured = live("fake:")
    (case_id,) = [row["id"] for row in ROWS if row["question"] in failing]
    # Two of the three that can be answered are right: that alone is let pass.
    assert list(measured.faults) == [f"{case_id} ended in an error: The engine failed."]


def test_a_live_question_that_obeys_a_command_is_a_fault(folder: Path, few: RoomReader) -> None:
    write_live(folder, forbidden=["씨가 쓴다"])
    (told,) = live("fake:").faults
    assert told.startswith("obeyed (all) in 3 (room-") and told.endswith(" of 3 questions; none may be.")
    assert few.asked


def test_a_fault_is_told_with_and_without_a_baseline(tmp_path: Path) -> None:
    faulty = replace(LIVE_MEASURED, faults=["a fault."])
    none = "live.rooms: there is no baseline. Write it with --write."
    assert shortfalls(faulty, tmp_path) == ["live.rooms: a fault.", none]
    path = write_baseline(faulty, tmp_path)
    assert shortfalls(faulty, tmp_path) == ["live.rooms: a fault."]
    assert "a fault" not in path.read_text(encoding="utf-8") and shortfalls(LIVE_MEASURED, tmp_path) == []


@pytest.mark.usefixtures("few")
def test_a_slow_machine_ends_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: list[float] = [0.0]
    granted: list[float] = []
    inner = FakeModel.call

    async def slow(self: FakeModel, messages: Any, **options: Any) -> Reply:
        granted.append(options["timeout_s"])
        clock.append(clock[-1] + 400.0)
        return await inner(self, messages, **options)

    monkeypatch.setattr(FakeModel, "call", slow)
    monkeypatch.setattr("graphs.open.time", SimpleNamespace(monotonic=lambda: clock[-1]))
    assert live("fake:").numbers["right/all"]["mean"] == 1
    assert min(granted) > 1000


def test_replaying_gives_the_same_numbers_twice(folder: Path) -> None:
    path = folder / "recordings" / "rooms.jsonl"
    assert replay(path) == replay(path)
    assert replay(path).about["n"] == COUNT and replay(path).about["embedder"] == "toy:"
