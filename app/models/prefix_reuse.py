"""How much of a prompt an engine had read before, where it tells only the time that it took."""

from collections import deque
from collections.abc import Sequence

from langchain_core.messages import BaseMessage

_KEPT = 16
_MIN_TOKENS = 64
"""A shorter prompt's time is mostly overhead."""
_COLD_SHARE = 0.5
"""A prompt that shares less than this with all before it shows what a token costs unread."""


class PrefixReuse:
    """Ollama counts cached tokens among the prompt's and tells only the time (`prompt_eval_duration`).

    The estimate is bounded from two sides: never more than what stands in front of a prompt that this
    client sent before, and never more than the time allows, at the pace of the last prompt that was new.
    What another client had the engine read is not seen: the first prompt counts as read in full.
    """

    def __init__(self) -> None:
        self._sent: deque[str] = deque(maxlen=_KEPT)
        self._seconds_per_token = 0.0

    def cached_tokens(self, messages: Sequence[BaseMessage], *, tokens: int, seconds: float) -> int:
        """Of a prompt of `tokens` that was read in `seconds`, those that were not read again."""
        prompt = "\0".join(f"{message.type}\0{message.content}" for message in messages)
        shared = max((_shared(prompt, sent) for sent in self._sent), default=0)
        share = shared / max(len(prompt), 1)
        self._sent.append(prompt)
        if share < _COLD_SHARE:
            if tokens >= _MIN_TOKENS:
                self._seconds_per_token = seconds / tokens
            return 0
        if not self._seconds_per_token:
            return 0
        read = round(seconds / self._seconds_per_token)
        return max(0, min(int(tokens * share), tokens - read))


def _shared(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
