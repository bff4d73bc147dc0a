from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt
import pytest
from fakes import CALIBRATION, LEAVE, FakeCorpus, FakeSearch, Script, make_resources, passage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from stand_ins.fake_reader import FakeReader

from app.models.fake import FakeModel
from graphs.context import Context
from graphs.evidence import evidence, load_calibration, logistic
from graphs.nodes.grade import FAR_BEHIND
from graphs.nodes.rewrite import rewrite
from graphs.nodes.self_check import without
from graphs.rag import build
from graphs.reading import all_read, best_odds, line, read, reread, unread
from graphs.resources import Resources
from graphs.run import Run
from graphs.state import State
from tools.search_results import SearchResult

QUESTION = "병가 규정을 알려 주세요"


def resources_of(reader: FakeReader, **changes: object) -> Resources:
    bars = {"reader_no": -3.0, "reader_yes": 2.0, "sure": 0.75}
    return make_resources(
        **({"reader": reader, "calibration": replace(CALIBRATION, **bars)} | changes)  # type: ignore[arg-type]
    )


async def ask(resources: Resources, question: str = QUESTION, **knobs: object) -> dict[str, object]:
    return await build(resources).ainvoke({"question": question}, context=Context(**knobs))  # type: ignore[arg-type]


def test_what_answers_comes_first_and_keeps_its_odds() -> None:
    reader = FakeReader({"병가": 1.5, "출장비": 0.5})
    found = read(LEAVE, QUESTION, reader)
    assert [passage.id for passage in found] == ["p2", "p5", "p1", "p3", "p4"]
    assert [passage.reader for passage in found] == [1.5, 0.5, -4.0, -4.0, -4.0]
    assert reader.asked == [(QUESTION, tuple(map(line, LEAVE)))]


@pytest.mark.parametrize(
    ("scores", "odds", "first"),
    [
        ((1.0, 0.9), (0.5, 1.0), "p1"),
        ((1.0, 0.9), (0.5, 2.0), "p2"),
        ((1.0, 0.9), (-2.0, -0.5), "p2"),
        ((1.0, 0.3), (-0.5, 3.0), "p1"),
        # Beyond three it is sure, and no surer.
        ((1.0, 0.9), (3.0, 9.0), "p1"),
        ((1.0, 0.3), (-9.0, 0.0), "p1"),
        ((1.0, 1.0), (0.5, 0.5), "p1"),
    ],
)
def test_search_and_reader_together_say_what_is_first(
    scores: tuple[float, float], odds: tuple[float, float], first: str
) -> None:
    pair = [replace(one, score=score) for one, score in zip(LEAVE[:2], scores, strict=True)]
    reader = FakeReader(dict(zip(("연차", "병가"), odds, strict=True)))
    assert read(pair, QUESTION, reader)[0].id == first


def test_what_cannot_be_read_comes_after_what_may_answer() -> None:
    blank = replace(LEAVE[0], text=" ", score=1.0)
    assert read([blank, LEAVE[1]], QUESTION, FakeReader({"병가": 0.0})) == [
        replace(LEAVE[1], reader=0.0),
        blank,
    ]


def test_where_the_first_are_enough_the_rest_is_not_read() -> None:
    reader = FakeReader({"병가": 2.5})
    asked = []
    found = read(LEAVE, QUESTION, reader, first=3, enough=lambda passages: not asked.append(passages))
    assert [(passage.id, passage.reader) for passage in found] == [
        ("p2", 2.5), ("p1", -4.0), ("p3", -4.0), ("p4", None), ("p5", None)
    ]  # fmt: skip
    assert reader.asked == [(QUESTION, tuple(map(line, LEAVE[:3])))]
    assert asked == [found[:3]]


@pytest.mark.parametrize("first", [0, 1, 3, 5, 9])
def test_where_they_are_not_enough_all_are_read_once(first: int) -> None:
    reader = FakeReader({"병가": 1.5, "출장비": 0.5})
    found = read(LEAVE, QUESTION, reader, first=first, enough=lambda passages: False)
    assert found == read(LEAVE, QUESTION, FakeReader({"병가": 1.5, "출장비": 0.5}))
    assert sum(len(passages) for _, passages in reader.asked) == len(LEAVE)
    assert read(LEAVE, QUESTION, None, first=first, enough=lambda passages: True) == LEAVE


