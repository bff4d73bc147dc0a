"""Settings, read once from the environment and .env into one frozen object."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import SettingsError

WebSearchMode = Literal["off", "ask", "on"]


def _user_folder(kind: str) -> Path:
    import platformdirs

    make = platformdirs.user_data_path if kind == "data" else platformdirs.user_cache_path
    return Path(make("mutda", appauthor=False))


Folder = Annotated[Path, AfterValidator(lambda path: Path(os.path.abspath(path.expanduser())))]


class Settings(BaseSettings):
    """Every knob that is the same for all questions. Per-question knobs are in `graphs.context`."""

    model_config = SettingsConfigDict(
        env_prefix="MUTDA_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Folder = Field(default_factory=lambda: _user_folder("data"))
    """Collections, traces and logs."""
    cache_dir: Folder = Field(default_factory=lambda: _user_folder("cache"))
    """Model weights."""
    collection: str = Field(default="default", pattern=r"^[A-Za-z0-9가-힣_-]{1,64}$")
    """The collection that commands read and write."""
    model: str = ""
    """Model spec; empty chooses: Ollama when it answers and has llama3-ko, else `embedded:`."""
    embedder: str = ""
    """Embedder spec; empty chooses: a local sentence-transformers model, else `use:`."""
    web_search: WebSearchMode = "off"
    """Whether questions may leave this machine: never, after asking each time, or always."""
    search_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """A SearXNG server; empty means DuckDuckGo."""
    ollama_url: str = Field(default="http://127.0.0.1:11434", pattern=r"^https?://\S+$")
    """Where Ollama listens."""
    openai_base_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """The server that `openai:NAME` speaks to, up to and including /v1."""
    openai_api_key: SecretStr = SecretStr("")
    """Its key, where it wants one."""
    context_tokens: int = Field(default=4096, ge=1024, le=131072)
    """The model's context: prompt and answer together."""
    call_timeout_s: float = Field(default=120.0, gt=0, le=3600)
    """A bound on one model call, from sending to the last token."""
    threads: int = Field(default=0, ge=0, le=256)
    """Threads of the embedded engine; 0 takes every core."""

    @property
    def collection_dir(self) -> Path:
        """Where the chosen collection is kept."""
        return self.data_dir / "collections" / self.collection


def load_settings(**overrides: object) -> Settings:
    """Read the environment and .env, with `overrides` on top.

    Raises SettingsError, one line per wrong value: its name, the value and what was expected.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(item) for item in error.errors())) from None


def _explain(item: Mapping[str, Any]) -> str:
    field = str(item["loc"][0]).lower().removeprefix("mutda_")
    shown = "(hidden)" if field.endswith("_key") else repr(item["input"])
    annotation = Settings.model_fields[field].annotation
    choices = get_args(annotation)
    expected = " | ".join(map(str, choices)) if choices else getattr(annotation, "__name__", str(annotation))
    return f"MUTDA_{field.upper()}={shown}: expected {expected}. {item['msg']}."
