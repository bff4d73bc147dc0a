from collections.abc import Sequence

import pytest
from reports import outcome, report_of

from evals.changes import ALL, Change, changes_of
from evals.metrics.paired import ENOUGH
from evals.runner import Outcome

RIGHT, WRONG = "연차는 17일입니다. [1]", "연차는 18일입니다. [1]"


def changes(before: Sequence[Outcome], after: Sequence[Outcome]) -> dict[str, Change]:
    """Over all questions, by the measure's name."""
    rows = [report_of(outcomes)["questions"] for outcomes in (before, after)]
    return {change.measure.name: change for change in changes_of(list(zip(*rows, strict=True)))}


def answers(right: Sequence[bool], *, seconds: Sequence[float] | float = 1.0) -> list[Outcome]:
    times = [seconds] * len(right) if isinstance(seconds, float) else seconds
    return [
        outcome(f"q-{number}", answer=RIGHT if good else WRONG, seconds=time)
        for number, (good, time) in enumerate(zip(right, times, strict=True))
    ]


def test_one_question_proves_nothing() -> None:
    found = changes(answers([False], seconds=2.0), answers([True], seconds=1.9))
    for name in ("right", "contained", "F1", "seconds"):
        assert found[name].difference.interval is None and found[name].verdict == ""
    assert (found["right"].won, found["right"].chance) == (1, 1.0)
    assert found["seconds"].difference.value == pytest.approx(-0.1) and found["seconds"].won == 1


@pytest.mark.parametrize(("count", "verdict"), [(2, ""), (ENOUGH - 1, ""), (ENOUGH, "better")])
def test_a_few_that_all_move_alike_may_be_chance(count: int, verdict: str) -> None:
    found = changes(answers([False] * count, seconds=2.0), answers([True] * count, seconds=1.9))
    assert found["right"].verdict == found["seconds"].verdict == verdict
    back = changes(answers([True] * count, seconds=1.9), answers([False] * count, seconds=2.0))
    assert back["right"].verdict == back["seconds"].verdict == ("worse" if verdict else "")


def test_of_right_and_wrong_the_sign_test_must_agree() -> None:
    # Nine of eleven: the interval leaves zero out, and chance does as much in .065 of the cases.
    before, after = [False] * 9 + [True] * 2, [True] * 9 + [False] * 2
    same = [True] * 9
    found = changes(answers([*before, *same]), answers([*after, *same]))["right"]
    assert (found.won, found.lost, found.tied) == (9, 2, 9) and found.right_or_wrong
    assert found.difference.interval is not None and found.difference.interval[0] > 0
    assert found.chance == pytest.approx(0.0654, abs=1e-4) and found.verdict == ""


def test_five_of_forty_that_became_right_may_be_chance() -> None:
    found = changes(answers([False] * 5 + [True] * 35), answers([True] * 40))["right"]
    assert found.difference.interval is not None and found.difference.interval[0] > 0
    assert found.chance == pytest.approx(2 / 32) and found.verdict == ""


def test_few_changes_among_many_questions_are_few_of_a_mean_too() -> None:
    four = changes(answers([True] * 40, seconds=2.0), answers([True] * 40, seconds=[1.0] * 4 + [2.0] * 36))
    interval = four["seconds"].difference.interval
    assert interval is not None and interval[1] < 0 and four["seconds"].verdict == ""
    nine = changes(answers([True] * 40, seconds=2.0), answers([True] * 40, seconds=[1.0] * 9 + [2.0] * 31))
    assert nine["seconds"].verdict == "better" and not nine["seconds"].right_or_wrong


def refusing(answerable: Sequence[bool], rest: Sequence[bool]) -> list[Outcome]:
    """Who was refused, of the answerable and of the others; the others have the lower evidence."""
    return [
        outcome(f"q-{number}", answerable=side, refused=refused, evidence=0.3 + 0.3 * side + number / 100)
        for side, flags in ((True, answerable), (False, rest))
        for number, refused in enumerate(flags, start=0 if side else 50)
    ]


def test_the_balanced_accuracy_takes_six_changed_decisions() -> None:
    for count, verdict in ((5, ""), (7, "better")):
        found = changes(refusing([False] * 10, [False] * count), refusing([False] * 10, [True] * count))[
            "balanced"
        ]
        assert found.difference.value == 0.5 and found.changed == count and found.verdict == verdict
        assert found.chance is None and (found.won, found.lost, found.tied) == (0, 0, 0)
    one = changes(refusing([False], [False]), refusing([False], [True]))["balanced"]
    assert one.difference.interval is None and one.verdict == ""


def spread(count: int, *, turned: bool) -> list[Outcome]:
    """Twenty answerable questions and `count` others, told apart by their evidence, or the wrong way."""
    return [
        outcome(f"{side}-{n}", answerable=side, evidence=(0.7 if side != turned else 0.2) + n / 100)
        for side, size in ((True, 20), (False, count))
        for n in range(size)
    ]


@pytest.mark.parametrize(("count", "verdict"), [(1, ""), (ENOUGH - 1, ""), (ENOUGH, "better")])
def test_the_area_takes_six_questions_of_either_side(count: int, verdict: str) -> None:
    found = changes(spread(count, turned=True), spread(count, turned=False))["AUC"]
    assert found.difference.value > 0.9 and found.changed == 20 + count
    assert found.verdict == verdict and (found.difference.interval is None) == (not verdict)


def test_kinds_have_their_own_numbers() -> None:
    outcomes = [outcome(f"q-{n}", kind="ab"[n % 2], answer=WRONG) for n in range(14)]
    better = [outcome(f"q-{n}", kind="ab"[n % 2], answer=WRONG if n % 2 else RIGHT) for n in range(14)]
    rows = [report_of(made)["questions"] for made in (outcomes, better)]
    found = {
        change.kind: change
        for change in changes_of(list(zip(*rows, strict=True)))
        if change.measure.name == "right"
    }
    assert list(found) == [ALL, "a", "b"]
    assert [change.verdict for change in found.values()] == ["better", "better", ""]
    assert found["a"].difference.n == 7
