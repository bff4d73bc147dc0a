"""The answer object: what a refusal still tells."""

from dataclasses import asdict, replace
from typing import Any

from fakes import CALIBRATION, LEAVE, Script, make_resources

from graphs.nodes.finish import NEAREST, nearest_of
from graphs.rag import build
from graphs.resources import Resources
from graphs.state import Question, State

QUESTION = "연차 휴가는 며칠인가요?"


async def ask(resources: Resources) -> dict[str, Any]:
    """The answer object to the question."""
    state = await build(resources).ainvoke(Question(question=QUESTION))
    result: dict[str, Any] = state["result"]
    return result


def state_of(odds: list[float | None], **changes: Any) -> State:
    """A run that found the handbook's passages, read with these log-odds."""
    found = [asdict(replace(passage, reader=each)) for passage, each in zip(LEAVE, odds, strict=False)]
    return State(question=QUESTION, found=found, shown=2, **changes)


def starts(state: State) -> list[int]:
    """Where each of the places begins, which tells the passages apart."""
    return [place["start"] for place in nearest_of(state, CALIBRATION)]


async def test_a_refusal_names_the_places_that_came_near_and_none_of_their_text() -> None:
    result = await ask(make_resources(Script(grade=0.2, rewrite="검색어: 연차")))
    assert result["refused"] and result["citations"] == []
    assert result["nearest"][0] == {
        "source": "취업규칙.docx", "section": "취업규칙", "page": None, "start": 100, "end": 130
    }  # fmt: skip


async def test_an_answer_names_no_other_places() -> None:
    result = await ask(make_resources())
    assert not result["refused"] and result["nearest"] == []


def test_only_what_the_reader_takes_to_answer_rather_than_not_is_near() -> None:
    assert starts(state_of([1.2, -0.5, 0.0, None])) == [100, 300]
    assert starts(state_of([-1.2, -0.5])) == []


def test_without_a_reader_what_was_shown_is_near_unless_it_was_hopeless() -> None:
    unread: list[float | None] = [None] * 4
    assert starts(state_of(unread, evidence=CALIBRATION.hopeless)) == [100, 200]
    assert starts(state_of(unread, evidence=CALIBRATION.hopeless / 2)) == []


def test_a_place_that_gave_an_order_is_not_named_and_there_are_never_many() -> None:
    odds: list[float | None] = [2.0] * 5
    assert starts(state_of(odds, suspects=["p2"])) == [100, 300, 400]
    assert len(starts(state_of(odds))) == NEAREST
