import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.corpus.collection import Collection
from app.corpus.ingest import ingest
from app.corpus.load import load
from app.corpus.lock import ingest_lock
from app.corpus.passage import LoadedDocument
from app.corpus.report import IngestReport, Progress
from app.corpus.schema import STORE_NAME
from app.errors import CorpusError, EmbedderMismatchError, LoadError, LockedError, ModelError
from app.models.embedder import Vectors
from app.models.embedders.toy import ToyEmbedder


class CountingEmbedder(ToyEmbedder):
    """Remembers what it was asked for."""

    def __init__(self, dimensions: int = 16) -> None:
        super().__init__(dimensions)
        self.texts: list[str] = []
        self.threads: set[str] = set()

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        self.threads.add(threading.current_thread().name)
        return super().embed(texts)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name, text in (
        ("a", "보증 기간은 1년입니다."),
        ("b", "배송은 사흘 걸립니다."),
        ("c", "환불은 2주입니다."),
    ):
        (docs / f"{name}.txt").write_text(text)
    settle(docs)
    return docs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "collections" / "notes"


def settle(docs: Path) -> None:
    """Make the files an hour old: younger ones are read again to be sure."""
    for path in docs.rglob("*.txt"):
        time_ns = path.stat().st_mtime_ns - 3_600_000_000_000
        os.utime(path, ns=(time_ns, time_ns))


def run(folder: Path, *paths: Path, **options) -> IngestReport:  # type: ignore[no-untyped-def]
    options.setdefault("probe", lambda embedder: 0.5)
    return ingest(folder, paths, options.pop("embedder", None) or ToyEmbedder(16), **options)


def texts(folder: Path) -> dict[str, list[str]]:
    with sqlite3.connect(folder / STORE_NAME) as db:
        found: dict[str, list[str]] = {row[0]: [] for row in db.execute("SELECT name FROM documents")}
        for name, text in db.execute(
            "SELECT d.name, c.text FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY ordinal"
        ):
            found[name].append(text)
    return found


def refuse(path: Path) -> LoadedDocument:
    raise AssertionError(f"{path} was read")


def test_a_folder_becomes_a_collection(folder: Path, docs: Path) -> None:
    (docs / "photo.jpg").write_bytes(b"\xff")
    report = run(folder, docs)
    assert (report.added, report.updated, report.unchanged, report.pruned) == (3, 0, 0, 0)
    assert (report.chunks, report.skipped, report.failed) == (3, 1, ())
    assert report.size_bytes == sum(path.stat().st_size for path in docs.glob("*.txt"))
    assert report.seconds >= report.embed_seconds > 0
    assert texts(folder) == {
        "docs/a.txt": ["보증 기간은 1년입니다."],
        "docs/b.txt": ["배송은 사흘 걸립니다."],
        "docs/c.txt": ["환불은 2주입니다."],
    }
    assert folder.stat().st_mode & 0o077 == 0


def test_what_did_not_change_is_not_opened(folder: Path, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder, docs)
    embedder = CountingEmbedder()
    monkeypatch.setattr("app.corpus.changes._digest", refuse)
    report = run(folder, docs, embedder=embedder, load=refuse)
    assert (report.unchanged, report.added, report.chunks) == (3, 0, 0)
    assert embedder.texts == []


def test_a_new_time_alone_is_noted_and_changes_nothing_else(
    folder: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, docs)
    settle(docs)
    with Collection.open(folder, ToyEmbedder(16)) as collection:
        generation = collection.status().generation
        assert run(folder, docs, load=refuse).unchanged == 3
        assert collection.status().generation == generation
    monkeypatch.setattr("app.corpus.changes._digest", refuse)
    assert run(folder, docs, load=refuse).unchanged == 3


