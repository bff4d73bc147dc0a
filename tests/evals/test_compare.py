import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reports import outcome, report_of
from rich.console import Console

from app.errors import MutdaError
from evals.compare import baseline_of, compare, falls_short, main, short_of, show


def run(
    right: Callable[[int], bool], *, seconds: float = 1.0, count: int = 40, **about: Any
) -> dict[str, Any]:
    outcomes = [
        outcome(
            f"q-{number}", kind="even" if number % 2 == 0 else "odd", seconds=seconds + number % 7,
            answer="연차는 17일입니다. [1]" if right(number) else "연차는 18일입니다. [1]", evidence=number / count,
        )
        for number in range(count)
    ]  # fmt: skip
    return report_of(outcomes, **about)


BEFORE = run(lambda number: number % 4 == 0)
AFTER = run(lambda number: number % 4 == 0 or number in {5, 7, 13, 15, 25, 35}, seconds=1.5)


def test_a_known_difference_with_its_interval_and_flips() -> None:
    comparison = compare(BEFORE, AFTER)
    change = next(c for c in comparison.changes if (c.measure.name, c.kind) == ("right", "all"))
    gained = ["q-5", "q-7", "q-13", "q-15", "q-25", "q-35"]
    assert comparison.gained == gained and comparison.lost == []
    assert (change.won, change.lost, change.tied) == (6, 0, 34)
    assert change.difference.value == pytest.approx(6 / 40)
    # One more of each way: 6/42 ± 1.96 * sqrt((8/42 - (6/42)**2) / 42).
    assert change.difference.interval == pytest.approx((0.0181, 0.2676), abs=1e-4)
    assert change.verdict == "better" and change.chance == pytest.approx(2 / 64)


def test_lower_is_better_for_what_costs() -> None:
    seconds = next(c for c in compare(BEFORE, AFTER).changes if c.measure.name == "seconds")
    assert seconds.difference.value == pytest.approx(0.5)
    assert seconds.verdict == "worse" and (seconds.won, seconds.lost) == (0, 40)


def test_each_kind_is_compared_too_and_nothing_is_certain_about_no_change() -> None:
    changes = compare(BEFORE, AFTER).changes
    assert list(dict.fromkeys(c.kind for c in changes)) == ["all", "even", "odd"]
    even = next(c for c in changes if (c.measure.name, c.kind) == ("right", "even"))
    assert (even.difference.value, even.verdict, even.difference.n) == (0, "", 20)


def test_the_same_comparison_twice_is_the_same() -> None:
    assert compare(BEFORE, AFTER).changes == compare(BEFORE, AFTER).changes


def test_two_systems_of_one_report() -> None:
    outcomes = []
    for number in range(6):
        answerable = number < 4
        outcomes += [
            outcome(f"q-{number}", answerable=answerable, refused=not answerable, evidence=1 - number / 10),
            outcome(f"q-{number}", answerable=answerable, system="plain", seconds=3.0),
        ]
    comparison = compare(report := report_of(outcomes), report, systems=("plain", "graph"))
    assert comparison.headline() == "graph against plain: same suite, model and settings"
    found = {c.measure.name: c for c in comparison.changes if c.kind == "all"}
    assert found["false accept"].difference.value == -1 and found["false accept"].won == 2
    assert found["balanced"].difference.before == 0.5 and found["balanced"].difference.after == 1
    # A baseline has no evidence.
    assert "AUC" not in found and "Brier" not in found
    assert comparison.gained == ["q-4", "q-5"]


def test_probabilities_are_compared_where_both_have_them() -> None:
    answerable = [outcome(f"q-{n}", evidence=0.5 + n / 20) for n in range(8)]
    rest = [outcome(f"u-{n}", answerable=False, evidence=0.1 + n / 10) for n in range(8)]
    worse = [outcome(f"q-{n}", evidence=0.2 + n / 20) for n in range(8)]
    found = {
        c.measure.name: c
        for c in compare(report_of(answerable + rest), report_of(worse + rest)).changes
        if c.kind == "all"
    }
    assert found["AUC"].difference.value < 0 and found["AUC"].verdict == "worse"
    assert found["AUC"].chance is None and found["Brier"].verdict == "worse"
    low, high = found["ECE"].difference.interval or (1, -1)
    assert low <= found["ECE"].difference.value <= high


def test_what_is_not_the_same_is_told_in_the_first_line() -> None:
    other = run(lambda number: True, count=30, model="other:")
    comparison = compare(BEFORE, other, names=("a.json", "b.json"))
    assert comparison.headline() == (
        "b.json (graph) against a.json (graph): model fake: → other:; "
        "10 questions in only one of them are left out"
    )


def test_what_cannot_be_compared() -> None:
    with pytest.raises(MutdaError, match=r'^b\.json has no answers of "plain"\.$'):
        compare(BEFORE, AFTER, systems=("graph", "plain"), names=("a.json", "b.json"))
    with pytest.raises(MutdaError, match=r"^A and B have no question in common\.$"):
        compare(BEFORE, report_of([outcome("other")]))


def test_failures_count_as_not_right_and_cost_nothing() -> None:
    failed = report_of([outcome(f"q-{number}", error="gone") for number in range(40)])
    comparison = compare(BEFORE, failed)
    names = {c.measure.name for c in comparison.changes}
    assert "right" in names and "seconds" not in names and len(comparison.lost) == 10


