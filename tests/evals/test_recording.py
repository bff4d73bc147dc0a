import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fakes import make_resources
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from stand_ins.fake_reader import FakeReader

from app.errors import ModelError
from app.models.chat import LanguageModel, Reply, estimate_tokens
from app.models.fake import FakeModel, FakeReply
from evals.recorded import (
    About,
    Recorded,
    Recorder,
    Recording,
    RecordingError,
    Replay,
    key_of,
    read_recording,
    write_recording,
)
from evals.recording import _as_recorded, main, recordings_in, replayed
from evals.runner import Outcome
from graphs.orders import Orders

ABOUT = About(
    suite="s.jsonl", model="embedded:", family="small-1b", context_tokens=4096, embedder="use:", today="2026-11-21"
)  # fmt: skip
PROMPT = [SystemMessage("You answer."), HumanMessage("연차는 며칠인가요?")]
REPLY = Reply(
    text="17일입니다.", prompt_tokens=30, cached_tokens=4, output_tokens=5, first_token={"1": -0.123456, "열": -0.00001},
    logprobs=(-0.123456, -2.0), seconds=1.23456,
)  # fmt: skip
KEPT = Reply(
    text="17일입니다.", prompt_tokens=30, cached_tokens=4, output_tokens=5, first_token={"1": -0.1235, "열": 0.0},
    logprobs=(-0.1235, -2.0), seconds=1.2346,
)  # fmt: skip


class Counting(FakeModel):
    """Gives `REPLY` to everything and counts."""

    def __init__(self) -> None:
        super().__init__(lambda messages: FakeReply(text="?"))
        self.count = 0

    async def call(self, messages: Any, **options: Any) -> Reply:
        self.count += 1
        return REPLY


async def call(model: LanguageModel, messages: Sequence[BaseMessage] = PROMPT, **options: Any) -> Reply:
    return await model.call(messages, **{"max_tokens": 8, "timeout_s": 5.0, **options})


def test_no_reader_has_a_say_in_what_is_recorded() -> None:
    orders = Orders.packaged().advised_by(lambda sentences: np.zeros(len(sentences)))
    opened = make_resources(orders=orders, reader=FakeReader({}))
    model = SimpleNamespace(family="fake", recording=SimpleNamespace(about=ABOUT))
    told = _as_recorded(opened, model)  # type: ignore[arg-type]
    assert orders.reader is not None and told.reader is None
    assert told.orders is not None and told.orders.reader is None


# -- keys and replies


def test_a_key_is_of_all_that_a_reply_depends_on_and_of_nothing_else() -> None:
    keys = {
        key_of("a", PROMPT, max_tokens=8, logprobs=False),
        key_of("b", PROMPT, max_tokens=8, logprobs=False),
        key_of("a", PROMPT, max_tokens=9, logprobs=False),
        key_of("a", PROMPT, max_tokens=8, logprobs=True),
        key_of("a", PROMPT[:1], max_tokens=8, logprobs=False),
        key_of(
            "a",
            [SystemMessage("You answer."), SystemMessage("연차는 며칠인가요?")],
            max_tokens=8,
            logprobs=False,
        ),
        key_of(
            "a",
            [SystemMessage("You answer.연"), HumanMessage("차는 며칠인가요?")],
            max_tokens=8,
            logprobs=False,
        ),
    }
    assert len(keys) == 7
    again = [SystemMessage("You answer.", id="1"), HumanMessage("연차는 며칠인가요?", name="x")]
    assert key_of("a", again, max_tokens=8, logprobs=False) in keys


async def test_a_recorder_gives_what_the_file_will_give_and_asks_once() -> None:
    inner = Counting()
    model = Recorder(Recording(about=ABOUT), inner)
    model.question = "연차는  며칠인가요? " + "가" * 100
    assert await call(model) == KEPT
    heard: list[str] = []
    assert await call(model, timeout_s=9.0, silent=False, on_text=heard.append) == KEPT
    assert (inner.count, model.new, len(model.asked), heard) == (1, 1, 1, ["17일입니다."])
    await call(model, logprobs=True)
    assert (inner.count, model.new, len(model.asked)) == (2, 2, 2)
    assert {recorded.question for recorded in model.recording.replies.values()} == {
        "연차는 며칠인가요? " + "가" * 49
    }


async def test_a_replay_answers_from_the_file_and_says_what_to_do_about_the_rest(tmp_path: Path) -> None:
    recorder = Recorder(Recording(about=ABOUT), Counting())
    await call(recorder)
    write_recording(tmp_path / "s.jsonl", recorder.recording)
    model = Replay(read_recording(tmp_path / "s.jsonl"))
    assert (model.spec, model.family, model.context_tokens) == ("embedded:", "small-1b", 4096)
    heard: list[str] = []
    assert await call(model, on_text=heard.append) == KEPT and heard == ["17일입니다."]
    model.question = "연차는 며칠인가요?"
    with pytest.raises(RecordingError) as raised:
        await call(model, max_tokens=9)
    assert str(raised.value) == (
        'For "연차는 며칠인가요?" the model is asked what was not recorded: a prompt, the documents, the '
        "splitter or the search changed. Record again: make record"
    )


