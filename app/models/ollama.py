"""`ollama:NAME`: a model of a local Ollama server."""

import json
from typing import Any

import httpx
import ollama
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama

from app.models.chat import TOP_LOGPROBS, LanguageModel, one_line
from app.models.loopback import is_loopback


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
            client_kwargs={
                "timeout": httpx.Timeout(timeout_s, connect=5.0),
                "trust_env": not is_loopback(url),
                # A kept connection would stay open to the end: the library never closes its client.
                "limits": httpx.Limits(max_keepalive_connections=0),
            },
        )

    def chat(self) -> BaseChatModel:
        return self._chat

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        options: dict[str, Any] = {
            "options": {"num_predict": max_tokens, "num_ctx": self.context_tokens, "temperature": 0}
        }
        if logprobs:
            options |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        return options

    def explain(self, error: Exception) -> str | None:
        if isinstance(error, ollama.ResponseError):
            if error.status_code == 404:
                return (
                    f"Ollama at {self._url} does not have {self._name}. "
                    f"Run: ollama pull {self._name}, or ollama create {self._name} from its Modelfile"
                )
            return f"Ollama at {self._url} answered: {one_line(error.error)}"
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
            return f"Ollama at {self._url} broke off before the end of the answer. Try again."
        if isinstance(error, httpx.TransportError | ConnectionError):
            return f"Ollama at {self._url} cannot be reached. Run: ollama serve"
        if isinstance(error, json.JSONDecodeError):
            return f"{self._url} does not answer as Ollama does. Check MUTDA_OLLAMA_URL."
        return None
