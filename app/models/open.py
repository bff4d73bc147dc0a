"""From a spec to a model that answers."""

from collections.abc import Callable
from pathlib import Path

from app.errors import SettingsError
from app.models.chat import LanguageModel
from app.models.spec import ModelSpec, parse_model_spec
from app.settings import Settings

DEFAULT_OLLAMA_MODEL = "llama3-ko"

Fetch = Callable[[str], Path]
"""From the name in `embedded:NAME` to a local GGUF, fetched when it is not there yet."""


async def choose_spec(settings: Settings) -> ModelSpec:
    """The spec that was set; else Ollama's llama3-ko when a server has it, else the embedded model."""
    if settings.model:
        return parse_model_spec(settings.model)
    from app.models.ollama_tags import installed_models

    names = await installed_models(settings.ollama_url) or []
    if f"{DEFAULT_OLLAMA_MODEL}:latest" in names:
        return ModelSpec("ollama", DEFAULT_OLLAMA_MODEL)
    # Without a tag Ollama means :latest, so another tag must be part of the name.
    tagged = (name for name in names if name.partition(":")[0] == DEFAULT_OLLAMA_MODEL)
    return ModelSpec("ollama", name) if (name := next(tagged, "")) else ModelSpec("embedded")


async def open_model(settings: Settings, *, fetch: Fetch, spec: ModelSpec | None = None) -> LanguageModel:
    """Open the model that `settings` ask for; the caller closes it.

    A server is asked what it reads at once; where that is less than was set, it is the model's context.

    Raises SettingsError for a spec that cannot be, DownloadError and ChecksumError for weights,
    ModelError when the engine refuses them.
    """
    spec = spec or await choose_spec(settings)
    match spec.kind:
        case "ollama":
            from app.models.ollama import OllamaModel
            from app.models.server_context import ollama_context

            told = await ollama_context(settings.ollama_url, spec.name)
            return OllamaModel(
                name=spec.name,
                url=settings.ollama_url,
                context_tokens=min(settings.context_tokens, told or settings.context_tokens),
                timeout_s=settings.call_timeout_s,
            )
        case "openai":
            from app.models.openai import OpenAIModel
            from app.models.server_context import openai_context

            if not settings.openai_base_url:
                raise SettingsError(
                    f"{spec} needs a server: set MUTDA_OPENAI_BASE_URL, e.g. http://127.0.0.1:8080/v1"
                )
            key = settings.openai_api_key.get_secret_value()
            told = await openai_context(settings.openai_base_url, spec.name, api_key=key)
            return OpenAIModel(
                spec=str(spec),
                name=spec.name,
                base_url=settings.openai_base_url,
                api_key=key,
                context_tokens=min(settings.context_tokens, told or settings.context_tokens),
                timeout_s=settings.call_timeout_s,
            )
        case "fake":
            from app.models.fake import FakeModel, load_rules

            return FakeModel(load_rules(spec.name))
        case "embedded":
            import asyncio

            from app.models.embedded import EmbeddedModel

            path = await asyncio.to_thread(fetch, spec.name)
            return await EmbeddedModel.load(
                path,
                spec=str(spec),
                context_tokens=settings.context_tokens,
                threads=settings.threads,
                timeout_s=settings.call_timeout_s,
            )
