"""How many tokens a server reads at once: less than was set, where model or server was made for less."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from app.models.gguf_header import trained_tokens
from app.models.loopback import is_loopback

_TIMEOUT_S = 2.0


async def ollama_context(url: str, name: str) -> int | None:
    """What `name` was trained for: Ollama takes a larger `num_ctx` for this and says so only in its log.

    None where the server does not say; that it is not there at all, the first call will say.
    """
    answer = await _json(url, "POST", "/api/show", json={"model": name})
    info = answer.get("model_info")
    return trained_tokens(info) if isinstance(info, Mapping) else None


async def openai_context(base_url: str, name: str, *, api_key: str = "") -> int | None:
    """Prompt and answer together, as vLLM (/v1/models) and llama.cpp's server (/props) say it.

    None where neither is there.
    """
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    url = base_url.rstrip("/")
    listed = (await _json(url, "GET", "/models", headers=headers)).get("data")
    entries = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    for entry in entries:
        if entry.get("id") == name or len(entries) == 1:
            told = _count(entry.get("max_model_len"))
            if told is not None:
                return told
    if not entries:
        return None
    # Of one slot: the server divides its context among those who ask at once.
    settings = (await _json(url.removesuffix("/v1"), "GET", "/props", headers=headers)).get(
        "default_generation_settings"
    )
    return _count(settings.get("n_ctx")) if isinstance(settings, Mapping) else None


async def _json(url: str, method: str, path: str, **request: Any) -> dict[str, Any]:
    """The server's object; empty for anything else."""
    try:
        # httpx bounds each read, not the whole.
        async with (
            asyncio.timeout(_TIMEOUT_S),
            httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=not is_loopback(url)) as client,
        ):
            answer = (
                (await client.request(method, url.rstrip("/") + path, **request)).raise_for_status().json()
            )
    except (TimeoutError, httpx.HTTPError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
