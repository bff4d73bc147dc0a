from pathlib import Path

import faiss
import numpy as np
import pytest

from app.corpus.faiss_index import DenseIndex
from app.corpus.passage import Chunk
from app.corpus.records import Document
from app.corpus.schema import STORE_NAME
from app.corpus.store import Store

_DIMENSIONS = 8


def _put(store: Store, path: str, *axes: int) -> None:
    """A document with a chunk for each axis, whose vector is that axis."""
    document = Document(
        path=path,
        given=path,
        name=path,
        sha256=path,
        size_bytes=0,
        mtime_ns=0,
        checked_ns=0,
        loader="text",
        title="",
        ingested_at="",
    )
    chunks = [Chunk(text=str(axis), title="", section=(), page=None, start=0, end=1) for axis in axes]
    with store.writing():
        store.put_document(document, chunks, np.eye(_DIMENSIONS, dtype=np.float32)[list(axes)])


def _axis(number: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.eye(_DIMENSIONS, dtype=np.float32)[number]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.to_write(tmp_path / STORE_NAME)
    _put(store, "/a", 0, 1)
    _put(store, "/b", 2)
    return store


def _saved(folder: Path) -> list[Path]:
    return sorted(folder.glob("index-*"))


def test_search_is_exact(store: Store) -> None:
    index = DenseIndex.build(store, _DIMENSIONS)
    assert index.search(_axis(2), 1) == [3]
    query = np.array([3, 2, 1, 0, 0, 0, 0, 0], dtype=np.float32)
    assert index.search(query / np.linalg.norm(query), 50) == [1, 2, 3]
    assert np.array_equal(index.vectors([3, 1]), np.stack([_axis(2), _axis(0)]))


@pytest.fixture
def by_sentence(tmp_path: Path) -> Store:
    """One chunk of two sentences, one of a single vector, one of three sentences."""
    store = Store.to_write(tmp_path / STORE_NAME)
    whole = (_axis(0) + _axis(1)) / np.float32(np.sqrt(2))
    vectors = [np.stack([whole, _axis(0), _axis(1)]), _axis(2), np.stack([_axis(n) for n in (3, 4, 5, 6)])]
    document = Document(
        path="/s", given="", name="s", sha256="", size_bytes=0, mtime_ns=0, checked_ns=0, loader="text",
        title="", ingested_at="",
    )  # fmt: skip
    chunks = [Chunk(text=str(n), title="", section=(), page=None, start=0, end=1) for n in range(3)]
    with store.writing():
        store.put_document(document, chunks, vectors)
    return store


def test_a_sentence_finds_its_chunk_once(by_sentence: Store) -> None:
    index = DenseIndex.build(by_sentence, _DIMENSIONS)
    assert index.search(_axis(1), 2)[0] == 1
    assert sorted(index.search(_axis(5), 3)) == [1, 2, 3]
    assert index.search(_axis(5), 1) == [3]


def test_likeness_is_the_mean_of_the_whole_and_its_best_sentence(by_sentence: Store) -> None:
    index = DenseIndex.build(by_sentence, _DIMENSIONS)
    assert index.likeness([3, 1, 2], _axis(1)) == pytest.approx([0.0, (np.sqrt(0.5) + 1) / 2, 0.0])
    assert index.likeness([2], _axis(2)) == pytest.approx([1.0]), "one vector is the whole and its sentence"
    assert index.likeness([2, 3], -_axis(2)) == pytest.approx([-1.0, 0.0])
    assert index.likeness([], _axis(2)).shape == (0,)
    assert np.array_equal(index.vectors([3, 2]), np.stack([_axis(3), _axis(2)])), "of the whole"


def test_an_index_by_sentence_is_kept_and_follows(by_sentence: Store, tmp_path: Path) -> None:
    index = DenseIndex.build(by_sentence, _DIMENSIONS)
    assert index.save(tmp_path)
    kept = DenseIndex.open(tmp_path, by_sentence, _DIMENSIONS)
    assert kept.likeness([1, 2, 3], _axis(0)) == pytest.approx(index.likeness([1, 2, 3], _axis(0)))
    _put(by_sentence, "/s", 7)
    _put(by_sentence, "/t", 6, 5)
    kept.refresh(by_sentence, _DIMENSIONS)
    assert kept.search(_axis(7), 9)[0] == 4
    assert kept.likeness([6, 4, 5], _axis(5)) == pytest.approx([1.0, 0.0, 0.0])


def test_an_empty_collection_has_an_empty_index() -> None:
    index = DenseIndex.build(Store.in_memory(), _DIMENSIONS)
    assert index.search(_axis(0), 5) == []
    assert index.vectors([]).shape == (0, _DIMENSIONS)


def test_refresh_follows_additions_replacements_and_deletions(store: Store) -> None:
    index = DenseIndex.build(store, _DIMENSIONS)
    _put(store, "/a", 4)
    _put(store, "/c", 5)
    with store.writing():
        store.delete_document(2)
    index.refresh(store, _DIMENSIONS)
    assert index.stamp == store.stamp()
    assert index.search(_axis(4), 9) == [4, 5]
    assert index.search(_axis(5), 1) == [5]
    assert set(index.search(_axis(2), 9)) == {4, 5}


def test_a_saved_index_is_opened_and_the_one_before_removed(store: Store, tmp_path: Path) -> None:
    assert DenseIndex.build(store, _DIMENSIONS).save(tmp_path)
    (first,) = _saved(tmp_path)
    assert DenseIndex.is_saved(tmp_path, store.stamp())
    _put(store, "/c", 5)
    assert not DenseIndex.is_saved(tmp_path, store.stamp())
    assert DenseIndex.open(tmp_path, store, _DIMENSIONS).search(_axis(5), 1) == [4]
    assert DenseIndex.build(store, _DIMENSIONS).save(tmp_path)
    (tmp_path / "index-9-0.new").write_bytes(b"left by a crash")
    DenseIndex.remove_others(tmp_path, store.stamp())
    (second,) = _saved(tmp_path)
    assert first != second
    assert DenseIndex.is_saved(tmp_path, store.stamp())


def test_the_saved_index_is_what_is_opened(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DenseIndex.build(store, _DIMENSIONS).save(tmp_path)
    monkeypatch.setattr(store, "vectors", None)
    assert DenseIndex.open(tmp_path, store, _DIMENSIONS).search(_axis(2), 1) == [3]


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(b"\xff" * path.stat().st_size)


def _other_kind(path: Path) -> None:
    index = faiss.IndexFlatL2(_DIMENSIONS)
    index.add(np.zeros((4, _DIMENSIONS), dtype=np.float32))
    faiss.write_index(index, str(path))


def _other_ids(path: Path) -> None:
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(_DIMENSIONS))
    index.add_with_ids(np.zeros((3, _DIMENSIONS), dtype=np.float32), np.array([7, 8, 9]))
    faiss.write_index(index, str(path))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage", [_truncated, _empty, _noise, _other_kind, _other_ids, _folder, Path.unlink]
)
def test_a_damaged_index_is_built_anew(store: Store, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    DenseIndex.build(store, _DIMENSIONS).save(tmp_path)
    damage(_saved(tmp_path)[0])
    assert DenseIndex.open(tmp_path, store, _DIMENSIONS).search(_axis(2), 1) == [3]


def test_an_index_that_cannot_be_saved_is_no_error(store: Store, tmp_path: Path) -> None:
    assert not DenseIndex.build(store, _DIMENSIONS).save(tmp_path / "nowhere")