def test_a_change_within_the_clocks_tick_is_seen(
    folder: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the disk's clock had ticked less than that before, however slow this machine is.
    monkeypatch.setattr("app.corpus.changes._SETTLED_NS", 600 * 10**9)
    path = docs / "a.txt"
    path.write_text("보증 기간은 1년입니다.")
    status = path.stat()
    run(folder, docs)
    path.write_text("보증 기간은 2년입니다.")
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert run(folder, docs).updated == 1
    assert texts(folder)["docs/a.txt"] == ["보증 기간은 2년입니다."]


def test_a_changed_file_replaces_its_old_self(folder: Path, docs: Path) -> None:
    run(folder, docs)
    (docs / "a.txt").write_text("수리 기간은 3일입니다.")
    report = run(folder, docs)
    assert (report.added, report.updated, report.unchanged) == (0, 1, 2)
    assert texts(folder)["docs/a.txt"] == ["수리 기간은 3일입니다."]
    with Collection.open(folder, ToyEmbedder(16), dense_weight=0.0) as collection:
        assert collection.search("보증") == []


def test_only_chunks_whose_text_changed_are_embedded(folder: Path, docs: Path) -> None:
    paragraphs = [f"{number}번째 문단입니다. " + "내용이 이어집니다. " * 20 for number in range(8)]
    (docs / "long.txt").write_text("\n\n".join(paragraphs))
    run(folder, docs)
    paragraphs[3] = "바뀐 문단입니다. " + "다른 내용이 이어집니다. " * 15
    (docs / "long.txt").write_text("\n\n".join(paragraphs))
    embedder = CountingEmbedder()
    report = run(folder, docs, embedder=embedder)
    assert report.updated == 1
    assert 0 < len(embedder.texts) < report.chunks
    assert any("바뀐 문단" in text for text in embedder.texts)
    assert not any("5번째" in text for text in embedder.texts)
    fresh = folder.parent / "fresh"
    run(fresh, docs)
    assert _vectors(folder) == _vectors(fresh)


class BySentence(CountingEmbedder):
    by_sentence = True  # type: ignore[assignment]


def test_sentences_get_vectors_of_their_own_and_keep_them(folder: Path, tmp_path: Path) -> None:
    docs = tmp_path / "handbook"
    docs.mkdir()
    text = "연차는 17일이다. 병가는 30일이다."
    (docs / "휴가.txt").write_text(text)
    (docs / "출장.txt").write_text("일비는 34,000원이다.")
    embedder = BySentence(16)
    run(folder, docs, embedder=embedder)
    assert sorted(embedder.texts) == [
        "출장\n일비는 34,000원이다.",
        f"휴가\n{text}",
        "휴가: 병가는 30일이다.",
        "휴가: 연차는 17일이다.",
    ]
    with Collection.open(folder, BySentence(16), dense_weight=1.0) as collection:
        best = collection.search("휴가: 병가는 30일이다.", k=2)
        assert [passage.heading for passage in best] == ["휴가", "출장"]
    (docs / "휴가.txt").write_text(text.replace("30일", "60일"))
    again = BySentence(16)
    run(folder, docs, embedder=again)
    assert sorted(again.texts) == ["휴가\n연차는 17일이다. 병가는 60일이다.", "휴가: 병가는 60일이다."]
    run(folder, docs, embedder=BySentence(8), rebuild=True)
    fresh = tmp_path / "collections" / "fresh"
    run(fresh, docs, embedder=BySentence(8))
    assert _vectors(folder) == _vectors(fresh)


def test_equal_files_are_two_sources(folder: Path, docs: Path) -> None:
    run(folder, docs)
    (docs / "copy.txt").write_text((docs / "a.txt").read_text())
    assert run(folder, docs).added == 1
    assert texts(folder)["docs/copy.txt"] == texts(folder)["docs/a.txt"]
    (docs / "a.txt").unlink()
    run(folder, docs, prune=True)
    assert "docs/a.txt" not in texts(folder)
    assert texts(folder)["docs/copy.txt"] == ["보증 기간은 1년입니다."]


def test_gone_files_are_told_and_pruned_only_on_request(folder: Path, docs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("다른 폴더의 글입니다.")
    run(folder, docs, other)
    (docs / "a.txt").unlink()
    other.unlink()
    report = run(folder, docs)
    assert (report.missing, report.pruned) == (1, 0)
    assert "docs/a.txt" in texts(folder)
    report = run(folder, docs, prune=True)
    assert (report.missing, report.pruned) == (0, 1)
    # What lies outside the given paths stays.
    assert sorted(texts(folder)) == ["docs/b.txt", "docs/c.txt", "other.txt"]
    report = run(folder, other, prune=True)
    assert (report.pruned, report.failed) == (1, ())
    assert run(folder, other, prune=True).failed == ((str(other), "there is no such file or folder"),)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that this user cannot read")
def test_a_folder_that_cannot_be_read_is_not_pruned(folder: Path, docs: Path) -> None:
    run(folder, docs)
    docs.chmod(0)
    try:
        report = run(folder, docs, prune=True)
    finally:
        docs.chmod(0o700)
    assert report.pruned == 0
    assert report.failed == ((str(docs), "cannot be read (Permission denied)"),)


def test_a_file_that_fails_is_told_and_its_old_version_stays(folder: Path, docs: Path) -> None:
    run(folder, docs)

    def load_but_a(path: Path) -> LoadedDocument:
        if path.name == "a.txt":
            raise LoadError("a.txt: broken\nbeyond repair")
        return load(path)

    for name in "ab":
        (docs / f"{name}.txt").write_text(f"새 {name}")
    report = run(folder, docs, load=load_but_a)
    assert report.failed == ((str(docs / "a.txt"), "a.txt: broken beyond repair"),)
    assert (report.updated, report.unchanged) == (1, 1)
    assert texts(folder)["docs/a.txt"] == ["보증 기간은 1년입니다."]
    assert texts(folder)["docs/b.txt"] == ["새 b"]
    assert run(folder, docs).updated == 1


def test_a_bug_in_a_loader_is_not_hidden_and_what_was_stored_stays(folder: Path, docs: Path) -> None:
    run(folder, docs)

    def load_with_bug(path: Path) -> LoadedDocument:
        raise KeyError("bug")

    (docs / "a.txt").write_text("새 글")
    with pytest.raises(KeyError, match="bug"):
        run(folder, docs, load=load_with_bug)
    assert len(texts(folder)) == 3
    assert run(folder, docs).updated == 1


def test_an_embedder_that_dies_loses_nothing_that_was_committed(folder: Path, docs: Path) -> None:
    run(folder, docs)

    class Dying(ToyEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            raise ModelError("gone")

    (docs / "a.txt").write_text("새 글")
    with pytest.raises(ModelError, match="gone"):
        run(folder, docs, embedder=Dying(16))
    assert texts(folder)["docs/a.txt"] == ["보증 기간은 1년입니다."]
    assert run(folder, docs).updated == 1


def test_many_files_are_embedded_in_one_thread_beside_and_told_as_they_go(folder: Path, docs: Path) -> None:
    for number in range(700):
        (docs / f"n{number:03d}.txt").write_text(f"{number}번 문서")
    embedder = CountingEmbedder()
    seen: list[Progress] = []
    report = run(folder, docs, embedder=embedder, on_progress=seen.append)
    assert report.added == report.chunks == len(embedder.texts) == 703
    assert embedder.threads == {"embed_0"}
    assert [step.files_done for step in seen] == sorted(step.files_done for step in seen)
    assert (seen[-1].files_done, seen[-1].files_total, seen[-1].texts_done) == (703, 703, 703)
    assert seen[-1].path == str(docs / "n699.txt")
    assert all(step.texts_done <= step.texts_total for step in seen) and seen[-1].texts_total == 703


def test_embedding_anew_tells_how_much_there_is(folder: Path, docs: Path) -> None:
    run(folder, docs)
    seen: list[Progress] = []
    run(folder, docs, rebuild=True, on_progress=seen.append)
    assert (seen[0].texts_done, seen[0].texts_total) == (3, 3)


def test_another_ingest_waits_outside(folder: Path, docs: Path) -> None:
    run(folder, docs)
    with ingest_lock(folder), pytest.raises(LockedError, match='is writing to "notes"'):
        run(folder, docs)


def test_another_embedder_is_refused_and_nothing_is_touched(folder: Path, docs: Path) -> None:
    run(folder, docs)
    before = _vectors(folder)
    with pytest.raises(EmbedderMismatchError) as caught:
        run(folder, docs, embedder=ToyEmbedder(8))
    assert str(caught.value) == (
        'The collection "notes" was made with the embedder "toy:16", not with "toy:8". '
        "Choose that embedder again, or embed the collection anew: mutda ingest PATH... --rebuild"
    )
    assert _vectors(folder) == before


def test_rebuild_embeds_the_stored_texts_even_of_files_that_are_gone(folder: Path, docs: Path) -> None:
    run(folder, docs, probe=lambda embedder: 0.2)
    (docs / "a.txt").unlink()
    report = run(folder, docs, embedder=ToyEmbedder(8), rebuild=True, probe=lambda embedder: 0.9)
    assert (report.added, report.updated, report.missing) == (0, 0, 1)
    with Collection.open(folder, ToyEmbedder(8)) as collection:
        status = collection.status()
        assert (status.embedder, status.dimensions, status.probe, status.chunks) == ("toy:8", 8, 0.9, 3)
        assert collection.search("보증")[0].source == "docs/a.txt"
    vectors = _vectors(folder)
    expected = ToyEmbedder(8).embed(["a\n보증 기간은 1년입니다."])[0]
    assert np.array_equal(vectors["보증 기간은 1년입니다."], expected.tolist())


def test_a_rebuild_that_fails_leaves_the_collection_as_it_was(folder: Path, docs: Path) -> None:
    for number in range(600):
        (docs / f"n{number}.txt").write_text(f"{number}번 문서")
    run(folder, docs)
    before = _vectors(folder)

    class Dying(ToyEmbedder):
        calls = 0

        def embed(self, texts: Sequence[str]) -> Vectors:
            self.calls += 1
            if self.calls == 2:
                raise ModelError("gone")
            return super().embed(texts)

    with pytest.raises(ModelError, match="gone"):
        run(folder, docs, embedder=Dying(8), rebuild=True)
    assert _vectors(folder) == before
    assert run(folder, docs).unchanged == 603


def test_the_collection_itself_is_never_read(docs: Path) -> None:
    folder = docs / "mutda"
    run(folder, docs)
    (folder / "note.txt").write_text("비밀")
    report = run(folder, docs, exclude=[docs / "mutda"])
    assert (report.added, report.unchanged, report.skipped) == (0, 3, 0)


def test_a_place_that_cannot_be_made_is_one_line(tmp_path: Path, docs: Path) -> None:
    folder = docs / "a.txt" / "notes"
    with pytest.raises(CorpusError) as caught:
        run(folder, docs)
    assert str(caught.value) == (
        f'The folder "{folder}" cannot be made (Not a directory). Choose another place with MUTDA_DATA_DIR.'
    )


def test_a_full_disk_is_one_line_and_loses_nothing(
    folder: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, docs)
    (docs / "big.txt").write_text("\n\n".join(f"{number}번째 문단입니다. " * 9 for number in range(400)))
    connect = sqlite3.connect

    def small(*args, **options) -> sqlite3.Connection:  # type: ignore[no-untyped-def]
        connection = connect(*args, **options)
        connection.execute("PRAGMA max_page_count = 40")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(CorpusError) as caught:
        run(folder, docs)
    assert str(caught.value) == (
        f'The collection in "{folder}" could not be written: database or disk is full. '
        "What was stored before is kept. See to the disk's free space and the folder's rights, "
        "then run the command again."
    )
    monkeypatch.undo()
    assert len(texts(folder)) == 3
    assert run(folder, docs).added == 1


def _vectors(folder: Path) -> dict[str, list[float]]:
    with sqlite3.connect(folder / STORE_NAME) as db:
        rows = db.execute("SELECT text, vectors FROM chunks").fetchall()
    return {text: np.frombuffer(vector, dtype="<f4").tolist() for text, vector in rows}
