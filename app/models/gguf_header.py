"""The metadata at the start of a GGUF file, without its arrays.

The gguf package makes an object of every token of the vocabulary: 7.4 s for the embedded weights, where
this takes .1 s. Format: ggml's docs/gguf.md, version 3 (and 2, which differs in nothing read here).
"""

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.errors import ModelError

_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_KEYS_MAX = 10_000

# general.file_type, of which llama.h's enum llama_ftype has many; the ones that people come across.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    25: "IQ4_NL", 30: "IQ4_XS", 32: "BF16",
}  # fmt: skip


def trained_tokens(info: Mapping[str, Any]) -> int | None:
    """How long a context the model was trained for, of the metadata; None where they do not say."""
    value = info.get(f"{info.get('general.architecture')}.context_length")
    return value if isinstance(value, int) and value > 0 else None


def read_gguf_header(path: Path) -> dict[str, Any]:
    """Names and values of the metadata; an array is left out. Raises ModelError for what is no GGUF."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header()
    except (OSError, ValueError, struct.error, IndexError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read as a GGUF file: {error}") from error


def quantization_of(header: dict[str, Any]) -> str:
    """The quantisation by its usual name; empty when the file does not say or the number is unknown."""
    return _FILE_TYPES.get(header.get("general.file_type", -1), "")


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def header(self) -> dict[str, Any]:
        if self._data[:4] != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        self._at = 4
        if self._number("<I") not in (2, 3):
            raise ValueError("an unknown version")
        self._number("<Q")  # tensors
        count = self._number("<Q")
        if count > _KEYS_MAX:
            raise ValueError("its metadata is damaged")
        found: dict[str, Any] = {}
        for _ in range(count):
            name = self._string()
            kind = self._number("<I")
            if kind == _ARRAY:
                self._skip_array()
            elif kind == _STRING:
                found[name] = self._string()
            else:
                found[name] = self._number(_SCALARS[kind]) if kind in _SCALARS else self._unknown(kind)
        return found

    def _number(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return value

    def _string(self) -> str:
        length = self._number("<Q")
        if self._at + length > len(self._data):
            raise ValueError("it is cut off")
        text = self._data[self._at : self._at + length].decode("utf-8", "replace")
        self._at += length
        return text

    def _skip_array(self) -> None:
        kind, count = self._number("<I"), self._number("<Q")
        if kind in _SCALARS:
            self._at += count * struct.calcsize(_SCALARS[kind])
        elif kind == _STRING:
            for _ in range(count):
                self._at += 8 + struct.unpack_from("<Q", self._data, self._at)[0]
        else:
            self._unknown(kind)

    def _unknown(self, kind: int) -> Any:
        raise ValueError(f"metadata of an unknown kind {kind}")
