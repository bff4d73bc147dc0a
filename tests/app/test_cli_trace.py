import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from test_cli import Mutda, here, ingested, mutda  # noqa: F401 - fixtures
from traces import decision, trace

from app.cli_tree import draw, duration, parting
from app.tracing.diff import part
from app.tracing.spans import Trace
from app.tracing.store import TraceStore

QUESTION = "연차 휴가는 며칠인가요?"


def drawn(renderable: Any, width: int = 120) -> str:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


@pytest.fixture
def asked(ingested: Mutda) -> Mutda:  # noqa: F811
    done = ingested("ask", QUESTION)
    assert done.code == 0, done.err
    return ingested


def test_last_draws_the_tree(asked: Mutda) -> None:
    done = asked("trace", "last")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].strip() == QUESTION
    assert "완료" in done.out and "모델 호출 3회" in done.out and "새로 읽음" in done.out
    for step in ("prepare", "retrieve", "grade", "generate", "self_check", "finish"):
        assert re.search(rf"[├└]── {step} +[\d.]+ m?s", done.out), step
    assert "판정 evidence" in done.out and "yes 90%" in done.out
    assert re.search(r"\[1\] 1\.00 .*휴가\.md · 연차 ", done.out)
    assert "[system]" not in done.out


def test_prompts_are_shown_on_demand(asked: Mutda) -> None:
    out = asked("trace", "show", "last", "--prompts").out
    assert "[system]" in out and "Do the documents contain the answer" in out


def test_list_names_traces_that_show_and_export_take(asked: Mutda, here: Path) -> None:  # noqa: F811
    asked("ask", "출장비는 하루 얼마인가요?")
    done = asked("trace", "list")
    first, second = [line.split()[0] for line in done.out.splitlines()[1:]]
    assert "출장비" in done.out.splitlines()[1]
    assert asked("trace", "show", second).out.startswith(QUESTION)
    assert len(asked("trace", "list", "-n", "1", "--json").json) == 1
    done = asked("trace", "export", first, "-o", "쪽.html")
    assert (done.code, done.out) == (0, "쪽.html\n")
    page = (here / "쪽.html").read_text(encoding="utf-8")
    assert "출장비는 하루 얼마인가요?" in page and ">web_search<" in page


def test_export_names_the_file_after_the_trace(asked: Mutda, here: Path) -> None:  # noqa: F811
    (trace_id,) = [header["id"] for header in asked("trace", "list", "--json").json]
    assert asked("trace", "export", trace_id[:14]).out == f"trace-{trace_id}.html\n"
    done = asked("trace", "export", "last", "-o", "nowhere/t.html")
    assert done.code == 2 and "cannot be written" in done.err


def test_show_gives_the_same_as_json(asked: Mutda) -> None:
    shown = asked("trace", "last", "--json").json
    assert shown["header"]["question"] == QUESTION
    assert [span["kind"] for span in shown["spans"]][:3] == ["run", "step", "step"]


def test_diff_says_where_two_runs_parted(asked: Mutda) -> None:
    asked("ask", QUESTION)
    first, second = [header["id"] for header in asked("trace", "list", "--json").json]
    done = asked("trace", "diff", first, second)
    assert "다른 것은 비용뿐입니다" in done.out and "새로 읽은 토큰" in done.out
    asked("ask", "출장비는 하루 얼마인가요?")
    done = asked("trace", "diff", first, "last")
    assert re.search(r"\d번째 단계에서 갈라졌습니다: ", done.out)
    assert asked("trace", "diff", first, "last", "--json").json["same"] is False


@pytest.mark.parametrize("words", [("last",), ("list",), ("show", "ab"), ("diff", "a", "b"), ("export", "a")])
def test_without_a_trace_one_line_says_what_to_do(mutda: Mutda, words: tuple[str, ...]) -> None:  # noqa: F811
    done = mutda("trace", *words)
    assert done.code == 2
    assert done.err == 'mutda: There is no trace yet. Ask something first: mutda ask "..."\n'


