"""multilingual-e5-small in 4 bits: about a hundred languages, Korean among them, in 75 MB.

Wang et al. 2024, arXiv:2402.05672. Run by llama.cpp inside this process, through
xllamacpp as the embedded chat model is, so that it needs neither torch nor a
compiler. llama.cpp has the model's tokenizer, but not its normaliser; that is here.
"""

import base64
import contextlib
import math
import os
import queue
import secrets
import threading
import unicodedata
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from app.errors import ModelError
from app.models.embedder import Vectors, fingerprint_of, well_formed
from app.models.weights import E5, OnProgress, resolve_e5

_DIMENSIONS = 384
_TOKENS_MAX = 512  # the model has no more positions
_QUERY, _PASSAGE = "query: ", "passage: "
_FORMAT = 1  # raise it when the same text gives another vector: indexes are made anew

# No piece is longer than 16 characters, so that 512 tokens are fewer than these.
_CHARS_MAX = 8_192
# No token is shorter than a character: a space is put before the text, <s> and </s> around it.
_CHARS_SURE = _TOKENS_MAX - 3

_BATCH = 8  # texts in a request: one of them is answered after another, and a question waits for all
_TEXTS_A_WORKER = 32  # loading another worker takes as long as these
_WORKERS_MAX = 4  # 180 MB each, and 1 MB for each token of the longest text
_REQUEST_S = 300.0  # 8 texts of 512 tokens take 3 s on an idle core
_WAIT_S = 900.0

