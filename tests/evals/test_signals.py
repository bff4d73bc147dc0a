from dataclasses import replace
from typing import Any

import pytest
from fakes import LEAVE, FakeCorpus, Script, make_resources, passage
from stand_ins.fake_reader import FakeReader

from app.models.fake import FakeModel, FakeReply
from evals.signals import holds, rests_on, signals_of
from evals.suite import Case, GivenPassage, Message
from graphs.context import Context
from graphs.nodes.grade import grade
from graphs.nodes.prepare import prepare
from graphs.nodes.retrieve import retrieve
from graphs.run import Run
from graphs.state import State


def case(**changes: Any) -> Case:
    values: dict[str, Any] = {
        "id": "leave-1",
        "question": "연차 휴가 규정을 알려 주세요",
        "answers": ["17일"],
        "answerable": True,
        "sources": ["취업규칙.docx"],
    }
    return Case(**(values | changes))


async def test_both_looks_are_graded_as_the_graph_does() -> None:
    script = Script(grade=[0.3, 0.8])
    resources = make_resources(script)
    record = await signals_of(case(), resources)
    assert script.seen == ["grade", "grade"]
    assert record["looks"]["2"]["grade"] == pytest.approx(0.3)
    assert record["looks"]["4"]["grade"] == pytest.approx(0.8)
    assert (record["looks"]["2"]["shown"], record["looks"]["4"]["shown"]) == (2, 4)
    assert record["coverage"] == 0.6 and record["dense"] == 0.5 and record["unasked"] == ""
    first, second = (str(prompt[-1].content) for prompt in resources.model.fake.prompts)  # type: ignore[attr-defined]
    assert "[2]" in first and "[3]" not in first and "[4]" in second
    shared = first.index("\n\n")  # the wider look goes on where the first ended
    assert second.startswith(first[:shared])


@pytest.mark.parametrize(
    ("question", "history"),
    [
        ("연차 휴가 규정을 알려 주세요", []),
        ("2025년 휴가 규정을 알려 주세요", []),
        ("그럼 육아휴직 제도는요?", [Message(role="user", content="연차 휴가 규정을 알려 주세요")]),
        ("그건 누가 정하나요?", [Message(role="user", content="2025년 휴가 규정을 알려 주세요")]),
    ],
)
async def test_signals_are_those_that_the_graph_judges_by(question: str, history: list[Message]) -> None:
    asked = case(question=question, history=history)
    resources = make_resources(Script(grade=0.8))
    record = await signals_of(asked, resources)
    state = State(question=question, history=[{"role": "user", "content": turn.content} for turn in history])
    for node in (prepare, retrieve, grade):
        run = Run(state=state, resources=resources, context=Context(), started=0.0)
        state = replace(state, **await node(state, run))
    (decision,) = run.decisions
    look = record["looks"]["2"]
    assert decision.signals == pytest.approx(
        {name: look.get(name, record.get(name)) for name in ("grade", "coverage", "dense", "missing")}
    )


@pytest.mark.parametrize(("text", "heard"), [("Annual leave is 17 days.", False), ("연차는 17일이다.", True)])
async def test_the_reader_is_heard_where_the_graph_hears_it(text: str, heard: bool) -> None:
    corpus = FakeCorpus([passage(number, text) for number in range(1, 9)])
    resources = make_resources(Script(grade=0.5), corpus=corpus, reader=FakeReader({}, other=-1.5))
    record = await signals_of(case(), resources)
    assert [look["reader"] for look in record["looks"].values()] == [-1.5 if heard else None] * 2
    state = State(question=case().question)
    for node in (prepare, retrieve, grade):
        run = Run(state=state, resources=resources, context=Context(), started=0.0)
        state = replace(state, **await node(state, run))
    assert run.decisions[0].signals.get("reader") == record["looks"]["2"]["reader"]


async def test_answers_and_checks_are_extra() -> None:
    script = Script()
    record = await signals_of(case(), make_resources(script), answers=True)
    assert script.seen == ["grade", "answer", "check"] * 2
    look = record["looks"]["2"]
    assert look["answer"] == "연차 휴가는 17일입니다." and look["right"] is True and look["problem"] == ""


async def test_answers_are_put_right_as_the_graph_does() -> None:
    corpus = FakeCorpus(default=[passage(1, "행사는 세종대학교에서 엽니다.")])
    resources = make_resources(Script(answer="서종대학교에서 엽니다 [1]."), corpus=corpus)
    for question, answer in (
        ("행사는 어디서 여나요?", "세종대학교에서 엽니다."),
        ("행사는 서종대학교에서 여나요?", "서종대학교에서 엽니다."),
    ):
        record = await signals_of(case(question=question), resources, answers=True)
        assert record["looks"]["2"]["answer"] == answer


