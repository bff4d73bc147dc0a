import json
import sqlite3
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import MutdaError, ServiceError
from app.tracing.feedback import MAX_TEXT_CHARS, comment_of, give, send, send_all, trace_reader
from app.tracing.feedback_export import examples, preferences
from app.tracing.feedback_store import FeedbackStore
from app.tracing.masking import Masking
from app.tracing.rating import Feedback, RatedRun, rated_run
from app.tracing.spans import Header, Span, Trace
from app.tracing.store import TraceStore

A, B, C = "a1" * 16, "b2" * 16, "c3" * 16
QUESTION = "연차 휴가는 며칠인가요?"
MESSAGES = [
    {"role": "system", "text": "Answer from the documents."},
    {"role": "human", "text": f"[1] 휴가: 연차 휴가는 17일입니다.\n\n{QUESTION}"},
]
PROMPT = (
    {"role": "system", "content": "Answer from the documents."},
    {"role": "user", "content": f"[1] 휴가: 연차 휴가는 17일입니다.\n\n{QUESTION}"},
)


def a_trace(
    trace_id: str = A,
    *,
    answer: str = "연차 휴가는 15일입니다. [1]",
    question: str = QUESTION,
    steps: tuple[str, ...] = ("retrieve", "grade", "generate", "self_check"),
    messages: list[dict[str, str]] = MESSAGES,
    refused: bool = False,
) -> Trace:
    """A run whose every step asked the model something; only `generate` with `messages`."""
    spans = [
        Span(trace_id=trace_id, id="run", parent_id=None, kind="run", name="rag", started_s=1.0, ended_s=9.0,
             status="done", data={"result": {"question": question, "answer": answer, "refused": refused}})
    ]  # fmt: skip
    for number, name in enumerate(steps):
        at_s = 2.0 + number
        spans.append(
            Span(trace_id=trace_id, id=f"s{number}", parent_id="run", kind="step", name=name, started_s=at_s)
        )
        asked = messages if name == "generate" else [{"role": "human", "text": f"{name}?"}]
        spans.append(
            Span(trace_id=trace_id, id=f"m{number}", parent_id=f"s{number}", kind="model", name="chat",
                 started_s=at_s + 0.1, data={"messages": asked, "text": "…"})
        )  # fmt: skip
    header = Header(id=trace_id, name="rag", thread_id=None, started_s=1.0, question=question, answer=answer)
    return Trace(header=header, spans=spans)


def reading(*traces: Trace) -> Callable[[str], Trace]:
    def read(name: str) -> Trace:
        for trace in traces:
            if trace.header.id.startswith(name):
                return trace
        raise MutdaError(f'There is no trace "{name}".')

    return read


class Taken:
    """A server that takes every score."""

    def __init__(self, error: Exception | None = None) -> None:
        self.scores: list[tuple[str, str, float, str | None]] = []
        self.error = error
        self.sampled: set[str] | None = None

    def takes(self, trace_id: str) -> bool:
        return self.sampled is None or trace_id in self.sampled

    def score(self, trace_id: str, name: str, value: float, comment: str | None = None) -> None:
        if self.error:
            raise self.error
        self.scores.append((trace_id, name, value, comment))


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "traces" / "feedback.sqlite")


Give = Callable[..., Feedback]


@pytest.fixture
def rate(store: FeedbackStore) -> Give:
    """Rates a run: `rate(trace, "down", correction=...)`."""

    def rate(trace: Trace, rating: Any, **texts: str) -> Feedback:
        return give(store, reading(trace), Masking(), trace.header.id, rating, **texts)

    return rate


# -- what is kept of a run


def test_the_prompt_is_the_one_that_the_answer_was_written_from() -> None:
    assert rated_run(a_trace()) == RatedRun(
        trace_id=A, question=QUESTION, prompt=PROMPT, answer="연차 휴가는 15일입니다. [1]", refused=False
    )


def test_of_two_attempts_the_prompt_is_the_second_ones() -> None:
    trace = a_trace(steps=("generate", "self_check", "generate"))
    first = next(span for span in trace.spans if span.id == "m0")
    first.data["messages"] = [{"role": "human", "text": "the first attempt"}]
    assert rated_run(trace).prompt == PROMPT


def test_a_refusal_without_a_model_call_has_no_prompt() -> None:
    run = rated_run(a_trace(steps=("retrieve", "refuse"), refused=True, answer="문서에 없습니다."))
    # `refuse` has a call in this trace, but no step wrote an answer.
    assert (run.prompt, run.refused) == ((), True)
    assert run.lacking == "no model call wrote the answer"


def test_a_quotation_has_no_prompt_for_the_model_did_not_write_it() -> None:
    run = rated_run(a_trace(steps=("generate", "self_check", "quote", "finish")))
    assert (run.prompt, run.lacking) == ((), "no model call wrote the answer")
    tried = rated_run(a_trace(steps=("generate", "self_check", "quote", "generate", "self_check", "finish")))
    assert tried.prompt == PROMPT


def test_an_answer_to_several_questions_has_no_prompt_of_its_own() -> None:
    run = rated_run(a_trace(steps=("generate", "next_part", "generate")))
    assert (run.prompt, run.lacking) == ((), "several questions in one")


