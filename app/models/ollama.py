"""`ollama:NAME`: a model of a local Ollama server."""

import json
from dataclasses import replace
from typing import Any

import httpx
import ollama
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_ollama import ChatOllama

from app.models.chat import TOP_LOGPROBS, LanguageModel, Messages, Reply, one_line
from app.models.loopback import CONNECT_S, is_loopback
from app.models.prefix_reuse import PrefixReuse

# Pieces of what servers say, of 0.24 and before and from 0.30 on.
_TOO_LONG = (
    "input length exceeds",
    "exceed_context_size",
    "exceeds the available context",
    "longer than the context",
)
_NOT_LOADED = ("requires more system memory", "runner process has terminated", "process no longer running")
_LOST = ("unexpectedly stopped", "unexpected EOF", "connection reset")


async def _never_cut(request: httpx.Request) -> None:
    """Ask for an error where Ollama would leave out the start of a prompt or of an answer, and say nothing.

    By default it answers 200 from what is left, without the system message. The client library has no
    argument for these two fields; servers that do not know them (before October 2025) ignore them.
    """
    if request.url.path.endswith("/api/chat"):
        body = json.dumps(json.loads(request.content) | {"truncate": False, "shift": False}).encode()
        request.stream = httpx.ByteStream(body)
        request.headers["Content-Length"] = str(len(body))


class OllamaModel(LanguageModel):
    """Chat over Ollama's own API, with one `num_ctx` for all calls: another would restart the runner."""

    def __init__(self, *, name: str, url: str, context_tokens: int, timeout_s: float) -> None:
        self.spec = f"ollama:{name}"
        self.family = name
        self.context_tokens = context_tokens
        self._name = name
        self._url = url
        self._chat = ChatOllama(
            model=name,
            base_url=url,
            temperature=0,
            num_ctx=context_tokens,
            keep_alive="30m",
            # A model that thinks first would spend a grader's one token on thinking.
            reasoning=False,
            client_kwargs={
                "timeout": httpx.Timeout(timeout_s, connect=CONNECT_S),
                "trust_env": not is_loopback(url),
                # A kept connection would stay open to the end: the library never closes its client.
                "limits": httpx.Limits(max_keepalive_connections=0),
            },
            async_client_kwargs={"event_hooks": {"request": [_never_cut]}},
        )
        self._reuse = PrefixReuse()

    def chat(self) -> BaseChatModel:
        return self._chat

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        options: dict[str, Any] = {
            "options": {"num_predict": max_tokens, "num_ctx": self.context_tokens, "temperature": 0}
        }
        if logprobs:
            options |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        return options

    def read(self, message: AIMessageChunk, messages: Messages, *, seconds: float) -> Reply:
        """As the base does, with an estimate of the cached tokens, which Ollama does not tell."""
        reply = super().read(message, messages, seconds=seconds)
        cached = self._reuse.cached_tokens(messages, tokens=reply.prompt_tokens, seconds=reply.prompt_seconds)
        return replace(reply, cached_tokens=cached)

    def explain(self, error: Exception) -> str | None:
        if isinstance(error, ollama.ResponseError):
            if error.status_code == 404:
                return (
                    f"Ollama at {self._url} does not have {self._name}. "
                    f"Run: mutda models create {self._name}, or ollama pull {self._name}"
                )
            return self._explain_words(one_line(error.error))
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
            return f"Ollama at {self._url} broke off before the end of the answer. Try again."
        if isinstance(error, httpx.TransportError | ConnectionError):
            return f"Ollama at {self._url} cannot be reached. Run: ollama serve"
        if isinstance(error, json.JSONDecodeError):
            return f"{self._url} does not answer as Ollama does. Check MUTDA_OLLAMA_URL."
        return None

    def _explain_words(self, said: str) -> str:
        if any(words in said for words in _TOO_LONG):
            return (
                f"The prompt is longer than what {self._name} reads at once at {self._url}. "
                "Raise MUTDA_CONTEXT_TOKENS, if the model has been trained for more."
            )
        if any(words in said for words in _NOT_LOADED):
            return (
                f"Ollama at {self._url} could not load {self._name} ({said}). "
                "Free some memory, or choose a smaller model."
            )
        if any(words in said for words in _LOST):
            return (
                f"Ollama at {self._url} lost its model in the middle of the answer, "
                "perhaps for want of memory. Try again."
            )
        return f"Ollama at {self._url} answered: {said}"
