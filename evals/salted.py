"""A model whose engine cannot profit, in one run, from what another run left in its prompt cache."""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from app.models.chat import LanguageModel, Messages, Reply


class Salted(LanguageModel):
    """Begins the prompts of each run with a few characters of its own.

    Two systems that answer the same question share their prompt's beginning, so the second would be
    given for nothing what the first paid for. A salt at the very beginning parts them, costs both the
    same few tokens, and leaves the sharing between the calls of one run as it is.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.spec = model.spec
        self.family = model.family
        self.context_tokens = model.context_tokens
        self.first_call_cached_tokens: int | None = None
        """Of this run's first call; None before it. More than a few mean that the salt failed."""
        self._model = model
        self._salt = ""

    def start_run(self, salt: str) -> None:
        """From here on prompts begin with `salt`; an empty one leaves them as they are."""
        self._salt = salt
        self.first_call_cached_tokens = None

    def chat(self) -> BaseChatModel:
        return self._model.chat()

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        return self._model.options(max_tokens=max_tokens, logprobs=logprobs)

    def explain(self, error: Exception) -> str | None:
        return self._model.explain(error)

    async def count_tokens(self, messages: Messages) -> int:
        return await self._model.count_tokens(with_salt(messages, self._salt))

    async def aclose(self) -> None:
        await self._model.aclose()

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
        reply = await self._model.call(
            with_salt(messages, self._salt),
            max_tokens=max_tokens,
            timeout_s=timeout_s,
            logprobs=logprobs,
            silent=silent,
            on_text=on_text,
        )
        if self.first_call_cached_tokens is None:
            self.first_call_cached_tokens = reply.cached_tokens
        return reply


def with_salt(messages: Sequence[BaseMessage], salt: str) -> list[BaseMessage]:
    """The messages, the first one (the system message) beginning with `salt`."""
    if not salt or not messages:
        return list(messages)
    first = messages[0].model_copy(update={"content": f"{salt}{messages[0].content}"})
    return [first, *messages[1:]]