# The model's own normaliser is NFKC with these exceptions (compared over all of Unicode with the
# table in the file of the weights; the 73 other characters that differ are younger than it).
_BLANKS = [0x9, 0xA, 0xC, 0xD, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]
_DROPPED = [0x0, *range(0x1, 0x9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]
_TABLE = {**dict.fromkeys(_BLANKS, " "), **dict.fromkeys(_DROPPED)}
_KEPT = "\uff5e"  # NFKC makes "~" of it


class E5Embedder:
    """384 dimensions, "query: " and "passage: " before the texts, which are cut after 512 tokens.

    Its workers are engines with one thread each. Measured on 2 cores against one engine with
    2 threads: 2,450 tokens/s against 2,210 on an idle machine, and 1,270 against 40 to 600 while
    another process used both cores, because the threads of an engine wait by spinning. The first
    worker is loaded on first use (1.7 s), more of them once somebody has many texts.
    """

    def __init__(
        self,
        *,
        cache_dir: Path,
        allow_fetch: bool = False,
        progress: OnProgress | None = None,
        workers: int | None = None,
    ) -> None:
        self._cache_dir = cache_dir
        self._allow_fetch = allow_fetch
        self._progress = progress
        self._workers_max = min(workers or os.cpu_count() or 1, _WORKERS_MAX)
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        # The one used last comes first: its memory has grown already.
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        weakref.finalize(self, _close, self._workers)  # at the latest when the interpreter exits

    @property
    def spec(self) -> str:
        return "e5:"

    @property
    def fingerprint(self) -> str:
        """Needs no weights: there is one file that they may be, and its SHA-256 is known."""
        return fingerprint_of(self.spec, E5.sha256, _QUERY, _PASSAGE, _TOKENS_MAX, _FORMAT)

    @property
    def dimensions(self) -> int:
        return _DIMENSIONS

    @property
    def by_sentence(self) -> bool:
        return True

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. Raises DownloadError without the weights, and ModelError."""
        if not texts:
            return np.empty((0, _DIMENSIONS), dtype=np.float32)
        workers = self._load(math.ceil(len(texts) / _TEXTS_A_WORKER))
        batches = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
        with ThreadPoolExecutor(min(workers, len(batches)), thread_name_prefix="e5") as pool:
            try:
                return np.concatenate(list(pool.map(self._passages, batches)))
            except BaseException:  # Ctrl-C too must not wait for the batches that have not begun
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`. Raises what `embed` raises."""
        self._load(1)
        with self._worker() as worker:
            row: Vectors = worker.embed([_QUERY + normalised(text)])[0]
            return row

    def _passages(self, texts: Sequence[str]) -> Vectors:
        with self._worker() as worker:
            return worker.embed([_PASSAGE + normalised(text) for text in texts])

    def _load(self, wanted: int) -> int:
        """Have `wanted` workers, or as many as there may be; how many there are."""
        with self._lock:
            wanted = min(wanted, self._workers_max)
            if len(self._workers) < wanted:
                path = resolve_e5(self._cache_dir, allow_fetch=self._allow_fetch, progress=self._progress)
                while len(self._workers) < wanted:
                    worker = _Worker(path)
                    self._workers.append(worker)
                    self._idle.put(worker)
            return len(self._workers)

    @contextlib.contextmanager
    def _worker(self) -> Iterator["_Worker"]:
        try:
            worker = self._idle.get(timeout=_WAIT_S)
        except queue.Empty:
            raise ModelError(
                f"The embedder e5: has been busy for {_WAIT_S:g} s. Ask again when less is running."
            ) from None
        try:
            yield worker
        finally:
            self._idle.put(worker)


class _Worker:
    """One engine and its client. For one caller at a time."""

    def __init__(self, path: Path) -> None:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.embedding = True
        # The whole of a text must be in one batch: each token sees all the others.
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = _TOKENS_MAX
        parameters.n_parallel = 1
        parameters.cpuparams.n_threads = 1
        parameters.cpuparams_batch.n_threads = 1
        parameters.n_threads_http = 1
        parameters.warmup = False
        parameters.verbosity = -1
        parameters.ui = False
        parameters.endpoint_slots = False
        key = secrets.token_urlsafe(24)
        parameters.api_keys = [key]
        try:
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise ModelError(
                f"The engine could not load {path.name} ({error})."
                " Delete it and run: mutda models pull - or free some memory."
            ) from error
        self._client = httpx.Client(
            base_url=self._server.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            limits=httpx.Limits(max_keepalive_connections=0),  # one kept open would hold the server's thread
            timeout=_REQUEST_S,
            trust_env=False,  # a proxy for the web cannot reach this process
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Normalised texts with their prefixes to unit rows. Raises ModelError."""
        answer = self._ask("/v1/embeddings", {"input": [self._input(text) for text in texts]})
        try:
            found = sorted(answer["data"], key=lambda item: int(item["index"]))
            rows = np.stack([np.frombuffer(base64.b64decode(item["embedding"]), "<f4") for item in found])
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            usable = rows.shape == (len(texts), _DIMENSIONS) and bool(
                np.all(np.isfinite(lengths) & (lengths > 0))
            )
        except (KeyError, TypeError, ValueError):
            usable = False
        if not usable:
            raise ModelError(
                "The engine did not answer with one vector for each text. Run the command again."
            )
        unit: Vectors = (rows / lengths).astype(np.float32)
        return unit

    def _input(self, text: str) -> str | list[int]:
        """The text, or its tokens where it may be too long or may look like a special token."""
        if len(text) <= _CHARS_SURE and "<" not in text:
            return text
        body = {"content": text, "add_special": True, "parse_special": False}
        tokens: list[int] = self._ask("/tokenize", body)["tokens"]
        return tokens if len(tokens) <= _TOKENS_MAX else [*tokens[: _TOKENS_MAX - 1], tokens[-1]]

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        try:
            response = self._client.post(path, json={**body, "encoding_format": "base64"})
            response.raise_for_status()
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ModelError(
                f"The engine of the embedder e5: failed ({error or type(error).__name__})."
                " Run the command again; if it fails again, free some memory."
            ) from error

    def close(self) -> None:
        """Stop the server and free the model; takes about .3 s."""
        self._client.close()
        self._server = None


def normalised(text: str) -> str:
    """The text as the model saw texts in training: NFKC with exceptions, on one line, of sane length."""
    plain = well_formed(text[:_CHARS_MAX]).translate(_TABLE)
    composed = _KEPT.join(unicodedata.normalize("NFKC", part) for part in plain.split(_KEPT))
    return " ".join(composed.split())[:_CHARS_MAX]


def _close(workers: "list[_Worker]") -> None:
    while workers:
        workers.pop().close()
