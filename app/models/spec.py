"""Model specs as people write them: `KIND:NAME`."""

from dataclasses import dataclass
from typing import Literal, get_args

from app.errors import SettingsError

ModelKind = Literal["embedded", "ollama", "openai", "fake"]


@dataclass(frozen=True)
class ModelSpec:
    """A parsed spec; `str(spec)` is what the user wrote."""

    kind: ModelKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def parse_model_spec(text: str) -> ModelSpec:
    """Raises SettingsError when the kind is unknown or a needed name is missing."""
    kind, colon, name = text.strip().partition(":")
    kinds = get_args(ModelKind)
    if not colon or kind not in kinds:
        forms = "embedded:, embedded:FILE.gguf, embedded:HF-REPO/FILE.gguf, ollama:NAME, openai:NAME, fake:"
        raise SettingsError(f"MUTDA_MODEL={text!r}: expected one of {forms}.")
    if kind in ("ollama", "openai") and not name:
        raise SettingsError(f"MUTDA_MODEL={text!r}: {kind} needs a model name, e.g. {kind}:llama3-ko.")
    return ModelSpec(kind, name)  # type: ignore[arg-type]