def test_an_unknown_id_is_named(asked: Mutda) -> None:
    done = asked("trace", "show", "zzz")
    assert (done.code, done.err) == (
        2,
        'mutda: There is no trace "zzz". See those that are kept: mutda trace list\n',
    )


def test_off_by_the_setting(ingested: Mutda, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("MUTDA_TRACE", "false")
    assert ingested("ask", QUESTION).code == 0
    assert ingested("trace", "last").code == 2
    done = ingested("ask", "-v", QUESTION)
    assert "generate" in done.err
    assert ingested("trace", "last").code == 2


def test_a_foreign_file_costs_one_line_and_the_question_is_answered(
    ingested: Mutda,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from app.settings import load_settings

    folder = load_settings().data_dir / "traces"
    folder.mkdir(parents=True)
    (folder / "traces.sqlite").write_text("mine" * 1000)
    done = ingested("ask", QUESTION)
    assert done.code == 0 and "17일" in done.out
    assert len(caplog.records) == 1 and "Move that file away" in caplog.text


# -- live


def test_v_shows_a_line_a_step_on_stderr(ingested: Mutda) -> None:  # noqa: F811
    done = ingested("ask", "-v", "--json", QUESTION)
    assert json.loads(done.out)["answer"]
    lines = done.err.splitlines()
    assert [line.split()[0] for line in lines] == json.loads(done.out)["route"]
    assert re.search(r"grade .*새로 읽음 \d+ .*evidence \d\.\d+ .*→ yes  → generate", lines[2])


def test_debug_shows_all_that_a_step_did(ingested: Mutda) -> None:  # noqa: F811
    done = ingested("ask", "--debug", QUESTION)
    assert "판정 evidence" in done.err and "yes 90%" in done.err and "[1] 1.00" in done.err
    assert "17일" in done.out and "판정" not in done.out


# -- drawing


def test_an_error_a_pause_and_an_unfinished_run_are_drawn() -> None:
    made = trace()
    made.steps[2].status, made.steps[2].error = "error", "ModelError: gone\x1b[2J"
    made.header.status = made.runs[0].status = "unfinished"
    made.header.ended_s = made.runs[0].ended_s = None
    out = drawn(draw(made, "ko"))
    assert "끝나지 않음" in out and "ModelError: gone[2J" in out and "\x1b" not in out


def test_hostile_text_does_not_reach_the_terminal() -> None:
    made = trace()
    made.header.question = made.runs[0].name = "\x1b]0;title\x07\u202e[bold]x[/bold]"
    out = drawn(draw(made, "ko"))
    assert "\x1b" not in out and "\u202e" not in out and "[bold]x[/bold]" in out


def test_english_questions_are_told_about_in_english() -> None:
    out = drawn(draw(trace(), "en"))
    assert "model calls 2" in out and "decision evidence 0.83 ≥ 0.48 → yes" in out and "호출" not in out


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_it_fits_any_width(width: int) -> None:
    for made in (trace(), Trace(header=trace().header, spans=[])):
        assert drawn(draw(made, "ko"), width)


def test_a_parting_is_drawn_with_both_sides() -> None:
    first, second = trace(), trace("b" * 32, grade={"decisions": [decision(0.3, 0.48, "doubt")]})
    out = drawn(parting(part(first, second), first.header, second.header, "ko"))
    assert "2번째 단계에서 갈라졌습니다: grade" in out
    assert "A 0.83 ≥ 0.48 → yes" in out and "B 0.30 < 0.48 → doubt" in out
    assert re.search(r"모델 호출 +2 +2 +\+0", out)


def test_durations() -> None:
    shown = [duration(value) for value in (None, 0.0003, 0.25, 0.9999, 3.2, 74.06)]
    assert shown == ["…", "0 ms", "250 ms", "1.00 s", "3.20 s", "74.1 s"]


def test_the_store_is_where_the_data_is(asked: Mutda) -> None:
    from app.settings import load_settings

    store = TraceStore.open_to_read(load_settings().data_dir / "traces")
    assert store.last().header.status == "done"
    store.close()
