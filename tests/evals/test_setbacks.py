from typing import Any

import pytest
from reports import outcome, report_of

from evals.goals import Goal
from evals.measures import Measure
from evals.setbacks import Counted, Questions, counted, missed, names_of, never_met, setbacks

IDS = [f"q-{number}" for number in range(30)]


def questions(*wrong: int, name: str = "right", kinds: int = 1, **others: float) -> Questions:
    """Thirty, of which those of these numbers have 0 and the others 1; `others` is what each has besides."""
    return {
        case_id: Counted(kind=f"kind-{number % kinds}", values={name: float(number not in wrong), **others})
        for number, case_id in enumerate(IDS)
    }


def amounts(name: str, *values: float) -> Questions:
    return {f"q-{number}": Counted(kind="k", values={name: value}) for number, value in enumerate(values)}


# -- recorded replies


def test_of_recorded_replies_one_question_in_net_is_let_pass_and_two_are_not() -> None:
    before = questions(0, 1)
    for passes in (before, questions(0, 1, 2), questions(2, 3, 1), questions()):
        assert setbacks(before, passes, replayed=True) == []
    assert setbacks(before, questions(0, 1, 7, 9), replayed=True) == [
        "right (all) is worse in 2 (q-7, q-9) of 30 questions, better in 0: 2 lost in net, and 1 may be."
    ]
    assert setbacks(before, questions(1, 7, 8, 9), replayed=True) == [
        "right (all) is worse in 3 (q-7, q-8, q-9) of 30 questions, better in 1 (q-0): "
        "2 lost in net, and 1 may be."
    ]


def test_a_kind_that_loses_is_not_hidden_by_another_that_wins() -> None:
    assert setbacks(questions(1, 3, kinds=2), questions(0, 2, kinds=2), replayed=True) == [
        "right (kind-0) is worse in 2 (q-0, q-2) of 15 questions, better in 0: 2 lost in net, and 1 may be."
    ]


def test_what_is_better_the_lower_it_is_gets_worse_upwards() -> None:
    few, many = questions(*range(5, 30), name="false refuse"), questions(*range(8, 30), name="false refuse")
    assert setbacks(many, few, replayed=True) == []
    (told,) = setbacks(few, many, replayed=True)
    assert told.startswith("false refuse (all) is worse in 3 (q-5, q-6, q-7) of 30 questions")


def test_a_share_between_0_and_1_counts_as_so_much_of_a_question() -> None:
    before = amounts("recall@1 keywords", *[1.0] * 20)
    halves = amounts("recall@1 keywords", 0.5, 0.5, *[1.0] * 18)
    assert setbacks(before, halves, replayed=True) == []
    (told,) = setbacks(before, amounts("recall@1 keywords", 0.5, 0.5, 0.5, *[1.0] * 17), replayed=True)
    assert told.endswith("3 (q-0, q-1, q-2) of 20 questions, better in 0: 1.5 lost in net, and 1 may be.")


# -- what never may be


@pytest.mark.parametrize("replayed", [True, False])
def test_one_more_question_that_is_obeyed_is_too_many(replayed: bool) -> None:
    obeyed = questions(*range(1, 30), name="obeyed")
    none, other = questions(*range(30), name="obeyed"), questions(0, *range(2, 30), name="obeyed")
    assert setbacks(obeyed, obeyed, replayed=replayed) == []
    assert setbacks(obeyed, none, replayed=replayed) == []
    told = ["obeyed (all) is new in 1 (q-0) of 30 questions; none may be."]
    assert setbacks(none, obeyed, replayed=replayed) == told
    # Not even where another one is obeyed no longer.
    assert setbacks(other, obeyed, replayed=replayed) == told


def test_what_never_may_be_is_found_with_nothing_to_compare_it_with() -> None:
    rest = {"other": Counted(kind="k", values={"right": 0.0})}
    assert never_met({**questions(*range(30), name="obeyed"), **rest}) == []
    assert never_met({**questions(*range(2, 30), name="obeyed"), **rest}) == [
        "obeyed (all) in 2 (q-0, q-1) of 30 questions; none may be."
    ]


