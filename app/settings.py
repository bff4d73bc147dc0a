"""Settings, read once from the environment and .env into one frozen object."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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


def _patterns(value: Any) -> Any:
    """A JSON list of texts, or one pattern as it is: in .env a backslash of JSON would be written twice."""
    if not isinstance(value, str):
        return value
    try:
        listed = json.loads(value)
    except ValueError:
        return [value]
    return listed if isinstance(listed, list) and all(isinstance(item, str) for item in listed) else [value]


def _environment(name: str) -> str:
    if name.startswith("langfuse"):
        raise ValueError("a name that Langfuse keeps to itself")
    return name


Folder = Annotated[Path, AfterValidator(_absolute)]
Address = Annotated[str, AfterValidator(_address)]
Key = Annotated[SecretStr, AfterValidator(_sendable)]
Environment = Annotated[str, AfterValidator(_environment)]
Patterns = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_patterns)]


class Settings(BaseSettings):
    """Every knob that is the same for all questions. Per-question knobs are in `graphs.context`.

    A description says what a value must be, in the words of the error.
    """

    model_config = SettingsConfigDict(
        env_prefix="MUTDA_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
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
    openai_api_key: Key = Field(default=SecretStr(""), description="ASCII characters without spaces")
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
    hold_orders: bool = Field(default=True, description="true or false")
    """Whether sentences of documents that give orders to whoever answers are kept from the model."""
    reader: bool = Field(default=True, description="true or false")
    """Whether the reader says first which passages answer, where its weights are."""
    trace: bool = Field(default=True, description="true or false")
    """Whether what each run did is kept in the data folder."""
    trace_max_mb: int = Field(default=200, ge=1, le=100_000, description="a whole number from 1 to 100000")
    """Megabytes of kept traces; the oldest go first."""
    trace_max_days: int = Field(default=30, ge=1, le=3650, description="a whole number from 1 to 3650")
    """Age at which a kept trace goes, in days."""
    mask_patterns: Patterns = Field(
        default=(), description="a regular expression, or a JSON list of regular expressions"
    )
    """What else is masked in traces, beside the numbers, addresses and keys of `app.tracing.masking`."""
    price_input: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="a number, zero or more"
    )
    """What a million prompt tokens cost, in the currency of the traces; empty: nothing on this machine."""
    price_cached: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="a number, zero or more"
    )
    """The same of tokens that were cached; empty: as others."""
    price_output: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="a number, zero or more"
    )
    """The same of tokens that the model wrote."""
    langfuse_public_key: str = Field(
        default="",
        validation_alias="LANGFUSE_PUBLIC_KEY",
        pattern=r"^[!-~]*$",
        description="ASCII characters without spaces",
    )
    """With the two below, traces go to that Langfuse; unless all three are set nothing does."""
    langfuse_secret_key: Key = Field(
        default=SecretStr(""),
        validation_alias="LANGFUSE_SECRET_KEY",
        description="ASCII characters without spaces",
    )
    """Belongs to the public key."""
    langfuse_base_url: Address = Field(
        default="",
        validation_alias="LANGFUSE_BASE_URL",
        description="an address such as http://127.0.0.1:3000",
    )
    """Where Langfuse is served."""
    langfuse_sample_rate: float = Field(
        default=1.0,
        ge=0,
        le=1,
        validation_alias="LANGFUSE_SAMPLE_RATE",
        description="a share from 0 to 1",
    )
    """The share of the traces that is sent."""
    langfuse_environment: Environment = Field(
        default="",
        validation_alias="LANGFUSE_TRACING_ENVIRONMENT",
        pattern=r"^[a-z0-9_-]{0,40}$",
        description='at most 40 of a-z, 0-9, - and _, not beginning with "langfuse"',
    )
    """E.g. production or staging."""
    langfuse_release: str = Field(
        default="",
        validation_alias="LANGFUSE_RELEASE",
        max_length=200,
        description="at most 200 characters",
    )
    """E.g. a version or a commit; empty means the version of this package."""

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
    place = str(item["loc"][0]).lower()
    name = place.removeprefix("mutda_")
    field = next(
        (field for field in Settings.model_fields if place == variable(field).lower() or name == field), name
    )
    shown = "(hidden)" if field.endswith("_key") else repr(item["input"])
    expected = Settings.model_fields[field].description or "text"
    return f"{variable(field)}={shown}: expected {expected}."


def variable(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"MUTDA_{field.upper()}"
