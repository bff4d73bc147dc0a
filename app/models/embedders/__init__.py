"""Embedder spec -> embedder. Each kind is one file, imported only when it is asked for."""

from importlib.util import find_spec
from pathlib import Path

from app.errors import SettingsError
from app.models.embedder import Embedder

DEFAULT_ST_MODEL = "intfloat/multilingual-e5-small"

E5_SPECS = ("e5:", "e5:base")
"""With the packaged adapter and without: the same weights."""

_KINDS = "e5:, e5:base, use:, st:NAME, ollama:NAME, toy:"


def make_embedder(
    spec: str,
    *,
    cache_dir: Path,
    ollama_url: str | None = None,
    timeout_s: float = 60,
) -> Embedder:
    """The embedder that `spec` names. Nothing is loaded or called before its first use.

    `cache_dir` is where the weights of "e5:" lie and where "st:" downloads to;
    `ollama_url` and `timeout_s` (for one request) are for "ollama:".

    Raises SettingsError for a spec of no known kind, MissingExtraError for "st:"
    without sentence-transformers.
    """
    kind, colon, name = spec.strip().partition(":")
    match kind if colon else "":
        case "e5":
            from app.models.embedders.e5 import BASE, E5Embedder

            if name not in ("", BASE):
                raise SettingsError(
                    f"{spec!r} is not an embedder: write e5:, or e5:{BASE} without the adapter"
                )
            return E5Embedder(name, cache_dir=cache_dir)
        case "use":
            _refuse_name(spec, kind, name)
            from app.models.embedders.use import UseEmbedder

            return UseEmbedder()
        case "st":
            _require_name(spec, kind, name, example=DEFAULT_ST_MODEL)
            from app.models.embedders.st import StEmbedder

            return StEmbedder(name, cache_dir=cache_dir)
        case "ollama":
            _require_name(spec, kind, name, example="bge-m3")
            from app.models.embedders.ollama import DEFAULT_URL, OllamaEmbedder

            return OllamaEmbedder(name, url=ollama_url or DEFAULT_URL, timeout_s=timeout_s)
        case "toy":
            from app.models.embedders.toy import ToyEmbedder

            return ToyEmbedder(_toy_dimensions(spec, name))
        case _:
            raise SettingsError(f"{spec!r} is not an embedder. Use one of: {_KINDS}")


def default_embedder_spec(cache_dir: Path | None = None) -> str:
    """ "st:intfloat/multilingual-e5-small" when it can run at once, else "e5:" when it can, else "use:".

    At once means that the weights lie in `cache_dir` (for "st:" also in the Hugging
    Face cache), and for "st:" that sentence-transformers is installed. The network
    is never asked.
    """
    if find_spec("sentence_transformers") is not None:
        from app.models.embedders.st import cached_snapshot

        if cached_snapshot(DEFAULT_ST_MODEL, cache_dir=cache_dir) is not None:
            return f"st:{DEFAULT_ST_MODEL}"
    if cache_dir is not None:
        from app.models.weights import e5_is_here

        if e5_is_here(cache_dir):
            return "e5:"
    return "use:"


def _refuse_name(spec: str, kind: str, name: str) -> None:
    if name:
        raise SettingsError(f"{spec!r} is not an embedder: {kind}: takes no name. Write just {kind}:")


def _require_name(spec: str, kind: str, name: str, *, example: str) -> None:
    if not name:
        raise SettingsError(f"{spec!r} is not an embedder: it needs a model, for example {kind}:{example}")


def _toy_dimensions(spec: str, name: str) -> int:
    if not name:
        return 64
    if name.isascii() and name.isdecimal() and 1 <= int(name[:6]) <= 4096:
        return int(name[:6])
    raise SettingsError(
        f"{spec!r} is not an embedder: toy: takes a dimension of 1 to 4096, for example toy:64"
    )
