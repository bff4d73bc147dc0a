from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from fakes import CALIBRATION, LEAVE, FakeCorpus, Script, make_resources, passage
from stand_ins.fake_reader import FakeReader

from app.corpus.passage import Passage
from graphs.context import Context
from graphs.nodes.quote import INSTEAD, best_sentence, sentences_of, whole_sentences
from graphs.rag import build

QUESTION = "연차 휴가는 며칠인가요?"
WRONG = {"answer": "연차 휴가는 25일입니다.", "again": "연차 휴가는 26일입니다."}


async def ask(
    script: Script,
    said: dict[str, float],
    *,
    question: str = QUESTION,
    found: Sequence[Passage] = tuple(LEAVE),
    **changes: Any,
) -> dict[str, Any]:
    calibration = replace(CALIBRATION, reader_no=-3.0, reader_yes=2.0, sure=0.75)
    given = {"corpus": FakeCorpus(default=found), "reader": FakeReader(said), "calibration": calibration}
    state = await build(make_resources(script, **(given | changes))).ainvoke(
        {"question": question},
        context=Context(),  # type: ignore[arg-type]
    )
    result: dict[str, Any] = state["result"]
    return result | {"decisions": state["decisions"]}


async def test_what_the_model_cannot_say_is_quoted_where_the_reader_is_sure() -> None:
    script = Script(**WRONG)
    result = await ask(script, {"17일": 3.0, "3일 전": 1.5})
    assert result["answer"] == "“연차 휴가는 17일입니다.” [1]"
    assert result["route"][3:] == ["generate", "self_check", "quote", "finish"]
    # Told what was wrong, so small a model is wrong again: it is not asked.
    assert not result["refused"] and result["notices"] == [INSTEAD]
    assert [citation["text"] for citation in result["citations"]] == ["연차 휴가는 17일입니다."]
    last = result["decisions"][-1]
    assert (last["step"], last["name"], last["verdict"]) == ("quote", "reader", "yes")
    assert "again" not in script.seen


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ({"17일": 1.5}, {}),  # the model had to be asked whether the passage answers
        ({"연차": 3.0, "17일입니다. 신청": 3.0}, {"reader": None}),
    ],
)
async def test_without_a_sure_reader_it_stays_withdrawn(
    said: dict[str, float], changes: dict[str, Any]
) -> None:
    result = await ask(Script(**WRONG), said, **changes)
    assert result["refused"] and result["reason"] == "withdrawn: 26 is not in the documents"
    assert result["citations"] == [] and result["notices"] == []


async def test_a_sentence_that_does_not_answer_by_itself_is_not_quoted() -> None:
    # The passage as a whole is accepted, none of its sentences is.
    result = await ask(Script(**WRONG), {"17일입니다. 신청": 3.0}, found=LEAVE[:1])
    assert result["route"][-6:] == ["self_check", "quote", "generate", "self_check", "refuse", "finish"]
    assert result["reason"] == "withdrawn: 26 is not in the documents"
    assert result["decisions"][-1]["verdict"] == "no"


async def test_where_nothing_can_be_quoted_the_model_may_be_right_when_it_is_told() -> None:
    script = Script(answer=WRONG["answer"], again="연차 휴가는 17일입니다.")
    result = await ask(script, {"17일입니다. 신청": 3.0}, found=LEAVE[:1])
    assert result["answer"] == "연차 휴가는 17일입니다. [1]" and result["notices"] == []
    assert result["route"][-5:] == ["self_check", "quote", "generate", "self_check", "finish"]


@pytest.mark.parametrize(
    "question",
    [
        "연차 휴가는 모두 며칠 남았나요?",
        "연차 휴가와 병가는 각각 며칠인가요?",
        "연차 휴가 규정을 알려 주세요",
        "연차 휴가의 조건은 무엇인가요?",
    ],
)
async def test_what_one_sentence_cannot_answer_is_not_quoted(question: str) -> None:
    script = Script(grade=0.9, needs_calculation=0.1, **WRONG)
    result = await ask(script, {"17일": 3.0}, question=question)
    assert result["refused"] and "again" in script.seen
    assert result["reason"].startswith("withdrawn: 26 ") and result["route"].count("generate") == 2