def test_the_printed_comparison_fits_and_shows_hostile_names_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hostile = report_of([outcome("[red]q[/red]", kind="[b]k"), outcome("q2", answer="모름", kind="k2")])
    other = report_of([outcome("[red]q[/red]", answer="모름", kind="[b]k"), outcome("q2", kind="k2")])
    show(compare(hostile, other), Console(width=100))
    out = capsys.readouterr().out
    assert "better" not in out and "worse" not in out
    seconds = [line for line in out.splitlines() if "seconds" in line]
    assert seconds and all("..." not in line and " -│" in line for line in seconds)
    assert "Right now (1): q2" in out and "Right no longer (1): [red]q[/red]" in out
    assert "[b]k" in out and max(map(len, out.splitlines())) <= 100


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    for path, report in ((a, BEFORE), (b, AFTER)):
        path.write_text(json.dumps(report), encoding="utf-8")
    assert main([str(a), str(b)]) == 0
    out = capsys.readouterr().out
    assert "Right now (6): q-5, q-7, q-13, q-15, q-25, q-35" in out and "better" in out
    assert main([str(a), str(tmp_path / "none.json")]) == 2
    assert "none.json cannot be read" in capsys.readouterr().err
    assert main([str(a), str(a), "--system-a", "plain"]) == 2
    assert 'has no answers of "plain"' in capsys.readouterr().err


def test_a_baseline_keeps_the_graphs_numbers_without_the_clock() -> None:
    kept = baseline_of(BEFORE)
    error = (12 / 44 * 32 / 44 / 40) ** 0.5
    assert kept["right/all"] == {"mean": 0.25, "standard_error": pytest.approx(error), "n": 40}
    assert "right/even" in kept and "calls/all" in kept
    assert not [name for name in kept if name.startswith(("seconds", "median"))]
    json.dumps(kept)


def test_falling_short_takes_more_than_the_interval() -> None:
    kept = baseline_of(AFTER)
    assert falls_short(AFTER, kept) == []
    # From .4 to .25 is less than 1.96 * hypot(.078, .070).
    assert falls_short(BEFORE, {"right/all": kept["right/all"]}) == []
    nothing = run(lambda number: False)
    told = falls_short(nothing, {"right/all": kept["right/all"]})
    assert told == [
        "right (all) is 0.000±0.033, worse than the baseline's 0.400 by more than 0.165.",
    ]


def test_of_sixteen_questions_one_that_flips_is_chance_and_six_are_not() -> None:
    whole = baseline_of(run(lambda number: True, count=16))
    kept = {"right/all": whole["right/all"]}
    # 1.96 * hypot(sqrt(.9 * .1 / 16), sqrt(.6 * .4 / 16)).
    told = ["right (all) is 0.625±0.122, worse than the baseline's 1.000 by more than 0.281."]
    older = {"right/all": {"mean": 1.0, "standard_error": 0.0, "n": 16}}
    for baseline in (kept, older):
        assert falls_short(run(lambda number: number > 0, count=16), baseline) == []
        assert falls_short(run(lambda number: number > 5, count=16), baseline) == told


def test_the_error_of_other_means_and_of_amounts_stays_as_it_is() -> None:
    was = {"mean": 0.5, "standard_error": 0.01, "n": 16}
    now = {"mean": 0.46, "standard_error": 0.01, "n": 16}
    assert short_of({"F1/all": now}, {"F1/all": was}) == [
        "F1 (all) is 0.460±0.010, worse than the baseline's 0.500 by more than 0.028."
    ]
    one = {"mean": 1.0, "standard_error": 0.0, "n": 16}
    assert short_of({"calls/all": one}, {"calls/all": one | {"mean": 0.9}}) == [
        "calls (all) is 1.000±0.000, worse than the baseline's 0.900 by more than 0.000."
    ]


def test_a_number_that_is_no_measure_is_better_the_higher_it_is() -> None:
    was = {"recall@1 keywords/all": {"mean": 0.9, "standard_error": 0.03, "n": 100}}
    now = {"recall@1 keywords/all": {"mean": 0.5, "standard_error": 0.05, "n": 100}}
    assert len(short_of(now, was)) == 1 and short_of(was, now) == []
    # What a file rounds away is no loss.
    exact = {"x/all": {"mean": 2 / 3, "standard_error": 0.0, "n": 3}}
    assert short_of(exact, {"x/all": {"mean": 0.666667, "standard_error": 0.0, "n": 3}}) == []


def test_falling_short_of_what_should_be_low_and_of_what_is_missing() -> None:
    was = {"calls/all": {"mean": 2.0, "standard_error": 0.0, "n": 40}}
    assert falls_short(BEFORE, was) == [
        "calls (all) is 3.000±0.000, worse than the baseline's 2.000 by more than 0.000."
    ]
    gone = {"right/gone": {"mean": 0.5, "standard_error": 0.1, "n": 4}}
    assert falls_short(BEFORE, gone) == ["right (gone) was not measured; the baseline has 0.500."]
    better = {"calls/all": {"mean": 9.0, "standard_error": 0.0, "n": 40}}
    assert falls_short(BEFORE, better) == []
