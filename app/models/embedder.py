"""What the corpus asks of an embedder."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Texts to unit vectors."""

    @property
    def spec(self) -> str:
        """As the user writes it: "use:", "st:intfloat/multilingual-e5-small"."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors would; part of the manifest of an index."""

    @property
    def dimensions(self) -> int:
        """Length of one vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 of shape (len(texts), dimensions), each row of length 1."""

    def embed_query(self, text: str) -> Vectors:
        """One question to float32 of shape (dimensions,), of length 1."""
