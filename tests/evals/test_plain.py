from fakes import FakeCorpus, Script, make_resources

from evals.plain import answer_plainly
from graphs.context import Context
from graphs.rag import build
from graphs.state import Question

QUESTION = "연차 휴가 규정을 알려 주세요"


async def test_one_call_over_four_passages_and_the_graphs_own_prompt() -> None:
    script = Script()
    resources = make_resources(script)
    state = await answer_plainly(Question(question=QUESTION), resources)
    assert script.seen == ["answer"]
    assert len(state["found"]) == state["shown"] == 4
    plain_prompt = resources.model.fake.prompts[0]  # type: ignore[attr-defined]
    await build(resources).ainvoke(Question(question=QUESTION), context=Context(look=4, wide=4))
    graph_prompt = resources.model.fake.prompts[2]  # type: ignore[attr-defined]
    assert [message.content for message in plain_prompt] == [message.content for message in graph_prompt]


async def test_the_result_has_the_shape_of_the_graphs() -> None:
    resources = make_resources(Script(answer="  17일입니다. "))
    graph = (await build(resources).ainvoke(Question(question=QUESTION), context=Context()))["result"]
    plain = (await answer_plainly(Question(question=QUESTION), resources))["result"]
    assert set(plain) == set(graph) and set(plain["cost"]) == set(graph["cost"])
    assert plain["answer"] == "17일입니다." and plain["refused"] is False
    assert plain["route"] == ["retrieve", "generate"]
    assert plain["cost"]["llm_calls"] == 1 and plain["cost"]["prompt_tokens"] > 0


async def test_a_follow_up_is_searched_for_with_the_question_before_it() -> None:
    corpus = FakeCorpus()
    resources = make_resources(corpus=corpus)
    question = Question(
        question="휴일에는요?",
        history=[
            {"role": "user", "content": "평일 당직 수당은 얼마인가요?"},
            {"role": "assistant", "content": "54,000원"},
        ],
    )
    await answer_plainly(question, resources)
    assert corpus.queries == ["평일 당직 수당은 얼마인가요? 휴일에는요?"]


async def test_given_passages_are_searched_instead_of_the_corpus() -> None:
    corpus = FakeCorpus()
    resources = make_resources(corpus=corpus)
    given = [{"title": f"글 {n}", "text": f"본문 {n}입니다."} for n in range(6)]
    state = await answer_plainly(Question(question=QUESTION, given=given), resources)
    assert corpus.queries == []
    assert [passage["heading"] for passage in state["found"]] == ["글 0", "글 1", "글 2", "글 3"]


async def test_it_answers_even_with_nothing_found() -> None:
    resources = make_resources(corpus=FakeCorpus(default=()))
    result = (await answer_plainly(Question(question=QUESTION), resources))["result"]
    assert result["refused"] is False and result["cost"]["llm_calls"] == 1


async def test_it_refuses_where_the_model_does() -> None:
    resources = make_resources(Script(answer="문서에는 그 내용이 없습니다."))
    result = (await answer_plainly(Question(question=QUESTION), resources))["result"]
    assert result["refused"] is True and result["reason"] == "the model says that the documents do not tell"
    assert result["answer"] == "문서에는 그 내용이 없습니다."