async def test_both_count_tokens_alike_whatever_the_model_would_say() -> None:
    recorder, replay = (
        Recorder(Recording(about=ABOUT), Counting()),
        Replay(Recording(about=ABOUT)),
    )
    assert await recorder.count_tokens(PROMPT) == await replay.count_tokens(PROMPT) == estimate_tokens(PROMPT)


# -- the file


def test_a_file_is_sorted_and_the_same_twice(tmp_path: Path) -> None:
    replies = {key: Recorded("물음", KEPT) for key in ("c", "a", "b")}
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    write_recording(first, Recording(about=ABOUT, replies=replies))
    read = read_recording(first)
    assert read == Recording(about=ABOUT, replies=replies)
    write_recording(second, Recording(about=ABOUT, replies=dict(sorted(replies.items()))))
    assert first.read_bytes() == second.read_bytes()
    about, *lines = [json.loads(line) for line in first.read_text(encoding="utf-8").splitlines()]
    assert about["family"] == "small-1b" and [line["key"] for line in lines] == ["a", "b", "c"]
    assert "You answer" not in first.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "lines, number",
    [
        (["{"], 1),
        (['{"suite": "s"}'], 1),
        (["[]"], 1),
        (["HEAD", '{"key": "a"}'], 2),
        (["HEAD", "[1]"], 2),
        (["HEAD", '{"key": "a", "question": "", "text": "", "logprobs": [], "other": 1}'], 2),
    ],
)
def test_a_damaged_file_is_told_with_its_line(tmp_path: Path, lines: list[str], number: int) -> None:
    path = tmp_path / "s.jsonl"
    head = json.dumps({**vars(ABOUT)})
    path.write_text("\n".join(lines).replace("HEAD", head), encoding="utf-8")
    with pytest.raises(RecordingError) as raised:
        read_recording(path)
    assert str(raised.value) == (
        f"{path}:{number}: this is not a line of a recording. Remove the file and record its suite again."
    )


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.jsonl cannot be read: No such file or directory\.$"):
        read_recording(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(
        RecordingError, match=r"empty\.jsonl is empty\. Remove it and record its suite again\.$"
    ):
        read_recording(tmp_path / "empty.jsonl")
    with pytest.raises(RecordingError) as raised:
        recordings_in(tmp_path / "nowhere")
    assert str(raised.value) == (
        f"There are no recorded replies in {tmp_path / 'nowhere'}. Record some: "
        "python -m evals.recording evals/datasets/samples.jsonl --corpus samples"
    )


# -- the command, over the whole graph

TEXTS = ("연차 휴가는 17일입니다.", "병가는 30일입니다.")
ROWS: list[dict[str, Any]] = [
    {
        "id": f"leave-{number}", "question": question, "answers": [answer], "answerable": True,
        "passages": [{"title": "휴가", "text": text} for text in TEXTS],
    }
    for number, (question, answer) in enumerate([("연차 휴가는 며칠인가요?", "17일"), ("병가는 며칠인가요?", "30일")])
]  # fmt: skip


def write_suite(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def record(suite: Path, *options: str) -> int:
    return main(
        [
            str(suite),
            "--model",
            "fake:",
            "--embedder",
            "toy:",
            "--folder",
            str(suite.parent / "kept"),
            *options,
        ]
    )


def essence(outcomes: Sequence[Outcome]) -> list[tuple[str, str, bool, list[str], int]]:
    return [
        (item.case.id, item.result["answer"], item.result["refused"], item.result["route"], item.result["cost"]["llm_calls"])
        for item in outcomes
    ]  # fmt: skip


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_suite(tmp_path / "tiny.jsonl", ROWS)


def test_what_is_recorded_is_played_without_the_model(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record(suite) == 0
    out = capsys.readouterr().out
    assert "tiny: 0 replies are recorded.\n" in out and "2/2 leave-1: " in out
    path = suite.parent / "kept" / "tiny.jsonl"
    recording = read_recording(path)
    assert (
        f"{path}: {len(recording.replies)} replies, {len(recording.replies)} of them new; 0 old ones are gone.\n"
        in out
    )
    assert (recording.about.family, recording.about.model, recording.about.context_tokens) == (
        "fake",
        "fake:",
        100_000,
    )
    assert {recorded.question for recorded in recording.replies.values()} == {row["question"] for row in ROWS}

    async def never(*arguments: Any, **options: Any) -> Reply:
        raise AssertionError("the model was asked")

    monkeypatch.setattr(FakeModel, "call", never)
    first = essence(replayed(recording))
    assert [item[:3] for item in first] == [
        ("leave-0", "연차 휴가는 17일입니다. [1]", False), ("leave-1", "병가는 30일입니다. [1]", False)
    ]  # fmt: skip
    assert essence(replayed(read_recording(path))) == first


def test_recording_again_asks_only_what_changed_and_drops_what_is_gone(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(suite)
    path = suite.parent / "kept" / "tiny.jsonl"
    before = path.read_bytes()
    capsys.readouterr()
    assert main(["--folder", str(path.parent)]) == 0
    assert ", 0 of them new; 0 old ones are gone." in capsys.readouterr().out
    assert path.read_bytes() == before
    changed = ROWS[1] | {"passages": [{"title": "휴가", "text": "병가는 31일입니다."}]}
    write_suite(suite, [ROWS[0], changed])
    with pytest.raises(
        RecordingError, match=r'^For "병가는 며칠인가요\?" the model is asked what was not recorded'
    ):
        replayed(read_recording(path))
    assert main(["--folder", str(path.parent)]) == 0
    new = read_recording(path)
    kept = before.decode().splitlines()
    same = [line for line in path.read_text(encoding="utf-8").splitlines() if line in kept]
    assert 0 < len(same) - 1 < len(new.replies)
    assert essence(replayed(new))[1][1] == "병가는 31일입니다. [1]"


def test_all_are_asked_again_where_that_is_wanted(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(suite)
    capsys.readouterr()
    assert record(suite, "--all") == 0
    path = suite.parent / "kept" / "tiny.jsonl"
    count = len(read_recording(path).replies)
    assert f"{count} replies, {count} of them new; 0 old ones are gone." in capsys.readouterr().out


def test_a_question_that_failed_is_told_and_the_others_are_kept(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = FakeModel.call

    async def failing(self: FakeModel, messages: Any, **options: Any) -> Reply:
        if "병가는 며칠인가요?" in str(messages[-1].content):
            raise ModelError("the server broke off")
        return await inner(self, messages, **options)

    with monkeypatch.context() as patch:
        patch.setattr(FakeModel, "call", failing)
        assert record(suite) == 3
    assert capsys.readouterr().err == (
        "1 questions failed, the last one with: the server broke off "
        "The others are kept: run the command again, without --all, to carry on.\n"
    )
    kept = read_recording(suite.parent / "kept" / "tiny.jsonl").replies
    assert {recorded.question for recorded in kept.values()} == {"연차 휴가는 며칠인가요?"}
    assert record(suite) == 0


def test_an_interrupted_recording_keeps_what_it_has(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = FakeModel.call

    async def stopped(self: FakeModel, messages: Any, **options: Any) -> Reply:
        if "병가는 며칠인가요?" in str(messages[-1].content):
            raise KeyboardInterrupt
        return await inner(self, messages, **options)

    with monkeypatch.context() as patch:
        patch.setattr(FakeModel, "call", stopped)
        assert record(suite) == 130
    assert capsys.readouterr().err == (
        "Interrupted. What was recorded is kept: run the command again, without --all, to carry on.\n"
    )
    kept = len(read_recording(suite.parent / "kept" / "tiny.jsonl").replies)
    assert record(suite) == 0
    total = len(read_recording(suite.parent / "kept" / "tiny.jsonl").replies)
    assert f"{total} replies, {total - kept} of them new" in capsys.readouterr().out


def test_prompts_name_the_day_of_the_recording_and_a_slow_machine_ends_nothing(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ages = ROWS[0] | {
        "question": "나리는 태어난 지 며칠이나 됐나요?",
        "passages": [{"title": "나리", "text": "나리는 2026년 3월 1일에 태어난 지 며칠 만에 이름을 얻었다."}],
    }
    write_suite(suite, [ages])
    prompts: list[str] = []
    inner = FakeModel.call

    class Then(date):
        """Another day than that of whoever runs this."""

        @classmethod
        def today(cls) -> "Then":
            return cls(2026, 5, 17)

    async def slow(self: FakeModel, messages: Any, **options: Any) -> Reply:
        prompts.append(str(messages[-1].content))
        clock.append(clock[-1] + 1000.0)
        return await inner(self, messages, **options)

    clock = [0.0]
    monkeypatch.setattr(FakeModel, "call", slow)
    monkeypatch.setattr("evals.recording.date", Then)
    monkeypatch.setattr("graphs.open.time", SimpleNamespace(monotonic=lambda: clock[-1]))
    record(suite)
    path = suite.parent / "kept" / "tiny.jsonl"
    recording = read_recording(path)
    (outcome,) = replayed(recording)
    assert "budget" not in outcome.result["reason"]
    assert recording.about.today == "2026-05-17" and "2026-05-17" in "".join(prompts)
    recording.about = replace(recording.about, today="2026-05-16")
    with pytest.raises(RecordingError, match="is asked what was not recorded"):
        replayed(recording)