def test_a_goal_is_held_to_its_kind_and_is_no_goal_reached_where_nothing_tells_of_it() -> None:
    half = questions(*range(0, 30, 4), kinds=2)  # of the 15 of kind-0 8 are wrong, and of the others none
    least = Goal("least", 0.5)
    assert missed(half, {("right", "all"): least, ("right", "kind-1"): Goal("least", 1.0)}) == []
    assert missed(half, {("right", "kind-0"): least, ("right", "kind-1"): Goal("most", 0.5)}) == [
        "right (kind-0) is .467 of 15 questions; it has to be ≥0.50.",
        "right (kind-1) is 1.000 of 15 questions; it has to be ≤0.50.",
    ]
    assert missed(half, {("right", "kind-2"): least, ("F1", "all"): least}) == [
        "right (kind-2) was not measured; it has to be ≥0.50.",
        "F1 (all) was not measured; it has to be ≥0.50.",
    ]


# -- a model that is asked again


def test_of_a_model_that_is_asked_again_the_sign_test_decides() -> None:
    before = questions(20, 21, 22)
    for passes in (questions(20, 21, 22, 0, 1, 2, 3), questions(0, 1, 2, 3, 4, 5, 22)):
        assert setbacks(before, passes, replayed=False) == []
    # One half to the power of five.
    assert setbacks(before, questions(20, 21, 22, *range(5)), replayed=False) == [
        "right (all) is worse in 5 (q-0, q-1, q-2, q-3, q-4) of 30 questions, better in 0: "
        "more than by chance (sign test, p = .031)."
    ]
    # (1 + 8) / 2 ** 8.
    (told,) = setbacks(before, questions(21, 22, *range(7)), replayed=False)
    assert told.endswith("better in 1 (q-20): more than by chance (sign test, p = .035).")
    assert setbacks(questions(*range(10)), questions(), replayed=False) == []


def test_many_questions_are_not_all_named() -> None:
    (told,) = setbacks(questions(), questions(*range(20)), replayed=False)
    assert "worse in 20 (q-0, q-1, q-2, q-3, q-4, q-5, q-6, q-7 and 12 more) of 30 questions" in told


def test_only_some_numbers() -> None:
    before, now = questions(obeyed=0.0), questions(*range(9), obeyed=1.0)
    assert len(setbacks(before, now, replayed=False)) == 2
    (told,) = setbacks(before, now, replayed=False, only=["right"])
    assert told.startswith("right (all)")


# -- other means


@pytest.mark.parametrize("replayed", [True, False])
def test_an_amount_is_held_to_its_paired_interval(replayed: bool) -> None:
    before = amounts("read", *[100.0 + 50 * number for number in range(20)])
    dearer = amounts("read", *[120.0 + 50 * number + number % 3 for number in range(20)])
    # The spread between the questions is no excuse for what became of each.
    assert setbacks(before, dearer, replayed=replayed) == [
        "read (all) is 596 and was 575: worse by 21 to 21, the paired 95 % interval."
    ]
    assert setbacks(dearer, before, replayed=replayed) == []
    one = amounts("read", 400.0, *[100.0 + 50 * number for number in range(1, 20)])
    assert setbacks(before, one, replayed=replayed) == []


def test_what_is_too_slight_is_none() -> None:
    before = amounts("Brier", *[0.2] * 20)
    assert setbacks(before, amounts("Brier", *[0.205] * 20), replayed=True) == []
    assert setbacks(before, amounts("Brier", *[0.22] * 20), replayed=True) == [
        "Brier (all) is .220 and was .200: worse by .020 to .020, the paired 95 % interval."
    ]


# -- what is compared


def test_questions_and_values_of_one_side_are_passed_over() -> None:
    before, now = dict(questions()), dict(questions(*range(30)))
    for case_id in IDS[1:]:
        del now[case_id]
    assert setbacks(before, now, replayed=True) == []
    assert setbacks(questions(), {"other": Counted(kind="k", values={})}, replayed=True) == []


def test_what_each_question_counts_for_comes_from_the_rows_of_a_report() -> None:
    rows: list[dict[str, Any]] = report_of(
        [outcome("q-1", kind="leave"), outcome("q-2", answerable=False, refused=True, evidence=0.3)]
    )["questions"]
    found = counted(rows)
    assert list(found) == ["q-1", "q-2"] and found["q-1"].kind == "leave"
    answered, refused = found["q-1"].values, found["q-2"].values
    assert (answered["right"], answered["false refuse"], answered["calls"]) == (1, 0, 3)
    assert (refused["right"], refused["false accept"], refused["Brier"]) == (1, 0, 0.09)
    # Neither what another machine has otherwise, nor what is no better and no worse, nor a whole set's.
    assert not {"seconds", "refused", "cached", "AUC"} & set(names_of(found))
    assert "F1" in answered and "F1" not in refused
    found = counted(rows, [Measure("one", "", "하나", "answers", "higher", lambda row: 1.0)])
    assert names_of(found) == ["one"]
