from collections.abc import Sequence
from typing import Any

import pytest
from fakes import FakeCorpus, Script, make_resources
from langchain_core.messages import BaseMessage

from app.errors import ModelError, ServiceError
from app.models.fake import FakeModel, FakeReply
from evals.runner import Outcome, run_suite, salt_of, turns
from evals.suite import Case
from graphs.context import Context
from graphs.resources import Resources
from graphs.state import Question


def case(number: int, **changes: Any) -> Case:
    values: dict[str, Any] = {
        "id": f"leave-{number}",
        "question": "연차 휴가 규정을 알려 주세요",
        "answers": ["17일"],
        "answerable": True,
        "sources": ["취업규칙.docx"],
    }
    return Case(**(values | changes))


class Replies(Script):
    """Answers the warm-up too, which no step sends."""

    def __call__(self, messages: Sequence[BaseMessage]) -> FakeReply:
        if "Warm up" in str(messages[0].content):
            return FakeReply(text="1")
        return super().__call__(messages)


def resources(script: Replies | None = None, **changes: Any) -> Resources:
    return make_resources(script or Replies(), **changes)


async def run(cases: list[Case], opened: Resources, **options: Any) -> list[Outcome]:
    context = Context(web_search="off")
    return [outcome async for outcome in run_suite(cases, opened, context=context, **options)]


def test_systems_take_turns_and_salts_are_all_different() -> None:
    assert turns(0, ["graph", "plain"]) == ["graph", "plain"]
    assert turns(1, ["graph", "plain"]) == ["plain", "graph"]
    assert turns(1, ["graph"]) == ["graph"]
    order = [turns(position, ["graph", "plain", "tutorial"]) for position in range(3)]
    assert [systems[0] for systems in order] == ["graph", "plain", "tutorial"]
    assert all(sorted(systems) == ["graph", "plain", "tutorial"] for systems in order)
    salts = [salt_of(position, system) for position in range(300) for system in range(3)]
    assert len(set(salts)) == 900 and {len(salt) for salt in salts} == {7}


async def test_both_systems_answer_every_case_in_turn() -> None:
    outcomes = await run([case(1), case(2)], resources(), baselines=["plain"])
    order = [(outcome.case.id, outcome.system) for outcome in outcomes]
    assert order == [("leave-1", "graph"), ("leave-1", "plain"), ("leave-2", "plain"), ("leave-2", "graph")]
    for outcome in outcomes:
        assert outcome.result["answer"].startswith("연차 휴가는 17일입니다.")
        assert outcome.found[0]["source"] == "취업규칙.docx"
        assert outcome.seconds > 0 and outcome.error == ""
    assert [outcome.shown for outcome in outcomes] == [2, 4, 4, 2]
    assert outcomes[0].result["route"][0] == "prepare"


async def test_a_salted_run_begins_cold_and_an_unsalted_one_may_not() -> None:
    cases = [case(1), case(2)]
    cold = await run(cases, resources(), baselines=["plain"], salt=True)
    warm = await run(cases, resources(), baselines=["plain"], salt=False)
    shared = [len("#0000"), len("#000"), len("#0001")]
    assert [outcome.first_call_cached_tokens for outcome in cold][1:] == shared
    assert min(outcome.first_call_cached_tokens or 0 for outcome in warm[1:]) > 20


async def test_history_and_given_passages_reach_the_graph() -> None:
    corpus = FakeCorpus()
    script = Replies(answer="본문입니다.")
    given = [{"title": "글", "text": "본문입니다."}]
    history = [{"role": "user", "content": "연차 휴가는?"}, {"role": "assistant", "content": "17일"}]
    model = resources(script, corpus=corpus)
    (outcome,) = await run([case(1, question="그럼 3년이면요?", passages=given, history=history)], model)
    assert any(
        "Question: 연차 휴가는? 그럼 3년이면요?" in str(prompt[-1].content)
        for prompt in model.model.fake.prompts
    )  # type: ignore[attr-defined]
    assert corpus.queries == ["준비"]
    assert [passage["heading"] for passage in outcome.found] == ["글"]


class Failing(FakeModel):
    """Fails at the calls with these numbers, from 1; the first is the warm-up."""

    def __init__(self, *calls: int) -> None:
        super().__init__(Replies())
        self.calls = calls
        self.count = 0

    async def call(self, messages: Any, **options: Any) -> Any:
        self.count += 1
        if self.count in self.calls:
            raise ModelError("the server broke off")
        return await super().call(messages, **options)


async def test_one_failure_is_an_outcome_and_the_run_goes_on() -> None:
    outcomes = await run([case(1), case(2)], resources(model=Failing(2)))
    assert [outcome.error for outcome in outcomes] == ["the server broke off", ""]
    assert outcomes[0].result == {} and outcomes[1].result["refused"] is False


async def test_three_failures_in_a_row_end_the_run() -> None:
    model = Failing(2, 6, 7, 8)
    seen: list[Outcome] = []
    context = Context(web_search="off")
    with pytest.raises(
        ServiceError, match=r"^3 questions in a row failed\. The last one: the server broke off$"
    ):
        async for outcome in run_suite([case(n) for n in range(9)], resources(model=model), context=context):
            seen.append(outcome)  # noqa: PERF401 - what came before the error counts
    assert [bool(outcome.error) for outcome in seen] == [True, False, True, True, True]


async def test_any_number_of_baselines_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def other(name: str) -> Any:
        async def answer(question: Question, opened: Resources) -> dict[str, Any]:
            seen.append(f"{name}: {question.question}")
            return {"result": {"answer": name, "refused": False}, "found": [], "shown": 0}

        return answer

    monkeypatch.setattr("evals.runner.baseline", other)
    outcomes = await run([case(1), case(2), case(3)], resources(), baselines=["one", "two"])
    assert [outcome.system for outcome in outcomes] == [
        "graph", "one", "two", "one", "two", "graph", "two", "graph", "one"
    ]  # fmt: skip
    assert outcomes[1].result["answer"] == "one" and len(seen) == 6


async def test_what_is_done_is_not_asked_again_and_turns_stay_as_they_were() -> None:
    cases = [case(1), case(2)]
    done = {("leave-1", "graph"), ("leave-2", "plain")}
    outcomes = await run(cases, resources(), baselines=["plain"], done=done)
    assert [(item.case.id, item.system) for item in outcomes] == [("leave-1", "plain"), ("leave-2", "graph")]