async def test_the_graph_reads_no_further_once_it_is_sure() -> None:
    reader = FakeReader({"병가": 2.5})
    state = await ask(resources_of(reader), wide=2)
    assert len(reader.asked[0][1]) == 2
    assert [passage["reader"] for passage in state["found"]][2:] == [None, None, None]  # type: ignore[attr-defined]
    assert state["decisions"][0]["name"] == "reader" and state["shown"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("question", "knobs"),
    [
        (QUESTION, {"accept": 0.6}),
        ("병가와 연차를 합하면 모두 며칠인가요?", {}),
        ("제77조의 병가 규정을 알려 주세요", {}),
    ],
)
async def test_what_the_reader_does_not_settle_is_read_whole(question: str, knobs: dict[str, object]) -> None:
    reader = FakeReader({"병가": 2.5})
    state = await ask(resources_of(reader), question, wide=2, **knobs)
    assert sum(len(passages) for _, passages in reader.asked) == 5
    assert all_read(state["found"])  # type: ignore[arg-type]


async def test_a_sure_passage_behind_others_that_may_answer_does_not_end_the_reading() -> None:
    reader = FakeReader({"연차": 0.5, "병가": 0.5, "경조": 2.5})
    far = [*LEAVE[:2], *(replace(one, score=0.5) for one in LEAVE[2:])]
    state = await ask(resources_of(reader, corpus=FakeCorpus(default=far)), look=2, wide=4)
    assert all_read(state["found"])  # type: ignore[arg-type]


async def test_what_is_left_after_a_suspicious_passage_is_read_before_it_is_graded() -> None:
    reader = FakeReader({"출장비": 1.0})
    graph = build(resources_of(reader), checkpointer=InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"question": QUESTION}, config, context=Context(), interrupt_before=["grade"])
    found = (await graph.aget_state(config)).values["found"]
    # As they are once the passage is gone that spared the reading of the others.
    rest = [passage | {"reader": -0.2 if at < 2 else None} for at, passage in enumerate(found)]
    await graph.aupdate_state(config, {"found": rest, "shown": 2})
    state = await graph.ainvoke(None, config, context=Context())
    assert [passage["id"] for passage in state["found"][:2]] == [passage["id"] for passage in rest[:2]]
    assert all_read(state["found"])
    assert state["decisions"][0]["signals"]["reader"] == -0.2


def test_without_a_reader_or_passages_nothing_changes() -> None:
    assert read(LEAVE, QUESTION, None) == LEAVE
    reader = FakeReader({})
    assert read([], QUESTION, reader) == [] and reader.asked == []


def test_a_line_is_heading_and_text_on_one_line() -> None:
    assert line(passage(1, "가\n나", heading="다\t라")) == "다 라: 가 나"


def test_the_best_odds_are_of_what_was_read() -> None:
    assert best_odds([]) is None
    assert best_odds([{"reader": None}, {}]) is None
    assert best_odds([{"reader": None}, {"reader": -2.0}, {"reader": -1.0}]) == -1.0


async def test_what_the_reader_is_sure_of_needs_no_grade() -> None:
    model = FakeModel(Script(answer="병가는 30일입니다."))
    state = await ask(resources_of(FakeReader({"병가": 2.5}), model=model))
    assert state["route"] == ["prepare", "retrieve", "grade", "generate", "self_check", "finish"]
    assert state["found"][0]["id"] == "p2"  # type: ignore[index]
    decision = state["decisions"][0]  # type: ignore[index]
    assert (decision["name"], decision["verdict"]) == ("reader", "yes")
    assert decision["value"] == state["evidence"] == pytest.approx(logistic(2.5))
    assert decision["threshold"] == pytest.approx(logistic(2.0))
    assert state["llm_calls"] == 1


async def test_what_does_not_answer_is_not_shown_beside_what_does() -> None:
    state = await ask(resources_of(FakeReader({"병가": 2.5})))
    assert state["shown"] == 1
    both = await ask(resources_of(FakeReader({"병가": 2.5, "재택": 0.5})))
    assert both["shown"] == 2 and [p["id"] for p in both["found"][:2]] == ["p2", "p4"]  # type: ignore[index]


