"""Office documents in the formats that people have, with questions of five kinds."""

from collections import Counter
from pathlib import Path

import pytest

from app.corpus.load import load
from evals.suite import read_suite

ROOT = Path(__file__).parents[2] / "evals"
SUITES = {
    "fitting": (ROOT / "fitting" / "office" / "c.jsonl", ROOT / "fitting" / "office" / "c"),
    "reported": (ROOT / "datasets" / "office" / "suite.jsonl", ROOT / "datasets" / "office" / "docs"),
}
KINDS = {"direct": 12, "paraphrased": 12, "followup": 12, "calculation": 12, "unanswerable": 14}


def squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


@pytest.mark.parametrize("name", SUITES)
def test_what_is_written_stands_in_its_document(name: str) -> None:
    suite, folder = SUITES[name]
    cases = read_suite(suite)
    texts = {path.name: squeezed(load(path).text) for path in folder.iterdir()}
    assert len(texts) == 9 and {Path(source).suffix for source in texts} == {
        ".docx", ".csv", ".html", ".md", ".txt"
    }  # fmt: skip
    assert Counter(case.kind for case in cases) == KINDS
    for case in cases:
        assert case.answerable == bool(case.answers) == bool(case.sources), case.id
        assert bool(case.history) == (case.kind == "followup"), case.id
        assert set(case.sources) <= set(texts), case.id
        if case.answerable and case.kind != "calculation":
            text = "".join(texts[source] for source in case.sources)
            assert any(squeezed(answer) in text for answer in case.answers), case.id


def test_the_two_share_no_question_and_no_document() -> None:
    first, second = SUITES.values()
    asked = [{case.question for case in read_suite(suite)} for suite, _ in (first, second)]
    assert not asked[0] & asked[1]
    assert not {path.name for path in first[1].iterdir()} & {path.name for path in second[1].iterdir()}
