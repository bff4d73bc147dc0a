"""An ingest that is killed at any statement, commit or file swap must lose and double nothing."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.corpus.schema import STORE_NAME

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills with a POSIX signal")

# One process imports everything and forks a child for each run: starting Python anew would take the time.
# A child counts its steps (SQL statements, calls of the embedder, writes of the index) and kills itself with
# SIGKILL at the step it is told to.
_DRIVER = """
import json, os, signal, sqlite3, sys, threading
from pathlib import Path

import app.corpus.faiss_index as faiss_index
from app.corpus.ingest import ingest
from app.models.embedders.toy import ToyEmbedder


def child(job):
    steps, turn = 0, threading.Lock()

    def step(*_):
        nonlocal steps
        with turn:
            steps += 1
            if steps == job["kill_at"]:
                os.kill(os.getpid(), signal.SIGKILL)

    connect, write_index, replace = sqlite3.connect, faiss_index.faiss.write_index, os.replace

    def traced(*args, **options):
        connection = connect(*args, **options)
        connection.set_trace_callback(step)
        return connection

    def stepping(function):
        def call(*args, **options):
            step()
            result = function(*args, **options)
            step()
            return result
        return call

    sqlite3.connect = traced
    faiss_index.faiss.write_index = stepping(write_index)
    os.replace = stepping(replace)

    class Embedder(ToyEmbedder):
        def embed(self, texts):
            step()
            return super().embed(texts)

    ingest(
        Path(job["folder"]), [Path(job["docs"])], Embedder(job["dimensions"]), prune=True,
        rebuild=job["rebuild"], probe=lambda embedder: 0.5,
    )
    return steps


for line in sys.stdin:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, str(child(json.loads(line))).encode())
        os._exit(0)
    os.close(write)
    status = os.waitpid(pid, 0)[1]
    steps = os.read(read, 32).decode() or "0"
    os.close(read)
    result = {"signal": os.WTERMSIG(status), "exit": os.WEXITSTATUS(status), "steps": int(steps)}
    print(json.dumps(result), flush=True)