async def test_what_is_far_behind_the_answer_is_not_shown_unless_a_whole_topic_is_asked_for() -> None:
    odds = {"병가": 1.0 + FAR_BEHIND + 1.0, "재택": 1.0}
    fact = "병가는 며칠인가요?"
    alone = await ask(resources_of(FakeReader(odds)), fact)
    assert alone["shown"] == 1
    near = await ask(resources_of(FakeReader(odds | {"재택": 2.0})), fact)
    assert near["shown"] == 2
    for several in ("병가 규정을 알려 주세요", "병가와 재택근무는 각각 며칠인가요?"):
        both = await ask(resources_of(FakeReader(odds)), several)
        assert both["shown"] == 2


async def test_a_passage_with_a_number_of_the_question_stays() -> None:
    passages = [
        passage(1, "병가는 30일입니다."),
        passage(2, "재택근무는 2일입니다."),
        passage(3, "제7조의 병가입니다."),
    ]
    corpus = FakeCorpus(default=passages)
    reader = FakeReader({"30일": 2.5})
    state = await ask(resources_of(reader, corpus=corpus), "제7조의 병가 규정을 알려 주세요")
    assert state["shown"] == 2
    assert [p["id"] for p in state["found"][:2]] == ["p1", "p3"]  # type: ignore[index]


async def test_a_bar_of_the_callers_own_is_for_the_model_to_reach() -> None:
    state = await ask(resources_of(FakeReader({"병가": 2.5})), accept=0.6)
    assert state["decisions"][0]["name"] == "evidence"  # type: ignore[index]


async def test_what_no_passage_answers_is_refused_without_the_model() -> None:
    model = FakeModel(Script())
    state = await ask(resources_of(FakeReader({}), model=model))
    assert state["refused"] and state["llm_calls"] == 0
    assert state["result"]["reason"] == "no evidence: the passages found do not hold the answer"  # type: ignore[index]
    assert state["decisions"][0]["verdict"] == "no"  # type: ignore[index]


async def test_one_good_passage_beyond_the_look_is_moved_into_it() -> None:
    state = await ask(resources_of(FakeReader({"출장비": 1.0})))
    assert state["found"][0]["id"] == "p5" and state["decisions"][0]["name"] == "evidence"  # type: ignore[index]


async def test_in_doubt_the_model_is_asked_and_the_reader_weighs_in() -> None:
    weights = {"bias": 0.0, "grade": 1.0, "reader": 0.5}
    calibration = replace(CALIBRATION, evidence_weights=weights, reader_no=-3.0, reader_yes=2.0)
    state = await ask(resources_of(FakeReader({"병가": 1.0}), calibration=calibration))
    decision = state["decisions"][0]  # type: ignore[index]
    assert decision["name"] == "evidence" and decision["signals"]["reader"] == 1.0
    signals = {name: decision["signals"][name] for name in ("grade", "coverage", "dense", "missing")}
    assert decision["value"] == pytest.approx(evidence(calibration, **signals, reader=1.0))
    assert decision["value"] > evidence(calibration, **signals)


@pytest.mark.parametrize("odds", [4.0, -4.0])
async def test_of_another_language_the_reader_decides_nothing(odds: float) -> None:
    english = [passage(1, "Sick leave is 30 days."), passage(2, "Annual leave is 17 days.")]
    script = Script(answer="30 days")
    resources = resources_of(FakeReader({}, other=odds), corpus=FakeCorpus(english), script=script)
    state = await ask(resources)
    assert script.seen[0] == "grade"
    (decision,) = [decision for decision in state["decisions"] if decision["step"] == "grade"]  # type: ignore[attr-defined]
    assert "reader" not in decision["signals"]


def test_where_the_reader_cannot_tell_it_says_nothing_either_way() -> None:
    weights = {"bias": -2.0, "grade": 0.0, "coverage": 0.0, "dense": 0.0, "missing": 0.0, "reader": 2.0}
    weighing = replace(CALIBRATION, evidence_weights=weights, reader_neutral=1.0)
    signals = {"grade": 0.5, "coverage": 0.0, "dense": 0.0, "missing": 0.0}
    assert evidence(weighing, **signals) == evidence(weighing, **signals, reader=1.0) == 0.5
    assert evidence(weighing, **signals, reader=0.0) < 0.2


async def test_a_number_that_no_passage_has_is_for_the_model_to_judge() -> None:
    state = await ask(resources_of(FakeReader({"병가": 2.5})), "제77조의 병가 규정을 알려 주세요")
    assert state["decisions"][0]["name"] == "evidence"  # type: ignore[index]


