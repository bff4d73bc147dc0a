"""multilingual-e5-small in torch, from the weights that the engine runs, with an adapter to train.

The layers are BERT's (Devlin et al. 2019, arXiv:1810.04805): normalised after each half, GELU. Only the
adapter (LoRA, Hu et al. 2021, arXiv:2106.09685) is trained, so that the weights in use stay what was
fetched, and what is shipped beside them weighs 2 MB.
"""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from torch import Tensor, nn
from torch.nn import functional

from app.errors import MutdaError
from app.models.e5_engine import DIMENSIONS

LAYERS, HEADS = 12, 12
FROZEN = 2
"""Layers at the bottom without an adapter: they see words, and cost a sixth of the time."""
RANK = 16
FUSED_FROM_TOKENS = 320
"""Torch's fused attention takes 3.6 times as long there and back at 150 tokens (90 against 25 ms on 2 cores,
bfloat16), and less from here on."""
CLEARLY = 1.5
"""So many times as fast is no chance of a busy moment."""
PADDING = 1
LEARNING_RATE = 5e-4
WARM_UP = 0.05
"""Share of the steps until the rate is reached; it then falls to nothing along a cosine."""
_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down")
_EPSILON = 1e-12


class _Linear(nn.Module):  # type: ignore[misc]  # torch is an extra, and not read
    """A frozen matrix and its adapter."""

    def __init__(self, weight: Tensor, bias: Tensor, *, adapted: bool) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.adapted = adapted
        if adapted:
            self.a = nn.Parameter(torch.randn(RANK, weight.shape[1]) / math.sqrt(weight.shape[1]))
            self.b = nn.Parameter(torch.zeros(weight.shape[0], RANK))

    def forward(self, rows: Tensor) -> Tensor:
        out = functional.linear(rows, self.weight, self.bias)
        if self.adapted:
            # Two thin products: a third faster in training than one with the sum of the matrices.
            out = out + functional.linear(functional.linear(rows, self.a), self.b)
        return out


