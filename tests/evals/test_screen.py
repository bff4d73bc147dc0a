from typing import Any

from reports import outcome, report_of
from rich.console import Console

from evals.runner import Outcome
from evals.screen import line, notes, salt_warning, tables, time_line
from evals.summary import score


def printed(item: Outcome, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(line(item, score(item), 3, 20))
    return capture.get()


def test_a_line_shows_what_happened_and_markup_stays_text() -> None:
    text = printed(outcome("leave-1", answer="연차는 [b]17일[/b]입니다. [1]"))
    assert text.split() == [
        "3/20", "leave-1", "graph", "right", "3", "500", "1.2", "연차는", "[b]17일[/b]입니다.", "[1]"
    ]  # fmt: skip
    assert max(map(len, printed(outcome("leave-1", answer="가나 " * 200)).splitlines())) <= 100


def test_a_line_of_a_failure_and_of_a_refusal() -> None:
    assert "the server is gone" in printed(outcome("leave-1", error="the server is gone"))
    refusal = outcome("leave-1", refused=True, reason="no evidence: nothing was found")
    assert "no evidence: nothing was found" in printed(refusal)


def test_tables_fit_a_hundred_columns_and_show_markup_as_text() -> None:
    outcomes = [
        outcome(f"q-{number}", kind=kind, system=system, seconds=123.456 + number)
        for number, kind in enumerate(["answerable", "[red]a-very-long-kind-of-question"])
        for system in ("graph", "tutorial")
    ]
    console = Console(width=100)
    with console.capture() as capture:
        for table in tables(report_of(outcomes)):
            console.print(table)
    text = capture.get()
    for title in ("Answers", "Refusals", "Retrieval", "Citations and commands", "Cost of one question"):
        assert f"{title}:" in text
    assert "[red]a-very-l" in text
    assert "1.000±.333" in text and "1.000±.000" not in text and "±.0…" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_notes_tell_failures_ways_and_times() -> None:
    outcomes = [
        outcome("q-1"),
        outcome("q-1", system="plain", seconds=5.0),
        outcome("q-2", error="gone"),
    ]
    told = list(notes(report_of(outcomes), salted=True))
    assert told == [
        "1 questions failed for graph: they count against it.",
        "graph    1 × retrieve > generate",
        "plain    1 × retrieve > generate",
        "Wall time graph / plain over 1 answerable questions that the graph answered: median 0.25 "
        "(quartiles 0.25 to 0.25), of the sums 0.25",
    ]


def test_the_error_of_the_ratio_is_told_where_it_is_known() -> None:
    times = {"n": 2, "median": 1, "lower_quartile": 1, "upper_quartile": 1, "of_totals": 1}
    assert time_line("plain", times | {"of_totals_error": 0.125}).endswith("of the sums 1.00±0.12")


def test_runs_that_profited_from_the_cache_are_told() -> None:
    rows: list[dict[str, Any]] = [{"first_call_cached_tokens": tokens} for tokens in (8, None)]
    assert salt_warning(rows) == ""
    assert salt_warning([*rows, {"first_call_cached_tokens": 500}]) == (
        "1 runs began with up to 500 tokens from the engine's cache: their times are too good. "
        "Restart the model's server before comparing times."
    )
