from collections.abc import Sequence
from typing import Any

import pytest
from fakes import Bounded, FakeCorpus, make_resources
from langchain_core.messages import BaseMessage

from app.models.fake import FakeReply
from evals.plain import answer_plainly
from evals.tutorial import MAX_REWRITES, answer_by_tutorial, score_in
from graphs.prefix import LONG_ANSWER_TOKENS
from graphs.state import Question

QUESTION = "연차 휴가는 며칠인가요?"


class Graders:
    """Plays the model: each grader says what it is told, in JSON."""

    def __init__(self, *, relevant: Any = True, grounded: Any = True, useful: Any = True) -> None:
        self.says = {"relevant": relevant, "supported": grounded, "useful": useful}
        self.seen: list[str] = []

    def __call__(self, messages: Sequence[BaseMessage]) -> FakeReply:
        system, user = str(messages[0].content), str(messages[-1].content)
        for kind, said in self.says.items():
            if kind in system:
                self.seen.append(kind)
                yes = said(user) if callable(said) else said
                return FakeReply(text='{"score": "%s"}' % ("yes" if yes else "no"))
        if "rewrite" in system:
            self.seen.append("rewrite")
            return FakeReply(text=f"새 질문 {self.seen.count('rewrite')}")
        self.seen.append("answer")
        return FakeReply(text="연차 휴가는 17일입니다.")


async def ask(graders: Graders, **changes: Any) -> dict[str, Any]:
    return await answer_by_tutorial(Question(question=QUESTION), make_resources(graders, **changes))


async def test_each_passage_is_graded_alone_then_the_answer_twice() -> None:
    graders = Graders()
    state = await ask(graders)
    assert graders.seen == ["relevant"] * 4 + ["answer", "supported", "useful"]
    result = state["result"]
    assert (result["answer"], result["refused"]) == ("연차 휴가는 17일입니다.", False)
    assert result["route"] == ["retrieve", "grade_documents", "generate", "grade_generation"]
    assert result["cost"]["llm_calls"] == 7


async def test_its_answer_may_be_as_long_as_the_graphs() -> None:
    model = Bounded(Graders())
    await answer_by_tutorial(Question(question="연차 휴가 규정을 알려 주세요"), make_resources(model=model))
    assert LONG_ANSWER_TOKENS in model.limits


async def test_only_relevant_passages_are_shown() -> None:
    state = await ask(Graders(relevant=lambda user: "병가" in user))
    assert [passage["text"] for passage in state["found"]] == ["병가는 30일입니다."]
    assert state["shown"] == 1


async def test_without_a_relevant_passage_it_rewrites_and_at_last_refuses() -> None:
    corpus = FakeCorpus()
    graders = Graders(relevant=False)
    result = (await ask(graders, corpus=corpus))["result"]
    assert graders.seen.count("rewrite") == MAX_REWRITES
    assert corpus.queries == [QUESTION, "새 질문 1", "새 질문 2", "새 질문 3"]
    assert (result["refused"], result["reason"]) == (True, "no passage is relevant")
    assert result["answer"] == "문서에서 이 질문의 답을 찾지 못했습니다."


async def test_an_ungrounded_answer_is_generated_once_more_then_the_question_rewritten() -> None:
    graders = Graders(grounded=False)
    result = (await ask(graders))["result"]
    assert graders.seen.count("answer") == 2 * (MAX_REWRITES + 1)
    assert result["reason"] == "the answer is not grounded"


async def test_a_useless_answer_leads_to_another_question() -> None:
    graders = Graders(useful=lambda user: graders.seen.count("rewrite") == 1)
    result = (await ask(graders))["result"]
    assert result["refused"] is False
    assert result["route"].count("transform_query") == 1


async def test_its_result_has_the_shape_of_the_plain_one() -> None:
    tutorial = (await ask(Graders()))["result"]
    plain = (await answer_plainly(Question(question=QUESTION), make_resources(Graders())))["result"]
    assert set(tutorial) == set(plain) and set(tutorial["cost"]) == set(plain["cost"])


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"score": "yes"}', "yes"),
        ('```json\n{"score": "Yes"}\n```', "yes"),
        ('{"score": "no"}', "no"),
        ('{"score": "yes"', "yes"),
        ("score: yes", "yes"),
        ("yes", "no"),
        ('["yes"]', "no"),
        ('{"score": true}', "no"),
        ("", "no"),
    ],
)
def test_scores_are_read_leniently_and_nothing_is_a_no(text: str, score: str) -> None:
    assert score_in(text) == score
