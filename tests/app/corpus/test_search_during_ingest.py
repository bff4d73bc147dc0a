import threading
from pathlib import Path

import pytest

from app.corpus.collection import Collection
from app.corpus.ingest import ingest
from app.corpus.passage import Chunk, LoadedDocument
from app.models.embedders.toy import ToyEmbedder

_CHUNKS = 12


def _load(path: Path) -> LoadedDocument:
    return LoadedDocument(title=path.stem, text=path.read_text(), blocks=(), loader="text")


def _split(document: LoadedDocument) -> list[Chunk]:
    return [
        Chunk(text=line, title=document.title, section=(), page=None, start=0, end=len(line))
        for line in document.text.splitlines()
    ]


def _write(docs: Path, version: int) -> None:
    for name in ("a", "b"):
        (docs / f"{name}.txt").write_text(
            "\n".join(f"대상 문서 판번호{version} 줄{line}" for line in range(_CHUNKS))
        )


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_search_sees_each_document_whole(tmp_path: Path, weight: float) -> None:
    docs, folder, embedder = tmp_path / "docs", tmp_path / "notes", ToyEmbedder(16)
    docs.mkdir()
    options = {"load": _load, "split": _split, "probe": lambda embedder: 0.5}
    _write(docs, 0)
    ingest(folder, [docs], embedder, **options)  # type: ignore[arg-type]
    problems: list[str] = []
    versions: set[str] = set()
    ended, looked = threading.Event(), threading.Event()

    def ask() -> None:
        with Collection.open(folder, embedder, dense_weight=weight) as collection:
            while True:
                is_last = ended.is_set()
                found = collection.search("대상 문서", k=99)
                for name in ("a", "b"):
                    lines = [p.text.split()[2:] for p in found if p.source == f"docs/{name}.txt"]
                    seen = {version for version, _ in lines}
                    versions.update(seen)
                    if (
                        len(seen) != 1
                        or len({line for _, line in lines}) != len(lines)
                        or len(lines) != _CHUNKS
                    ):
                        problems.append(f"{name}: {sorted(lines)}")
                looked.set()
                if is_last:
                    return

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for version in range(1, 16):
        _write(docs, version)
        ingest(folder, [docs], embedder, **options)  # type: ignore[arg-type]
        looked.clear()
        assert looked.wait(60)
    ended.set()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert problems == []
    # It did look while things changed, and ended with the last version.
    assert "판번호15" in versions
    assert len(versions) > 2
