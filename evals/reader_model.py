"""The reader in torch: `E5Model` over question and passage, with two small heads that are trained with it."""

from pathlib import Path

import gguf
import torch
from torch import Tensor, nn

from app.models.e5_engine import DIMENSIONS
from app.models.e5_reader import BIAS, HEAD
from evals.e5_model import E5Model, pooled

SHARPNESS = 20.0
"""The head sees a vector of length 1; without this its weights would have to be large to say anything."""


class ReaderModel(E5Model):
    """Tokens of a question and a passage to a log-odds, and to where the answer begins and ends."""

    def __init__(self, weights: Path) -> None:
        """`weights` is the GGUF of the embedder e5."""
        super().__init__(weights)
        self.head = nn.Linear(DIMENSIONS, 1)
        # Where the answer stands is asked in training alone: it teaches to look for it.
        self.ends = nn.Linear(DIMENSIONS, 2)
        nn.init.zeros_(self.head.weight)
        nn.init.normal_(self.ends.weight, std=0.02)

    def forward(self, tokens: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """From int64 and bool of shape (n, t): log-odds (n,), and scores of begin and end (n, t, 2)."""
        rows = self.rows(tokens, there)
        return self.head(pooled(rows, there) * SHARPNESS).squeeze(-1), self.ends(rows)

    def _given(self, read: gguf.GGUFReader) -> list[tuple[Tensor, Tensor]]:
        # Where answers stand has to be learnt anew: it is not kept.
        head = torch.tensor(read.fields[HEAD].contents(), dtype=torch.float32)
        bias = torch.tensor(read.fields[BIAS].contents(), dtype=torch.float32)
        heads = [(self.head.weight, head[None] / SHARPNESS), (self.head.bias, bias.reshape(1))]
        return [*heads, *super()._given(read)]

    def _describe(self, writer: gguf.GGUFWriter) -> None:
        writer.add_array(HEAD, (self.head.weight.detach()[0] * SHARPNESS).tolist())
        writer.add_float32(BIAS, float(self.head.bias.detach()[0]))
