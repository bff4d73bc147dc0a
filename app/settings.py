"""Settings, read once from the environment and .env into one frozen object."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import SettingsError

WebSearchMode = Literal["off", "ask", "on"]


def _user_folder(kind: str) -> Path:
    import platformdirs

    make = platformdirs.user_data_path if kind == "data" else platformdirs.user_cache_path
    return Path(make("mutda", appauthor=False))


def _absolute(path: Path) -> Path:
    try:
        return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - links keep their names
    except RuntimeError as error:  # ~somebody
        raise ValueError(str(error)) from None


def _address(url: str) -> str:
    if url and not (url.startswith(("http://", "https://")) and _host_and_port(url)):
        raise ValueError("not an address")
    return url


def _host_and_port(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and parts.port != 0 and not any(map(str.isspace, url))


def _sendable(key: SecretStr) -> SecretStr:
    # It goes into a header, where anything else fails only when the first question is asked.
    if not all("!" <= character <= "~" for character in key.get_secret_value()):
        raise ValueError("not a header value")
    return key


Folder = Annotated[Path, AfterValidator(_absolute)]
Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    """Every knob that is the same for all questions. Per-question knobs are in `graphs.context`.

    A description says what a value must be, in the words of the error.
    """

    model_config = SettingsConfigDict(
        env_prefix="MUTDA_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Folder = Field(default_factory=lambda: _user_folder("data"), description="a folder")
    """Collections, traces and logs."""
    cache_dir: Folder = Field(default_factory=lambda: _user_folder("cache"), description="a folder")
    """Model weights."""
    collection: str = Field(
        default="default",
        pattern=r"^[A-Za-z0-9가-힣_-]{1,64}$",
        description="1 to 64 letters, digits, 한글, - and _",
    )
    """The collection that commands read and write."""
    model: str = ""
    """Model spec; empty chooses: Ollama when it answers and has llama3-ko, else `embedded:`."""
    embedder: str = ""
    """Embedder spec; empty chooses: the collection's own; for a new one `e5:`, else `use:`."""
    web_search: WebSearchMode = Field(default="off", description="off, ask or on")
    """Whether questions may leave this machine: never, after asking each time, or always."""
    search_url: Address = Field(default="", description="an address such as http://127.0.0.1:8888")
    """A SearXNG server; empty means DuckDuckGo."""
    ollama_url: Address = Field(
        default="http://127.0.0.1:11434",
        min_length=1,
        description="an address such as http://127.0.0.1:11434",
    )
    """Where Ollama listens."""
    openai_base_url: Address = Field(default="", description="an address such as http://127.0.0.1:8080/v1")
    """The server that `openai:NAME` speaks to, up to and including /v1."""
    openai_api_key: Annotated[SecretStr, AfterValidator(_sendable)] = Field(
        default=SecretStr(""), description="ASCII characters without spaces"
    )
    """Its key, where it wants one."""
    context_tokens: int = Field(
        default=4096, ge=1024, le=131072, description="a whole number from 1024 to 131072"
    )
    """The model's context: prompt and answer together."""
    call_timeout_s: float = Field(
        default=120.0, gt=0, le=3600, description="seconds, more than 0 and at most 3600"
    )
    """A bound on one model call, from sending to the last token."""
    threads: int = Field(default=0, ge=0, le=256, description="a whole number from 0 to 256")
    """Threads of the embedded engine; 0 takes every core."""

    @property
    def collection_dir(self) -> Path:
        """Where the chosen collection is kept."""
        return self.data_dir / "collections" / self.collection


def load_settings(**overrides: object) -> Settings:
    """Read the environment and .env, with `overrides` on top.

    Raises SettingsError, one line: for each wrong value its name, the value and what was expected.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(" ".join(_explain(item) for item in error.errors())) from None
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f".env cannot be read ({error}). Save it as UTF-8, or remove it.") from None


def _explain(item: Mapping[str, Any]) -> str:
    field = str(item["loc"][0]).lower().removeprefix("mutda_")
    shown = "(hidden)" if field.endswith("_key") else repr(item["input"])
    expected = Settings.model_fields[field].description or "text"
    return f"MUTDA_{field.upper()}={shown}: expected {expected}."
