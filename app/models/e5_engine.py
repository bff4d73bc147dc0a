"""multilingual-e5-small run by llama.cpp inside this process: texts or tokens to vectors of 384 numbers.

Through xllamacpp, as the embedded chat model is, so that it needs neither torch nor a compiler.
llama.cpp has the model's tokenizer, but not its normaliser; that is here. Embedder and reader are made of
it: the same weights with adapters of their own, of which one is in force at a time.
"""

import base64
import contextlib
import os
import queue
import secrets
import threading
import time
import unicodedata
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from app.errors import ModelError
from app.models.embedder import Vectors, well_formed
from app.models.weights import OnProgress, resolve_e5

DIMENSIONS = 384
TOKENS_MAX = 512  # the model has no more positions
BEGIN, END = 0, 2
"""Tokens around a text."""
QUERY, PASSAGE = "query: ", "passage: "
"""Before a question and before what it is about, as in training."""

# No piece is longer than 16 characters, so that 512 tokens are fewer than these.
_CHARS_MAX = 8_192
# No token is shorter than a character: a space is put before the text, <s> and </s> around it.
_CHARS_SURE = TOKENS_MAX - 3

_WORKERS_MAX = 4  # 180 MB each, and 1 MB for each token of the longest text
_REQUEST_S = 300.0  # 8 texts of 512 tokens take 3 s on an idle core
_WAIT_S = 900.0
_CLOSE_S = 30.0  # what is asked of an engine for a question takes a second

