"""Questions to fit on: whole, and apart from those that are reported."""

from pathlib import Path

import pytest

from evals.korquad import read_paraphrases
from evals.suite import read_suite

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


def test_the_paraphrases_are_not_those_that_are_reported() -> None:
    fitted = {paraphrase.id for paraphrase in read_paraphrases(FITTING / "korquad_paraphrases.jsonl")}
    reported = {
        paraphrase.id for paraphrase in read_paraphrases(ROOT / "datasets" / "korquad_paraphrases.jsonl")
    }
    assert len(fitted) == 130 and not fitted & reported
