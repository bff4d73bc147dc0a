"""The language model: which one answers, and is it there?"""

import asyncio
import json
from pathlib import Path

from app.doctor.address import Unreachable, ask
from app.doctor.finding import Finding, down, ok, warn, wrong
from app.errors import MutdaError
from app.models.open import choose_spec
from app.models.spec import ModelSpec
from app.models.weights import EMBEDDED, Weights
from app.models.weights.local import hub_cached, hub_record_path, record_path
from app.models.weights.resolve import GGUF_MAGIC
from app.settings import Settings

NAME = "model"


def look_at_model(settings: Settings) -> Finding:
    """Which spec is chosen, and whether it could answer. Nothing is loaded, hashed or fetched."""
    spec = asyncio.run(choose_spec(settings))
    chosen = f"{spec} ({'MUTDA_MODEL' if settings.model else 'chosen'})"
    match spec.kind:
        case "embedded":
            return look_at_file(chosen, spec, settings.cache_dir)
        case "openai":
            return look_at_server(chosen, spec, settings)
        case "ollama":
            return ok(NAME, f"{chosen}, at {settings.ollama_url}")
        case "fake":
            return warn(NAME, f"{chosen}: a script, for tests", "unset MUTDA_MODEL to have real answers")


def look_at_file(chosen: str, spec: ModelSpec, cache_dir: Path, weights: Weights = EMBEDDED) -> Finding:
    """The weights of `embedded:`."""
    if not spec.name:
        return look_at_weights(chosen, cache_dir, weights)
    path = Path(spec.name).expanduser()
    if not path.is_file():
        path = hub_cached(*spec.name.rsplit("/", 1)) or path if spec.name.count("/") >= 2 else path
    if not path.is_file():
        if spec.name.count("/") >= 2:
            return warn(NAME, f"{chosen} is not on this machine yet", "the first question fetches it")
        return wrong(NAME, f"there is no file {path}", "check the name after embedded: in MUTDA_MODEL")
    with path.open("rb") as file:
        magic = file.read(len(GGUF_MAGIC))
    if magic != GGUF_MAGIC:
        return wrong(NAME, f"{path} is not a GGUF file", "name one in MUTDA_MODEL: embedded:FILE.gguf")
    return ok(NAME, f"{chosen}, {path.stat().st_size / 1e9:.2f} GB; its checksum is not known")


def look_at_weights(chosen: str, cache_dir: Path, weights: Weights) -> Finding:
    """Weights whose checksum is known: by size, and by the record of an earlier verification."""
    path, record = weights.target(cache_dir), record_path(cache_dir, weights.filename)
    if (
        not path.is_file()
        and weights.hub_repo
        and (cached := hub_cached(weights.hub_repo, weights.hub_filename))
    ):
        path, record = cached, hub_record_path(cache_dir, weights.hub_repo, weights.hub_filename)
    if not path.is_file():
        gigabytes = weights.size_bytes / 1e9
        return warn(NAME, f"{chosen}: its weights ({gigabytes:.1f} GB) are not here", "mutda models pull")
    if path.stat().st_size != weights.size_bytes:
        text = f"{path} has {path.stat().st_size:,} bytes, not {weights.size_bytes:,}"
        return down(NAME, text, f"remove it, then: mutda models pull ({weights.size_bytes / 1e9:.1f} GB)")
    if not vouched(path, record, weights.sha256):
        return ok(NAME, f"{chosen}, {path}: the right size; its checksum is verified at its next start")
    return ok(NAME, f"{chosen}, {path}: verified (SHA-256 {weights.sha256[:12]}…)")


def vouched(path: Path, record: Path, sha256: str) -> bool:
    """Whether the file was verified since it was last written. Reads a hundred bytes."""
    try:
        value = json.loads(record.read_text())
        status = path.stat()
        return (value["size_bytes"], value["mtime_ns"], value["sha256"]) == (
            status.st_size,
            status.st_mtime_ns,
            sha256,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def look_at_server(chosen: str, spec: ModelSpec, settings: Settings) -> Finding:
    """A server that speaks OpenAI's protocol, asked for its models."""
    url = settings.openai_base_url
    if not url:
        raise MutdaError(f"{spec} needs a server. Set MUTDA_OPENAI_BASE_URL, e.g. http://127.0.0.1:8080/v1")
    key = settings.openai_api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else None
    try:
        answer = ask(f"{url.rstrip('/')}/models", headers=headers)
    except Unreachable as error:
        return down(
            NAME, f"{chosen}: {url} cannot be reached ({error})", "start it, or set MUTDA_OPENAI_BASE_URL"
        )
    if answer.status in (401, 403):
        return wrong(NAME, f"{chosen}: {url} refuses the key ({answer.status})", "set MUTDA_OPENAI_API_KEY")
    if answer.status >= 500:
        return down(NAME, f"{chosen}: {url} answers with {answer.status}", "see the server's own log")
    names = [str(model.get("id")) for model in answer.json().get("data") or [] if isinstance(model, dict)]
    if names and spec.name not in names:
        some = ", ".join(names[:5])
        return warn(
            NAME, f"{chosen}: {url} names {some}", f"if it is none of these: MUTDA_MODEL=openai:{names[0]}"
        )
    return ok(NAME, f"{chosen}, at {url}")
