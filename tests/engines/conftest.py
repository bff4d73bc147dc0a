"""One real Ollama for all tests of this folder, with models made from the embedded model's weights."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engines.ollama_server import OllamaServer, find_ollama

from app.models.ollama import OllamaModel
from app.models.weights import resolve_gguf
from app.settings import load_settings

CONTEXT_TOKENS = 2048
CALL_TIMEOUT_S = 240.0  # a busy machine is no failure
# One core is left to everything else: an engine's threads wait for one another by spinning, and beside
# a program that took both cores two of them wrote .2 to .4 tokens/s, one alone 4 to 19.
THREADS = max((os.cpu_count() or 2) - 1, 1)

CHATML = (
    'TEMPLATE """{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}'
    '<|im_start|>assistant\n"""'
)
# Each answer is over before it begins: what follows the end of a turn is no text.
SILENT = CHATML.removesuffix('"""') + '<|im_end|>\n"""'
# Writes the call that it is shown, as small models do that are told of tools.
CALLER = (
    'TEMPLATE """{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}'
    '<|im_start|>user\nReply with this JSON alone: {"name": "search", "arguments": {"query": "연차"}}<|im_end|>\n'
    '<|im_start|>assistant\n"""'
)

Open = Callable[..., OllamaModel]


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's file, fetched on a machine that does not have it yet."""
    return resolve_gguf("", load_settings().cache_dir)


@pytest.fixture(scope="session")
def ollama(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    """A server that has `llama3-ko`, with a Go template, and other models of the same weights."""
    binary = find_ollama()
    if binary is None:
        pytest.skip("neither Ollama nor Go is here: `make servers` says what it lacks")
    with OllamaServer(binary, tmp_path_factory.mktemp("ollama")) as server:
        parameters = (
            f"PARAMETER num_ctx {CONTEXT_TOKENS}",
            f"PARAMETER num_thread {THREADS}",
            "PARAMETER temperature 0",
        )
        server.create("llama3-ko", f"FROM {weights}", CHATML, *parameters)
        # From 0.30 on the file's own template is used, before that the bare prompt.
        server.create("llama3-ko-untemplated", f"FROM {weights}", *parameters)
        server.create("llama3-ko-silent", "FROM llama3-ko", SILENT)
        server.create("llama3-ko-caller", "FROM llama3-ko", CALLER)
        yield server


@pytest.fixture
def opened(ollama: OllamaServer) -> Open:
    """A model of the real server, by the name `llama3-ko` unless told otherwise."""

    def open_(name: str = "llama3-ko", *, url: str = "") -> OllamaModel:
        return OllamaModel(
            name=name, url=url or ollama.url, context_tokens=CONTEXT_TOKENS, timeout_s=CALL_TIMEOUT_S
        )

    return open_