async def test_a_calculation_is_not_left_to_the_reader() -> None:
    state = await ask(resources_of(FakeReader({})), "병가와 연차를 합하면 모두 며칠인가요?")
    assert "reader" not in [decision["name"] for decision in state["decisions"]]  # type: ignore[attr-defined]
    assert state["llm_calls"] > 0


@pytest.mark.parametrize(("odds", "verdict"), [(2.5, "yes"), (-4.0, "no")])
async def test_a_follow_up_is_read_beside_the_question_before(odds: float, verdict: str) -> None:
    history = [
        {"role": "user", "content": "연차 휴가 규정을 알려 주세요"},
        {"role": "assistant", "content": "17일입니다."},
    ]
    reader = FakeReader({"병가": odds})
    state = await build(resources_of(reader)).ainvoke(
        {"question": "그럼 병가는요?", "history": history}, context=Context()
    )
    (question,) = {question for question, _ in reader.asked}
    assert question == "연차 휴가 규정을 알려 주세요 그럼 병가는요?"
    decision = state["decisions"][0]
    assert (decision["name"], decision["verdict"]) == ("reader", verdict)


async def test_a_follow_up_about_what_no_passage_names_is_left_to_the_model() -> None:
    history = [
        {"role": "user", "content": "연차 휴가 규정을 알려 주세요"},
        {"role": "assistant", "content": "17일입니다."},
    ]
    state = await build(resources_of(FakeReader({"연차": 2.5}))).ainvoke(
        {"question": "그럼 안식년은요?", "history": history}, context=Context()
    )
    assert "reader" not in [decision["name"] for decision in state["decisions"]]


async def test_facts_for_a_calculation_stay_in_the_order_of_the_search() -> None:
    state = await ask(resources_of(FakeReader({"출장비": 2.5})), "병가와 연차를 합하면 모두 며칠인가요?")
    found = state["found"]
    assert [passage["id"] for passage in found] == ["p1", "p2", "p3", "p4", "p5"]  # type: ignore[attr-defined]
    assert [passage["reader"] for passage in found][-1] == 2.5  # type: ignore[attr-defined]


async def test_what_is_not_calculated_after_all_may_be_known_to_the_reader() -> None:
    model = FakeModel(Script(grade=0.01, answer="병가는 30일입니다."))
    reader = FakeReader({"병가": 2.5})
    state = await ask(resources_of(reader, model=model), "병가는 모두 며칠인가요?")
    assert state["route"] == [
        "prepare", "retrieve", "grade", "calculate", "grade", "generate", "self_check", "finish"
    ]  # fmt: skip
    assert state["decisions"][-1]["name"] == "reader"  # type: ignore[index]


async def test_a_calibration_without_bars_leaves_all_to_the_model() -> None:
    for odds in (9.0, -9.0):
        state = await ask(resources_of(FakeReader({}, other=odds), calibration=CALIBRATION))
        assert state["decisions"][0]["name"] == "evidence"  # type: ignore[index]


async def test_each_of_several_questions_is_read_for_itself() -> None:
    class ByQuestion(FakeReader):
        """Of the second question no passage answers, and least the one that the first rests on."""

        def odds(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float64]:
            super().odds(question, passages)
            return np.array(
                [4.0 if "병가" in passage and "사택" not in question else -5.0 for passage in passages]
            )

    model = FakeModel(Script(answer="병가는 30일입니다."))
    reader = ByQuestion({})
    state = await ask(resources_of(reader, model=model), "병가는 며칠인가요? 그 사택은 몇 평인가요?")
    assert len({question for question, _ in reader.asked}) == 2
    verdicts = [d["verdict"] for d in state["decisions"] if d["name"] == "reader"]  # type: ignore[attr-defined]
    assert verdicts == ["yes", "no"]


def test_odds_for_another_question_are_read_anew_in_their_place() -> None:
    known = [replace(LEAVE[0], reader=3.0), LEAVE[1], replace(LEAVE[2], text=" ")]
    reader = FakeReader({"병가": -1.0})
    assert [passage.reader for passage in reread(known, QUESTION, reader)] == [3.0, -1.0, None]
    assert reader.asked == [(QUESTION, (line(LEAVE[1]),))]
    assert reread(known, QUESTION, None) == known
    found = [asdict(passage) for passage in known]
    assert [passage["reader"] for passage in unread(found)] == [None] * 3
    assert not all_read(found) and all_read([found[0], found[2]])


