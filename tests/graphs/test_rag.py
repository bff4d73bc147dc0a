"""Every edge of the graph, with a scripted model."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from fakes import CALIBRATION, LEAVE, FakeCorpus, FakeSearch, Script, Ticks, make_resources, passage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from app.errors import MutdaError, SearchError
from app.models.fake import FakeReply
from app.wording import reason_in
from graphs.context import Context
from graphs.rag import build
from graphs.resources import Resources
from graphs.routes import after_calculate
from graphs.state import State, looks_up
from tools.search_results import SearchResult

QUESTION = "연차 휴가 규정을 알려 주세요"
NOLAN = SearchResult(title="Nolan", url="https://a.example/nolan", snippet="Nolan was born on 30 July 1970.")


async def ask(
    resources: Resources, question: str = QUESTION, *, given: Any = None, history: Any = (), **knobs: Any
) -> dict[str, Any]:
    state = await build(resources).ainvoke(
        {"question": question, "history": list(history), "given": given}, context=Context(**knobs)
    )
    result: dict[str, Any] = state["result"]
    return result


def path(result: dict[str, Any]) -> str:
    return " ".join(result["route"])


async def test_a_clear_question_is_answered_at_the_first_look() -> None:
    resources = make_resources()
    result = await ask(resources)
    assert path(result) == "prepare retrieve grade generate self_check finish"
    assert result["answer"] == "연차 휴가는 17일입니다. [1]"
    assert result["refused"] is False and result["reason"] == ""
    (citation,) = result["citations"]
    assert citation == {
        "n": 1, "source": "취업규칙.docx", "section": "취업규칙", "page": None, "start": 100, "end": 114,
        "text": "연차 휴가는 17일입니다.",
    }  # fmt: skip
    assert result["cost"]["llm_calls"] == 3


async def test_the_answer_object_has_the_fields_of_the_contract() -> None:
    result = await ask(make_resources())
    assert set(result) == {
        "question", "answer", "refused", "reason", "citations", "nearest", "route", "evidence", "grounded", "cost",
        "calculation", "notices", "model", "embedder", "collection", "trace_id",
    }  # fmt: skip
    assert set(result["cost"]) == {
        "llm_calls", "prompt_tokens", "cached_tokens", "output_tokens", "searches", "seconds"
    }  # fmt: skip


async def test_doubt_widens_the_look_and_asks_again() -> None:
    result = await ask(make_resources(Script(grade=[0.6, 0.8])))
    assert path(result) == "prepare retrieve grade widen grade generate self_check finish"


async def test_doubt_after_the_wide_look_rewrites_the_query_and_reads_what_is_new() -> None:
    more = [passage(9, "연차 휴가는 17일입니다.")]
    corpus = FakeCorpus(default=LEAVE[1:5], pages={"연차 일수": more})
    script = Script(grade=[0.3, 0.3, 0.8], rewrite="검색어: 연차 일수")
    resources = make_resources(script, corpus=corpus)
    result = await ask(resources)
    assert (
        path(result) == "prepare retrieve grade widen grade rewrite retrieve grade generate self_check finish"
    )
    assert corpus.queries == [QUESTION, "연차 일수"]
    assert result["citations"][0]["n"] == 5, "what was read before keeps its place"


async def test_a_rewritten_query_that_was_used_already_ends_in_a_refusal() -> None:
    result = await ask(make_resources(Script(grade=0.3, rewrite=QUESTION)))
    assert path(result) == "prepare retrieve grade widen grade rewrite refuse finish"
    assert result["reason"] == "no evidence: the passages found do not hold the answer"
    assert result["citations"] == []


async def test_a_rewritten_query_that_was_used_already_goes_to_the_web_where_that_is_allowed() -> None:
    search = FakeSearch(
        {QUESTION: [SearchResult(title="휴가", url="https://a.example/1", snippet="연차 휴가는 17일입니다.")]}
    )
    script = Script(grade=[0.3, 0.3, 0.9], rewrite=QUESTION)
    result = await ask(make_resources(script, search=search, web_search="on"))
    assert (
        path(result)
        == "prepare retrieve grade widen grade rewrite web_search grade generate self_check finish"
    )
    assert search.queries == [QUESTION]


async def test_nothing_found_is_refused_without_a_model_call() -> None:
    result = await ask(make_resources(corpus=FakeCorpus(default=[])))
    assert path(result) == "prepare retrieve refuse finish"
    assert result["reason"] == "no evidence: nothing was found"
    assert result["answer"] == "문서에서 이 질문의 답을 찾지 못했습니다."
    assert result["cost"]["llm_calls"] == 0


async def test_nothing_that_bears_on_the_question_is_refused_without_a_model_call() -> None:
    result = await ask(make_resources(corpus=FakeCorpus(covered=0.01)))
    assert path(result) == "prepare retrieve grade refuse finish"
    assert result["reason"] == "no evidence: nothing found bears on the question"
    assert result["cost"]["llm_calls"] == 0


async def test_hopeless_evidence_is_refused_without_a_wider_look() -> None:
    result = await ask(make_resources(Script(grade=0.02)))
    assert path(result) == "prepare retrieve grade refuse finish"


async def test_nothing_found_goes_to_the_web_where_that_is_allowed() -> None:
    search = FakeSearch(
        {QUESTION: [SearchResult(title="휴가", url="https://a.example/1", snippet="연차 휴가는 17일입니다.")]}
    )
    result = await ask(make_resources(corpus=FakeCorpus(default=[]), search=search, web_search="on"))
    assert path(result) == "prepare retrieve web_search grade generate self_check finish"
    assert result["citations"][0]["source"] == "https://a.example/1"
    assert result["cost"]["searches"] == 1


async def test_a_search_that_finds_nothing_ends_in_a_refusal() -> None:
    result = await ask(make_resources(corpus=FakeCorpus(default=[]), search=FakeSearch(), web_search="on"))
    assert path(result) == "prepare retrieve web_search refuse finish"


async def test_a_search_that_fails_leaves_its_line_as_a_notice() -> None:
    search = FakeSearch({QUESTION: SearchError("The search server cannot be reached.")})
    result = await ask(make_resources(Script(grade=0.02), search=search, web_search="on"))
    assert path(result) == "prepare retrieve grade web_search refuse finish"
    assert result["notices"] == ["The search server cannot be reached."]


async def test_the_web_is_never_asked_when_it_is_off() -> None:
    search = FakeSearch({QUESTION: [NOLAN]})
    await ask(make_resources(Script(grade=0.02), search=search, web_search="off"))
    assert search.queries == []


@pytest.mark.parametrize("agreed", [True, False])
async def test_ask_mode_pauses_for_consent_before_a_query_leaves(agreed: bool) -> None:
    search = FakeSearch(
        {QUESTION: [SearchResult(title="휴가", url="https://a.example/1", snippet="연차 휴가는 17일입니다.")]}
    )
    resources = make_resources(Script(grade=[0.02, 0.9]), search=search, web_search="ask")
    graph = build(resources, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"question": QUESTION}, config)
    paused = await graph.aget_state(config)
    assert paused.interrupts[0].value == {"web_search": QUESTION}
    assert search.queries == []
    result = (await graph.ainvoke(Command(resume=agreed), config))["result"]
    assert search.queries == ([QUESTION] if agreed else [])
    assert result["refused"] is not agreed
    assert ("web search was declined" in result["notices"]) is not agreed


async def test_a_calculation_is_written_by_the_model_and_done_by_the_calculator() -> None:
    corpus = FakeCorpus(default=[LEAVE[4]])
    script = Script(needs_calculation=0.9, calculation="CALC: 45000 * 4", answer="출장비는 180,000원입니다.")
    result = await ask(make_resources(script, corpus=corpus), "4일 출장이면 출장비는 모두 얼마인가요?")
    assert path(result) == "prepare retrieve grade calculate generate self_check finish"
    assert result["calculation"] == "45000 * 4 = 180,000"
    assert result["answer"] == "계산하면 45,000 × 4 = 180,000원입니다. [1]"
    assert "answer" not in script.seen and result["cost"]["llm_calls"] == 3


async def test_a_result_without_a_plain_unit_is_told_by_the_model() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 45000 * 4", answer="출장비는 180,000원입니다.")
    corpus = FakeCorpus(default=[LEAVE[4]])
    result = await ask(make_resources(script, corpus=corpus), "4일 출장비의 합계를 알려 주세요")
    assert result["answer"] == "출장비는 180,000원입니다. [1]"


async def test_a_calculation_with_numbers_from_nowhere_is_not_done() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 45000 * 77", answer="하루 45000원입니다.")
    result = await ask(
        make_resources(script, corpus=FakeCorpus(default=[LEAVE[4]])), "출장비는 모두 얼마인가요?"
    )
    assert result["calculation"] == ""


async def test_the_numbers_that_passages_are_shown_under_are_nothing_to_compute_with() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 45000 * 3", answer="하루 45000원입니다.")
    more = [passage(2, "식비는 따로 줍니다."), passage(3, "숙박비도 따로 줍니다.")]
    corpus = FakeCorpus(default=[LEAVE[4], *more])
    result = await ask(make_resources(script, corpus=corpus), "출장비는 모두 얼마인가요?")
    assert result["calculation"] == ""


async def test_dates_of_the_documents_are_never_subtracted_as_numbers() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 2024-3-15 - 2024-1-5", answer="70일입니다.")
    corpus = FakeCorpus(default=[passage(1, "시작은 2024년 1월 5일, 끝은 2024년 3월 15일입니다.")])
    result = await ask(make_resources(script, corpus=corpus), "시작부터 끝까지 며칠이 걸렸나요?")
    assert result["calculation"] == "2024-03-15 - 2024-01-05 = 70"
    assert result["answer"] == "계산하면 70일입니다. [1]"


async def test_where_the_model_does_not_give_the_calculated_result_the_graph_does() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 45000 * 4", answer="45000원입니다.")
    result = await ask(
        make_resources(script, corpus=FakeCorpus(default=[LEAVE[4]])), "4일 출장비의 합계를 알려 주세요"
    )
    assert path(result).endswith("generate self_check generate self_check finish")
    assert result["answer"] == "계산하면 45000 * 4 = 180,000입니다. [1]"
    assert script.seen.count("answer") == 1 and "again" not in script.seen


async def test_a_rounded_result_is_given_as_the_model_rounds_it() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 17 / 45000 * 100000", answer="약 37.8입니다.")
    corpus = FakeCorpus(default=[passage(1, "연차는 17일이고 출장비는 45000원입니다. 기준은 100000입니다.")])
    result = await ask(make_resources(script, corpus=corpus), "17의 비율은 얼마인가요?")
    assert result["calculation"] == "17 / 45000 * 100000 ≈ 37.7778"
    assert result["answer"].startswith("약 37.8입니다.")


async def test_where_the_price_of_another_article_was_taken_more_rows_are_shown() -> None:
    rows = [
        passage(1, "품번: KD-E05 · 품명: 염소 전극 · 단가(원): 367000"),
        passage(2, "한 번에 10개 넘게 사면 6%를 깎아 준다."),
        passage(3, "품번: NB-E14 · 품명: 산도 전극 · 단가(원): 186000"),
    ]
    plans = ["CALC: 367000 * 20 * 0.94", "CALC: 186000 * 20 * 0.94"]
    script = Script(needs_calculation=0.9, calculation=plans)
    resources = make_resources(script, corpus=FakeCorpus(default=rows))
    result = await ask(resources, "산도 전극 NB-E14를 한 번에 20개 사면 모두 얼마인가요?")
    assert result["calculation"] == "186000 * 20 * 0.94 = 3,496,800"
    assert script.seen.count("calculation") == 2


async def test_a_sum_without_what_the_asker_brings_is_planned_again_and_then_refused() -> None:
    rows = [passage(n, f"{n}급지의 숙박비는 {n}25000원, 일비는 {n}4000원입니다.") for n in (1, 2, 3)]
    question = "2박 3일 출장의 1급지 숙박비와 일비는 모두 얼마인가요?"
    plans = ["CALC: 125000 + 14000", "CALC: 125000 * 2 + 14000 * 3"]
    script = Script(needs_calculation=0.9, calculation=plans)
    result = await ask(make_resources(script, corpus=FakeCorpus(default=rows)), question)
    assert result["calculation"] == "125000 * 2 + 14000 * 3 = 292,000"
    script = Script(needs_calculation=0.9, calculation="CALC: 125000 + 14000")
    result = await ask(make_resources(script, corpus=FakeCorpus(default=rows)), question)
    assert result["refused"] and not result["calculation"]


async def test_what_prices_make_is_no_answer_in_another_unit() -> None:
    rows = [passage(1, "측정기의 단가는 4870000원, 소비 전력은 18 W입니다.")]
    script = Script(needs_calculation=0.9, calculation="CALC: 4870000 * 24", answer="116,880,000 Wh입니다.")
    result = await ask(
        make_resources(script, corpus=FakeCorpus(default=rows)), "측정기를 24시간 쓰면 전력량은 몇 Wh인가요?"
    )
    assert result["refused"] and not result["calculation"]


async def test_a_share_is_given_in_per_cent_and_an_amount_is_not_less_than_nothing() -> None:
    rows = [passage(1, "4월의 목표는 40건, 신고는 31건이다. 착수금은 9000원, 잔금은 3000원이다.")]

    async def asked(question: str, plan: str) -> dict[str, Any]:
        script = Script(needs_calculation=0.9, calculation=f"CALC: {plan}", grade=0.1, rewrite=question)
        return await ask(make_resources(script, corpus=FakeCorpus(default=rows)), question)

    result = await asked("4월 신고는 목표의 몇 퍼센트인가요?", "31 / 40")
    assert result["answer"].startswith("계산하면 31 ÷ 40 × 100 = 77.5퍼센트입니다.")
    # So much is no share; something else was divided.
    result = await asked("4월 신고는 목표의 몇 퍼센트인가요?", "9000 / 40")
    assert result["calculation"] == "9000 / 40 = 225"
    result = await asked("착수금과 잔금은 모두 얼마인가요?", "3000 - 9000")
    assert result["refused"] and not result["calculation"]


async def test_a_fact_that_a_calculation_lacks_is_looked_up_in_the_documents_and_then_on_the_web() -> None:
    search = FakeSearch({"Nolan date of birth": [NOLAN]})
    lookup = "FIND: Nolan date of birth"
    script = Script(
        needs_calculation=0.9, calculation=[lookup, lookup, "CALC: age_days(1970-07-30)"], answer="20568 days"
    )
    corpus = FakeCorpus(default=[passage(1, "Oppenheimer was directed by Nolan.")])
    result = await ask(
        make_resources(script, corpus=corpus, search=search, web_search="on"),
        "What is the age in days of Nolan?",
    )
    assert (
        path(result)
        == "prepare retrieve grade calculate retrieve grade calculate web_search grade calculate generate"
        " self_check finish"
    )
    # That there is something to calculate is asked once.
    assert script.seen.count("needs_calculation") == 1
    assert result["calculation"] == "age_days(1970-07-30) = 20,568"
    assert search.queries == ["Nolan date of birth"]


@pytest.mark.parametrize(
    ("asked", "asked_web", "searches", "rewrites", "web", "goes"),
    [
        ([], [], 0, 1, "on", "retrieve"),
        ([], [], 0, 3, "ask", "retrieve"),  # a second fact too, and after a rewriting
        (["fact"], [], 0, 1, "on", "web_search"),
        ([], [], 1, 1, "on", "web_search"),  # the facts before came from there
        ([], ["fact"], 1, 1, "on", "retrieve"),
        (["fact"], ["fact"], 1, 1, "on", "refuse"),
        ([], [], 0, 1, "off", "retrieve"),
        ([], [], 0, 2, "off", "refuse"),
        (["fact"], [], 0, 1, "off", "refuse"),
    ],
)
def test_a_fact_that_is_lacking_is_looked_for_where_it_may_be(
    asked: list[str], asked_web: list[str], searches: int, rewrites: int, web: Any, goes: str
) -> None:
    state = State(
        question="?", query="fact", lacking="fact", arithmetic=True, asked=asked, asked_web=asked_web,
        searches=searches, rewrites=rewrites,
    )  # fmt: skip
    assert after_calculate(state, Context(web_search=web, max_rewrites=1, max_searches=3)) == goes


def test_of_a_rewritten_question_it_is_asked_whether_there_is_something_to_calculate() -> None:
    state = State(question="?", query="fact", lacking="fact")
    assert looks_up(state)
    assert not looks_up(replace(state, query="another")) and not looks_up(
        replace(state, lacking="", query="")
    )


async def test_what_the_documents_say_stays_beside_what_the_web_adds_to_a_calculation() -> None:
    own = passage(1, "출장비는 하루 45000원입니다.")
    page = SearchResult(title="출장비", url="https://a.example/1", snippet="미국은 하루 90000원입니다.")
    lookup = "FIND: 미국 출장비 하루"
    script = Script(
        needs_calculation=0.9, calculation=[lookup, lookup, "CALC: 90000 - 45000"], answer="45000원입니다."
    )
    result = await ask(
        make_resources(
            script,
            corpus=FakeCorpus(default=[own]),
            search=FakeSearch({"미국 출장비 하루": [page]}),
            web_search="on",
        ),
        "우리 출장비와 미국 출장비의 차이는 하루 얼마인가요?",
    )
    assert result["calculation"] == "90000 - 45000 = 45,000"
    assert {citation["source"] for citation in result["citations"]} == {own.source, page.url}


async def test_what_a_calculation_has_is_kept_where_the_documents_lack_the_rest() -> None:
    own = passage(1, "출장비는 하루 45000원입니다.")
    other = passage(2, "회의실은 3층에 있습니다.")
    page = SearchResult(title="출장비", url="https://a.example/1", snippet="미국은 하루 90000원입니다.")
    script = Script(
        needs_calculation=0.9, calculation=["FIND: 미국 출장비 하루", "CALC: 90000 - 45000"],
        grade_calculation=[0.9, 0.01, 0.9], answer="45000원입니다.",
    )  # fmt: skip
    result = await ask(
        make_resources(
            script,
            corpus=FakeCorpus(default=[own], pages={"미국 출장비 하루": [other]}),
            search=FakeSearch({"미국 출장비 하루": [page]}),
            web_search="on",
        ),
        "우리 출장비와 미국 출장비의 차이는 하루 얼마인가요?",
        max_rewrites=0,
    )
    assert path(result).startswith(
        "prepare retrieve grade calculate retrieve grade web_search grade calculate"
    )
    assert result["calculation"] == "90000 - 45000 = 45,000"
    assert {citation["source"] for citation in result["citations"]} == {own.source, page.url}


async def test_a_search_takes_no_longer_than_the_question_may() -> None:
    class Hanging(FakeSearch):
        async def search(self, query: str, *, k: int = 5, consent: bool = False) -> list[SearchResult]:
            await asyncio.sleep(250)
            return []

    started = time.monotonic()
    result = await ask(
        make_resources(
            corpus=FakeCorpus(default=[]), search=Hanging(), web_search="on", monotonic=time.monotonic
        ),
        max_seconds=0.5,
    )
    assert time.monotonic() - started < 60
    assert result["refused"] is True and result["reason"] == "budget: max_seconds reached"


async def test_a_fact_that_a_calculation_lacks_is_looked_up_in_the_documents() -> None:
    corpus = FakeCorpus(default=[LEAVE[1]], pages={"출장비 하루": [LEAVE[4]]})
    script = Script(
        needs_calculation=0.9, calculation=["FIND: 출장비 하루", "CALC: 45000 * 4"], answer="180000원입니다."
    )
    result = await ask(make_resources(script, corpus=corpus), "4일 출장비는 얼마인가요?")
    assert (
        path(result) == "prepare retrieve grade calculate retrieve grade calculate generate self_check finish"
    )


@pytest.mark.parametrize(
    "first", ["FIND: 경조 휴가", "CALC: 17 + 5", "CALC: 17 +", FakeReply(text="CALC: 17 + 3", truncated=True)]
)
async def test_a_calculation_is_tried_over_two_passages_and_then_over_four(first: str | FakeReply) -> None:
    script = Script(needs_calculation=0.9, calculation=[first, "CALC: 17 + 5"], answer="모두 22일입니다.")
    resources = make_resources(script)
    result = await ask(resources, "연차 휴가와 경조 휴가를 합하면 며칠인가요?")
    # The same step, with one call more: nothing was searched for.
    assert path(result) == "prepare retrieve grade calculate generate self_check finish"
    assert result["calculation"] == "17 + 5 = 22" and result["cost"]["llm_calls"] == 4
    assert [citation["text"] for citation in result["citations"]] == [
        "경조 휴가는 5일입니다.",
        "연차 휴가는 17일입니다.",
    ]
    prompts = [str(messages[-1].content) for messages in resources.model.fake.prompts]  # type: ignore[attr-defined]
    narrow, wide = (text for text in prompts if "CALC: and the calculation" in text)
    assert "경조 휴가는 5" not in narrow and "경조 휴가는 5" in wide and "출장비" not in wide


async def test_nothing_is_asked_for_that_is_less_than_nothing() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 17 - 30", answer="13일입니다.")
    result = await ask(make_resources(script), "연차 휴가와 병가의 차이는 며칠인가요?")
    assert result["calculation"] == "30 - 17 = 13"


async def test_the_rate_is_no_answer_for_who_asks_of_a_quantity() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 99 * 8", answer="17일입니다.")
    result = await ask(make_resources(script), "8명이 쓰는 연차 휴가는 며칠인가요?")
    assert path(result).endswith("calculate refuse finish")
    assert result["reason"] == "no answer: nothing could be calculated from the passages found"
    assert reason_in("ko", result["reason"]) == "찾은 문서의 수로는 계산하지 못했습니다."


async def test_a_fact_that_was_asked_for_already_is_not_looked_up_again() -> None:
    question = "연차 휴가는 며칠 남았나요?"
    script = Script(grade_calculation=0.9, needs_calculation=0.9, calculation=f"FIND: {question}")
    refused = await ask(make_resources(script), question)
    assert refused["refused"]
    assert refused["reason"] == f"no evidence: a fact for the calculation was not found: {question}"
    assert reason_in("ko", refused["reason"]) == "계산에 필요한 사실을 문서에서 찾지 못했습니다."
    # What may as well be written is graded as any other question.
    written = "연차 휴가는 일반 직원의 몇 퍼센트인가요?"
    script = Script(grade_calculation=0.9, needs_calculation=0.9, calculation=f"FIND: {written}")
    answered = await ask(make_resources(script), written)
    assert path(answered).endswith("calculate grade generate self_check finish")


@pytest.mark.parametrize(
    ("question", "graded"),
    [
        ("그럼 보증 기간은 몇 년인가요?", "grade"),
        ("그럼 5대면요?", "grade_calculation"),
        ("총 얼마예요?", "grade_calculation"),
    ],
)
async def test_a_follow_up_is_calculated_where_it_asks_for_that(question: str, graded: str) -> None:
    script = Script()
    history = [
        {"role": "user", "content": "노트북 3대를 사면 모두 얼마인가요?"},
        {"role": "assistant", "content": "3,600,000원입니다."},
    ]
    await ask(make_resources(script), question, history=history)
    assert script.seen[0] == graded


async def test_what_only_sounds_like_a_calculation_is_graded_as_any_other_question() -> None:
    script = Script(grade_calculation=0.05, needs_calculation=0.1, grade=0.9)
    result = await ask(make_resources(script), "연차 휴가와 병가의 차이는 며칠부터인가요?")
    assert path(result) == "prepare retrieve grade widen grade generate self_check finish"
    assert script.seen[:4] == ["grade_calculation", "grade_calculation", "needs_calculation", "grade"]
    refused = await ask(
        make_resources(Script(grade_calculation=0.05, needs_calculation=0.1, grade=0.05)),
        "연차 휴가와 병가의 차이는 며칠부터인가요?",
    )
    assert refused["refused"]


async def test_a_calculation_that_two_passages_lack_a_fact_for_is_looked_wider_for() -> None:
    script = Script(
        grade_calculation=[0.05, 0.9], needs_calculation=0.9, calculation="CALC: 17 + 5", answer="22일입니다."
    )
    result = await ask(make_resources(script), "연차 휴가와 경조 휴가를 합하면 며칠인가요?")
    assert path(result) == "prepare retrieve grade widen grade calculate generate self_check finish"
    nothing = Script(grade_calculation=0.05, needs_calculation=0.9)
    refused = await ask(make_resources(nothing), "연차 휴가와 경조 휴가를 합하면 며칠인가요?")
    assert path(refused).endswith("grade widen grade refuse finish") and refused["refused"]


async def test_what_does_not_fit_is_not_looked_wider_for_again() -> None:
    long = [passage(n, f"{n}번 안내. " + "가나다라마바사아자차 " * 60) for n in range(1, 6)]
    resources = make_resources(Script(grade=0.6, rewrite=QUESTION), corpus=FakeCorpus(default=long))
    resources.model.context_tokens = 2600
    result = await ask(resources)
    assert result["route"].count("widen") == 1 and result["refused"]
    assert len([notice for notice in result["notices"] if "did not fit" in notice]) == 1


async def test_what_can_be_calculated_from_the_first_look_is_not_looked_wider_for() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 17 + 30", answer="47일입니다.")
    result = await ask(make_resources(script), "연차 휴가와 병가를 합하면 며칠인가요?")
    assert result["calculation"] == "17 + 30 = 47" and result["cost"]["llm_calls"] == 3
    assert script.seen.count("calculation") == 1


async def test_an_invented_number_is_sent_back_once_with_the_reason() -> None:
    resources = make_resources(Script(answer="연차 휴가는 25일입니다."))
    result = await ask(resources)
    assert path(result) == "prepare retrieve grade generate self_check generate self_check finish"
    assert 'The answer "연차 휴가는 25일입니다." was rejected: 25 is not in the documents.' in str(
        resources.model.fake.prompts[2][-1].content  # type: ignore[attr-defined]
    )


async def test_an_answer_that_stays_wrong_is_withdrawn() -> None:
    result = await ask(
        make_resources(Script(answer="연차 휴가는 25일입니다.", again="연차 휴가는 26일입니다."))
    )
    assert result["refused"] is True
    assert result["reason"] == "withdrawn: 26 is not in the documents"


async def test_the_marks_of_a_numbered_list_need_not_stand_in_the_documents() -> None:
    listed = "\n".join(f"{number}. 연차 휴가는 17일입니다" for number in range(1, 7))
    result = await ask(make_resources(Script(answer=listed)))
    assert not result["refused"] and "6. 연차 휴가는 17일입니다" in result["answer"]


async def test_an_answer_that_the_check_does_not_find_in_the_documents_is_withdrawn() -> None:
    result = await ask(make_resources(Script(check=0.05)))
    assert path(result) == "prepare retrieve grade generate self_check refuse finish"
    assert result["reason"] == "withdrawn: the documents do not say so"


async def test_an_empty_answer_is_refused() -> None:
    result = await ask(make_resources(Script(answer="", again="")))
    assert path(result) == "prepare retrieve grade generate refuse finish"
    assert result["reason"] == "no answer: the model gave none"


@pytest.mark.parametrize("calls", range(4))
async def test_at_the_end_of_the_call_budget_there_is_an_answer_or_a_refusal_with_the_reason(
    calls: int,
) -> None:
    result = await ask(make_resources(), max_llm_calls=calls)
    assert result["cost"]["llm_calls"] == calls
    assert result["refused"] is (calls < 2)
    assert result["reason"] == ("" if calls == 3 else "budget: max_llm_calls reached")


async def test_at_the_end_of_the_time_budget_the_refusal_names_it() -> None:
    result = await ask(make_resources(monotonic=Ticks(step_s=1.0)), max_seconds=3)
    assert result["refused"] is True
    assert result["reason"] == "budget: max_seconds reached"


async def test_rewrites_and_searches_are_bounded() -> None:
    endless = Script(grade=0.3, rewrite=[FakeReply(text=f"query {n}") for n in range(99)])
    page = [SearchResult(title="t", url="https://a.example/1", snippet="x")]
    search = FakeSearch({QUESTION: page} | {f"query {number}": page for number in range(99)})
    result = await ask(
        make_resources(endless, search=search, web_search="on"),
        max_rewrites=3,
        max_searches=2,
        max_llm_calls=50,
    )
    assert result["refused"] is True
    assert result["route"].count("rewrite") == 3
    assert result["cost"]["searches"] == len(search.queries) <= 2
    assert len(set(search.queries)) == len(search.queries), "the same query is never sent twice"


async def test_every_step_shares_one_prefix_and_a_wider_look_only_adds() -> None:
    resources = make_resources(Script(grade=[0.6, 0.8]))
    await ask(resources)
    first, wide, answer, check = (
        [str(message.content) for message in prompt]
        for prompt in resources.model.fake.prompts  # type: ignore[attr-defined]
    )
    narrow_documents = first[1].split("\n\nQuestion:")[0]
    assert wide[1].startswith(narrow_documents + "\n[3]"), "the wider look continues the narrow one"
    shared = wide[1].split("Do the documents contain")[0]
    assert shared.rstrip().endswith(f"Question: {QUESTION}")
    assert answer[1].startswith(shared) and check[1] == answer[1]
    assert first[0] == wide[0] == answer[0] == check[0]


async def test_passages_that_do_not_fit_the_context_are_dropped_from_the_end_and_reported() -> None:
    long = [passage(n, f"{n}번 문서입니다. 연차 휴가는 17일입니다. " + "가" * 300) for n in range(1, 6)]
    resources = make_resources(Script(grade=[0.6, 0.9]), corpus=FakeCorpus(default=long))
    resources.model.context_tokens = 1500
    result = await ask(resources)
    assert result["notices"] == ["1 passages did not fit the model's context and were left out"]
    prompts = resources.model.fake.prompts  # type: ignore[attr-defined]
    assert all(len(str(prompt[-1].content)) < 1500 for prompt in prompts)


async def test_a_follow_up_is_searched_as_a_question_that_stands_alone() -> None:
    corpus = FakeCorpus()
    history = [
        {"role": "user", "content": "연차 휴가는 며칠인가요?"},
        {"role": "assistant", "content": "17일입니다."},
    ]
    resources = make_resources(Script(answer="병가는 30일입니다."), corpus=corpus)
    result = await ask(resources, "그럼 병가는요?", history=history)
    assert corpus.queries == ["연차 휴가는 며칠인가요? 그럼 병가는요?"]
    assert result["question"] == "그럼 병가는요?"
    assert result["answer"] == "병가는 30일입니다. [2]"


async def test_a_second_follow_up_in_a_row_keeps_the_topic() -> None:
    corpus = FakeCorpus()
    asked = ["연차 휴가는 며칠인가요?", "그럼 10년이면요?"]
    history = [
        {"role": role, "content": content}
        for question in asked
        for role, content in (("user", question), ("assistant", "그럼 17일은요?"))
    ]
    resources = make_resources(corpus=corpus)
    await ask(resources, "그럼 20년이면요?", history=history)
    assert corpus.queries == ["연차 휴가는 며칠인가요? 그럼 20년이면요?"]
    prompts = [str(prompt[1].content) for prompt in resources.model.fake.prompts]  # type: ignore[attr-defined]
    read = f"Question: {corpus.queries[0]}\n"
    assert read in prompts[0] and len({prompt.partition(read)[0] for prompt in prompts}) == 1, "one prefix"


async def test_follow_ups_of_one_thread_keep_the_topic() -> None:
    corpus = FakeCorpus()
    graph = build(make_resources(corpus=corpus), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    for question in ("연차 휴가는 며칠인가요?", "그럼 10년이면요?", "그럼 20년이면요?"):
        await graph.ainvoke({"question": question}, config)
    assert corpus.queries[-1] == "연차 휴가는 며칠인가요? 그럼 20년이면요?"


async def test_a_whole_question_in_a_conversation_is_searched_with_and_without_the_one_before() -> None:
    asked = "출장비는 하루에 얼마까지 받을 수 있나요?"
    joined = f"연차 휴가는 며칠인가요? {asked}"
    corpus = FakeCorpus(pages={asked: [LEAVE[4], LEAVE[3]], joined: [LEAVE[0], LEAVE[4]]})
    history = [{"role": "user", "content": "연차 휴가는 며칠인가요?"}]
    resources = make_resources(Script(answer="하루 45000원입니다."), corpus=corpus)
    result = await ask(resources, asked, history=history)
    assert corpus.queries == [asked, joined]
    assert result["answer"] == "하루 45000원입니다. [1]"
    prompts = resources.model.fake.prompts  # type: ignore[attr-defined]
    read = str(prompts[0][-1].content)
    assert read.index(LEAVE[4].text) < read.index(LEAVE[0].text)
    assert f"Question: {asked}" in read and LEAVE[3].text not in read


async def test_what_is_not_found_as_it_stands_is_read_beside_the_question_before() -> None:
    asked = "고른 업체의 견적은 얼마였나요?"
    joined = f"서버 교체는 어떻게 정했나요? {asked}"
    history = [{"role": "user", "content": "서버 교체는 어떻게 정했나요?"}]
    corpus = FakeCorpus(default=[passage(1, "서버는 다온에 맡기고 견적은 3200만 원이다."), *LEAVE[1:4]])
    script = Script(grade=[0.2, 0.3, 0.9], answer="3200만 원입니다.")
    resources = make_resources(script, corpus=corpus)
    result = await ask(resources, asked, history=history)
    assert path(result) == (
        "prepare retrieve grade widen grade rewrite retrieve grade generate self_check finish"
    )
    prompts = [str(prompt[-1].content) for prompt in resources.model.fake.prompts]  # type: ignore[attr-defined]
    assert [f"Question: {joined}\n" in prompt for prompt in prompts[:3]] == [False, False, True]
    assert prompts[2].partition("Question:")[0] == prompts[1].partition("Question:")[0], "read already"
    refused = await ask(make_resources(Script(grade=0.05), corpus=corpus), asked, history=history)
    assert path(refused) == "prepare retrieve grade rewrite retrieve grade refuse finish", "tried once"


async def test_an_elliptic_follow_up_about_what_no_passage_names_is_refused() -> None:
    history = [{"role": "user", "content": "연차 휴가는 며칠인가요?"}]
    calibration = replace(CALIBRATION, evidence_weights={**CALIBRATION.evidence_weights, "missing": -9.0})
    resources = replace(make_resources(Script(grade=0.9)), calibration=calibration)
    assert (await ask(resources, "그럼 병가는요?", history=history))["refused"] is False
    assert (await ask(resources, "그럼 안식년은요?", history=history))["refused"] is True


async def test_every_judgement_is_kept_with_its_bar() -> None:
    state = await build(make_resources(Script(grade=[0.6, 0.8], check=0.9))).ainvoke({"question": QUESTION})
    kept = [(d["step"], d["name"], d["threshold"], d["verdict"]) for d in state["decisions"]]
    assert kept == [
        ("grade", "evidence", 0.7, "doubt"),
        ("grade", "evidence", 0.5, "yes"),
        ("self_check", "grounded", 0.3, "yes"),
    ]
    assert state["decisions"][0]["signals"]["grade"] == pytest.approx(0.6)


async def test_turns_of_one_thread_are_remembered_and_do_not_leak_into_each_other() -> None:
    resources = make_resources()
    graph = build(resources, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"question": QUESTION}, config)
    state = await graph.ainvoke({"question": "그건 무엇인가요?"}, config)
    assert state["result"]["route"].count("grade") == 1
    assert state["result"]["cost"]["llm_calls"] == 3, "a follow-up costs no call of its own"
    assert [turn["role"] for turn in state["history"]] == ["user", "assistant"] * 2


async def test_a_question_that_brings_passages_is_answered_over_those_alone() -> None:
    corpus = FakeCorpus()
    resources = make_resources(corpus=corpus)
    result = await ask(resources, given=[{"title": "안내문", "text": "연차 휴가는 17일입니다."}])
    assert result["citations"][0]["source"] == "안내문"
    assert corpus.queries == []


async def test_the_language_of_the_question_chooses_the_prompts() -> None:
    resources = make_resources(
        Script(answer="17 days"), corpus=FakeCorpus(default=[passage(1, "Annual leave is 17 days.")])
    )
    await ask(resources, "Tell me the rule on annual leave")
    assert str(resources.model.fake.prompts[1][-1].content).endswith("briefly in English.")  # type: ignore[attr-defined]


def test_the_drawing_has_every_node_and_edge() -> None:
    drawing = build(make_resources()).get_graph().draw_mermaid()
    edges = {line.strip(" ;\t") for line in drawing.splitlines() if "-->" in line or "-.->" in line}
    assert {
        "grade -.-> widen", "grade -.-> rewrite", "grade -.-> web_search", "grade -.-> calculate", "grade -.-> generate",
        "grade -.-> refuse", "rewrite -.-> retrieve", "self_check -.-> generate", "self_check -.-> refuse",
        "self_check -.-> finish", "calculate -.-> web_search", "refuse --> finish",
    } <= edges  # fmt: skip


async def test_a_question_in_two_parts_is_answered_one_after_the_other() -> None:
    film = SearchResult(
        title="Film", url="https://a.example/film", snippet="Oppenheimer was directed by Nolan."
    )
    search = FakeSearch(
        {"Who directed the film Oppenheimer?": [film], "what is Nolan's age in days?": [NOLAN]}
    )  # fmt: skip
    script = Script(
        needs_calculation=0.9,
        calculation="CALC: age_days(1970-07-30)", answer=["Nolan directed Oppenheimer.", "Nolan is 20,568 days old."],
    )  # fmt: skip
    resources = make_resources(script, corpus=FakeCorpus(default=[]), search=search, web_search="on")
    result = await ask(resources, "Who directed the film Oppenheimer, and what is that person's age in days?")
    assert path(result) == (
        "prepare retrieve web_search grade generate self_check next_part web_search grade calculate generate self_check finish"
    )
    assert result["answer"] == "Nolan directed Oppenheimer. [1]\nNolan is 20,568 days old. [2]"
    assert [citation["source"] for citation in result["citations"]] == [
        "https://a.example/film",
        "https://a.example/nolan",
    ]
    assert result["calculation"] == "age_days(1970-07-30) = 20,568"


@pytest.mark.parametrize(
    ("answer", "query"),
    [
        ("The film Oppenheimer was directed by Nolan.", "what is Nolan's age in days?"),
        (
            "The film Oppenheimer was directed by a friend.",
            "Who directed the film Oppenheimer? what is that person's age in days?",
        ),
    ],
)
async def test_a_later_part_is_asked_of_the_name_or_beside_the_first(answer: str, query: str) -> None:
    page = passage(1, answer)
    corpus = FakeCorpus(default=[page])
    resources = make_resources(Script(answer=answer), corpus=corpus)
    await ask(resources, "Who directed the film Oppenheimer, and what is that person's age in days?")
    assert query in corpus.queries


async def test_a_later_part_without_an_answer_leaves_the_first_standing() -> None:
    script = Script(grade=[0.9, 0.02], answer="연차 휴가는 17일입니다.")
    result = await ask(make_resources(script), "연차 휴가는 며칠인가요? 그 휴가는 누가 만들었나요?")
    assert result["refused"] is False
    assert result["reason"] == "answered in part: no evidence: the passages found do not hold the answer"
    assert result["answer"] == "연차 휴가는 17일입니다. [1]\n문서에서 이 질문의 답을 찾지 못했습니다."


async def test_where_the_evidence_is_strong_the_model_is_not_asked_about_its_own_answer() -> None:
    resources = make_resources(calibration=replace(CALIBRATION, sure=0.8))
    result = await ask(resources)
    assert path(result) == "prepare retrieve grade generate self_check finish"
    assert result["cost"]["llm_calls"] == 2
    assert result["grounded"] == result["evidence"] == 0.9


async def test_a_question_whose_words_were_found_is_not_asked_in_other_words() -> None:
    resources = make_resources(Script(grade=0.3), calibration=replace(CALIBRATION, reword_coverage=0.5))
    result = await ask(resources)
    assert path(result) == "prepare retrieve grade widen grade refuse finish"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"question": 3}, '"question" must be text, not a number.'),
        ({"question": None}, '"question" must be text, not null.'),
        ({"question": ["a"]}, '"question" must be text, not a list.'),
        ({"question": "연차는?", "history": "어제"}, '"history" must be a list of'),
        ({"question": "연차는?", "history": [{"role": "user"}]}, '"history" must be a list of'),
        (
            {"question": "연차는?", "history": [{"role": "bot", "content": "a"}]},
            '"history" must be a list of',
        ),
        ({"question": "연차는?", "given": {"text": "a"}}, '"given" must be a list of passages'),
        ({"question": "연차는?", "given": [{"title": "a"}]}, '"given" must be a list of passages'),
    ],
)
async def test_what_is_no_question_is_one_line(values: dict[str, Any], said: str) -> None:
    with pytest.raises(MutdaError) as caught:
        await build(make_resources()).ainvoke(values)
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


async def test_an_empty_input_is_refused_without_a_call() -> None:
    state = await build(make_resources(corpus=FakeCorpus(default=()))).ainvoke({})
    assert state["result"]["refused"] is True
    assert state["result"]["cost"]["llm_calls"] == 0


async def test_of_a_pasted_page_what_is_asked_before_or_after_it_is_kept() -> None:
    corpus = FakeCorpus()
    page = "공지 " * 1500
    await ask(make_resources(corpus=corpus), f"연차 휴가는 며칠인가요? {page} 병가는 며칠인가요?")
    (query,) = corpus.queries
    assert query.startswith("연차 휴가는 며칠인가요?") and query.endswith("병가는 며칠인가요?")
    assert len(query) <= 2000


async def test_a_passage_with_the_number_that_the_question_names_is_read_first() -> None:
    pages = [
        passage(1, "여울 740의 보증 기간은 30개월입니다."),
        passage(2, "여울 740은 24 V를 씁니다."),
        passage(3, "여울의 보증 조건은 이렇습니다."),
        passage(4, "여울 520의 보증 기간은 12개월입니다."),
    ]
    resources = make_resources(Script(answer="12개월입니다."), corpus=FakeCorpus(default=pages))
    result = await ask(resources, "여울 520의 보증 기간은 얼마인가요?")
    assert result["citations"][0]["text"] == pages[3].text
    assert result["citations"][0]["n"] == 2
    assert "widen" not in result["route"]


async def test_numbers_of_the_question_before_need_not_be_found_again() -> None:
    history = [{"role": "user", "content": "7층에는 어느 부서가 있나요?"}]
    floor = passage(1, "8층에는 연구개발본부가 있습니다.")
    calibration = replace(CALIBRATION, evidence_weights={"bias": 0.0, "grade": 1.0, "missing": -9.0})
    resources = make_resources(
        Script(answer="연구개발본부입니다."), corpus=FakeCorpus(default=[floor]), calibration=calibration
    )
    assert (await ask(resources, "8층에는요?", history=history))["refused"] is False
    assert (await ask(resources, "9층에는요?", history=history))["refused"] is True
