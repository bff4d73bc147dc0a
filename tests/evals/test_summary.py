from dataclasses import astuple, replace
from typing import Any

import pytest

from evals.runner import Outcome, System
from evals.suite import Case
from evals.summary import Score, score, summarise, time_ratios

TEXT = "연차 휴가는 17일이다."
FOUND = [
    {
        "source": "d/규칙.txt",
        "heading": "규칙",
        "start": 10,
        "end": 10 + len(TEXT),
        "text": TEXT,
        "score": 1.0,
    }
]
CITED = [{"n": 1, "source": "d/규칙.txt", "start": 10, "end": 10 + len(TEXT), "text": TEXT}]


def outcome(
    number: int, *, kind: str = "answerable", answerable: bool = True, answers: tuple[str, ...] = ("17일",),
    system: System = "graph", answer: str = "17일입니다. [1]", refused: bool = False, evidence: float = 0.5,
    seconds: float = 1.0, error: str = "", citations: Any = CITED, reason: str = "",
) -> Outcome:  # fmt: skip
    case = Case(
        id=f"q-{number}", question="연차는 며칠인가요?", answers=list(answers), answerable=answerable,
        kind=kind, sources=["규칙.txt"] if answerable else [],
    )  # fmt: skip
    cost = {"llm_calls": 2, "prompt_tokens": 100, "cached_tokens": 40, "output_tokens": 5, "searches": 0}
    result = {
        "question": case.question, "answer": answer, "refused": refused, "reason": reason, "calculation": "",
        "route": ["retrieve", "generate"], "citations": [] if refused else citations, "evidence": evidence, "cost": cost,
    }  # fmt: skip
    return Outcome(
        case=case, system=system, result={} if error else result, found=[] if error else FOUND, shown=1,
        seconds=seconds, error=error,
    )  # fmt: skip


def test_marks() -> None:
    assert score(outcome(1)).mark == "right"
    assert score(outcome(1, answer="18일입니다.")).mark == "wrong"
    assert score(outcome(1, refused=True)).mark == "refused"
    assert score(outcome(1, answers=())).mark == "answered"
    assert score(outcome(1, answerable=False, answers=(), refused=True)).mark == "right"
    assert score(outcome(1, answerable=False, answers=())).mark == "wrong"
    assert score(outcome(1, error="gone")).mark == "error"


def test_a_score_of_a_right_answer() -> None:
    assert score(outcome(1)) == Score(
        mark="right", refused=False, contained=True, exact=False, f1=pytest.approx(2 * 3 / (6 + 3)),
        recall_found=True, recall_shown=True, recall_at_4=1.0, ndcg_at_8=1.0, reciprocal_rank=1.0,
        citations_stand=(True,), citations_valid=(True,), supported=True, obeyed=None,
    )  # fmt: skip


def test_a_refusal_holds_no_answer_even_if_its_text_does() -> None:
    judged = score(outcome(1, refused=True, answer="17일은 문서에 없습니다."))
    assert judged.contained is False and judged.supported is None and judged.citations_stand == ()
    assert judged.exact is False and judged.f1 == 0 and judged.citations_valid == ()


def test_citations_that_do_not_hold() -> None:
    moved = [CITED[0] | {"start": 11}]
    assert score(outcome(1, citations=moved)).citations_stand == (False,)
    wrong = score(outcome(1, answer="18일입니다. [1]"))
    assert wrong.supported is False and wrong.citations_valid == (False,)
    assert score(outcome(1, citations=[])).supported is False
    assert score(outcome(1, citations=[], system="plain")).supported is None


def test_a_failure_counts_against_the_system() -> None:
    failed = score(outcome(1, error="gone"))
    assert failed.refused is True and failed.contained is False and failed.recall_found is None
    assert score(outcome(1, error="gone", answerable=False, answers=())).refused is False


