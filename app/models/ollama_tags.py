"""What an Ollama server has. Apart from `app.models.ollama`, so that asking does not load its client."""

import asyncio

import httpx

from app.models.loopback import is_loopback


async def installed_models(url: str, *, timeout_s: float = 1.0) -> list[str] | None:
    """Names of the models that the server at `url` has; None when no server answers within `timeout_s`."""
    try:
        # httpx bounds each read, not the whole: a server that drips would hold the start.
        async with (
            asyncio.timeout(timeout_s),
            httpx.AsyncClient(timeout=timeout_s, trust_env=not is_loopback(url)) as client,
        ):
            answer = (await client.get(f"{url.rstrip('/')}/api/tags")).raise_for_status().json()
        return [str(model["name"]) for model in answer["models"]]
    except (TimeoutError, httpx.HTTPError, KeyError, ValueError, TypeError):
        return None
