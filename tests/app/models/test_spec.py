import pytest

from app.errors import SettingsError
from app.models.spec import ModelSpec, parse_model_spec


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("embedded:", "embedded", ""),
        ("embedded:/models/tiny.gguf", "embedded", "/models/tiny.gguf"),
        ("embedded:Qwen/Qwen2.5-GGUF/a.gguf", "embedded", "Qwen/Qwen2.5-GGUF/a.gguf"),
        ("embedded:C:\\models\\tiny.gguf", "embedded", "C:\\models\\tiny.gguf"),
        ("ollama:llama3-ko", "ollama", "llama3-ko"),
        ("ollama:llama3-ko:8b", "ollama", "llama3-ko:8b"),
        ("openai:gpt-oss", "openai", "gpt-oss"),
        (" fake: ", "fake", ""),
    ],
)
def test_reads_kind_and_name(text: str, kind: str, name: str) -> None:
    spec = parse_model_spec(text)
    assert (spec.kind, spec.name) == (kind, name)
    assert str(spec) == text.strip()


@pytest.mark.parametrize("text", ["", "llama3-ko", "gguf:x", "Ollama:x", ":x"])
def test_an_unknown_kind_names_the_known_ones(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_model_spec(text)
    assert str(caught.value) == (
        f"MUTDA_MODEL={text!r}: expected one of embedded:, embedded:FILE.gguf, embedded:HF-REPO/FILE.gguf, "
        "ollama:NAME, openai:NAME, fake:."
    )


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_a_served_model_needs_a_name(kind: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_model_spec(f"{kind}:")
    assert str(caught.value) == f"MUTDA_MODEL='{kind}:': {kind} needs a model name, e.g. {kind}:llama3-ko."


def test_specs_are_values() -> None:
    assert ModelSpec("embedded") == parse_model_spec("embedded:")
    assert len({ModelSpec("fake"), parse_model_spec("fake:")}) == 1
