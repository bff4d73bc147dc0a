"""Embeddings of an Ollama server."""

import json
import re
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np

from app.errors import ModelError
from app.models.embedder import Vectors, fingerprint_of, well_formed

DEFAULT_URL = "http://127.0.0.1:11434"

_BATCH = 32
_E5 = re.compile(r"(?:^|[-_/.])e5(?:[-_.:]|$)", re.IGNORECASE)
_ANSWER_BYTES_MAX = 64 * 1024 * 1024  # 32 vectors of 8,192 numbers are about 6 MB of JSON


class OllamaEmbedder:
    """`name` as `ollama list` prints it, with or without ":latest".

    Before the texts of an E5 model stand "query: " and "passage: ", as it was trained
    (Wang et al. 2024, arXiv:2402.05672); Ollama adds nothing. Without them the Korean
    probe of multilingual-e5-small fell from .56 to .50. Other models get none, which
    suits bge-m3. Each request ends after about `timeout_s`, however slowly its answer comes.
    """

    def __init__(self, name: str, *, url: str = DEFAULT_URL, timeout_s: float = 60) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        is_e5 = bool(_E5.search(name)) and "instruct" not in name.lower()
        self._query, self._passage = ("query: ", "passage: ") if is_e5 else ("", "")
        self._lock = threading.Lock()
        self._fingerprint = ""
        self._dimensions = 0
        # a proxy set for the web cannot reach a server on this machine
        local = urlsplit(self._url).hostname in ("127.0.0.1", "localhost", "::1")
        self._client = httpx.Client(
            timeout=timeout_s,
            trust_env=not local,
            # Nobody closes an embedder: a kept connection would stay open to the end.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    @property
    def spec(self) -> str:
        return f"ollama:{self._name}"

    @property
    def fingerprint(self) -> str:
        """From the digest that the server gives for the model. Raises ModelError."""
        with self._lock:
            if not self._fingerprint:
                prefixes = [self._query, self._passage] if self._query else []
                self._fingerprint = fingerprint_of(self.spec, self._digest(), *prefixes)
            return self._fingerprint

    @property
    def dimensions(self) -> int:
        if not self._dimensions:
            self._dimensions = self._batch(["dimensions"], "").shape[1]
        return self._dimensions

    @property
    def by_sentence(self) -> bool:
        return False

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. Raises ModelError."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        batches = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
        return np.concatenate([self._batch(batch, self._passage) for batch in batches])

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`. Raises ModelError."""
        row: Vectors = self._batch([text], self._query)[0]
        return row

    def _batch(self, texts: Sequence[str], prefix: str) -> Vectors:
        sent = [prefix + well_formed(text) for text in texts]
        body = {"model": self._name, "input": sent, "truncate": True}
        answer = self._ask("POST", "/api/embed", body)
        try:
            rows = np.asarray(answer["embeddings"], dtype=np.float64)
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            usable = rows.shape[0] == len(texts) and bool(np.all(np.isfinite(lengths) & (lengths > 0)))
        except (KeyError, TypeError, ValueError):  # no such key, no such shape, not numbers
            usable = False
        if not usable:
            raise ModelError(
                f"The Ollama server at {self._url} did not answer {self._name} with one vector for each text."
                f" Update Ollama, or choose another embedder."
            )
        unit: Vectors = (rows / lengths).astype(np.float32)
        return unit

    def _digest(self) -> str:
        answer = self._ask("GET", "/api/tags", None)
        models = answer.get("models") if isinstance(answer, dict) else None
        for model in models or []:
            if model.get("name") in (self._name, f"{self._name}:latest"):
                return str(model["digest"])
        raise self._unknown_model()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        deadline_s = time.monotonic() + self._timeout_s
        content = bytearray()
        try:
            with self._client.stream(method, self._url + path, json=body) as response:
                for piece in response.iter_bytes():
                    content += piece
                    if time.monotonic() > deadline_s:
                        raise httpx.ReadTimeout("the answer took too long as a whole")
                    if len(content) > _ANSWER_BYTES_MAX:
                        break
        except httpx.TimeoutException as error:
            raise ModelError(
                f"The Ollama server at {self._url} did not answer within {self._timeout_s:g} s."
                " Wait until it is less busy, or raise MUTDA_CALL_TIMEOUT_S."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ModelError(
                f"No Ollama server answers at {self._url}. Start it with: ollama serve"
            ) from error
        if response.status_code == 404:
            raise self._unknown_model()
        if response.status_code == 501:
            raise ModelError(
                f"The Ollama model {self._name} is a chat model and gives no embeddings."
                f" Use an embedding model, for example ollama:bge-m3"
            )
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if response.status_code != 200:
            reason = answer.get("error") if isinstance(answer, dict) else None
            said = " ".join(str(reason or f"HTTP {response.status_code}").split())[:200]
            raise ModelError(f"The Ollama server at {self._url} could not embed with {self._name}: {said}")
        return answer

    def _unknown_model(self) -> ModelError:
        return ModelError(
            f"The Ollama server at {self._url} has no model {self._name}."
            f" Get it with: ollama pull {self._name}"
        )
