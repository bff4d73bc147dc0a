import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stand_ins.langfuse_server import LangfuseServer

from app import cli
from app.tracing.spans import Header, Span
from app.tracing.store import TraceStore

A, B = "0a1fe84e04d7" + "1" * 20, "0a1fe84e04d9" + "2" * 20
QUESTION = "연차 휴가는 며칠인가요?"
MESSAGES = [
    {"role": "system", "text": "Answer from the documents."},
    {"role": "human", "text": f"[1] 휴가: 연차 휴가는 17일입니다.\n\n{QUESTION}"},
]


@dataclass
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


Mutda = Callable[..., Done]


@pytest.fixture
def mutda(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Mutda:
    """Runs one command in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUTDA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["mutda", "feedback", *words])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def traced(mutda: Mutda, tmp_path: Path) -> Mutda:
    """Two questions were asked; the same prompt, two answers."""
    store = TraceStore.open(tmp_path / "data" / "traces", max_bytes=10_000_000, max_days=9_000)
    for at_s, trace_id, answer in ((2e9, A, "15일입니다. [1]"), (2e9 + 1, B, "17일입니다. [1]")):
        result = {"question": QUESTION, "answer": answer, "refused": False}
        spans = [
            Span(trace_id=trace_id, id="r", parent_id=None, kind="run", name="rag", started_s=at_s, data={"result": result}),
            Span(trace_id=trace_id, id="s", parent_id="r", kind="step", name="generate", started_s=at_s + 0.1),
            Span(trace_id=trace_id, id="m", parent_id="s", kind="model", name="chat", started_s=at_s + 0.2, data={"messages": MESSAGES}),
        ]  # fmt: skip
        header = Header(
            id=trace_id, name="rag", thread_id=None, started_s=at_s, question=QUESTION, answer=answer
        )
        store.write([header], spans)
    store.close()
    return mutda


@pytest.fixture
def langfuse(monkeypatch: pytest.MonkeyPatch) -> Any:
    with LangfuseServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def test_the_word_give_can_be_left_out(traced: Mutda) -> None:
    done = traced(A, "down", "--reason", "숫자가 틀림")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"Kept: down for {A[:12]}, “{QUESTION}”",
        "Langfuse is not set up: nothing was sent.",
    ]
    assert traced("give", "last", "up").out.startswith(f"Kept: up for {B[:12]}")


def test_a_trace_can_be_shortened_as_far_as_it_is_alone(traced: Mutda) -> None:
    assert traced(A[:12], "up").code == 0
    done = traced(A[:8], "up")
    assert (done.code, done.out) == (2, "")
    assert "More than one trace begins with" in done.err


def test_a_word_that_is_no_trace_is_a_mistake(traced: Mutda) -> None:
    assert traced("lisst").code == 2
    assert "No such command 'lisst'" in traced("lisst").err
    assert traced(A, "good").code == 2
    assert "There is no trace" in traced("ffff", "up").err


def test_without_any_trace_it_says_so(mutda: Mutda) -> None:
    done = mutda("last", "up")
    assert done.code == 2
    assert "There is no trace yet." in done.err


def test_it_is_sent_and_said(traced: Mutda, langfuse: LangfuseServer) -> None:
    done = traced(A, "down", "--correction", "17일입니다.")
    assert done.out.splitlines()[1:] == [f"Sent to Langfuse at {langfuse.url}."]
    assert langfuse.score("user_feedback")["traceId"] == A
    assert traced("send").out == "Nothing to send.\n"


def test_a_server_that_fails_loses_nothing(traced: Mutda, langfuse: LangfuseServer) -> None:
    langfuse.fault = "500"
    done = traced(A, "up")
    assert done.code == 0
    (line,) = done.out.splitlines()[1:]
    assert line.startswith("Not sent: Langfuse at") and line.endswith(
        "Send it later with: mutda feedback send"
    )
    assert "(not sent)" in traced("list").out
    done = traced("send")
    assert (done.code, done.out) == (3, "")
    langfuse.fault = "none"
    assert traced("send").out == f"1 rating sent to Langfuse at {langfuse.url}.\n"
    assert "(not sent)" not in traced("list").out


def test_a_trace_that_was_not_sampled_is_kept_alone(
    traced: Mutda, langfuse: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0")
    assert "Not sent: Langfuse was not given this trace" in traced(A, "up").out
    assert traced("send").out == "Nothing to send.\n"
    assert langfuse.posts == []


def test_sending_without_langfuse_says_what_to_set(traced: Mutda) -> None:
    done = traced("send")
    assert done.code == 2
    assert "LANGFUSE_BASE_URL" in done.err


def test_the_list_shows_what_holds_and_with_all_what_was(traced: Mutda) -> None:
    assert traced("list").out.startswith("There is no feedback yet.")
    traced(A, "up")
    traced(A, "down", "--reason", "다시 보니\n틀림", "--correction", "17일입니다.")
    lines = traced("list").out.splitlines()
    assert len(lines) == 3
    assert A[:12] in lines[0] and "down" in lines[0] and QUESTION in lines[0]
    assert [line.strip() for line in lines[1:]] == ["다시 보니 틀림", "→ 17일입니다."]
    listed = json.loads(traced("list", "--all", "--json").out)
    assert [item["rating"] for item in listed] == ["up", "down"]
    assert listed[1]["prompt"][1]["role"] == "user"


def test_what_a_terminal_would_obey_is_not_printed(traced: Mutda) -> None:
    traced(A, "down", "--reason", "\x1b[31mred")
    assert "\x1b" not in traced("list").out


def test_pairs_go_to_the_screen_and_counts_beside(traced: Mutda) -> None:
    traced(A, "down")
    traced(B, "up")
    done = traced("export", "--format", "dpo")
    (line,) = done.out.splitlines()
    pair = json.loads(line)
    assert pair["chosen"] == [{"role": "assistant", "content": "17일입니다."}]
    assert pair["rejected"] == [{"role": "assistant", "content": "15일입니다."}]
    assert [message["role"] for message in pair["prompt"]] == ["system", "user"]
    assert done.err == "1 pair written.\n"


def test_what_is_left_out_is_said(traced: Mutda, tmp_path: Path) -> None:
    traced(A, "down")
    done = traced("export", "--format", "dpo", "-o", "pairs.jsonl")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "0 pairs written to pairs.jsonl.",
        "Left out: 1 rated down, without a correction or an answer rated up to the same prompt.",
    ]
    assert (tmp_path / "pairs.jsonl").read_text(encoding="utf-8") == ""


def test_good_answers_are_written_to_a_file(traced: Mutda, tmp_path: Path) -> None:
    traced(B, "up")
    assert traced("export", "--format", "sft", "-o", "talks.jsonl").code == 0
    talk = json.loads((tmp_path / "talks.jsonl").read_text(encoding="utf-8"))
    assert talk["messages"][-1] == {"role": "assistant", "content": "17일입니다."}


def test_a_file_that_cannot_be_written_is_one_line(traced: Mutda) -> None:
    done = traced("export", "--format", "sft", "-o", "missing/talks.jsonl")
    assert done.code == 2
    assert "cannot be written" in done.err


def test_help_names_both_forms(mutda: Mutda) -> None:
    out = mutda("--help").out
    assert "TRACE up|down | COMMAND" in out
    assert all(f"  {command} " in out for command in ("give", "send", "list", "export"))
