"""`openai:NAME`: any server that speaks OpenAI's chat protocol, and the embedded engine."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from openai import APIConnectionError, APIError, APIStatusError, AuthenticationError, NotFoundError

from app.errors import ModelError
from app.models.chat import TOP_LOGPROBS, LanguageModel, Messages, Reply, estimate_tokens, one_line
from app.models.loopback import CONNECT_S, is_loopback

_ROLES = {"human": "user", "ai": "assistant", "system": "system"}
_NOT_TAKEN = re.compile(r"not supported|unsupported|not allowed|unrecognized|unknown", re.IGNORECASE)


class OpenAIModel(LanguageModel):
    """Chat over /v1/chat/completions; tokens counted by llama.cpp's /tokenize where it is there.

    A server that refuses to stream, or to give log-probabilities, is asked again without (GPT4All's
    does both); it then cannot be stopped within an answer, and graders read the one word it gives.
    """

    def __init__(
        self,
        *,
        spec: str,
        name: str,
        base_url: str,
        api_key: str,
        context_tokens: int,
        timeout_s: float,
        family: str = "",
    ) -> None:
        self.spec = spec
        self.family = family or name
        self.context_tokens = context_tokens
        self._url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
            trust_env=not is_loopback(base_url),
            # llama.cpp's server closes a kept connection after 100 requests or 5 s without saying so: a
            # request sent just then fails. A new connection costs .2 ms.
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
        )
        self._chat = ChatOpenAI(
            model=name,
            base_url=self._url,
            api_key=api_key or "none",  # type: ignore[arg-type]
            temperature=0,
            max_retries=0,
            stream_usage=True,
            use_responses_api=False,
            http_async_client=self._http,
            # Else the library refuses an OPENAI_PROXY of the environment, and warns of other proxies.
            openai_proxy="",
            http_socket_options=(),
            # Else it ends every call after 120 s without a token: `call` bounds the whole instead.
            stream_chunk_timeout=None,
        )
        self._can_tokenize: bool | None = None
        self._streams = True
        self._gives_logprobs = True

    def chat(self) -> BaseChatModel:
        return self._chat

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        # In extra_body, because the library renames the argument to one that older local servers ignore.
        options: dict[str, Any] = {"extra_body": {"max_tokens": max_tokens}}
        if logprobs and self._gives_logprobs:
            options |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        return options

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
        ends = time.monotonic() + timeout_s
        while True:
            try:
                return await super().call(
                    messages,
                    max_tokens=max_tokens,
                    timeout_s=max(ends - time.monotonic(), 0.0),
                    logprobs=logprobs,
                    silent=silent,
                    on_text=on_text,
                )
            except ModelError as error:
                if not self._can_do_without(error.__cause__):
                    raise

    def _can_do_without(self, error: BaseException | None) -> bool:
        """Give up what the server refuses: streaming, then log-probabilities, each once."""
        if not isinstance(error, APIStatusError) or error.status_code not in (400, 422):
            return False
        words = _words(error)
        if not _NOT_TAKEN.search(words):
            return False
        if "stream" in words and self._streams:
            self._streams = False
            self._chat = self._chat.model_copy(update={"disable_streaming": True, "stream_usage": False})
            return True
        if "logprobs" in words and self._gives_logprobs:
            self._gives_logprobs = False
            return True
        return False

    def explain(self, error: Exception) -> str | None:
        if isinstance(error, AuthenticationError):
            return f"{self._url} refused the key. Set MUTDA_OPENAI_API_KEY."
        if isinstance(error, NotFoundError):
            return (
                f"{self._url} does not have the model {self.spec.partition(':')[2]}. "
                "Check the name, and that MUTDA_OPENAI_BASE_URL ends as the server wants it, mostly in /v1."
            )
        if isinstance(error, APIStatusError):
            return f"{self._url} answered {error.status_code}: {_words(error) or 'it gave no reason'}"
        if any(isinstance(cause, httpx.RemoteProtocolError | httpx.ReadError) for cause in _causes(error)):
            return f"{self._url} broke off before the end of the answer. Try again."
        if isinstance(error, APIConnectionError | httpx.TransportError):
            return f"{self._url} cannot be reached. Start the server, or set MUTDA_OPENAI_BASE_URL."
        if isinstance(error, APIError):
            return f"{self._url} broke off: {_words(error) or one_line(error.message)}"
        if isinstance(error, json.JSONDecodeError):
            return f"{self._url} does not answer as OpenAI's protocol does. Check MUTDA_OPENAI_BASE_URL."
        return None

    async def count_tokens(self, messages: Messages) -> int:
        # A byte-level tokenizer never makes more tokens than bytes: most prompts need no request.
        size_bytes = sum(len(str(message.content).encode()) + 16 for message in messages)
        if size_bytes < self.context_tokens // 2 or self._can_tokenize is False:
            return min(size_bytes, estimate_tokens(messages))
        count = await self._tokenize(messages)
        self._can_tokenize = count is not None
        return min(size_bytes, estimate_tokens(messages)) if count is None else count

    async def _tokenize(self, messages: Messages) -> int | None:
        root = self._url.removesuffix("/v1")
        try:
            rendered = await self._http.post(f"{root}/apply-template", json={"messages": _plain(messages)})
            prompt = rendered.raise_for_status().json()["prompt"]
            answer = await self._http.post(
                f"{root}/tokenize", json={"content": prompt, "parse_special": True}
            )
            return len(answer.raise_for_status().json()["tokens"])
        except (httpx.HTTPError, KeyError, ValueError):
            return None

    async def aclose(self) -> None:
        await self._http.aclose()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # Both libraries wrap what happened on the connection in errors of their own.
    while error is not None:
        yield error
        error = error.__cause__


def _words(error: APIError) -> str:
    """What the server said, without the status and the JSON around it."""
    return one_line(str(error.body.get("message") or "")) if isinstance(error.body, dict) else ""


def _plain(messages: Messages) -> list[dict[str, str]]:
    return [{"role": _ROLES[message.type], "content": str(message.content)} for message in messages]