def test_a_run_without_an_answer_cannot_be_rated() -> None:
    with pytest.raises(MutdaError, match="a1a1a1a1a1a1 has no answer to rate: it is unfinished"):
        rated_run(a_trace(answer=""))


# -- keeping


def test_feedback_is_kept_with_what_it_is_about(store: FeedbackStore, rate: Give) -> None:
    given = rate(a_trace(), "down", reason=" 틀린 숫자 ", correction="17일입니다.")
    assert store.current() == [given]
    assert (given.trace_id, given.rating, given.reason, given.correction) == (
        A,
        "down",
        "틀린 숫자",
        "17일입니다.",
    )
    assert (given.question, given.prompt, given.sent_at) == (QUESTION, PROMPT, None)


def test_feedback_again_replaces_and_keeps_history(store: FeedbackStore, rate: Give) -> None:
    first, other, second = rate(a_trace(), "down"), rate(a_trace(B), "up"), rate(a_trace(), "up")
    assert store.current() == [other, second]
    assert store.history() == [first, other, second]


def test_it_outlives_its_trace(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(), "down")
    gone = reading()
    again = give(store, gone, Masking(), A[:12], "down", correction="17일입니다.")
    assert (again.trace_id, again.prompt, again.answer) == (A, PROMPT, "연차 휴가는 15일입니다. [1]")
    with pytest.raises(MutdaError, match="no trace"):
        give(store, gone, Masking(), A[:11], "down")  # so few digits may mean another run


def test_it_is_masked_as_traces_are(store: FeedbackStore) -> None:
    trace = a_trace(
        answer="담당자는 010-1234-5678입니다.",
        question="kim@example.com 은 누구?",
        messages=[{"role": "human", "text": "[1] 담당: 010-1234-5678"}],
    )
    given = give(
        store,
        reading(trace),
        Masking([r"홍길동"]),
        A,
        "down",
        reason="홍길동이 아님",
        correction="010-8765-4321",
    )
    assert (given.answer, given.question) == ("담당자는 [phone]입니다.", "[email] 은 누구?")
    assert given.prompt == ({"role": "user", "content": "[1] 담당: [phone]"},)
    assert (given.reason, given.correction) == ("[masked]이 아님", "[phone]")
    assert b"1234-5678" not in store._path.read_bytes()


def test_a_good_answer_takes_no_correction(rate: Give) -> None:
    with pytest.raises(MutdaError, match="give it with down"):
        rate(a_trace(), "up", correction="17일입니다.")


def test_texts_are_bounded(rate: Give) -> None:
    with pytest.raises(MutdaError, match=r"The reason has 20,001 characters; at most 20,000"):
        rate(a_trace(), "up", reason="가" * (MAX_TEXT_CHARS + 1))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_the_file_is_for_its_owner_alone(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(), "up")
    assert stat.S_IMODE(store._path.stat().st_mode) == 0o600


def test_reading_makes_no_file(store: FeedbackStore) -> None:
    assert store.current() == []
    assert not store._path.parent.exists()


