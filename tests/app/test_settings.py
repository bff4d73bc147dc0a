import re
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from pydantic import SecretStr, ValidationError

from app.errors import SettingsError
from app.settings import Settings, load_settings, variable

EXAMPLE = Path(__file__).parents[2] / ".env.example"

# Each field: what the environment may say, and what that means.
VALUES: dict[str, tuple[str, Any]] = {
    "data_dir": ("/srv/mutda", Path("/srv/mutda")),
    "cache_dir": ("/srv/cache", Path("/srv/cache")),
    "collection": ("사규_2026-1", "사규_2026-1"),
    "model": ("openai:a", "openai:a"),
    "embedder": ("toy:", "toy:"),
    "web_search": ("ask", "ask"),
    "search_url": ("https://search.example/x?y=1", "https://search.example/x?y=1"),
    "ollama_url": ("http://ollama.example:1234", "http://ollama.example:1234"),
    "openai_base_url": ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
    "openai_api_key": ("sk-1_2.3", "sk-1_2.3"),
    "context_tokens": ("8192", 8192),
    "call_timeout_s": ("0.5", 0.5),
    "threads": ("4", 4),
    "hold_orders": ("false", False),
    "reader": ("false", False),
    "trace": ("false", False),
    "trace_max_mb": ("50", 50),
    "trace_max_days": ("7", 7),
    "mask_patterns": (r"사번 ?\d{6}", (r"사번 ?\d{6}",)),
    "price_input": ("0.15", 0.15),
    "price_cached": ("0.075", 0.075),
    "price_output": ("0.6", 0.6),
    "langfuse_public_key": ("pk-lf-1", "pk-lf-1"),
    "langfuse_secret_key": ("sk-lf-1", "sk-lf-1"),
    "langfuse_base_url": ("https://langfuse.example", "https://langfuse.example"),
    "langfuse_sample_rate": ("0.25", 0.25),
    "langfuse_environment": ("staging", "staging"),
    "langfuse_release": ("2026-11", "2026-11"),
}

