from typing import Any

from evals.absent import absent, absent_line
from evals.suite import Case, GivenPassage


def case(**changes: Any) -> Case:
    values = {"id": "a-1", "question": "며칠?", "answers": ["17일"], "answerable": True}
    return Case(**(values | changes))


def test_a_question_is_absent_where_none_of_its_files_is_there() -> None:
    files = {"휴가.txt", "출장.txt"}
    there = [
        case(sources=["휴가.txt"]),
        case(sources=["규정/휴가.txt"]),
        case(sources=["없음.txt", "출장.txt"]),
        case(sources=[]),
        case(sources=["없음.txt"], passages=[GivenPassage(title="", text="글")]),
    ]
    gone = case(sources=["없음.txt", "휴기.txt"])
    assert absent([*there, gone], files) == [gone]


def test_one_of_them_is_named() -> None:
    assert absent_line([case(sources=["a.txt"]), case(sources=["b.txt"])]) == (
        "2 questions count as not found: a.txt, for one, is not among the documents."
    )
