import io
from collections import Counter

from rich.console import Console

from evals.progress import Bar, time_left


def test_each_system_is_reckoned_at_its_own_pace() -> None:
    spent = {"graph": [10.0, 20.0], "tutorial": [100.0]}
    assert time_left(spent, Counter(graph=4, tutorial=2)) == "0:04:20 left"
    assert time_left(spent, Counter()) == "0:00:00 left"
    assert time_left({}, Counter(graph=4)) == ""


def test_a_system_not_heard_yet_is_taken_to_be_as_slow_as_the_others() -> None:
    assert time_left({"graph": [10.0]}, Counter(graph=1, plain=2)) == "0:00:30 left"


def bar(*, terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=terminal)
    with Bar(console, ["graph", "plain"] * 3, done=["graph", "plain"]) as shown:
        shown.advance("graph", 4.0)
        shown._bar.refresh()
    return file.getvalue()


def test_a_terminal_shows_what_is_left_and_a_pipe_nothing() -> None:
    shown = bar(terminal=True)
    assert "3/6" in shown and "0:00:12 left" in shown
    assert bar(terminal=False) == ""
