import pytest

from app.errors import MutdaError
from evals.options import KNOBS, parse
from graphs.context import Context


def test_knobs_of_a_question_are_set_by_name() -> None:
    options = parse(["suite.jsonl", "--set", "look=3", "--set", "accept=0.5", "--embedder", "toy:"])
    assert options.context == Context(look=3, accept=0.5, web_search="off")
    assert options.embedder == "toy:"
    assert parse(["suite.jsonl"]).context == Context(web_search="off")


def test_what_is_searched_outside_is_said_by_an_address_alone() -> None:
    assert "web_search" not in KNOBS
    assert parse(["suite.jsonl", "--search", "http://127.0.0.1:8888"]).context.web_search == "on"


@pytest.mark.parametrize(
    ("knob", "told"),
    [
        ("look=0", "--set look=0: input should be greater than or equal to 1."),
        ("k=many", "--set k=many: input should be a valid integer, unable to parse string as an integer."),
        ("web_search=on", f"--set web_search=on: expected NAME=VALUE with one of {', '.join(KNOBS)}."),
        ("look", f"--set look: expected NAME=VALUE with one of {', '.join(KNOBS)}."),
    ],
)
def test_a_knob_that_is_none_is_told_in_one_line(knob: str, told: str) -> None:
    with pytest.raises(MutdaError) as caught:
        _ = parse(["suite.jsonl", "--set", knob]).context
    assert str(caught.value) == told
