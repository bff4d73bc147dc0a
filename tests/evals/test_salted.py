from fakes import Script
from langchain_core.messages import HumanMessage, SystemMessage

from app.models.chat import Reply
from app.models.fake import FakeModel
from evals.salted import Salted, with_salt

PROMPT = [SystemMessage("You answer questions."), HumanMessage("Answer the question briefly in Korean.")]


async def call(model: Salted) -> Reply:
    return await model.call(PROMPT, max_tokens=8, timeout_s=60)


async def test_a_salt_parts_the_prompts_of_two_runs_and_not_those_of_one() -> None:
    fake = FakeModel(Script())
    model = Salted(fake)
    model.start_run("#0000g ")
    assert model.first_call_cached_tokens is None
    await call(model)
    again = await call(model)
    assert again.cached_tokens == again.prompt_tokens
    assert model.first_call_cached_tokens == 0
    model.start_run("#0000p ")
    assert (await call(model)).cached_tokens == len("#0000")
    assert model.first_call_cached_tokens == len("#0000")
    assert [str(prompt[0].content) for prompt in fake.fake.prompts] == [
        "#0000g You answer questions.",
        "#0000g You answer questions.",
        "#0000p You answer questions.",
    ]
    assert all(prompt[1].content == PROMPT[1].content for prompt in fake.fake.prompts)


async def test_without_a_salt_the_second_run_gets_the_prompt_for_nothing() -> None:
    model = Salted(FakeModel(Script()))
    model.start_run("")
    await call(model)
    model.start_run("")
    reply = await call(model)
    assert model.first_call_cached_tokens == reply.prompt_tokens


async def test_it_is_the_same_model_and_counts_the_salt() -> None:
    fake = FakeModel(Script(), context_tokens=4096)
    model = Salted(fake)
    assert (model.spec, model.family, model.context_tokens) == ("fake:", "fake", 4096)
    assert model.chat() is fake.chat()
    before = await model.count_tokens(PROMPT)
    model.start_run("#0001g ")
    assert await model.count_tokens(PROMPT) == before + len("#0001g ")


def test_messages_are_not_changed_in_place() -> None:
    salted = with_salt(PROMPT, "# ")
    assert salted[0].content == "# You answer questions." and PROMPT[0].content == "You answer questions."
    assert isinstance(salted[0], SystemMessage)