@pytest.mark.parametrize(
    ("corpus", "narrow", "wide"),
    [
        (LEAVE, True, True),
        ([LEAVE[1], LEAVE[2], LEAVE[0], LEAVE[3]], False, True),
        (LEAVE[1:], False, False),
    ],
)
async def test_the_truth_of_a_look_is_whether_it_shows_an_answer(
    corpus: list[Any], narrow: bool, wide: bool
) -> None:
    record = await signals_of(case(), make_resources(corpus=FakeCorpus(default=corpus)))
    assert [record["looks"][look]["holds"] for look in ("2", "4")] == [narrow, wide]


def test_an_answer_in_another_file_is_another_answer() -> None:
    elsewhere = [passage(1, "공사는 17일 걸립니다.", source="공지.html")]
    assert not holds(case(), elsewhere)
    assert holds(case(sources=[]), elsewhere)
    assert holds(case(), [passage(1, "연차는 17일입니다.", source="규정/취업규칙.docx")])
    assert not holds(case(answers=[], answerable=False, sources=[]), elsewhere)
    assert holds(case(answers=[]), LEAVE) and not holds(case(answers=[]), elsewhere)


async def test_of_passages_that_a_question_brings_the_suite_knows() -> None:
    given = [
        GivenPassage(title="휴가", text="쉬는 날은 많습니다."),
        GivenPassage(title="주차", text="지하입니다."),
    ]
    record = await signals_of(case(passages=given, sources=[]), make_resources())
    assert record["looks"]["2"]["holds"] is True
    assert "4" not in record["looks"]  # there is no more to see
    assert len(record["rests_on"]) == 2
    refused = case(passages=given, sources=[], answers=[], answerable=False)
    record = await signals_of(refused, make_resources())
    assert record["looks"]["2"]["holds"] is False


async def test_a_number_that_no_passage_holds_is_missing() -> None:
    corpus = FakeCorpus(default=[*LEAVE[:2], passage(9, "2024년의 휴가 규정입니다."), LEAVE[3]])
    record = await signals_of(case(question="2024년 휴가 규정을 알려 주세요"), make_resources(corpus=corpus))
    # The graph moves a passage with the number into the first look.
    assert record["looks"]["2"]["missing"] == 0.0
    record = await signals_of(case(question="2025년 휴가 규정을 알려 주세요"), make_resources(corpus=corpus))
    assert record["looks"]["2"]["missing"] == record["looks"]["4"]["missing"] == 1.0


@pytest.mark.parametrize(
    ("question", "corpus", "reason"),
    [
        ("연차 17일에서 3일을 쓰면 며칠이 남나요?", LEAVE, "calculation"),
        ("감독은 누구이고, 그 사람의 나이는 얼마인가요?", LEAVE, "several questions"),
        ("휴가 규정을 알려 주세요", [], "nothing found"),
    ],
)
async def test_what_is_decided_otherwise_is_not_asked(question: str, corpus: list[Any], reason: str) -> None:
    script = Script()
    record = await signals_of(
        case(question=question), make_resources(script, corpus=FakeCorpus(default=corpus))
    )
    assert record["unasked"] == reason and record["looks"] == {} and script.seen == []


async def test_passages_that_do_not_fit_are_not_seen() -> None:
    model = FakeModel(Script(), context_tokens=420)
    corpus = FakeCorpus(default=[passage(n, "연차는 17일입니다. " + "가" * 40) for n in range(1, 9)])
    record = await signals_of(case(), make_resources(model=model, corpus=corpus))
    assert [look["shown"] for look in record["looks"].values()] == [1]
    model = FakeModel(Script(), context_tokens=100)
    record = await signals_of(case(), make_resources(model=model, corpus=corpus))
    assert record["unasked"] == "too long"


async def test_a_server_without_log_probabilities_is_told_of() -> None:
    class Silent(FakeModel):
        def read(self, message: Any, messages: Any, *, seconds: float) -> Any:
            reply = super().read(message, messages, seconds=seconds)
            return type(reply)(**{**vars(reply), "first_token": {}})

    record = await signals_of(case(), make_resources(model=Silent(lambda _: FakeReply(yes=0.9))))
    assert record["looks"]["2"]["sure"] is False and record["looks"]["2"]["grade"] == 1.0


def test_questions_hang_together_by_file_or_passage() -> None:
    found = [{"source": "문서/공지.html"}, {"source": "b"}]
    assert rests_on(case(sources=["a/취업규칙.docx", "나.txt"]), found) == ["나.txt", "취업규칙.docx"]
    assert rests_on(case(sources=[]), found) == ["공지.html"]
    assert rests_on(case(sources=[]), []) == []
    one, other = GivenPassage(title="a", text="같은 글"), GivenPassage(title="b", text="다른 글")
    both = rests_on(case(passages=[one, other]), [])
    assert set(rests_on(case(passages=[one]), [])) < set(both)