"""


class Driver:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ingest(
        self, folder: Path, docs: Path, *, kill_at: int = 0, dimensions: int = 8, rebuild: bool = False
    ) -> dict[str, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {
            "folder": str(folder),
            "docs": str(docs),
            "kill_at": kill_at,
            "dimensions": dimensions,
            "rebuild": rebuild,
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        result: dict[str, int] = json.loads(self._process.stdout.readline())
        assert result["exit"] == 0
        return result

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture
def driver():  # type: ignore[no-untyped-def]
    driver = Driver()
    yield driver
    driver.close()


def write(docs: Path, version: int) -> None:
    """A folder of which, from one version to the next, files appear, change, stay and go."""
    docs.mkdir(exist_ok=True)
    for path in docs.iterdir():
        path.unlink()
    for number in range(version * 2, version * 2 + 9):
        changes = f"{version}판" if number % 3 == 0 else "처음"
        paragraphs = [
            f"{changes} {number}번 문서의 {part}번째 문단. " + "이어지는 글. " * 25 for part in range(4)
        ]
        path = docs / f"{number}.txt"
        path.write_text("\n\n".join(paragraphs))
        # Old enough for its time to be believed, so that each run takes the same steps.
        os.utime(path, (1_700_000_000 + version, 1_700_000_000 + version))


def state(folder: Path) -> object:
    """All that counts in a collection, without ids and times, after its own checks of integrity."""
    with sqlite3.connect(folder / STORE_NAME) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.execute("INSERT INTO words(words) VALUES('integrity-check')")
        # An ingest was finished: its index is there, and no other.
        (generation,) = db.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
        (token,) = db.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        assert [path.name for path in folder.glob("index-*")] == [f"index-{generation}-{token}.faiss"]
        assert (
            db.execute("SELECT count(*) FROM words").fetchone()
            == db.execute("SELECT count(*) FROM chunks").fetchone()
        )
        documents = db.execute(
            "SELECT name, sha256, size_bytes, mtime_ns, title FROM documents ORDER BY path"
        )
        chunks = db.execute(
            'SELECT d.name, c.ordinal, c.heading, c.text, c.start, c."end", c.vectors, w.tokens FROM chunks c'
            " JOIN documents d ON d.id = c.document_id JOIN words w ON w.rowid = c.id"
            " ORDER BY d.path, c.ordinal"
        )
        manifest = db.execute("SELECT value FROM meta WHERE key = 'manifest'").fetchone()
        return documents.fetchall(), chunks.fetchall(), manifest


def points(steps: int, count: int) -> list[int]:
    """Steps spread over a run, its first and last among them."""
    return sorted({1 + round(index * (steps - 1) / (count - 1)) for index in range(count)})


def test_first_ingest(tmp_path: Path, driver: Driver) -> None:
    docs = tmp_path / "docs"
    write(docs, 0)
    steps = driver.ingest(tmp_path / "whole", docs)["steps"]
    expected = state(tmp_path / "whole")
    assert steps > 50
    for at in points(steps, 16):
        folder = tmp_path / f"killed-{at}"
        assert driver.ingest(folder, docs, kill_at=at)["signal"] == 9
        assert driver.ingest(folder, docs)["signal"] == 0
        assert state(folder) == expected, at


def test_update_and_prune(tmp_path: Path, driver: Driver) -> None:
    docs = tmp_path / "docs"
    before = tmp_path / "before"
    write(docs, 0)
    driver.ingest(before, docs)
    stored = {path.name: path.read_bytes() for path in before.iterdir()}
    write(docs, 1)

    def copy(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for file, content in stored.items():
            (folder / file).write_bytes(content)
        return folder

    whole = copy("whole")
    steps = driver.ingest(whole, docs)["steps"]
    expected = state(whole)
    for at in points(steps, 16):
        folder = copy(f"killed-{at}")
        assert driver.ingest(folder, docs, kill_at=at)["signal"] == 9
        assert driver.ingest(folder, docs)["signal"] == 0
        assert state(folder) == expected, at


def test_one_collection_killed_again_and_again(tmp_path: Path, driver: Driver) -> None:
    docs, folder = tmp_path / "docs", tmp_path / "notes"
    for version in range(4):
        write(docs, version)
        for at in (2, 9, 40, 90, 140):
            driver.ingest(folder, docs, kill_at=at)
    driver.ingest(folder, docs)
    driver.ingest(tmp_path / "whole", docs)
    assert state(folder) == state(tmp_path / "whole")


def test_rebuild(tmp_path: Path, driver: Driver) -> None:
    docs = tmp_path / "docs"
    write(docs, 0)
    expected = []
    for dimensions in (8, 4):
        driver.ingest(tmp_path / f"whole-{dimensions}", docs, dimensions=dimensions)
        expected.append(state(tmp_path / f"whole-{dimensions}"))
    old, new = expected
    probe = tmp_path / "probe"
    driver.ingest(probe, docs)
    steps = driver.ingest(probe, docs, dimensions=4, rebuild=True)["steps"]
    assert state(probe) == new
    for at in points(steps, 6):
        folder = tmp_path / f"killed-{at}"
        driver.ingest(folder, docs)
        assert driver.ingest(folder, docs, kill_at=at, dimensions=4, rebuild=True)["signal"] == 9
        with sqlite3.connect(folder / STORE_NAME) as db:
            sizes = {row[0] for row in db.execute("SELECT length(vectors) FROM chunks")}
            (manifest,) = db.execute("SELECT value FROM meta WHERE key = 'manifest'").fetchone()
        # All of one embedder or all of the other, and the manifest says which.
        assert sizes == {json.loads(manifest)["dimensions"] * 4}
        driver.ingest(folder, docs, dimensions=4, rebuild=True)
        assert state(folder) == new
    assert old != new
