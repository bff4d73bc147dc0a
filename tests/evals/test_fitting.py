"""Questions to fit on: whole, and apart from those that are reported."""

from collections import Counter
from pathlib import Path

import pytest

from evals.korquad import read_paraphrases
from evals.suite import read_suite
from graphs.calculation import may_calculate

ROOT = Path(__file__).parents[2] / "evals"
FITTING = ROOT / "fitting"


def squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


@pytest.mark.parametrize("name", ["a", "b"])
def test_each_answer_stands_in_its_document(name: str) -> None:
    cases = read_suite(FITTING / "office" / f"{name}.jsonl")
    assert len(cases) > 200 and len({case.id for case in cases}) == len(cases)
    for case in cases:
        assert case.answerable == bool(case.answers) == bool(case.sources), case.id
        text = "".join(
            (FITTING / "office" / name / source).read_text(encoding="utf-8") for source in case.sources
        )
        assert not case.answers or any(squeezed(a) in squeezed(text) for a in case.answers), case.id


@pytest.mark.parametrize("name", ["a", "b"])
def test_calculations_are_of_three_kinds_over_the_same_documents(name: str) -> None:
    cases = read_suite(FITTING / "office" / f"{name}_calculations.jsonl")
    kinds = Counter(case.kind for case in cases)
    assert kinds == {"calculation": 24, "lookup": 10, "unanswerable": 6}
    for case in cases:
        assert case.answerable == bool(case.answers) == bool(case.sources), case.id
        assert all((FITTING / "office" / name / source).is_file() for source in case.sources), case.id
    # Nearly all of them are seen to be such by their words.
    asked = [case.question for case in cases if case.kind == "calculation"]
    assert sum(map(may_calculate, asked)) / len(asked) > 0.8


def test_the_paraphrases_are_not_those_that_are_reported() -> None:
    fitted = {paraphrase.id for paraphrase in read_paraphrases(FITTING / "korquad_paraphrases.jsonl")}
    reported = {
        paraphrase.id for paraphrase in read_paraphrases(ROOT / "datasets" / "korquad_paraphrases.jsonl")
    }
    assert len(fitted) == 130 and not fitted & reported
