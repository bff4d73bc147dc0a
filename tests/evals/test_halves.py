import random
import subprocess
import sys
from itertools import count
from typing import Any

import pytest

from evals.halves import half_of, sides
from evals.korquad import part_of
from evals.suite import Case


def case(case_id: str, *, files: Any = (), passages: Any = None) -> Case:
    """`passages` are (title, text)."""
    given = [{"title": title, "text": text} for title, text in passages] if passages else None
    return Case.model_validate(
        {"id": case_id, "question": "누구?", "answers": [], "answerable": True, "sources": list(files)}
        | ({"passages": given} if given else {})
    )


def name_in(part: str, *, begins: str = "q") -> str:
    """An id or a file's name that the hash puts on that side."""
    return next(name for n in count() if part_of(name := f"{begins}-{n}") == part)


FIT, REPORT = name_in("fit"), name_in("report")


# -- questions over files


def test_questions_over_one_file_stand_on_the_side_of_the_file_whatever_their_ids() -> None:
    ids = [f"a-{n}" for n in range(20)]
    assert {part_of(case_id) for case_id in ids} == {"fit", "report"}
    for part in ("fit", "report"):
        file = name_in(part, begins="글")
        assert sides([case(case_id, files=[f"문서/{file}"]) for case_id in ids]) == [part] * 20


def test_a_question_over_two_files_ties_what_is_asked_of_either() -> None:
    one, two = sorted((name_in("fit", begins="가"), name_in("report", begins="나")))
    apart = [case("1", files=[one]), case("2", files=[two])]
    assert sides(apart) == ["fit", "report"]
    assert sides([*apart, case("3", files=[two, one])]) == ["fit"] * 3


def test_no_file_is_on_both_sides_of_a_larger_suite() -> None:
    chance = random.Random(1)
    cases = [case(f"q-{n}", files=[f"f{chance.randrange(40)}" for _ in range(n % 3)]) for n in range(120)]
    fit, report = half_of(cases, "fit"), half_of(cases, "report")
    files = [{name for chosen in half.cases for name in chosen.sources} for half in (fit, report)]
    assert files[0] and not files[0] & files[1]
    assert len(fit.cases) + len(report.cases) == 120 and fit.aside == report.aside == 0


def test_a_question_that_names_no_file_stands_by_its_id() -> None:
    assert sides([case(FIT), case(REPORT)]) == ["fit", "report"]


# -- questions that bring passages


def test_what_shares_an_article_or_a_passage_with_the_fitted_is_in_neither_half() -> None:
    ids = [name_in("report", begins=begins) for begins in "abcd"]
    cases = [
        case(FIT, passages=[("서울", "하나"), ("부산", "둘")]),
        case(ids[0], passages=[("부산", "다른 글")]),
        case(ids[1], passages=[("대구", " 하나 ")]),
        case(ids[2], passages=[("대구", "셋"), ("광주", "넷")]),
        case(ids[3], passages=[("부산 ", "다섯"), ("울산", "여섯")]),
    ]
    assert sides(cases) == ["fit", "aside", "aside", "report", "aside"]
    report = half_of(cases, "report")
    assert [chosen.id for chosen in report.cases] == [ids[2]]
    assert report.counts() == {"part": "report", "suite": 5, "half": 1, "aside": 3}


def test_what_was_fitted_on_until_now_still_is_and_nothing_besides() -> None:
    cases = [case(f"q-{n}", passages=[(f"제목 {n // 2}", f"글 {n}")]) for n in range(60)]
    fitted = [chosen.id for chosen in half_of(cases, "fit").cases]
    assert fitted == [given.id for given in cases if part_of(given.id) == "fit"]
    assert len(fitted) + len(half_of(cases, "report").cases) + half_of(cases, "fit").aside == 60
    assert 0 < half_of(cases, "fit").aside < 30


def test_passages_without_a_title_have_none_in_common() -> None:
    assert sides([case(FIT, passages=[("", "하나")]), case(REPORT, passages=[(" ", "둘")])]) == [
        "fit",
        "report",
    ]


# -- both


def test_all_questions_are_asked_where_no_half_is_named() -> None:
    cases = [case(FIT, passages=[("서울", "하나")]), case(REPORT, passages=[("서울", "둘")])]
    half = half_of(cases, None)
    assert half.cases == cases
    assert half.counts() == {"part": None, "suite": 2, "half": 2, "aside": 1}


@pytest.mark.parametrize("seed", [1, 2])
def test_sides_do_not_depend_on_the_order_or_the_process(seed: int) -> None:
    cases = [case(f"f-{n}", files=[f"f{n % 17}", f"f{n % 5}"] if n % 4 else ()) for n in range(40)]
    cases += [case(f"p-{n}", passages=[(f"제목 {n % 15}", f"글 {n}")]) for n in range(40)]
    found = {given.id: side for given, side in zip(cases, sides(cases), strict=True)}
    random.Random(seed).shuffle(cases)
    assert {given.id: side for given, side in zip(cases, sides(cases), strict=True)} == found
    code = (
        "from evals.halves import sides; from evals.suite import Case; import json, sys;"
        "print(sides([Case.model_validate(row) for row in json.load(sys.stdin)]))"
    )
    rows = "[" + ",".join(given.model_dump_json() for given in cases) + "]"
    done = subprocess.run([sys.executable, "-c", code], input=rows, capture_output=True, encoding="utf-8")
    assert done.stdout.strip() == str([found[given.id] for given in cases]), done.stderr
