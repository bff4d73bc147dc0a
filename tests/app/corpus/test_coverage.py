import math

import pytest

from app.corpus.coverage import coverage, covered_mass, inverse_document_frequency
from app.corpus.passage import Passage


def _passage(text: str, heading: str = "") -> Passage:
    return Passage(id="1", source="a", heading=heading, text=text)


_IDF = {"보증": 3.0, "기간": 1.0}


def test_the_best_sentence_counts_not_their_sum() -> None:
    apart = [_passage("보증 안내입니다. 기간은 다릅니다.")]
    together = [_passage("보증 기간은 1년입니다.")]
    assert coverage("보증 기간", apart, _IDF) == 0.75
    assert coverage("보증 기간", together, _IDF) == 1.0
    assert coverage("보증 기간", [*apart, *together], _IDF) == 1.0


def test_a_heading_belongs_to_each_of_its_sentences() -> None:
    assert coverage("보증 기간", [_passage("1년이다. 기간 안에 오라.", heading="보증")], _IDF) == 1.0


def test_nothing_covers_nothing() -> None:
    assert coverage("보증 기간", [], _IDF) == 0.0
    assert coverage("보증 기간", [_passage("환불은 없다.")], _IDF) == 0.0
    assert coverage("?!", [_passage("보증")], {}) == 0.0


def test_frequencies_may_come_from_a_function() -> None:
    asked: list[list[str]] = []

    def idf(tokens: object) -> dict[str, float]:
        asked.append(list(tokens))  # type: ignore[call-overload]
        return _IDF

    assert coverage("보증 기간 보증", [_passage("보증")], idf) == 0.75
    assert asked == [["보증", "기간"]]


def test_a_token_without_a_frequency_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        coverage("환불", [_passage("환불")], _IDF)


def test_covered_mass_is_a_share() -> None:
    assert covered_mass({"a": 1.0, "b": 3.0}, {"b", "c"}) == 0.75
    assert covered_mass({}, {"b"}) == 0.0


def test_rare_tokens_weigh_more_and_none_weighs_nothing() -> None:
    assert inverse_document_frequency(0, 10) == pytest.approx(math.log(22))
    assert inverse_document_frequency(1, 10) > inverse_document_frequency(5, 10)
    assert inverse_document_frequency(10, 10) > 0
    assert inverse_document_frequency(0, 0) > 0
