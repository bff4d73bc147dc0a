"""Hashed character bigrams: an embedder for tests. It knows spelling, not meaning."""

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from app.models.embedder import Vectors, well_formed

_WORD = re.compile(r"\w+")


class ToyEmbedder:
    """Signed feature hashing (Weinberger et al. 2009) of the bigrams inside words.

    The same text gives the same vector in every process and on every machine.
    """

    def __init__(self, dimensions: int = 64) -> None:
        self._dimensions = dimensions

    @property
    def spec(self) -> str:
        return f"toy:{self._dimensions}"

    @property
    def fingerprint(self) -> str:
        return f"toy-1-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def by_sentence(self) -> bool:
        return False

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        rows = [self.embed_query(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self._dimensions), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`."""
        row = np.zeros(self._dimensions, dtype=np.float32)
        for word in _WORD.findall(well_formed(text).casefold()):
            padded = f" {word} "
            for left, right in pairwise(padded):
                code = zlib.crc32(f"{left}{right}".encode())
                row[(code >> 1) % self._dimensions] += 1 if code & 1 else -1
        length = float(np.linalg.norm(row))
        if length == 0:
            row[0] = length = 1
        return row / np.float32(length)
