"""Questions to an Ollama server about its models. Apart from its client, which takes .2 s to import."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.errors import ModelError
from app.models.loopback import CONNECT_S, is_loopback

ASK_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What /api/show says of a model, the parts that are read here."""

    name: str
    template: str
    system: str
    parameters: str
    """Lines of name and value, quoted as Go does; see `modelfile.parse_parameters`."""
    details: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    """The GGUF's metadata; with `verbose` the vocabulary too."""
    capabilities: tuple[str, ...] = ()


def ollama_client(url: str, *, timeout_s: float = ASK_TIMEOUT_S) -> httpx.AsyncClient:
    """A client for the server at `url`; the caller closes it."""
    return httpx.AsyncClient(
        base_url=url.rstrip("/"),
        timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
        trust_env=not is_loopback(url),
        # A request on a kept connection fails where the server closes it just then; a new one costs .2 ms.
        limits=httpx.Limits(max_keepalive_connections=0),
    )


async def show(client: httpx.AsyncClient, name: str, *, verbose: bool = False) -> Shown:
    """What the server says of `name`. Raises ModelError, also when the server does not have it."""
    answer = await ask(client, "POST", "/api/show", {"model": name, "verbose": verbose}, name=name)
    return Shown(
        name=name,
        template=str(answer.get("template") or ""),
        system=str(answer.get("system") or ""),
        parameters=str(answer.get("parameters") or ""),
        details=answer.get("details") or {},
        info=answer.get("model_info") or {},
        capabilities=tuple(answer.get("capabilities") or ()),
    )


async def tags(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The server's models, each with name, size and details. Raises ModelError."""
    return _models(await ask(client, "GET", "/api/tags"))


async def loaded(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The models in memory, each with name, size and size_vram in bytes. Raises ModelError."""
    return _models(await ask(client, "GET", "/api/ps"))


async def ask(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None = None, *, name: str = ""
) -> dict[str, Any]:
    """One request and its JSON object. Raises ModelError, one line, for all that can go wrong outside."""
    url = str(client.base_url).rstrip("/")
    timeout_s = client.timeout.read or ASK_TIMEOUT_S
    try:
        async with asyncio.timeout(timeout_s):  # httpx bounds each read, not the whole
            response = await client.request(method, path, json=body)
    except (TimeoutError, httpx.TimeoutException):
        raise ModelError(f"Ollama at {url} did not answer within {timeout_s:g} s. Is it busy?") from None
    except httpx.HTTPError as error:
        raise unreachable(url) from error
    if response.status_code == 404 and name:
        raise ModelError(
            f"Ollama at {url} does not have {name}. Run: mutda models create {name}, or ollama pull {name}"
        )
    if response.is_error:
        raise ModelError(f"Ollama at {url} answered: {reason_of(response.content)}")
    try:
        answer = response.json() if response.content else {}
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ModelError(f"{url} does not answer as Ollama does. Check MUTDA_OLLAMA_URL.")
    return answer


def unreachable(url: str) -> ModelError:
    """The line for a server that is not there."""
    return ModelError(f"Ollama at {url} cannot be reached. Run: ollama serve")


def reason_of(content: bytes) -> str:
    """What the server says went wrong, on one line."""
    try:
        said = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        said = content.decode("utf-8", "replace")
    return " ".join(str(said).split())[:300] or "it gave no reason"


def _models(answer: dict[str, Any]) -> list[dict[str, Any]]:
    models = answer.get("models")
    return [model for model in models or [] if isinstance(model, dict) and isinstance(model.get("name"), str)]
