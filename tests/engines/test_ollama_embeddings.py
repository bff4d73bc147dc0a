"""Embeddings of a real Ollama: the same Korean probe as for every embedder, and what goes wrong."""

import numpy as np
import pytest
from engines.conftest import THREADS
from engines.ollama_server import OllamaServer

from app.errors import ModelError
from app.models.embedders.ollama import OllamaEmbedder
from app.models.probe import korean_probe
from app.models.weights import resolve_e5
from app.settings import load_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def e5(ollama: OllamaServer) -> OllamaEmbedder:
    """multilingual-e5-small from its GGUF."""
    file = resolve_e5(load_settings().cache_dir, allow_fetch=True)
    ollama.create("multilingual-e5-small", f"FROM {file}", f"PARAMETER num_thread {THREADS}")
    return OllamaEmbedder("multilingual-e5-small", url=ollama.url, timeout_s=240)


def test_it_knows_korean(e5: OllamaEmbedder) -> None:
    # .56 with the file in this process, .50 without "query: " and "passage: ".
    assert korean_probe(e5) == pytest.approx(0.559, abs=0.02)


def test_vectors_have_length_one_and_are_of_their_texts(e5: OllamaEmbedder) -> None:
    texts = ["연차 휴가는 17일입니다.", "병가는 30일입니다.", "연차 휴가는 17일입니다."]
    vectors = e5.embed(texts)
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-4)
    assert vectors[0] @ vectors[1] < 0.99
    assert e5.embed([]).shape == (0, 384)


def test_a_text_beyond_the_context_is_cut(e5: OllamaEmbedder) -> None:
    assert e5.embed(["연차 휴가는 17일입니다. " * 400]).shape == (1, 384)


def test_an_embedder_that_is_not_there(ollama: OllamaServer) -> None:
    with pytest.raises(ModelError) as caught:
        OllamaEmbedder("bge-m3", url=ollama.url).embed(["연차"])
    assert str(caught.value) == (
        f"The Ollama server at {ollama.url} has no model bge-m3. Get it with: ollama pull bge-m3"
    )
