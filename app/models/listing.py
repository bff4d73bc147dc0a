"""The models that can be used from here: the embedded cache, an Ollama server, an OpenAI-protocol server."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import httpx

from app.errors import ModelError, MutdaError
from app.models import ollama_api
from app.models.bench_file import saved_speeds
from app.models.gguf_header import quantization_of, read_gguf_header, trained_tokens
from app.models.loopback import is_loopback
from app.models.memory import available_bytes, fits, needed_bytes
from app.models.weights import EMBEDDED, local_path
from app.settings import Settings

Backend = Literal["embedded", "ollama", "openai"]

_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class ListedModel:
    """One model, as far as its backend tells."""

    spec: str
    """For MUTDA_MODEL."""
    backend: Backend
    size_bytes: int | None = None
    quantization: str = ""
    context_tokens: int | None = None
    """What it is run with: prompt and answer together."""
    trained_tokens: int | None = None
    """The longest context that its weights were trained for."""
    needed_bytes: int | None = None
    """Weights, KV cache and buffers; see `app.models.memory`."""
    fits: bool | None = None
    """Whether that can be had now; None where it cannot be told."""
    loaded: bool = False
    prompt_tokens_per_s: float | None = None
    output_tokens_per_s: float | None = None
    """Measured by `mutda bench` on this machine; None where it was not."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Every model that was found, and one line for each backend that could not be asked."""

    models: tuple[ListedModel, ...]
    unreachable: tuple[str, ...]
    available_bytes: int | None


async def list_models(settings: Settings) -> Listing:
    """Ask every backend at once, each for a few seconds at most."""
    available = await asyncio.to_thread(available_bytes)
    parts = await asyncio.gather(
        asyncio.to_thread(embedded_models, settings, available),
        ollama_models(settings, available),
        openai_models(settings),
        return_exceptions=True,
    )
    models: list[ListedModel] = []
    unreachable: list[str] = []
    for part in parts:
        if isinstance(part, MutdaError):
            unreachable.append(str(part))
        elif isinstance(part, BaseException):
            raise part
        else:
            models += part
    speeds = await asyncio.to_thread(saved_speeds, settings.data_dir)
    return Listing(
        models=tuple(_with_speed(model, speeds) for model in models),
        unreachable=tuple(unreachable),
        available_bytes=available,
    )


def embedded_models(settings: Settings, available: int | None) -> list[ListedModel]:
    """The embedded weights and other GGUF files of chat models in the cache folder. Raises MutdaError."""
    known = local_path(EMBEDDED, settings.cache_dir)
    paths = {known: "embedded:"} if known else {}
    for path in sorted(settings.cache_dir.glob("*.gguf")):
        paths.setdefault(path, f"embedded:{path}")
    found = (_gguf(path, spec, settings.context_tokens, available) for path, spec in paths.items())
    return [model for model in found if model is not None]


def _gguf(path: Path, spec: str, context_tokens: int, available: int | None) -> ListedModel | None:
    header = read_gguf_header(path)
    if header.get("tokenizer.chat_template") is None and spec != "embedded:":
        return None  # an embedder's weights, or a part of a model
    size = path.stat().st_size
    trained = trained_tokens(header)
    context = min(context_tokens, trained or context_tokens)
    needed = needed_bytes(size, header, context)
    return ListedModel(
        spec=spec,
        backend="embedded",
        size_bytes=size,
        quantization=quantization_of(header),
        context_tokens=context,
        trained_tokens=trained,
        needed_bytes=needed,
        fits=fits(needed, available),
    )


async def ollama_models(settings: Settings, available: int | None) -> list[ListedModel]:
    """The server's models; each is asked for its metadata. Raises ModelError where no server answers."""
    async with ollama_api.ollama_client(settings.ollama_url, timeout_s=_TIMEOUT_S) as client:
        tagged = await ollama_api.tags(client)
        running = {model["name"] for model in await ollama_api.loaded(client)}
        found = []
        for tag in tagged:
            shown = await ollama_api.show(client, tag["name"])
            if shown.capabilities and "completion" not in shown.capabilities:
                continue
            found.append(ollama_model(tag, shown, settings.context_tokens, available, tag["name"] in running))
        return found


def ollama_model(
    tag: Mapping[str, Any],
    shown: ollama_api.Shown,
    context_tokens: int,
    available: int | None,
    loaded: bool,
) -> ListedModel:
    """One entry of /api/tags and what /api/show says of it."""
    name = str(tag["name"]).removesuffix(":latest")
    size = tag.get("size") if isinstance(tag.get("size"), int) else None
    trained = trained_tokens(shown.info)
    # Our calls send num_ctx, whatever the Modelfile says.
    context = min(context_tokens, trained or context_tokens)
    needed = None if size is None else needed_bytes(size, shown.info, context)
    return ListedModel(
        spec=f"ollama:{name}",
        backend="ollama",
        size_bytes=size,
        quantization=str(shown.details.get("quantization_level") or ""),
        context_tokens=context,
        trained_tokens=trained,
        needed_bytes=needed,
        fits=True if loaded else fits(needed, available),
        loaded=loaded,
    )


async def openai_models(settings: Settings) -> list[ListedModel]:
    """What GET /models of the server names; nothing where no server is set. Raises ModelError."""
    url = settings.openai_base_url.rstrip("/")
    if not url:
        return []
    key = settings.openai_api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=not is_loopback(url), headers=headers) as client,
        ):
            answer = (await client.get(f"{url}/models")).raise_for_status().json()
        return [_openai_model(entry) for entry in answer["data"]]
    except (TimeoutError, httpx.HTTPError, KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(
            f"{url} does not list its models. Start the server, or set MUTDA_OPENAI_BASE_URL."
        ) from None


def _openai_model(entry: Mapping[str, Any]) -> ListedModel:
    # llama.cpp's server adds "meta", vLLM "max_model_len"; the others give the name alone.
    meta = entry.get("meta") or {}
    size = meta.get("size")
    context = entry.get("max_model_len") or meta.get("n_ctx")
    trained = meta.get("n_ctx_train")
    return ListedModel(
        spec=f"openai:{entry['id']}",
        backend="openai",
        size_bytes=size if isinstance(size, int) else None,
        context_tokens=context if isinstance(context, int) else None,
        trained_tokens=trained if isinstance(trained, int) else None,
        loaded=True,
    )


def _with_speed(model: ListedModel, speeds: Mapping[str, tuple[float | None, float | None]]) -> ListedModel:
    if model.spec not in speeds:
        return model
    prompt, output = speeds[model.spec]
    return replace(model, prompt_tokens_per_s=prompt, output_tokens_per_s=output)
