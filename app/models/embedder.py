"""What the corpus asks of an embedder, and what the kinds of embedder share."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]

_SAMPLE_BYTES = 65_536


class Embedder(Protocol):
    """Texts to unit vectors. Safe to call from several threads at once."""

    @property
    def spec(self) -> str:
        """As the user writes it: "use:", "st:intfloat/multilingual-e5-small"."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors would; part of the manifest of an index."""

    @property
    def dimensions(self) -> int:
        """Length of one vector."""

    @property
    def by_sentence(self) -> bool:
        """Whether the sentences of a passage get vectors of their own, beside that of the whole."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 of shape (len(texts), dimensions), each row of length 1."""

    def embed_query(self, text: str) -> Vectors:
        """One question to float32 of shape (dimensions,), of length 1."""


def fingerprint_of(*parts: str | int | Path) -> str:
    """SHA-256, as 64 hex digits, over the parts in order.

    Of a path only the name, the size and the first and last 64 KiB are read, so
    that hundreds of megabytes cost a millisecond. The ends tell weights apart: a
    safetensors file starts with its layout and ends in numbers, and the last
    bytes of an npz are the zip directory, which holds a CRC-32 of every array.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            size_bytes = part.stat().st_size
            digest.update(f"{part.name}\0{size_bytes}\0".encode())
            with part.open("rb") as file:
                digest.update(file.read(_SAMPLE_BYTES))
                file.seek(max(0, size_bytes - _SAMPLE_BYTES))
                digest.update(file.read(_SAMPLE_BYTES))
        else:
            digest.update(f"{part}\0".encode())
    return digest.hexdigest()


def well_formed(text: str) -> str:
    """The text with lone surrogates, which no UTF-8 encoder takes, turned into "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")