class _Layer(nn.Module):  # type: ignore[misc]  # torch is an extra, and not read
    def __init__(self, tensors: dict[str, Tensor], number: int) -> None:
        super().__init__()
        at = f"blk.{number}."
        for name in _MATRICES:
            linear = _Linear(
                tensors[f"{at}{name}.weight"], tensors[f"{at}{name}.bias"], adapted=number >= FROZEN
            )
            self.add_module(name, linear)
        for name in ("attn_output_norm", "layer_output_norm"):
            for part in ("weight", "bias"):
                self.register_buffer(f"{name}_{part}", tensors[f"{at}{name}.{part}"])

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        batch, tokens, width = rows.shape
        query, key, value = (
            self.get_submodule(name)(rows).view(batch, tokens, HEADS, width // HEADS).transpose(1, 2)
            for name in ("attn_q", "attn_k", "attn_v")
        )
        if tokens < FUSED_FROM_TOKENS:
            scores = (query / math.sqrt(width // HEADS)) @ key.transpose(-1, -2)
            seen = torch.softmax(scores.masked_fill(~mask, -1e4), dim=-1) @ value
        else:
            seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        out = self.get_submodule("attn_output")(seen.transpose(1, 2).reshape(batch, tokens, width))
        rows = self._normed(rows + out, "attn_output_norm")
        inner = functional.gelu(self.get_submodule("ffn_up")(rows))
        return self._normed(rows + self.get_submodule("ffn_down")(inner), "layer_output_norm")

    def _normed(self, rows: Tensor, name: str) -> Tensor:
        weight, bias = self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias")
        return functional.layer_norm(rows.float(), (DIMENSIONS,), weight, bias, _EPSILON)


class E5Model(nn.Module):  # type: ignore[misc]  # torch is an extra, and not read
    """Tokens to rows, and rows to one vector of length 1."""

    def __init__(self, weights: Path) -> None:
        """`weights` is the GGUF of the embedder e5."""
        super().__init__()
        tensors = {
            tensor.name: torch.tensor(
                dequantize(tensor.data, tensor.tensor_type).reshape(tuple(reversed(tensor.shape.tolist())))
            )
            for tensor in gguf.GGUFReader(weights).tensors
        }
        self.register_buffer("words", tensors["token_embd.weight"])
        self.register_buffer("places", tensors["position_embd.weight"] + tensors["token_types.weight"][0])
        self.register_buffer("norm_weight", tensors["token_embd_norm.weight"])
        self.register_buffer("norm_bias", tensors["token_embd_norm.bias"])
        self.layers = nn.ModuleList(_Layer(tensors, number) for number in range(LAYERS))
        self.kind = torch.bfloat16 if bfloat16_is_faster() else torch.float32

    def precision(self) -> AbstractContextManager[Any]:
        """Within it products are of `kind`."""
        halves = self.kind is torch.bfloat16
        return torch.autocast("cpu", torch.bfloat16, enabled=halves)  # type: ignore[no-any-return]

    def rows(self, tokens: Tensor, there: Tensor) -> Tensor:
        """From int64 and bool of shape (n, t): float of shape (n, t, DIMENSIONS)."""
        rows = self.get_buffer("words")[tokens] + self.get_buffer("places")[: tokens.shape[1]]
        weight, bias = self.get_buffer("norm_weight"), self.get_buffer("norm_bias")
        rows = functional.layer_norm(rows, (DIMENSIONS,), weight, bias, _EPSILON)
        mask = there[:, None, None, :]
        for layer in self.layers:
            rows = layer(rows, mask)
        return rows.float()

    def trained(self) -> list[nn.Parameter]:
        """What is trained: the rest are buffers."""
        return list(self.parameters())

    def start_from(self, path: Path) -> None:
        """Take over an adapter that `save` wrote. Raises MutdaError where the file is none of this model."""
        try:
            given = self._given(gguf.GGUFReader(path))
            if any(mine.shape != theirs.shape for mine, theirs in given):
                raise ValueError("its matrices have other shapes")
            with torch.no_grad():
                for mine, theirs in given:
                    mine.copy_(theirs)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise MutdaError(f"{path} is not an adapter of this kind: {error}") from None

    def _given(self, read: gguf.GGUFReader) -> list[tuple[Tensor, Tensor]]:
        """What is trained, with what the file has for it."""
        tensors = {tensor.name: torch.tensor(tensor.data.astype(np.float32)) for tensor in read.tensors}
        return [(matrix, tensors[name]) for name, matrix in self._adapter()]

    def save(self, path: Path) -> None:
        """Write the adapter as llama.cpp reads adapters, overwriting the file."""
        writer = gguf.GGUFWriter(path, "bert")
        try:
            writer.add_type("adapter")
            writer.add_string("adapter.type", "lora")
            writer.add_float32("adapter.lora.alpha", float(RANK))
            self._describe(writer)
            for name, matrix in self._adapter():
                writer.add_tensor(name, matrix.detach().numpy().astype(np.float16))
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()

    def _describe(self, writer: gguf.GGUFWriter) -> None:
        """What else the file is to hold."""

    def _adapter(self) -> Iterator[tuple[str, nn.Parameter]]:
        for number, layer in enumerate(self.layers):
            for name in _MATRICES if number >= FROZEN else ():
                linear = layer.get_submodule(name)
                for side in ("a", "b"):
                    yield f"blk.{number}.{name}.weight.lora_{side}", linear.get_parameter(side)


class Training:
    """Steps on a model, going on from an adapter where there is one."""

    def __init__(self, model: E5Model, steps: int, *, start: Path | None = None) -> None:
        """Raises MutdaError where `start` is no adapter of the model."""
        if start is not None:
            model.start_from(start)
        model.train()
        self._parameters = model.trained()
        self._optimizer = torch.optim.AdamW(self._parameters, LEARNING_RATE, weight_decay=0.01)
        self._steps, self._done = steps, 0

    def step(self, loss: Tensor) -> None:
        """Move everything that is trained against the loss."""
        rate = min(1.0, (self._done + 1) / (WARM_UP * self._steps))
        rate *= (1 + math.cos(math.pi * self._done / self._steps)) / 2
        for group in self._optimizer.param_groups:
            group["lr"] = LEARNING_RATE * rate
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._done += 1


@cache
def bfloat16_is_faster() -> bool:
    """Whether this machine multiplies bfloat16 clearly faster than float32.

    Tried, and not asked: torch has no public word for it. With instructions for it half precision takes less
    than half the time; without (AVX2 alone) it takes a hundred times as long, and torch says nothing.
    """
    return product_s(torch.bfloat16) * CLEARLY < product_s(torch.float32)


def product_s(kind: torch.dtype) -> float:
    """Seconds that a product of a small batch's size takes, at best."""
    left, right = torch.ones(512, DIMENSIONS, dtype=kind), torch.ones(DIMENSIONS, 4 * DIMENSIONS, dtype=kind)
    taken_s = []
    for _ in range(3):
        started = time.perf_counter()
        left @ right
        taken_s.append(time.perf_counter() - started)
    return min(taken_s)


def pooled(rows: Tensor, there: Tensor) -> Tensor:
    """The mean of the rows of shape (n, t, d) that are there, of length 1: shape (n, d)."""
    share = there.float()[..., None]
    return functional.normalize((rows * share).sum(1) / share.sum(1), dim=-1)


def padded(texts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Tokens of several texts to int64 and bool of shape (n, t)."""
    longest = max(map(len, texts))
    tokens = torch.full((len(texts), longest), PADDING)
    there = torch.zeros(len(texts), longest, dtype=torch.bool)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = torch.tensor(text)
        there[row, : len(text)] = True
    return tokens, there
