"""The beginning of a GGUF file: metadata, no weights."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

QWEN = {
    "general.architecture": "qwen2",
    "general.file_type": 15,
    "qwen2.block_count": 28,
    "qwen2.context_length": 32768,
    "qwen2.embedding_length": 1536,
    "qwen2.attention.head_count": 12,
    "qwen2.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["가", "나"],
    "tokenizer.ggml.scores": [0.5, 0.25],
    "tokenizer.chat_template": "{{ messages }}",
}


def write_gguf(path: Path, metadata: Mapping[str, Any], *, version: int = 3) -> Path:
    """Write `metadata`: text, whole numbers, floats, and lists of text or of floats."""
    parts = [b"GGUF", struct.pack("<IQQ", version, 0, len(metadata))]
    for name, value in metadata.items():
        parts += [_text(name), *_value(value)]
    path.write_bytes(b"".join(parts))
    return path


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> list[bytes]:
    if isinstance(value, str):
        return [struct.pack("<I", 8), _text(value)]
    if isinstance(value, float):
        return [struct.pack("<If", 6, value)]
    if isinstance(value, int):
        return [struct.pack("<II", 4, value)]
    kind = 8 if isinstance(value[0], str) else 6
    items = [_text(item) if kind == 8 else struct.pack("<f", item) for item in value]
    return [struct.pack("<IIQ", 9, kind, len(value)), *items]
