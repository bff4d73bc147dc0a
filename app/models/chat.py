"""One way to call any chat model: streamed, bounded in tokens and in time, with its costs."""

import asyncio
import math
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from app.errors import ModelError

TOP_LOGPROBS = 20

# langchain-core's words, in a plain ValueError, for a stream that ends without a piece.
_NO_PIECES = "No generation chunks were returned"

Messages = Sequence[BaseMessage]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What one call gave, and what it cost."""

    text: str
    prompt_tokens: int = 0
    """All tokens of the prompt, cached ones included."""
    cached_tokens: int = 0
    """Of these, the ones the engine did not evaluate again; of Ollama an estimate (`PrefixReuse`)."""
    prompt_seconds: float = 0.0
    """Time the engine says that it read the prompt for; 0 where it does not say."""
    output_tokens: int = 0
    truncated: bool = False
    """The model was stopped by its token limit."""
    first_token: Mapping[str, float] = field(default_factory=dict)
    """Log-probabilities of the likeliest first tokens; empty where the backend gives none."""
    logprobs: tuple[float, ...] = ()
    """Of the output tokens, in order; empty where the backend gives none.

    llama.cpp leaves out those of tokens that end inside a character, and of the last one.
    """
    seconds: float = 0.0


class LanguageModel(ABC):
    """A chat model as the graph uses it. One subclass for each backend."""

    spec: str
    family: str
    """Names the calibration and the prompt overrides that fit this model."""
    context_tokens: int

    @abstractmethod
    def chat(self) -> BaseChatModel:
        """The LangChain model that calls go through."""

    @abstractmethod
    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        """Per-call arguments in this backend's own words."""

    @abstractmethod
    def explain(self, error: Exception) -> str | None:
        """One line for an error of the service; None for anything that is a bug."""

    async def count_tokens(self, messages: Messages) -> int:
        """Tokens of the rendered prompt, or an upper estimate where the backend cannot tell."""
        return estimate_tokens(messages)

    def read(self, message: AIMessageChunk, messages: Messages, *, seconds: float) -> Reply:  # noqa: ARG002
        """What came back for `messages`, after `seconds`."""
        return read_reply(message, seconds=seconds)

    async def aclose(self) -> None:
        """Release what the model holds."""
        return None

    async def call(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        timeout_s: float,
        logprobs: bool = False,
        silent: bool = True,
        on_text: Callable[[str], None] | None = None,
    ) -> Reply:
        """Send `messages` and read the whole answer.

        `silent` keeps the tokens out of LangGraph's message stream. Raises ModelError when the
        service fails or `timeout_s` ends; closing the stream early stops the work on the server.
        """
        started = time.monotonic()
        whole: AIMessageChunk | None = None
        try:
            async with asyncio.timeout(timeout_s):
                stream = self.chat().astream(
                    list(messages),
                    config={"tags": ["nostream"]} if silent else None,
                    **self.options(max_tokens=max_tokens, logprobs=logprobs),
                )
                async for message in stream:
                    piece = as_piece(message)
                    if on_text and piece.content:
                        on_text(str(piece.content))
                    whole = piece if whole is None else whole + piece
        except TimeoutError:
            raise ModelError(
                f"{self.spec} did not finish within {timeout_s:.3g} s. "
                "Raise MUTDA_CALL_TIMEOUT_S, or choose a smaller model."
            ) from None
        except Exception as error:
            if isinstance(error, ValueError) and str(error) == _NO_PIECES:
                line: str | None = f"{self.spec} ended its answer before it began. Try again."
            else:
                line = self.explain(error)
            if line is None:
                raise
            raise ModelError(line) from error
        assert whole is not None, "an empty stream is an error of langchain-core's"
        return self.read(whole, messages, seconds=time.monotonic() - started)


def as_piece(message: BaseMessage) -> AIMessageChunk:
    """A message of a stream; where a server does not stream, LangChain gives the whole one."""
    if isinstance(message, AIMessageChunk):
        return message
    assert isinstance(message, AIMessage)
    return AIMessageChunk(
        content=message.content,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
    )


def read_reply(message: AIMessageChunk, *, seconds: float) -> Reply:
    """Turn a merged LangChain message into a Reply."""
    metadata = message.response_metadata
    usage: Mapping[str, Any] = message.usage_metadata or {}
    tokens = _logprob_items(metadata.get("logprobs"))
    top = (tokens[0].get("top_logprobs") if tokens else None) or []
    return Reply(
        text=str(message.content),
        prompt_tokens=usage.get("input_tokens", 0),
        cached_tokens=(usage.get("input_token_details") or {}).get("cache_read", 0) or 0,
        prompt_seconds=(metadata.get("prompt_eval_duration") or 0) / 1e9,
        output_tokens=usage.get("output_tokens", 0),
        truncated="length" in (metadata.get("finish_reason"), metadata.get("done_reason")),
        first_token={item["token"]: item["logprob"] for item in top},
        logprobs=tuple(item["logprob"] for item in tokens),
        seconds=seconds,
    )


def _logprob_items(raw: Any) -> list[Any]:
    # OpenAI's shape is {"content": [...]} of dicts; Ollama's is a list of objects that can be read as dicts.
    if isinstance(raw, dict):
        raw = raw.get("content")
    return list(raw) if raw else []


def choice_probability(reply: Reply, positive: str = "yes", negative: str = "no") -> float:
    """Probability of `positive` against `negative` as the first word, letter case folded.

    Read over the likeliest first tokens; a backend without log-probabilities leaves only the
    sampled word, which gives 1, 0 or, for any other word, .5.
    """
    weight = {positive: 0.0, negative: 0.0}
    for token, logprob in reply.first_token.items():
        word = token.strip().casefold()
        if word in weight:
            weight[word] += math.exp(logprob)
    total = sum(weight.values())
    if total > 0:
        return weight[positive] / total
    first = re.search(r"\w+", reply.text.casefold())
    return {positive: 1.0, negative: 0.0}.get(first[0], 0.5) if first else 0.5


def estimate_tokens(messages: Messages) -> int:
    """An upper estimate without a tokenizer: ASCII letters and spaces two a token, all else one each.

    Korean costs about .75 tokens a character with the tokenizers of Qwen 2.5 and Llama 3, English
    about .25, a digit one with Qwen 2.5; eight tokens a message cover the template's markers.
    """
    total = 0
    for message in messages:
        text = str(message.content)
        cheap = sum(character.isascii() and (character.isalpha() or character == " ") for character in text)
        total += (len(text) - cheap) + (cheap + 1) // 2 + 8
    return total


def one_line(text: str, limit: int = 200) -> str:
    """The start of what a server said, for an error's line."""
    return " ".join(text.split())[:limit]
