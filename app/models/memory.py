"""How much memory a model takes, and how much there is."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KV_ELEMENT_BYTES = 2
"""Keys and values are kept as F16 unless the server is told otherwise (OLLAMA_KV_CACHE_TYPE)."""

COMPUTE_BYTES = 300_000_000
"""Buffers beside weights and cache: what was measured, rounded up (docs/models.md)."""


def kv_cache_bytes(info: Mapping[str, Any], context_tokens: int) -> int | None:
    """Bytes of the KV cache of a GGUF's metadata (`model_info` of /api/show has the same names).

    tokens x layers x KV heads x (key length + value length) x 2 bytes: llama.cpp allocates one K and one V
    tensor of n_embd_k_gqa and n_embd_v_gqa a layer and cell (src/llama-kv-cache.cpp), and Ollama reckons the
    same (fs/ggml/ggml.go, GraphSize). Layers with a sliding window take less: this is the upper bound.
    None where the metadata does not say.
    """
    architecture = info.get("general.architecture")

    def of(name: str) -> Any:
        return info.get(f"{architecture}.{name}")

    layers, heads, width = of("block_count"), of("attention.head_count"), of("embedding_length")
    kv_heads = of("attention.head_count_kv") or heads
    if not layers or not kv_heads:
        return None
    # A list has one number for each layer.
    all_heads = sum(kv_heads) if isinstance(kv_heads, list) else layers * kv_heads
    head = width // heads if width and isinstance(heads, int) and heads else 0
    key, value = of("attention.key_length") or head, of("attention.value_length") or head
    if not key or not value:
        return None
    return int(context_tokens * all_heads * (key + value) * KV_ELEMENT_BYTES)


def needed_bytes(size_bytes: int, info: Mapping[str, Any], context_tokens: int) -> int | None:
    """Weights, KV cache and buffers of a model with one slot; None where the metadata does not say."""
    cache = kv_cache_bytes(info, context_tokens)
    return None if cache is None else size_bytes + cache + COMPUTE_BYTES


def fits(needed: int | None, available: int | None) -> bool | None:
    """Whether it can be loaded now; None where either is unknown."""
    return None if needed is None or available is None else needed <= available


def available_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Memory to be had without swapping (Linux); elsewhere all there is; None where that is unknown."""
    if (found := _meminfo(meminfo, "MemAvailable")) is not None:
        return found
    return total_bytes(meminfo)


def total_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """The machine's memory; None where the system does not say."""
    if (found := _meminfo(meminfo, "MemTotal")) is not None:
        return found
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def resident_bytes(status: Path = Path("/proc/self/status")) -> int | None:
    """Memory that this process holds; None where the system does not say."""
    return _meminfo(status, "VmRSS")


def _meminfo(path: Path, name: str) -> int | None:
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            key, colon, rest = line.partition(":")
            if colon and key == name:
                return int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
