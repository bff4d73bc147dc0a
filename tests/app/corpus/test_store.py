import sqlite3
from pathlib import Path

import numpy as np
import pytest

from app.corpus.passage import Chunk
from app.corpus.records import Document
from app.corpus.schema import STORE_NAME
from app.corpus.store import Store
from app.errors import CorpusError


def _document(path: str, sha256: str = "0") -> Document:
    return Document(
        path=path,
        given=path,
        name=path,
        sha256=sha256,
        size_bytes=1,
        mtime_ns=2,
        checked_ns=3,
        loader="text",
        title="제목",
        notes=("둘",),
        ingested_at="2026-01-01T00:00:00+00:00",
    )


def _chunks(*texts: str) -> list[Chunk]:
    return [Chunk(text=text, title="제목", section=("1장",), page=None, start=0, end=9) for text in texts]


def _vectors(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.eye(4, dtype=np.float32)[:count]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.to_write(tmp_path / STORE_NAME)


def test_a_document_comes_back_as_it_went_in(store: Store) -> None:
    with store.writing():
        store.put_document(_document("/a"), _chunks("보증 기간", "환불"), _vectors(2))
    (document,) = store.documents()
    assert document == Document(**{**_document("/a").__dict__, "id": 1})
    chunk = store.chunks([1, 99])[1]
    assert (chunk.source, chunk.heading, chunk.section, chunk.text) == (
        "/a",
        "제목 > 1장",
        "1장",
        "보증 기간",
    )
    ids, vectors = store.vectors(4)
    assert ids.tolist() == [1, 2]
    assert np.array_equal(vectors, _vectors(2))


def test_replacing_a_document_leaves_nothing_of_the_old_one(store: Store) -> None:
    with store.writing():
        store.put_document(_document("/a"), _chunks("보증 기간", "환불"), _vectors(2))
    with store.writing():
        store.put_document(_document("/a"), _chunks("배송"), _vectors(1))
    assert store.counts() == (1, 1)
    assert store.keyword_search(["보증"], 9) == {}
    assert store.document_frequencies(["보증", "배송", "제목"]) == {"보증": 0, "배송": 1, "제목": 1}
    # Ids do not come back.
    assert store.vector_ids(4).tolist() == [3]


def test_keywords_rank_by_rarity_and_ask_for_any(store: Store) -> None:
    with store.writing():
        store.put_document(_document("/a"), _chunks("보증 기간", "배송 기간", "설치 기간"), _vectors(3))
    found = store.keyword_search(["기간", "배송"], 9)
    assert list(found) == [2, 1, 3]
    assert found[2] > found[1] > 0
    assert len(store.keyword_search(["기간"], 2)) == 2
    assert store.keyword_search([], 9) == {}


def test_a_generation_is_a_committed_change(store: Store) -> None:
    first = store.stamp()
    with store.writing():
        store.put_document(_document("/a"), _chunks("보증"), _vectors(1))
        store.put_document(_document("/b"), _chunks("보증"), _vectors(1))
    second = store.stamp()
    assert (first.generation, second.generation) == (0, 1)
    assert first.state != second.state
    with store.writing():
        store.touch_document(1, size_bytes=1, mtime_ns=9, checked_ns=9)
    assert store.stamp() == second


def test_an_error_takes_the_whole_change_back(store: Store) -> None:
    with store.writing():
        store.put_document(_document("/a"), _chunks("보증"), _vectors(1))
    stamp = store.stamp()
    with pytest.raises(ValueError, match="2 chunks, 1 vectors"), store.writing():
        store.put_document(_document("/b"), _chunks("배송"), _vectors(1))
        store.delete_document(1)
        store.put_document(_document("/c"), _chunks("하나", "둘"), _vectors(1))
    assert [document.path for document in store.documents()] == ["/a"]
    assert store.stamp() == stamp
    assert list(store.keyword_search(["보증"], 9)) == [1]


def test_a_reader_sees_one_state_while_another_writes(store: Store, tmp_path: Path) -> None:
    reader = Store.to_read(tmp_path / STORE_NAME)
    with reader.reading():
        assert reader.counts() == (0, 0)
        with store.writing():
            store.put_document(_document("/a"), _chunks("보증"), _vectors(1))
        assert reader.counts() == (0, 0)
        assert reader.keyword_search(["보증"], 9) == {}
    assert reader.counts() == (1, 1)


def test_a_reader_cannot_write(store: Store, tmp_path: Path) -> None:
    reader = Store.to_read(tmp_path / STORE_NAME)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.set_meta("a", "b")


def test_vectors_are_found_again_by_text_and_content(store: Store) -> None:
    with store.writing():
        store.put_document(_document("/a", "aa"), _chunks("보증"), _vectors(1))
        store.put_document(_document("/b", "bb"), _chunks("배송"), _vectors(1))
    text = "제목 > 1장\n보증"
    assert list(store.vectors_by_text(path="/a", sha256="new", dimensions=4)) == [text]
    assert list(store.vectors_by_text(path="/copy", sha256="aa", dimensions=4)) == [text]
    assert store.vectors_by_text(path="/copy", sha256="new", dimensions=4) == {}


def test_a_file_that_is_no_collection_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes" / STORE_NAME
    with pytest.raises(CorpusError) as caught:
        Store.to_read(path)
    assert str(caught.value) == (
        'There is no collection "notes" yet. Make it from your documents: mutda ingest PATH...'
    )
    path.parent.mkdir()
    path.write_bytes(b"no database" * 100)
    for opening in (Store.to_read, Store.to_write):
        with pytest.raises(CorpusError) as caught:
            opening(path)
        assert str(caught.value) == (
            f'The collection in "{path.parent}" is damaged (file is not a database). '
            "Move that folder away and ingest the documents again."
        )


def test_another_format_is_refused(store: Store, tmp_path: Path) -> None:
    store.set_meta("schema", "99")
    for opening in (Store.to_read, Store.to_write):
        with pytest.raises(CorpusError) as caught:
            opening(tmp_path / STORE_NAME)
        assert str(caught.value) == (
            f'The collection in "{tmp_path}" was made by another version of Mutda (format 99, '
            "this one reads 2). Move that folder away and ingest the documents again."
        )
