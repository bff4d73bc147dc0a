"""The Ollama server, where there is one."""

import asyncio

from app.doctor.address import Unreachable, ask
from app.doctor.finding import Finding, down, ok
from app.models.ollama_tags import installed_models
from app.settings import Settings

NAME = "ollama"
TIMEOUT_S = 3.0


def look_at_ollama(settings: Settings) -> Finding:
    """Does it answer, and is it needed?"""
    names = asyncio.run(installed_models(settings.ollama_url, timeout_s=TIMEOUT_S))
    needed = [spec for spec in (settings.model, settings.embedder) if spec.strip().startswith("ollama:")]
    if names is None:
        text = f"no answer from {settings.ollama_url}"
        if needed:
            return down(NAME, f"{text}, and {', '.join(needed)} needs it", "start it: ollama serve")
        return ok(NAME, f"{text}; nothing needs it")
    missing = [spec for spec in needed if not has(names, spec.strip().removeprefix("ollama:"))]
    if missing:
        pull = "; ".join(f"ollama pull {spec.strip().removeprefix('ollama:')}" for spec in missing)
        return down(NAME, f"{settings.ollama_url} does not have {', '.join(missing)}", pull)
    version = _version(settings.ollama_url)
    return ok(NAME, f"{version} at {settings.ollama_url}: {', '.join(names) or 'no models'}")


def has(names: list[str], name: str) -> bool:
    """Whether the server has the model; without a tag Ollama means :latest."""
    return name in names or f"{name}:latest" in names


def _version(url: str) -> str:
    try:
        version = ask(f"{url.rstrip('/')}/api/version").json().get("version")
    except Unreachable:
        version = None
    return str(version or "of an unknown version")