async def test_where_a_person_set_the_bar_the_reader_does_not_overrule_it() -> None:
    calibration = replace(CALIBRATION, reader_no=-3.0, reader_yes=2.0, sure=0.75)
    script = Script(**WRONG)
    resources = make_resources(script, reader=FakeReader({"17일": 3.0}), calibration=calibration)
    state = await build(resources).ainvoke({"question": QUESTION}, context=Context(accept=0.6))  # type: ignore[arg-type]
    assert state["result"]["refused"] and "quote" not in state["route"] and "again" in script.seen


async def test_a_sentence_has_the_numbers_that_are_asked_about() -> None:
    clauses = [passage(1, "제11조 위반 과태료는 50만 원이다. 제12조 위반 과태료는 30만 원이다.")]
    said = {"제11조 위반 과태료는 50만 원이다. 제12조": 3.5, "50만": 3.0, "30만": 2.5}
    result = await ask(Script(**WRONG), said, question="제12조의 과태료는 얼마인가요?", found=clauses)
    assert result["answer"] == "“제12조 위반 과태료는 30만 원이다.” [1]"


async def test_where_only_something_else_is_counted_nothing_is_quoted() -> None:
    rooms = [passage(1, "7층에는 회의실이 5개 있습니다.")]
    said = "7층 회의실에는 5명이 들어갑니다."
    script = Script(answer=said, again="7층 회의실에는 다섯 명이 들어갑니다.")
    result = await ask(script, {"5개": 3.0}, question="7층 회의실에는 몇 명이 들어가나요?", found=rooms)
    assert result["refused"] and script.seen.count("again") == 1 and "quote" not in result["route"]
    assert result["reason"] == "withdrawn: 5 counts something else in the documents"


async def test_an_empty_answer_is_quoted_too() -> None:
    result = await ask(Script(answer="", again=""), {"17일": 3.0})
    assert result["answer"].endswith("연차 휴가는 17일입니다.” [1]")


async def test_an_english_sentence_is_quoted_as_well() -> None:
    found = [passage(1, "Annual leave is 17 days. It is asked for in writing.", heading="Rules")]
    script = Script(answer="It is 25 days.", again="It is 26 days.")
    result = await ask(script, {"17 days": 3.0}, question="How long is annual leave?", found=found)
    assert result["answer"] == "“Annual leave is 17 days.” [1]"


def test_the_surest_sentence_is_the_one_and_nothing_has_none() -> None:
    reader = FakeReader({"3일": 1.0, "17일": 2.5})
    assert best_sentence(sentences_of(LEAVE), QUESTION, reader) == ("연차 휴가는 17일입니다.", 2.5)
    assert best_sentence(sentences_of([passage(1, " ")]), QUESTION, reader) is None


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("접수 마감은 2026. 3. 15.(일) 18시까지입니다. 늦으면 받지 않습니다.",
         ["접수 마감은 2026. 3. 15.(일) 18시까지입니다.", "늦으면 받지 않습니다."]),
        ("제출 서류는 다음과 같습니다.\n1. 신분증 사본\n가. 통장 사본", ["1. 신분증 사본", "가. 통장 사본"]),
        ("문의:\n네.\n내선 4119로 전화합니다.", ["내선 4119로 전화합니다."]),
        ("대여료는 5000원.", ["대여료는 5000원."]),
        ("원서 접수 마감은 2026. 3. 15.", ["원서 접수 마감은 2026. 3. 15."]),
        ("신분증을 지참할 것. 정원은 20명. 늦지 말 것.", ["신분증을 지참할 것.", "정원은 20명.", "늦지 말 것."]),
        ("제출 서류는 다음 각 호와 같다.\r\n요금은 아래 표와 같습니다.", []),
        ("제정 2026.\n시행은 그해 3월부터다.", ["제정 2026.", "시행은 그해 3월부터다."]),
    ],
)  # fmt: skip
def test_a_sentence_is_quoted_whole(text: str, sentences: list[str]) -> None:
    assert list(whole_sentences(text)) == sentences