WRONG: list[tuple[str, str, str]] = [
    ("collection", "a b", "1 to 64 letters, digits, 한글, - and _"),
    ("collection", "../other", "1 to 64 letters, digits, 한글, - and _"),
    ("collection", "가" * 65, "1 to 64 letters, digits, 한글, - and _"),
    ("collection", "default\n", "1 to 64 letters, digits, 한글, - and _"),
    ("data_dir", "~nobody-of-this-name/x", "a folder"),
    ("cache_dir", "~nobody-of-this-name/x", "a folder"),
    ("web_search", "yes", "off, ask or on"),
    ("web_search", "On", "off, ask or on"),
    ("search_url", "search.example", "an address such as http://127.0.0.1:8888"),
    ("search_url", "ftp://search.example", "an address such as http://127.0.0.1:8888"),
    ("ollama_url", "localhost:11434", "an address such as http://127.0.0.1:11434"),
    ("ollama_url", "http://", "an address such as http://127.0.0.1:11434"),
    ("ollama_url", "http://:11434", "an address such as http://127.0.0.1:11434"),
    ("ollama_url", "http://host:99999", "an address such as http://127.0.0.1:11434"),
    ("ollama_url", "http://[::1", "an address such as http://127.0.0.1:11434"),
    ("openai_base_url", "http://a b/v1", "an address such as http://127.0.0.1:8080/v1"),
    ("context_tokens", "1023", "a whole number from 1024 to 131072"),
    ("context_tokens", "131073", "a whole number from 1024 to 131072"),
    ("context_tokens", "4k", "a whole number from 1024 to 131072"),
    ("call_timeout_s", "0", "seconds, more than 0 and at most 3600"),
    ("call_timeout_s", "3601", "seconds, more than 0 and at most 3600"),
    ("call_timeout_s", "nan", "seconds, more than 0 and at most 3600"),
    ("threads", "-1", "a whole number from 0 to 256"),
    ("threads", "1.5", "a whole number from 0 to 256"),
    ("trace", "perhaps", "true or false"),
    ("trace_max_mb", "0", "a whole number from 1 to 100000"),
    ("trace_max_days", "0", "a whole number from 1 to 3650"),
    ("langfuse_base_url", "langfuse.example", "an address such as http://127.0.0.1:3000"),
    ("langfuse_sample_rate", "2", "a share from 0 to 1"),
    ("langfuse_environment", "Prod", 'at most 40 of a-z, 0-9, - and _, not beginning with "langfuse"'),
    ("langfuse_environment", "langfuse-x", 'at most 40 of a-z, 0-9, - and _, not beginning with "langfuse"'),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and none of the data folders that the other tests set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MUTDA_DATA_DIR", raising=False)
    return tmp_path


def shown(settings: Settings, field: str) -> Any:
    value = getattr(settings, field)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_defaults() -> None:
    assert {field: shown(load_settings(), field) for field in Settings.model_fields} == {
        "data_dir": platformdirs.user_data_path("mutda", appauthor=False),
        "cache_dir": platformdirs.user_cache_path("mutda", appauthor=False),
        "collection": "default",
        "model": "",
        "embedder": "",
        "web_search": "off",
        "search_url": "",
        "ollama_url": "http://127.0.0.1:11434",
        "openai_base_url": "",
        "openai_api_key": "",
        "context_tokens": 4096,
        "call_timeout_s": 120.0,
        "threads": 0,
        "hold_orders": True,
        "reader": True,
        "trace": True,
        "trace_max_mb": 200,
        "trace_max_days": 30,
        "mask_patterns": (),
        "price_input": None,
        "price_cached": None,
        "price_output": None,
        "langfuse_public_key": "",
        "langfuse_secret_key": "",
        "langfuse_base_url": "",
        "langfuse_sample_rate": 1.0,
        "langfuse_environment": "",
        "langfuse_release": "",
    }


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_each_field_has_its_variable(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written, meant = VALUES[field]
    monkeypatch.setenv(variable(field), written)
    assert shown(load_settings(), field) == meant


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_an_empty_variable_is_no_variable(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = shown(load_settings(), field)
    monkeypatch.setenv(variable(field), "")
    assert shown(load_settings(), field) == default


@pytest.mark.parametrize(("field", "value", "expected"), WRONG)
def test_a_wrong_value_in_one_line(
    field: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(field), value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == f"{variable(field)}={value!r}: expected {expected}."


def test_several_wrong_values_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_WEB_SEARCH", "maybe")
    monkeypatch.setenv("MUTDA_THREADS", "many")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == (
        "MUTDA_WEB_SEARCH='maybe': expected off, ask or on. "
        "MUTDA_THREADS='many': expected a whole number from 0 to 256."
    )


def test_patterns_are_one_or_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    for written, meant in (
        (r'["a", "b\\d"]', ("a", r"b\d")),
        ("[ab]", ("[ab]",)),
        ("a, b", ("a, b",)),
        ("3", ("3",)),
    ):
        monkeypatch.setenv("MUTDA_MASK_PATTERNS", written)
        assert load_settings().mask_patterns == meant


@pytest.mark.parametrize("key", ["sk-비밀", "sk secret", "sk-secret\nX-Other: 1", "“sk”"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUTDA_OPENAI_API_KEY", key)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == "MUTDA_OPENAI_API_KEY=(hidden): expected ASCII characters without spaces."
    assert caught.value.__suppress_context__  # a traceback would show the key


def test_the_key_is_hidden_wherever_settings_are_shown() -> None:
    settings = load_settings(openai_api_key="sk-secret", threads=2)
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "sk-secret" not in text
    assert settings.openai_api_key.get_secret_value() == "sk-secret"


def test_dotenv_is_read_and_the_environment_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text(
        "# 설정\nMUTDA_COLLECTION=사규\nMUTDA_THREADS=3\nMUTDA_MODEL=\nOTHER_TOOL=1\nMUTDA_FROM_TOMORROW=1\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("MUTDA_THREADS", "5")
    settings = load_settings()
    assert (settings.collection, settings.threads, settings.model) == ("사규", 5, "")
    assert load_settings(threads=7).threads == 7


def test_a_wrong_value_of_dotenv_is_told_the_same_way(folder: Path) -> None:
    (folder / ".env").write_text("MUTDA_WEB_SEARCH=yes\n")
    with pytest.raises(SettingsError, match=r"^MUTDA_WEB_SEARCH='yes': expected off, ask or on\.$"):
        load_settings()


def test_a_dotenv_of_another_encoding(folder: Path) -> None:
    (folder / ".env").write_bytes("MUTDA_COLLECTION=사규\n".encode("cp949"))
    with pytest.raises(
        SettingsError, match=r"^\.env cannot be read \(.*\)\. Save it as UTF-8, or remove it\.$"
    ):
        load_settings()


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.threads = 3


def test_folders_are_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.setenv("MUTDA_DATA_DIR", "data/../mine")
    monkeypatch.setenv("MUTDA_CACHE_DIR", "~/weights")
    settings = load_settings()
    assert (settings.data_dir, settings.cache_dir) == (folder / "mine", folder / "weights")
    assert settings.collection_dir == folder / "mine" / "collections" / "default"


def test_reading_settings_makes_no_folder(folder: Path) -> None:
    load_settings(data_dir=folder / "data", cache_dir=folder / "cache")
    assert list(folder.iterdir()) == []


def test_the_example_documents_every_setting_and_no_other() -> None:
    named = re.findall(r"^# ([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(variable(field) for field in Settings.model_fields)


def test_the_example_is_valid_with_every_line_taken(folder: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert not re.search(r"^\s*[A-Z_]+=", text, re.MULTILINE), "a copy of the example must change nothing"
    (folder / ".env").write_text(re.sub(r"^# (?=[A-Z_]+=)", "", text, flags=re.MULTILINE), encoding="utf-8")
    settings = load_settings()
    assert (settings.model, settings.embedder, settings.web_search) == ("embedded:", "e5:", "off")
    assert settings.context_tokens == Settings.model_fields["context_tokens"].default
    assert settings.call_timeout_s == Settings.model_fields["call_timeout_s"].default
