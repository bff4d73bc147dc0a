"""One node's run: its resources, its budget, and what its model calls cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from app.errors import ModelError
from app.models.chat import Reply
from graphs.context import Context
from graphs.resources import Resources
from graphs.state import State

NO_LOGPROBS = (
    "the model's server gives no log-probabilities: answers are judged by one word and are less certain"
)


class BudgetEnd(Exception):
    """A budget of the question is used up; carries its name."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A judgement of a node, as traces and Studio show it."""

    step: str
    name: str
    """Of the probability that was judged: "evidence" or "grounded", or "reader" where it decided alone."""
    value: float
    threshold: float
    verdict: str
    signals: Mapping[str, float]
    """What the probability was made of."""


@dataclass
class Run:
    """Handed to a node beside the state; adds up what the node spends."""

    state: State
    resources: Resources
    context: Context
    started: float
    trace_id: str = ""
    """The trace that this run is kept under; empty where none is kept."""
    replies: list[Reply] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """What the user should know of this node's calls."""
    decisions: list[Decision] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Working time of the question so far, this node included."""
        return self.state.seconds + self.resources.monotonic() - self.started

    def left_s(self) -> float:
        """Seconds that the question may still take. Raises BudgetEnd where there are none."""
        left_s = self.context.max_seconds - self.seconds
        if left_s <= 0:
            raise BudgetEnd("max_seconds")
        return left_s

    async def ask(
        self, messages: Sequence[BaseMessage], *, max_tokens: int, logprobs: bool = False, silent: bool = True
    ) -> Reply:
        """One bounded model call. Raises BudgetEnd when no budget is left, ModelError as the model does."""
        if self.state.llm_calls + len(self.replies) >= self.context.max_llm_calls:
            raise BudgetEnd("max_llm_calls")
        left_s = self.left_s()
        try:
            reply = await self.resources.model.call(
                messages,
                max_tokens=max_tokens,
                timeout_s=min(left_s, self.resources.call_timeout_s),
                logprobs=logprobs,
                silent=silent,
            )
        except ModelError:
            if self.seconds >= self.context.max_seconds:
                raise BudgetEnd("max_seconds") from None
            raise
        self.replies.append(reply)
        # llama.cpp gives none for an answer without a word, and that is no lack of the server's.
        if logprobs and not reply.first_token and reply.text.strip():
            self.notice(NO_LOGPROBS)
        return reply

    def notice(self, text: str) -> None:
        """Tell the user, once for each question; nothing where there is nothing to tell."""
        if text and text not in (*self.state.notices, *self.notices):
            self.notices.append(text)

    def spent(self) -> dict[str, Any]:
        """Totals of the question after this node."""
        return {
            "llm_calls": self.state.llm_calls + len(self.replies),
            "prompt_tokens": self.state.prompt_tokens + sum(reply.prompt_tokens for reply in self.replies),
            "cached_tokens": self.state.cached_tokens + sum(reply.cached_tokens for reply in self.replies),
            "output_tokens": self.state.output_tokens + sum(reply.output_tokens for reply in self.replies),
            "seconds": self.seconds,
        }
