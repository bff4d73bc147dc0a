import time
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import ChatServer, Fault, closed_port

from app.errors import ModelError, SettingsError
from app.models import server_context
from app.models.fake import FakeModel
from app.models.loopback import is_loopback
from app.models.ollama import OllamaModel
from app.models.ollama_tags import installed_models
from app.models.open import choose_spec, open_model
from app.models.openai import OpenAIModel
from app.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def no_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(**values: Any) -> Settings:
    return load_settings(**values)


def no_fetch(name: str) -> Path:
    raise AssertionError(f"{name!r} was fetched")


async def test_a_spec_that_is_set_is_taken_and_no_server_asked() -> None:
    with ChatServer(models=["llama3-ko:latest"]) as server:
        chosen = await choose_spec(settings(model="openai:a", ollama_url=server.url))
        assert server.connections == 0
    assert str(chosen) == "openai:a"


@pytest.mark.parametrize(
    ("models", "spec"),
    [
        (["llama3-ko:latest"], "ollama:llama3-ko"),
        (["bge-m3:latest", "llama3-ko:latest"], "ollama:llama3-ko"),
        (["llama3-ko:8b", "llama3-ko:latest"], "ollama:llama3-ko"),
        (["llama3-ko:8b"], "ollama:llama3-ko:8b"),  # without its tag Ollama would look for :latest
        (["llama3:latest", "llama3-ko-big:latest"], "embedded:"),
        ([], "embedded:"),
    ],
)
async def test_ollama_s_korean_model_comes_first_where_it_is(models: list[str], spec: str) -> None:
    with ChatServer(models=models) as server:
        assert str(await choose_spec(settings(ollama_url=server.url))) == spec


async def test_without_ollama_the_embedded_model_is_chosen() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    assert str(await choose_spec(settings(ollama_url=url))) == "embedded:"


@pytest.mark.parametrize("fault", ["hang", "drip", "garbage"])
async def test_a_server_that_does_not_answer_costs_no_more_than_was_said(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(installed_models.__kwdefaults__, "timeout_s", 1.0)
    with ChatServer(fault=fault, models=["llama3-ko:latest"]) as server:
        started = time.monotonic()
        assert str(await choose_spec(settings(ollama_url=server.url))) == "embedded:"
        assert time.monotonic() - started < 50


async def test_installed_models_tells_no_models_from_no_server() -> None:
    with ChatServer() as server:
        assert await installed_models(f"{server.url}/") == []
        assert await installed_models(f"{server.url}/elsewhere") is None
    assert await installed_models(f"http://127.0.0.1:{closed_port()}") is None


async def test_no_proxy_is_asked_for_a_server_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with ChatServer(models=["a:latest"]) as server:
        assert await installed_models(server.url) == ["a:latest"]


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8080/v1", True),
        ("http://localhost:1", True),
        ("https://ollama.example", False),
        ("http://192.168.0.7:11434", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://user@10.0.0.1", False),
    ],
)
def test_which_addresses_stay_here(url: str, here: bool) -> None:
    assert is_loopback(url) is here


async def test_each_kind_opens_its_model() -> None:
    opened = {
        "ollama:a": (OllamaModel, "a"),
        "openai:b": (OpenAIModel, "b"),
        "fake:": (FakeModel, "fake"),
    }
    for spec, (kind, family) in opened.items():
        model = await open_model(
            settings(model=spec, openai_base_url="http://127.0.0.1:1/v1", context_tokens=2048), fetch=no_fetch
        )
        assert (type(model), model.spec, model.family) == (kind, spec, family)
        await model.aclose()


def _trained_for(tokens: int) -> dict[str, Any]:
    return {"model_info": {"general.architecture": "llama", "llama.context_length": tokens}}


LLAMA_CPP = {
    "/v1/models": {"data": [{"id": "b.gguf", "meta": {"n_ctx_train": 8192}}]},
    "/props": {"default_generation_settings": {"n_ctx": 2048}, "total_slots": 2},
}


@pytest.mark.parametrize(
    ("spec", "reads", "context_tokens"),
    [
        ("ollama:a", {"/api/show": _trained_for(2048)}, 2048),
        ("ollama:a", {"/api/show": _trained_for(8192)}, 4096),
        ("ollama:a", {"/api/show": {"model_info": ["?"]}}, 4096),
        ("ollama:a", {}, 4096),
        ("openai:b", LLAMA_CPP, 2048),
        ("openai:b", {"/v1/models": {"data": [{"id": "b", "max_model_len": 1500}]}}, 1500),
        (
            "openai:b",
            {"/v1/models": {"data": [{"id": "c", "max_model_len": 9}, {"id": "b", "max_model_len": 3000}]}},
            3000,
        ),
        ("openai:b", {"/v1/models": {"data": [{"id": "b", "max_model_len": True}]}}, 4096),
        ("openai:b", {"/v1/models": {"data": "?"}, "/props": []}, 4096),
        ("openai:b", {}, 4096),
    ],
)
async def test_a_server_that_reads_less_than_was_set_is_asked_with_less(
    spec: str, reads: dict[str, Any], context_tokens: int
) -> None:
    with ChatServer(reads=reads) as server:
        chosen = settings(
            model=spec, ollama_url=server.url, openai_base_url=f"{server.url}/v1", context_tokens=4096
        )
        model = await open_model(chosen, fetch=no_fetch)
        assert model.context_tokens == context_tokens
        if isinstance(model, OllamaModel):  # the same in every call: another restarts the runner
            assert model.options(max_tokens=1, logprobs=False)["options"]["num_ctx"] == context_tokens
        await model.aclose()


@pytest.mark.parametrize("spec", ["ollama:a", "openai:b"])
@pytest.mark.parametrize("fault", ["hang", "drip", "garbage"])
async def test_a_server_that_does_not_say_what_it_reads_costs_no_more_than_was_said(
    fault: Fault, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_context, "_TIMEOUT_S", 1.0)
    with ChatServer(fault=fault) as server:
        started = time.monotonic()
        chosen = settings(model=spec, ollama_url=server.url, openai_base_url=f"{server.url}/v1")
        model = await open_model(chosen, fetch=no_fetch)
        assert model.context_tokens == chosen.context_tokens
        assert time.monotonic() - started < 50
        await model.aclose()


async def test_openai_needs_an_address() -> None:
    with pytest.raises(SettingsError) as caught:
        await open_model(settings(model="openai:a"), fetch=no_fetch)
    assert str(caught.value) == (
        "openai:a needs a server: set MUTDA_OPENAI_BASE_URL, e.g. http://127.0.0.1:8080/v1"
    )


async def test_the_embedded_model_is_fetched_by_its_name(tmp_path: Path) -> None:
    wanted: list[str] = []

    def fetch(name: str) -> Path:
        wanted.append(name)
        raise ModelError("stop here")

    for spec in ("embedded:", "embedded:some/where/x.gguf"):
        with pytest.raises(ModelError, match="stop here"):
            await open_model(settings(model=spec), fetch=fetch)
    assert wanted == ["", "some/where/x.gguf"]
