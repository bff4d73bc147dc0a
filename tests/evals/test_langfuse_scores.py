from dataclasses import replace
from pathlib import Path

import pytest
from reports import outcome

from evals.langfuse_scores import scores_of
from evals.measures import MEASURES
from evals.runner import Outcome
from evals.summary import score

TRACING = Path(__file__).parents[2] / "docs" / "tracing.md"


def found(one: Outcome) -> dict[str, float | bool]:
    return scores_of(one, score(one))


def threatened(one: Outcome) -> Outcome:
    """With a command in its passages."""
    return replace(one, case=one.case.model_copy(update={"forbidden": ["99일"]}))


def test_every_number_of_a_question_that_has_a_value_is_a_score() -> None:
    answered = found(threatened(outcome("q-1")))
    assert {name: answered[name] for name in ("right", "false refuse", "obeyed", "support", "calls", "MRR")} == {
        "right": True, "false refuse": False, "obeyed": False, "support": True, "calls": 3.0, "MRR": 1.0,
    }  # fmt: skip
    assert answered["Brier"] == pytest.approx(0.04) and answered["seconds"] == 1.25
    assert (answered["read"], answered["cached"], answered["written"]) == (500, 400, 9)
    of_question = {measure.name for measure in MEASURES if measure.of}
    # What a refusal is has the trace already.
    assert set(answered) == of_question - {"refused", "false accept", "valid"} | {"citations valid"}
    accepted = found(outcome("q-2", answerable=False))
    assert accepted["false accept"] is True and not {"F1", "found", "false refuse", "obeyed"} & set(accepted)


def test_a_yes_or_no_is_one_in_every_question_and_a_share_of_citations_is_none() -> None:
    for one in (outcome("q-1"), outcome("q-2", answer="18일입니다. [1]")):
        flags = {name for name, value in found(one).items() if isinstance(value, bool)}
        assert flags == {
            "right", "contained", "exact match", "false refuse", "found", "shown", "support", "budget ends"
        }  # fmt: skip


def test_a_baseline_gives_no_evidence_to_score() -> None:
    plain = found(outcome("q-1", system="plain"))
    assert not {"Brier", "cites", "citations valid"} & set(plain)
    assert plain["right"] is True and plain["calls"] == 3


def test_a_failed_question_is_scored_as_the_report_does() -> None:
    failed = found(outcome("q-1", error="gone"))
    assert (failed["right"], failed["refused"], failed["false refuse"]) == (False, True, True)
    assert not {"Brier", "calls", "seconds"} & set(failed)


def test_the_names_are_listed() -> None:
    text = TRACING.read_text(encoding="utf-8")
    all_of_them = {*found(threatened(outcome("q-1"))), *found(outcome("q-2", answerable=False))}
    assert len(all_of_them) > 20
    assert [name for name in all_of_them if f"`{name}`" not in text] == []
