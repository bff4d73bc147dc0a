"""`fake:`: a scripted chat model, for tests and for recorded answers."""
# ruff: noqa: ARG002 - the signatures are the library's and the port's

import json
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from app.errors import SettingsError
from app.models.chat import LanguageModel


@dataclass(frozen=True, kw_only=True)
class FakeReply:
    """One scripted answer: its text, or the probability of "yes" for a one-token grader."""

    text: str = ""
    yes: float | None = None
    truncated: bool = False

    def first_token(self) -> dict[str, float]:
        """Log-probabilities as a real backend would give them."""
        if self.yes is None:
            return {self.text[:1]: 0.0}
        share = min(max(self.yes, 1e-6), 1 - 1e-6)
        return {"yes": math.log(share), "no": math.log(1 - share)}

    def words(self) -> list[str]:
        """The text in the pieces in which it is streamed."""
        text = self.text if self.yes is None else ("yes" if self.yes >= 0.5 else "no")
        return [word for word in text.replace(" ", " \0").split("\0") if word]


Script = Callable[[Sequence[BaseMessage]], FakeReply]


class FakeChat(BaseChatModel):
    """Answers by `script` and keeps every prompt it was sent."""

    script: Script
    name: str | None = "fake"
    _prompts: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "fake"

    @property
    def prompts(self) -> list[list[BaseMessage]]:
        """The messages of each call, in order."""
        return self._prompts

    def _pieces(self, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        previous = self._prompts[-1] if self._prompts else []
        self._prompts.append(list(messages))
        reply = self.script(messages)
        words = reply.words() or [""]
        sent, seen = _join(messages), _join(previous)
        shared = next(
            (i for i, (a, b) in enumerate(zip(sent, seen, strict=False)) if a != b), min(len(sent), len(seen))
        )
        top = [{"token": token, "logprob": logprob} for token, logprob in reply.first_token().items()]
        for position, word in enumerate(words):
            last = position == len(words) - 1
            usage: Any = (
                {
                    "input_tokens": len(sent),
                    "output_tokens": len(words),
                    "total_tokens": len(sent) + len(words),
                    "input_token_details": {"cache_read": shared},
                }
                if last
                else None
            )
            metadata: dict[str, Any] = {
                "logprobs": {
                    "content": [
                        {"token": word, "logprob": -0.1, "top_logprobs": top if position == 0 else []}
                    ]
                }
            }
            if last:
                metadata["finish_reason"] = "length" if reply.truncated else "stop"
            yield ChatGenerationChunk(
                message=AIMessageChunk(content=word, usage_metadata=usage, response_metadata=metadata)
            )

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for piece in self._pieces(messages):
            if run_manager:
                run_manager.on_llm_new_token(str(piece.message.content), chunk=piece)
            yield piece

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for piece in self._pieces(messages):
            if run_manager:
                await run_manager.on_llm_new_token(str(piece.message.content), chunk=piece)
            yield piece

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = "".join(str(piece.message.content) for piece in self._pieces(messages))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


def _join(messages: Sequence[BaseMessage]) -> str:
    return "\n".join(str(message.content) for message in messages)


class FakeModel(LanguageModel):
    """The scripted model behind the same port as the real ones; one character counts as one token."""

    def __init__(self, script: Script, *, context_tokens: int = 100_000) -> None:
        self.spec = "fake:"
        self.family = "fake"
        self.context_tokens = context_tokens
        self.fake = FakeChat(script=script)

    def chat(self) -> BaseChatModel:
        return self.fake

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        return {}

    def explain(self, error: Exception) -> str | None:
        return None

    async def count_tokens(self, messages: Sequence[BaseMessage]) -> int:
        return len(_join(messages))


@dataclass(frozen=True)
class Rules:
    """A script as data: the first rule whose `contains` is in the last message answers."""

    rules: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def __call__(self, messages: Sequence[BaseMessage]) -> FakeReply:
        prompt = str(messages[-1].content)
        for rule in self.rules:
            if rule["contains"] in prompt:
                return FakeReply(text=rule.get("text", ""), yes=rule.get("yes"))
        return FakeReply(yes=0.9) if "yes or no" in prompt else FakeReply(text=_first_passage(prompt))


def _first_passage(prompt: str) -> str:
    for line in prompt.splitlines():
        if line.startswith("[1] "):
            return line.partition(": ")[2]
    return ""


def load_rules(path: str) -> Rules:
    """Rules from a JSON file, a list of {"contains", "text" or "yes"}; an empty path gives the defaults."""
    if not path:
        return Rules()
    try:
        rules = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"fake:{path} cannot be read as a JSON list of rules: {error}") from None
    if not isinstance(rules, list) or not all(map(_is_rule, rules)):
        raise SettingsError(
            f'fake:{path} must be a JSON list of {{"contains": text, "text": text}} or '
            '{"contains": text, "yes": 0 to 1}.'
        )
    return Rules(tuple(rules))


def _is_rule(rule: Any) -> bool:
    if not isinstance(rule, dict) or not isinstance(rule.get("contains"), str):
        return False
    text, yes = rule.get("text", ""), rule.get("yes")
    return isinstance(text, str) and (yes is None or (isinstance(yes, int | float) and 0 <= yes <= 1))
