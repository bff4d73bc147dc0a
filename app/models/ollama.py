"""`ollama:NAME`: a model of a local Ollama server."""

from typing import Any

import httpx
import ollama
from langchain_core.language_models import BaseChatModel
from langchain_ollama import ChatOllama

from app.models.chat import TOP_LOGPROBS, LanguageModel


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
            async_client_kwargs={"timeout": httpx.Timeout(timeout_s, connect=5.0)},
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
                return f"Ollama at {self._url} does not have {self._name}. Run: ollama pull {self._name}"
            return f"Ollama at {self._url} answered: {str(error)[:200]}"
        if isinstance(error, httpx.TransportError | ConnectionError):
            return f"Ollama at {self._url} cannot be reached. Run: ollama serve"
        return None


async def installed_models(url: str, *, timeout_s: float = 1.0) -> list[str] | None:
    """Names of the models that the server at `url` has; None when no server answers in time."""
    try:
        async with httpx.AsyncClient(timeout=timeout_s) as client:
            answer = (await client.get(f"{url.rstrip('/')}/api/tags")).raise_for_status().json()
        return [str(model["name"]) for model in answer["models"]]
    except (httpx.HTTPError, KeyError, ValueError, TypeError):
        return None
