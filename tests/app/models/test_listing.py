import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr
from stand_ins.chat_server import closed_port
from stand_ins.ollama_server import LLAMA3, Model, OllamaStandIn
from stand_ins.tiny_gguf import QWEN, write_gguf

from app.models.bench_file import save_bench
from app.models.listing import Listing, list_models
from app.models.memory import COMPUTE_BYTES
from app.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Nothing of this machine: an empty cache, and servers that are not there."""
    monkeypatch.setattr("app.models.listing.local_path", lambda *_: None)
    monkeypatch.setattr("app.models.listing.available_bytes", lambda: 8_000_000_000)
    return Settings(
        cache_dir=tmp_path / "cache",
        data_dir=tmp_path / "data",
        ollama_url=f"http://127.0.0.1:{closed_port()}",
    )


def with_(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update=changes)


async def test_nothing_is_there(settings: Settings) -> None:
    assert await list_models(settings) == Listing(
        models=(),
        unreachable=(f"Ollama at {settings.ollama_url} cannot be reached. Run: ollama serve",),
        available_bytes=8_000_000_000,
    )


async def test_files_of_the_cache(settings: Settings) -> None:
    settings.cache_dir.mkdir()
    path = write_gguf(settings.cache_dir / "qwen.gguf", QWEN)
    write_gguf(
        settings.cache_dir / "embedder.gguf", {k: v for k, v in QWEN.items() if "chat_template" not in k}
    )
    save_bench(
        settings.data_dir,
        {
            f"embedded:{path}": {
                "prompt_tokens_per_s": {"median": 93.5},
                "output_tokens_per_s": {"median": 30},
            }
        },
    )
    (model,) = (await list_models(settings)).models
    assert (model.spec, model.quantization) == (f"embedded:{path}", "Q4_K_M")
    assert (model.context_tokens, model.trained_tokens) == (4096, 32768)
    assert model.needed_bytes == path.stat().st_size + 117_440_512 + COMPUTE_BYTES
    assert model.fits is True
    assert (model.prompt_tokens_per_s, model.output_tokens_per_s) == (93.5, 30.0)


async def test_the_known_weights_go_by_their_short_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.cache_dir.mkdir()
    path = write_gguf(settings.cache_dir / "known.gguf", QWEN)
    monkeypatch.setattr("app.models.listing.local_path", lambda *_: path)
    assert [model.spec for model in (await list_models(settings)).models] == ["embedded:"]


async def test_models_of_an_ollama_server(settings: Settings) -> None:
    models = {
        "llama3-ko:latest": Model(),
        "eeve:q8": Model(size_bytes=11_500_000_000, quantization="Q8_0"),
        "short:latest": Model(info=LLAMA3 | {"llama.context_length": 2048}),
        "bge-m3:latest": Model(capabilities=("embedding",)),
        "odd:latest": Model(info={"general.architecture": "mamba"}),
    }
    with OllamaStandIn(models=models) as server:
        found = await list_models(with_(settings, ollama_url=server.url))
    by_name = {model.spec: model for model in found.models}
    assert list(by_name) == ["ollama:llama3-ko", "ollama:eeve:q8", "ollama:short", "ollama:odd"]
    first = by_name["ollama:llama3-ko"]
    assert first.needed_bytes == first.size_bytes + (1 << 29) + COMPUTE_BYTES  # type: ignore[operator]
    assert (first.fits, first.loaded, first.quantization) == (True, False, "Q4_K_M")
    assert by_name["ollama:eeve:q8"].fits is False
    assert by_name["ollama:short"].context_tokens == 2048
    assert by_name["ollama:odd"].needed_bytes is None and by_name["ollama:odd"].fits is None
    assert found.unreachable == ()


async def test_what_is_loaded_fits(settings: Settings) -> None:
    models = {"big:latest": Model(size_bytes=20_000_000_000)}
    with OllamaStandIn(models=models, loaded=["big"]) as server:
        (model,) = (await list_models(with_(settings, ollama_url=server.url))).models
    assert model.loaded and model.fits is True


async def test_something_else_listens_where_ollama_should(settings: Settings) -> None:
    with OllamaStandIn(fault="html") as server:
        found = await list_models(with_(settings, ollama_url=server.url))
    assert found.unreachable == (f"{server.url} does not answer as Ollama does. Check MUTDA_OLLAMA_URL.",)


@pytest.fixture
def openai() -> Iterator[Any]:
    """GET /v1/models, with what llama.cpp's server and vLLM add."""

    models = [
        {"id": "qwen", "meta": {"n_ctx_train": 32768, "size": 1_111_000_000, "n_ctx": 4096}},
        {"id": "vllm", "max_model_len": 8192},
        {"id": "plain"},
    ]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            data = json.dumps(
                {"data": models} if self.headers["Authorization"] == "Bearer k" else {}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()
    thread.join(5)


async def test_models_of_an_openai_server(settings: Settings, openai: str) -> None:
    found = await list_models(with_(settings, openai_base_url=openai, openai_api_key=SecretStr("k")))
    assert [
        (m.spec, m.size_bytes, m.context_tokens, m.trained_tokens, m.fits, m.loaded) for m in found.models
    ] == [
        ("openai:qwen", 1_111_000_000, 4096, 32768, None, True),
        ("openai:vllm", None, 8192, None, None, True),
        ("openai:plain", None, None, None, None, True),
    ]


async def test_an_openai_server_that_does_not_list(settings: Settings, openai: str) -> None:
    found = await list_models(with_(settings, openai_base_url=openai))  # the key is missing
    assert found.unreachable[-1] == (
        f"{openai} does not list its models. Start the server, or set MUTDA_OPENAI_BASE_URL."
    )