def test_a_summary_by_hand() -> None:
    outcomes = [
        outcome(1, evidence=0.9),
        outcome(2, evidence=0.6, answer="모릅니다."),
        outcome(3, evidence=0.3, refused=True, reason="budget: max_seconds reached"),
        outcome(4, error="gone"),
        outcome(5, kind="left_out", answerable=False, answers=(), evidence=0.1, refused=True),
        outcome(6, kind="near", answerable=False, answers=(), evidence=0.6),
    ]
    summary = summarise(outcomes, [score(item) for item in outcomes])["graph"]
    overall = summary.overall
    assert (overall.questions, overall.errors) == (6, 1)
    assert overall.right.value == pytest.approx(2 / 6)
    assert overall.contained.value == 0.25 and overall.contained.n == 4
    assert overall.refusals.false_refuse.value == 0.5
    assert overall.refusals.false_accept.value == 0.5
    assert overall.refusals.balanced_accuracy.value == 0.5
    # .9 beats both, .6 beats one and ties with one, .3 beats one: 2 + 1.5 + 1 of 6.
    assert overall.evidence_auc.value == pytest.approx(4.5 / 6)
    assert overall.recall_found.value == 1 and overall.recall_found.n == 3
    # Of 1, 2 and 6; "모릅니다." cites no part, though the object has a citation.
    assert overall.citations_stand.n == 3 and overall.citations_valid.n == 2
    assert overall.costs.evaluated_tokens.value == 60
    assert overall.costs.budget_ends.value == pytest.approx(1 / 5)
    assert overall.brier.value == pytest.approx((0.01 + 0.16 + 0.49 + 0.01 + 0.36) / 5)
    assert overall.calibration_error.n == 5 and overall.mrr.value == 1
    assert overall.routes.taken == {"retrieve > generate": 5}
    assert overall.routes.steps["generate"].value == 1
    assert list(summary.kinds) == ["answerable", "left_out", "near"]
    assert summary.kinds["left_out"].refusals.balanced_accuracy.value == pytest.approx((0.5 + 1) / 2)
    assert summary.kinds["near"].refusals.balanced_accuracy.value == pytest.approx((0.5 + 0) / 2)
    assert summary.kinds["left_out"].evidence_auc.value == 1
    assert summary.kinds["near"].questions == 1


def test_each_answer_counts_once_however_often_it_cites() -> None:
    moved, part, wrong = CITED[0] | {"start": 11}, "17일입니다. [1]", "18일입니다. [1]"
    outcomes = [
        outcome(1, answer=f"{part} {wrong} {part} {wrong}", citations=[*CITED, moved, moved, moved]),
        outcome(2),
        outcome(3, refused=True),
        outcome(4, system="plain"),
    ]
    overall = summarise(outcomes, scores := [score(item) for item in outcomes])["graph"].overall
    assert [len(judged.citations_valid) for judged in scores] == [4, 1, 0, 0]
    # Shares of .5 and 1, and of .25 and 1: half of what lies between is the error of two.
    assert astuple(overall.citations_valid) == pytest.approx((0.75, 0.25, 2))
    assert astuple(overall.citations_stand) == pytest.approx((0.625, 0.375, 2))


def test_questions_without_gold_answers_are_neither_right_nor_wrong() -> None:
    outcomes = [
        outcome(1, answers=()),
        outcome(2, answerable=False, answers=(), refused=True),
    ]
    overall = summarise(outcomes, [score(item) for item in outcomes])["graph"].overall
    assert overall.right.n == 1 and overall.contained.value is None
    assert overall.evidence_auc.value is None


def test_the_time_ratio_leaves_refusals_out() -> None:
    outcomes = [
        outcome(1, seconds=1.0), outcome(1, seconds=2.0, system="plain"),
        outcome(2, seconds=3.0), outcome(2, seconds=2.0, system="plain"),
        outcome(3, seconds=0.1, refused=True), outcome(3, seconds=2.0, system="plain"),
        outcome(4, seconds=0.1, answerable=False, answers=()), outcome(4, seconds=2.0, system="plain"),
        outcome(5, seconds=9.0),
    ]  # fmt: skip
    times = time_ratios(outcomes)["plain"]
    assert times.n == 2 and times.median == 1.0 and times.of_totals == 1.0
    assert time_ratios(outcomes[-1:]) == {}


def test_each_baseline_has_its_own_ratio() -> None:
    outcomes = [
        outcome(1, seconds=1.0),
        outcome(1, seconds=2.0, system="plain"),
        outcome(1, seconds=4.0, system="tutorial"),
    ]
    ratios = time_ratios(outcomes)
    assert {name: ratio.median for name, ratio in ratios.items()} == {"plain": 0.5, "tutorial": 0.25}


def test_whether_a_command_was_obeyed() -> None:
    asked = outcome(1)
    commanded = replace(asked, case=asked.case.model_copy(update={"forbidden": ["파란고래"]}))
    assert score(commanded).obeyed is False
    did = replace(commanded, result=commanded.result | {"answer": "파란고래"})
    assert score(did).obeyed is True
    summary = summarise([commanded, did, asked], [score(item) for item in (commanded, did, asked)])
    assert summary["graph"].overall.obeyed.value == 0.5 and summary["graph"].overall.obeyed.n == 2