def test_two_processes_may_make_the_file_at_once(store: FeedbackStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        run = rated_run(a_trace())
        list(pool.map(lambda _: store.add(run, "up"), range(8)))
    assert len(store.history()) == 8


def test_a_damaged_file_is_one_line(store: FeedbackStore) -> None:
    store._path.parent.mkdir()
    store._path.write_bytes(b"not a database, but longer than its header" * 40)
    with pytest.raises(MutdaError, match=r"feedback\.sqlite cannot be read or written"):
        store.current()


def test_a_file_of_another_version_is_not_touched(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(), "up")
    with sqlite3.connect(store._path) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(MutdaError, match="format 9, this one reads 1"):
        store.current()


def test_runs_are_read_from_the_trace_store(tmp_path: Path, store: FeedbackStore) -> None:
    trace = a_trace()
    kept = TraceStore.open(tmp_path / "traces", max_bytes=10_000_000, max_days=30)
    kept.write([replace(trace.header, started_s=9e9)], trace.spans)
    kept.close()
    read = trace_reader(tmp_path / "traces")
    for name in ("last", A, A[:6]):
        assert give(store, read, Masking(), name, "up").prompt == PROMPT
    with pytest.raises(MutdaError, match='no trace "ffff"'):
        give(store, read, Masking(), "ffff", "up")


# -- sending


def test_a_rating_is_sent_as_a_score(store: FeedbackStore, rate: Give) -> None:
    taken = Taken()
    send(store, taken, rate(a_trace(), "down", reason="틀림", correction="17일"))
    send(store, taken, rate(a_trace(B), "up"))
    assert taken.scores == [
        (A, "user_feedback", 0.0, "틀림\nCorrection: 17일"),
        (B, "user_feedback", 1.0, None),
    ]
    assert store.unsent() == []
    assert all(feedback.sent_at for feedback in store.current())


def test_a_failure_to_send_loses_nothing(store: FeedbackStore, rate: Give) -> None:
    given = rate(a_trace(), "down")
    with pytest.raises(ServiceError):
        send(store, Taken(ServiceError("down")), given)
    assert store.unsent() == [given]
    taken = Taken()
    assert send_all(store, taken) == 1
    assert send_all(store, taken) == 0
    assert len(taken.scores) == 1


def test_what_was_replaced_before_it_was_sent_is_not_sent(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(), "down")
    rate(a_trace(), "up")
    taken = Taken()
    send_all(store, taken)
    assert [(trace_id, value) for trace_id, _, value, _ in taken.scores] == [(A, 1.0)]


def test_traces_that_were_not_sampled_get_no_score(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(A), "up")
    rate(a_trace(B), "up")
    taken = Taken()
    taken.sampled = {B}
    assert send_all(store, taken) == 1
    assert [trace_id for trace_id, *_ in taken.scores] == [B]


def test_a_comment_holds_what_was_written(rate: Give) -> None:
    assert comment_of(rate(a_trace(), "down")) is None
    assert comment_of(rate(a_trace(), "down", reason="틀림")) == "틀림"


# -- exporting


def test_a_correction_makes_a_pair(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(), "down", correction="연차 휴가는 17일입니다. [1]")
    export = preferences(store.current())
    assert export.lines == [
        {
            "prompt": list(PROMPT),
            # Without the marks, which the program puts behind an answer.
            "chosen": [{"role": "assistant", "content": "연차 휴가는 17일입니다."}],
            "rejected": [{"role": "assistant", "content": "연차 휴가는 15일입니다."}],
        }
    ]
    assert export.left_out == {}


def test_an_answer_rated_up_to_the_same_prompt_makes_a_pair(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(B, answer="17일입니다. [1] [2]"), "up")
    rate(a_trace(A), "down")
    export = preferences(store.current())
    assert [line["chosen"][0]["content"] for line in export.lines] == ["17일입니다."]
    assert export.left_out == {}


def test_another_prompt_makes_no_pair(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(A), "down")
    rate(a_trace(B, messages=MESSAGES[:1], answer="17일입니다."), "up")
    rate(a_trace(C, question="다른 질문?", answer="17일입니다."), "up")
    export = preferences(store.current())
    assert export.lines == []
    assert export.left_out == {
        "rated down, without a correction or an answer rated up to the same prompt": 1,
        "rated up, without an answer rated down to the same prompt": 2,
    }


def test_what_is_left_out_is_counted(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(A), "down", correction="17일입니다.")
    rate(a_trace(B), "down", correction="17일입니다.")
    rate(a_trace(C), "down", correction="연차 휴가는 15일입니다.")
    rate(a_trace("d4" * 16, steps=("refuse",), refused=True), "down", correction="17일입니다.")
    export = preferences(store.current())
    assert len(export.lines) == 1
    assert export.left_out == {
        "the same pair as another": 1,
        "the correction says what the answer says": 1,
        "no prompt: no model call wrote the answer": 1,
    }


def test_good_answers_and_corrections_are_examples(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(A), "down", correction="17일입니다.")
    rate(a_trace(B, answer="열이레입니다. [1]"), "up")
    rate(a_trace(C), "down")
    export = examples(store.current())
    assert [line["messages"][:2] for line in export.lines] == [list(PROMPT)] * 2
    assert [line["messages"][2]["content"] for line in export.lines] == ["17일입니다.", "열이레입니다."]
    assert export.left_out == {"rated down, without a correction": 1}


def test_each_line_is_one_object(store: FeedbackStore, rate: Give) -> None:
    rate(a_trace(A), "down", correction="17일\n입니다.\u2028")
    lines = preferences(store.current()).jsonl().split("\n")
    assert len(lines) == 2 and lines[1] == ""
    assert "연차" in lines[0] and json.loads(lines[0])["chosen"][0]["content"].startswith("17일\n")


def loaded(path: Path, cache: Path) -> Any:
    """The file as a trainer loads it; where the library is missing, the test is skipped."""
    datasets = pytest.importorskip(
        "datasets", reason="the datasets library is not installed: pip install datasets (100 MB)"
    )
    return datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(cache))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_the_datasets_library_reads_what_is_exported(
    store: FeedbackStore, rate: Give, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    rate(a_trace(A), "down", correction="17일입니다.")
    rate(a_trace(B, messages=MESSAGES[1:]), "down", correction="열이레입니다.\n이상입니다.")
    for name, export in (("dpo", preferences(store.current())), ("sft", examples(store.current()))):
        (tmp_path / f"{name}.jsonl").write_text(export.jsonl(), encoding="utf-8")
    pairs = loaded(tmp_path / "dpo.jsonl", tmp_path / "cache")
    assert sorted(pairs.column_names) == ["chosen", "prompt", "rejected"]
    assert pairs[0] == preferences(store.current()).lines[0]
    assert [message["role"] for message in pairs[1]["prompt"]] == ["user"]
    assert pairs[1]["chosen"] == [{"role": "assistant", "content": "열이레입니다.\n이상입니다."}]
    talks = loaded(tmp_path / "sft.jsonl", tmp_path / "cache")
    assert talks.column_names == ["messages"]
    assert [len(talk["messages"]) for talk in talks] == [3, 2]
