from pathlib import Path

import pytest
from stand_ins.tiny_gguf import QWEN, write_gguf

from app.errors import ModelError
from app.models.gguf_header import quantization_of, read_gguf_header
from app.models.memory import (
    COMPUTE_BYTES,
    available_bytes,
    fits,
    kv_cache_bytes,
    needed_bytes,
    resident_bytes,
    total_bytes,
)

LLAMA3 = {
    "general.architecture": "llama",
    "llama.block_count": 32,
    "llama.embedding_length": 4096,
    "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8,
}


def test_the_cache_of_models_whose_size_is_known() -> None:
    assert kv_cache_bytes(QWEN, 4096) == 117_440_512  # 112 MiB, as llama.cpp prints for these weights
    assert kv_cache_bytes(LLAMA3, 8192) == 1 << 30  # 1 GiB: 32 layers, 8 heads of 128, 8,192 tokens


def test_heads_that_differ_by_layer_and_lengths_that_are_given() -> None:
    info = LLAMA3 | {
        "llama.attention.head_count_kv": [8] * 16 + [0] * 16,
        "llama.attention.key_length": 64,
        "llama.attention.value_length": 128,
    }
    assert kv_cache_bytes(info, 1000) == 1000 * 16 * 8 * (64 + 128) * 2


@pytest.mark.parametrize("name", ["general.architecture", "llama.block_count", "llama.embedding_length"])
def test_metadata_that_does_not_say(name: str) -> None:
    info = {key: value for key, value in LLAMA3.items() if key != name}
    assert kv_cache_bytes(info, 4096) is None
    assert needed_bytes(5_000_000_000, info, 4096) is None


def test_whether_it_fits() -> None:
    needed = needed_bytes(4_920_734_656, LLAMA3, 4096)
    assert needed == 4_920_734_656 + (1 << 29) + COMPUTE_BYTES
    assert fits(needed, needed) is True
    assert fits(needed, needed - 1) is False
    assert fits(None, 1) is None and fits(1, None) is None


def test_what_the_system_says(tmp_path: Path) -> None:
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:       24684000 kB\nMemAvailable:   20000000 kB\n")
    assert available_bytes(said) == 20_000_000 * 1024
    assert total_bytes(said) == 24_684_000 * 1024
    said.write_text("MemTotal:       24684000 kB\n")
    assert available_bytes(said) == 24_684_000 * 1024
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmRSS:\t   15004 kB\n")
    assert resident_bytes(status) == 15_004 * 1024
    assert resident_bytes(tmp_path / "nothing") is None


def test_a_header_without_its_arrays(tmp_path: Path) -> None:
    header = read_gguf_header(write_gguf(tmp_path / "x.gguf", QWEN))
    assert header == {key: value for key, value in QWEN.items() if not isinstance(value, list)}
    assert quantization_of(header) == "Q4_K_M"
    assert quantization_of({}) == "" == quantization_of({"general.file_type": 999})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html></html>", "it does not begin with GGUF"),
        (b"GGUF\x09\x00\x00\x00" + bytes(16), "an unknown version"),
        (b"GGUF\x03\x00\x00\x00" + bytes(8) + b"\xff" * 8, "its metadata is damaged"),
        (b"GGUF\x03\x00\x00\x00" + bytes(8) + b"\x01" + bytes(7) + b"\xff" * 7 + b"\x00", "it is cut off"),
        (b"GGUF\x03", "unpack_from requires"),
        (b"", "cannot mmap an empty file"),
    ],
)
def test_what_is_no_gguf(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_gguf_header(path)
    assert str(caught.value).startswith(f"{path} cannot be read as a GGUF file: {reason}")