# The model's own normaliser is NFKC with these exceptions (compared over all of Unicode with the
# table in the file of the weights; the 73 other characters that differ are younger than it).
_BLANKS = [0x9, 0xA, 0xC, 0xD, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]
_DROPPED = [0x0, *range(0x1, 0x9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]
_TABLE = {**dict.fromkeys(_BLANKS, " "), **dict.fromkeys(_DROPPED)}
_KEPT = "\uff5e"  # NFKC makes "~" of it


class Engines:
    """Engines with one thread each, loaded when they are needed and lent to one caller at a time.

    Measured on 2 cores against one engine with 2 threads: 2,450 tokens/s against 2,210 on an idle
    machine, and 1,270 against 40 to 600 while another process used both cores, because the threads of an
    engine wait by spinning. The first one is loaded on first use (1.7 s).
    """

    def __init__(
        self,
        name: str,
        *,
        cache_dir: Path,
        adapters: Sequence[Path] = (),
        way_out: str = "",
        allow_fetch: bool = False,
        progress: OnProgress | None = None,
        at_most: int | None = None,
    ) -> None:
        """`adapters` are known to the engines by their place; `way_out` is how to do without, and told where
        one fails."""
        self._name = name
        self._way_out = way_out
        self._cache_dir = cache_dir
        self._adapters = tuple(adapters)
        self._allow_fetch = allow_fetch
        self._progress = progress
        self._at_most = min(at_most or os.cpu_count() or 1, _WORKERS_MAX)
        self._lock = threading.Lock()
        self.loaded: list[Engine] = []
        # The one used last comes first: its memory has grown already.
        self._idle: queue.LifoQueue[Engine] = queue.LifoQueue()
        weakref.finalize(self, _close, self.loaded)  # at the latest when the interpreter exits

    def load(self, wanted: int) -> int:
        """Have `wanted` engines, or as many as there may be; how many there are.

        Raises DownloadError without the weights, and ModelError.
        """
        with self._lock:
            wanted = min(wanted, self._at_most)
            if len(self.loaded) < wanted:
                path = resolve_e5(self._cache_dir, allow_fetch=self._allow_fetch, progress=self._progress)
                while len(self.loaded) < wanted:
                    engine = Engine(path, self._adapters, name=self._name, way_out=self._way_out)
                    self.loaded.append(engine)
                    self._idle.put(engine)
            return len(self.loaded)

    @contextlib.contextmanager
    def lent(self) -> Iterator["Engine"]:
        """An engine that nobody else has; one is loaded where there is none.

        Raises ModelError when none comes free in a quarter of an hour, and what `load` raises.
        """
        engine = self._wait()
        try:
            yield engine
        finally:
            if engine in self.loaded:  # it may have been closed meanwhile
                self._idle.put(engine)

    def _wait(self) -> "Engine":
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            with contextlib.suppress(queue.Empty):
                return self._idle.get(timeout=min(1.0, _WAIT_S))
            if not self.loaded:
                self.load(1)
        raise ModelError(f"The {self._name} has been busy for {_WAIT_S:g} s. Ask again when less is running.")

    def close(self) -> None:
        """Free them all, once those that are lent come back; they are loaded again when they are needed."""
        with self._lock:
            for _ in self.loaded:
                with contextlib.suppress(queue.Empty):
                    self._idle.get(timeout=_CLOSE_S)
            _close(self.loaded)


class Engine:
    """One engine and its client. For one caller at a time."""

    def __init__(
        self,
        path: Path,
        adapters: Sequence[Path] = (),
        *,
        name: str = "embedder e5:",
        way_out: str = "",
    ) -> None:
        """The first of the adapters is in force. Raises ModelError where weights or adapters do not load."""
        import xllamacpp

        self._name = name
        self._adapters, self._in_force = len(adapters), 0
        self._way_out = f" Without it: {way_out}." if way_out else ""

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.embedding = True
        # The whole of a text must be in one batch: each token sees all the others.
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = TOKENS_MAX
        parameters.n_parallel = 1
        loras = []
        for number, adapter in enumerate(adapters):
            lora = xllamacpp.CommonAdapterLoraInfo()
            lora.path, lora.scale = str(adapter), float(number == self._in_force)
            loras.append(lora)
        parameters.lora_adapters = loras
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
            if adapters:
                names = ", ".join(adapter.name for adapter in adapters)
                raise ModelError(
                    f"The engine could not load {names} upon {path.name} ({error})."
                    f" Delete {path.name} and run: mutda models pull - or free some memory, or install Mutda"
                    f" again.{self._way_out}"
                ) from error
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
        return self.vectors([self._input(text) for text in texts])

    def vectors(self, inputs: Sequence[str | list[int]], *, adapter: int = 0) -> Vectors:
        """Texts, or tokens with those that begin and end a text, to unit rows, by the adapter of that number.

        Raises ModelError.
        """
        self._put_in_force(adapter)
        answer = self._ask("/v1/embeddings", {"input": list(inputs), "encoding_format": "base64"})
        try:
            found = sorted(answer["data"], key=lambda item: int(item["index"]))
            rows = np.stack([np.frombuffer(base64.b64decode(item["embedding"]), "<f4") for item in found])
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            usable = rows.shape == (len(inputs), DIMENSIONS) and bool(
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

    def _put_in_force(self, adapter: int) -> None:
        """Have the engine use that adapter and no other; takes 1.5 ms where it did not."""
        if adapter == self._in_force:
            return
        scales = [{"id": number, "scale": float(number == adapter)} for number in range(self._adapters)]
        self._in_force = -1  # whatever becomes of the request
        self._ask("/lora-adapters", scales)
        self._in_force = adapter

    def _input(self, text: str) -> str | list[int]:
        """The text, or its tokens where it may be too long or may look like a special token."""
        if len(text) <= _CHARS_SURE and "<" not in text:
            return text
        tokens = [BEGIN, *self.tokens(text), END]
        return tokens if len(tokens) <= TOKENS_MAX else [*tokens[: TOKENS_MAX - 1], tokens[-1]]

    def tokens(self, text: str) -> list[int]:
        """Of a normalised text, without those that begin and end it. Raises ModelError."""
        body = {"content": text, "add_special": False, "parse_special": False}
        found: list[int] = self._ask("/tokenize", body)["tokens"]
        return found

    def pieces(self, text: str) -> list[tuple[int, str]]:
        """The same tokens, each with the characters it stands for. Raises ModelError."""
        body = {"content": text, "add_special": False, "parse_special": False, "with_pieces": True}
        found = self._ask("/tokenize", body)["tokens"]
        # A piece that is no UTF-8 alone comes as its bytes.
        return [(item["id"], _characters(item["piece"])) for item in found]

    def _ask(self, path: str, body: Any) -> Any:
        try:
            response = self._client.post(path, json=body)
            response.raise_for_status()
            return response.json()
        except (httpx.HTTPError, ValueError, RuntimeError) as error:  # RuntimeError: it was closed meanwhile
            raise ModelError(
                f"The engine of the {self._name} failed ({error or type(error).__name__})."
                f" Run the command again; if it fails again, free some memory.{self._way_out}"
            ) from error

    def close(self) -> None:
        """Stop the server and free the model; takes about .3 s."""
        self._client.close()
        self._server = None


def _characters(piece: str | list[int]) -> str:
    text = piece if isinstance(piece, str) else bytes(piece).decode("utf-8", "replace")
    return text.replace("\u2581", " ")


def normalised(text: str) -> str:
    """The text as the model saw texts in training: NFKC with exceptions, on one line, of sane length."""
    plain = well_formed(text[:_CHARS_MAX]).translate(_TABLE)
    composed = _KEPT.join(unicodedata.normalize("NFKC", part) for part in plain.split(_KEPT))
    return " ".join(composed.split())[:_CHARS_MAX]


def _close(engines: "list[Engine]") -> None:
    while engines:
        engines.pop().close()