async def test_the_other_reading_of_a_follow_up_is_read_anew() -> None:
    state = State(question="사택은?", standalone="연차는? 사택은?", also="사택은?")
    state.found = [asdict(replace(passage, reader=3.0)) for passage in LEAVE]
    run = Run(state=state, resources=make_resources(), context=Context(), started=0.0)
    update = await rewrite(state, run)
    assert [passage["reader"] for passage in update["found"]] == [None] * 5


def test_a_passage_that_was_taken_out_has_no_odds() -> None:
    found = [asdict(replace(passage, reader=3.0)) for passage in LEAVE[:3]]
    state = State(question=QUESTION, found=found, shown=1, finished=[{}])
    update = without(state, {"p1"}, look=2)
    assert (update["found"][0]["text"], update["found"][0]["reader"]) == ("", None)
    assert update["shown"] == 2


async def test_passages_that_nobody_read_are_read_before_they_are_graded() -> None:
    graph = build(resources_of(FakeReader({})), checkpointer=InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"question": QUESTION}, config, context=Context(), interrupt_before=["grade"])
    found = (await graph.aget_state(config)).values["found"]
    # As a checkpoint of an older version has them.
    bare = [{key: value for key, value in passage.items() if key != "reader"} for passage in found]
    await graph.aupdate_state(config, {"found": bare})
    state = await graph.ainvoke(None, config, context=Context())
    assert [(d["name"], d["verdict"]) for d in state["decisions"]] == [("reader", "no")]
    assert [passage["reader"] for passage in state["found"]] == [-4.0] * 5


async def test_results_of_a_web_search_are_read_too() -> None:
    results = [
        SearchResult(title="A", url="https://a.example/1", snippet="점심은 12시에 먹습니다."),
        SearchResult(title="B", url="https://a.example/2", snippet="병가는 60일까지입니다."),
    ]
    reader = FakeReader({"60일": 2.5})
    resources = resources_of(
        reader, corpus=FakeCorpus(default=()), search=FakeSearch({QUESTION: results}), web_search="on"
    )
    state = await ask(resources, web_search="on")
    assert state["found"][0]["source"] == "https://a.example/2"  # type: ignore[index]
    assert state["decisions"][0]["name"] == "reader"  # type: ignore[index]


@pytest.mark.parametrize("family", ["qwen2.5-coder-1.5b-instruct", "anything else"])
def test_with_a_reader_another_calibration_is_shipped(family: str) -> None:
    without, with_reader = load_calibration(family), load_calibration(family, has_reader=True)
    assert without.reader_no is None and "reader" not in without.evidence_weights
    assert with_reader.reader_no is not None and with_reader.reader_yes is not None
    assert with_reader.reader_no < with_reader.reader_neutral < with_reader.reader_yes
    # Where the reader cannot tell, all is as if there were none.
    weight = with_reader.evidence_weights["reader"]
    neutral = with_reader.evidence_weights["bias"] + weight * with_reader.reader_neutral
    assert neutral == pytest.approx(without.evidence_weights["bias"])


LATE = [passage(1, "절판된 책은 정가의 1.5배를 냅니다."), passage(2, "연체료는 하루 100원입니다.")]


@pytest.mark.parametrize(
    ("question", "odds", "steps"),
    [
        ("절판된 책은 정가의 몇 배를 내나요?", 3.6, "grade generate self_check finish"),
        # Not so sure; numbers of the asker's own; what several figures make together.
        ("절판된 책은 정가의 몇 배를 내나요?", 3.4, "grade calculate grade generate self_check finish"),
        ("절판된 책 7권은 정가의 몇 배를 내나요?", 3.6, "grade calculate grade generate self_check finish"),
        (
            "절판된 책과 연체료는 모두 몇 배를 내나요?",
            3.6,
            "grade calculate grade generate self_check finish",
        ),
    ],
)
async def test_what_the_reader_sees_written_is_not_calculated(question: str, odds: float, steps: str) -> None:
    script = Script(grade=0.9, answer="정가의 1.5배를 냅니다.", again="정가의 1.5배를 냅니다.")
    resources = resources_of(
        FakeReader({"정가": odds}), corpus=FakeCorpus(default=LATE), model=FakeModel(script)
    )
    state = await ask(resources, question)
    assert " ".join(state["route"][2:]) == steps  # type: ignore[index]
