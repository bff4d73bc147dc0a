import pytest
from reports import outcome, report_of

from evals.measures import GROUPS, MEASURES, graded, measured, measures_of, number_text, text_of
from evals.metrics.standard_error import NOTHING, Estimate


def test_numbers_as_text() -> None:
    assert text_of(Estimate(0.75, 0.2168, 4)) == ".750±.217"
    assert text_of(Estimate(1.0, 0.0, 4)) == "1.000±.000"
    assert text_of(Estimate(None, None, 0)) == "-"
    assert text_of(Estimate(4.44, 0.31, 5), 1) == "4.4±0.3"
    assert text_of(Estimate(4.44, None, 1), 2) == "4.44"
    assert number_text(0.9996) == "1.000" and number_text(10.5) == "10.500"


def test_every_measure_stands_in_a_report_and_belongs_to_a_group() -> None:
    outcomes = [
        outcome("q-1"), outcome("q-2", answer="18일입니다. [1]", evidence=0.3),
        outcome("q-3", answerable=False, refused=True, evidence=0.1),
    ]  # fmt: skip
    summary = report_of(outcomes)["metrics"]["graph"]["overall"]
    missing = [m.name for m in MEASURES if not m.estimate(summary).n]
    assert missing == ["obeyed"]
    assert [m for group in GROUPS for m in measures_of(group)] == list(MEASURES)


@pytest.mark.parametrize("measure", [m for m in MEASURES if m.of], ids=lambda m: m.name)
def test_what_questions_add_makes_the_number_of_the_report(measure: object) -> None:
    outcomes = [
        outcome("q-1", tokens=300, seconds=2.0), outcome("q-2", answer="18일입니다. [1]", evidence=0.3),
        outcome("q-3", answerable=False, refused=True, evidence=0.1), outcome("q-4", refused=True),
        outcome("q-5", answerable=False, evidence=0.6, reason="budget: max_seconds reached"),
        outcome("q-6", error="gone"), outcome("q-7", answer="연차는 17일입니다. [1] 병가는 30일입니다. [1]"),
    ]  # fmt: skip
    report = report_of(outcomes)
    whole = measure.estimate(report["metrics"]["graph"]["overall"])  # type: ignore[attr-defined]
    added = [value for row in report["questions"] if (value := measure.of(row)) is not None]  # type: ignore[attr-defined]
    if whole.value is None:
        assert added == []
    else:
        assert sum(added) / len(added) == pytest.approx(whole.value) and len(added) == whole.n


def test_the_share_right_of_a_suite_with_questions_that_nobody_can_mark() -> None:
    unmarked = [outcome("q-1", golds=()), outcome("q-2", kind="none", answerable=False, refused=True)]
    right = next(measure for measure in MEASURES if measure.name == "right")
    report = report_of(unmarked)
    summary = report["metrics"]["graph"]
    assert right.estimate(summary["overall"]).n == 1 and not graded(report["questions"])
    shown = {kind: right.shown(numbers).value for kind, numbers in summary["kinds"].items()}
    assert right.shown(summary["overall"]) == NOTHING and shown == {"leave": None, "none": 1}
    assert all(m.shown(summary["overall"]) == m.estimate(summary["overall"]) for m in MEASURES if m != right)
    marked = report_of([outcome("q-1"), unmarked[1], outcome("q-3", error="gone")])
    assert right.shown(marked["metrics"]["graph"]["overall"]).n == 3 and graded(marked["questions"])


def test_an_older_report_lacks_a_measure_and_that_is_no_error() -> None:
    summary = report_of([outcome("q-1")])["metrics"]["graph"]["overall"]
    del summary["ndcg_at_8"], summary["refusals"]
    found = {m.name: m.estimate(summary).n for m in MEASURES}
    assert found["nDCG@8"] == found["balanced"] == 0 and found["right"] == 1
    names = [m.name for m in measured({"graph": {"overall": summary}}, "retrieval")]
    assert names == ["found", "shown", "recall@4", "MRR"]
