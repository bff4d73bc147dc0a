import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGenerationChunk

from app.errors import ModelError
from app.models.chat import (
    Reply,
    choice_probability,
    estimate_tokens,
    one_line,
    read_reply,
)
from app.models.fake import FakeChat, FakeModel, FakeReply

# -- choice_probability


def reply_of(text: str = "", **first_token: float) -> Reply:
    return Reply(text=text, first_token={word: math.log(share) for word, share in first_token.items()})


def test_the_share_of_yes_among_yes_and_no() -> None:
    assert choice_probability(reply_of(yes=0.6, no=0.2, maybe=0.2)) == pytest.approx(0.75)


def test_spellings_of_a_word_count_together() -> None:
    first = {
        " yes": math.log(0.2),
        "Yes": math.log(0.2),
        "YES": math.log(0.2),
        "no": math.log(0.2),
        "▁": -9.0,
    }
    assert choice_probability(Reply(text="", first_token=first)) == pytest.approx(0.75)


def test_log_probabilities_win_over_the_sampled_word() -> None:
    assert choice_probability(reply_of("yes", yes=0.1, no=0.3)) == pytest.approx(0.25)


def test_other_words_may_be_chosen_between() -> None:
    assert choice_probability(reply_of(a=0.3, b=0.1), positive="a", negative="b") == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("text", "probability"),
    [
        ("yes", 1.0),
        (" Yes, it does.", 1.0),
        ("**no**", 0.0),
        ("No.", 0.0),
        ("Nothing says so", 0.5),  # begins like "no", and is another word
        ("yesterday", 0.5),
        ("아니요", 0.5),
        ("", 0.5),
        ("...", 0.5),
    ],
)
def test_without_log_probabilities_the_first_word_decides(text: str, probability: float) -> None:
    assert choice_probability(Reply(text=text)) == probability


def test_likely_first_tokens_without_either_word_leave_the_text() -> None:
    assert choice_probability(reply_of("yes", maybe=0.9)) == 1.0


# -- estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 8),
        ("연차는", 11),
        ("leave", 11),
        ("ab cd", 11),
        ("2026", 12),
        ("연차 17일", 8 + 3 + 2 + 1),
        ("(a)", 8 + 2 + 1),
    ],
)
def test_letters_count_half_all_else_whole(text: str, tokens: int) -> None:
    assert estimate_tokens([HumanMessage(text)]) == tokens


def test_the_estimate_adds_up_over_messages() -> None:
    one, two = SystemMessage("친절하게 답하세요."), HumanMessage("How many days?")
    assert estimate_tokens([one, two]) == estimate_tokens([one]) + estimate_tokens([two])
    assert estimate_tokens([]) == 0


# -- read_reply


def token(text: str, *top: tuple[str, float]) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": -0.5,
        "top_logprobs": [{"token": word, "logprob": value} for word, value in top],
    }


@pytest.mark.parametrize("wrap", [list, lambda items: {"content": list(items), "refusal": None}])
def test_log_probabilities_of_both_shapes(wrap: Callable[[list[Any]], Any]) -> None:
    items = [token("네", ("네", -0.5), ("아", -1.5)), token(".", (".", -0.1))]
    message = AIMessageChunk(content="네.", response_metadata={"logprobs": wrap(items)})
    reply = read_reply(message, seconds=1.5)
    assert reply.first_token == {"네": -0.5, "아": -1.5}
    assert reply.logprobs == (-0.5, -0.5)
    assert (reply.text, reply.seconds) == ("네.", 1.5)


@pytest.mark.parametrize("raw", [None, [], {}, {"content": None}, {"content": []}])
def test_a_backend_without_log_probabilities(raw: Any) -> None:
    reply = read_reply(AIMessageChunk(content="네", response_metadata={"logprobs": raw}), seconds=0)
    assert (dict(reply.first_token), reply.logprobs) == ({}, ())


def test_tokens_whose_alternatives_are_null() -> None:
    item = {"token": "네", "logprob": -0.2, "top_logprobs": None}
    reply = read_reply(AIMessageChunk(content="네", response_metadata={"logprobs": [item]}), seconds=0)
    assert (dict(reply.first_token), reply.logprobs) == ({}, (-0.2,))


@pytest.mark.parametrize(
    ("metadata", "truncated"),
    [
        ({"finish_reason": "length"}, True),
        ({"done_reason": "length"}, True),
        ({"finish_reason": "stop"}, False),
        ({}, False),
    ],
)
def test_an_answer_that_was_cut_is_known(metadata: dict[str, str], truncated: bool) -> None:
    assert (
        read_reply(AIMessageChunk(content="", response_metadata=metadata), seconds=0).truncated is truncated
    )


def test_costs_are_zero_where_the_backend_gives_none() -> None:
    reply = read_reply(AIMessageChunk(content="네"), seconds=0)
    assert (reply.prompt_tokens, reply.cached_tokens, reply.output_tokens) == (0, 0, 0)


def test_one_line_is_short_and_without_breaks() -> None:
    assert one_line("  a\n\tb  c ") == "a b c"
    assert one_line("x" * 300) == "x" * 200


# -- LanguageModel.call


async def test_pieces_are_told_as_they_come() -> None:
    heard: list[str] = []
    reply = await FakeModel(lambda _: FakeReply(text="연차는 17일 입니다.")).call(
        [HumanMessage("?")], max_tokens=9, timeout_s=60, on_text=heard.append
    )
    assert heard == ["연차는 ", "17일 ", "입니다."]
    assert reply.text == "".join(heard)
    assert reply.seconds > 0


async def test_a_bug_stays_a_bug() -> None:
    def broken(_: Any) -> FakeReply:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await FakeModel(broken).call([HumanMessage("?")], max_tokens=9, timeout_s=60)


class Silent(FakeChat):
    """A chat model whose stream ends at once."""

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        return
        yield


class SilentModel(FakeModel):
    def chat(self) -> BaseChatModel:
        return Silent(script=lambda _: FakeReply())


async def test_an_empty_stream_is_an_error_of_the_service() -> None:
    with pytest.raises(ModelError) as caught:
        await SilentModel(lambda _: FakeReply()).call([HumanMessage("?")], max_tokens=9, timeout_s=60)
    assert str(caught.value) == "fake: ended its answer before it began. Try again."
