import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from traces import trace

from app.tracing.store import STORE_NAME, TraceError, TraceStore

ROOT = Path(__file__).parents[3]
MB = 1024 * 1024


def opened(folder: Path, *, max_bytes: int = 50 * MB, max_days: float = 36_500) -> TraceStore:
    return TraceStore.open(folder, max_bytes=max_bytes, max_days=max_days)


def identity(number: int) -> str:
    return f"{number:032x}"


def fill(store: TraceStore, numbers: range, *, chars: int = 20_000) -> None:
    for number in numbers:
        made = trace(identity(number))
        made.header.started_s += number
        made.spans[-1].data["text"] = os.urandom(chars // 2).hex()  # does not compress well
        store.write([made.header], made.spans)


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(f"{STORE_NAME}*"))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    store = opened(tmp_path)
    made = trace()
    store.write([made.header], made.spans)
    store.close()
    reader = TraceStore.open_to_read(tmp_path)
    assert reader.last() == made
    assert reader.headers(5) == [made.header]
    assert reader.header("a" * 32) == made.header
    assert reader.header("b" * 32) is None
    reader.close()


def test_a_span_that_ended_replaces_itself(tmp_path: Path) -> None:
    store = opened(tmp_path)
    made = trace()
    ended = made.spans[-1].ended_s
    made.spans[-1].ended_s = None
    store.write([made.header], made.spans)
    made.spans[-1].ended_s = ended
    store.write([made.header], made.spans[-1:])
    assert store.last() == made
    store.close()


def test_half_a_character_can_be_kept(tmp_path: Path) -> None:
    store = opened(tmp_path)
    made = trace()
    made.header.question = made.spans[0].data["question"] = "\ud800연차"
    store.write([made.header], made.spans)
    assert store.last().header.question == "?연차"
    store.close()


def test_a_unique_beginning_of_an_id_is_enough(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for name in ("ab12" + "0" * 28, "ab34" + "0" * 28):
        made = trace(name)
        store.write([made.header], made.spans)
    assert store.find("AB3").header.id.startswith("ab34")
    with pytest.raises(TraceError, match=r'More than one trace begins with "ab": ab[13]'):
        store.find("ab")
    for wrong in ("abz", "", "%", "ab3_"):
        with pytest.raises(TraceError, match="There is no trace"):
            store.find(wrong)
    store.close()


def test_the_oldest_go_when_the_file_is_too_big(tmp_path: Path) -> None:
    store = opened(tmp_path, max_bytes=4 * MB)
    largest = 0
    for start in range(0, 1000, 50):
        fill(store, range(start, start + 50))
        largest = max(largest, size_bytes(tmp_path))
    assert largest <= 4 * MB
    assert largest > 2 * MB
    kept = store.headers(1000)
    assert 50 < len(kept) < 500
    assert [header.id for header in kept] == [identity(number) for number in range(999, 999 - len(kept), -1)]
    assert store.find(kept[-1].id).calls
    store.close()


def test_a_smaller_bound_makes_the_file_smaller(tmp_path: Path) -> None:
    store = opened(tmp_path)
    fill(store, range(300))
    before = size_bytes(tmp_path)
    store.close()
    store = opened(tmp_path, max_bytes=2 * MB)
    fill(store, range(300, 301))
    store.close()
    assert before > 4 * MB
    assert size_bytes(tmp_path) <= 2 * MB


def test_old_traces_go(tmp_path: Path) -> None:
    store = opened(tmp_path, max_days=30)
    for number in range(3):
        made = trace(identity(number))
        made.header.started_s = time.time() - number * 20 * 86_400
        store.write([made.header], made.spans)
    store.prune()
    assert [header.id for header in store.headers(9)] == [identity(0), identity(1)]
    assert store._connection.execute("SELECT count(DISTINCT trace_id) FROM spans").fetchone()[0] == 2
    store.close()


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from traces import trace\n"
        "import app.tracing.store; from app.tracing.store import TraceStore\n"
        "app.tracing.store._BUSY_TIMEOUT_S = 100.0\n"
        "store = TraceStore.open(Path(sys.argv[1]), max_bytes=10**8, max_days=36500)\n"
        "for n in range(40):\n"
        "    made = trace(f'{sys.argv[2]}{n:031x}'); store.write([made.header], made.spans)\n"
        "store.close()\n"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), name],
            env={**os.environ, "PYTHONPATH": paths},
            stderr=subprocess.PIPE,
        )
        for name in "abc"
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors.decode()
    store = TraceStore.open_to_read(tmp_path)
    assert len(store.headers(1000)) == 120
    store.close()


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    store = opened(tmp_path)
    made = trace()
    store.write([made.header], made.spans)
    store._connection.execute("BEGIN IMMEDIATE")
    read: list[str] = []

    def look() -> None:
        reader = TraceStore.open_to_read(tmp_path)
        read.append(reader.last().header.id)
        reader.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(60)
    assert read == [made.header.id]
    store._connection.execute("ROLLBACK")
    store.close()


# -- files that are not as they must be


def test_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="There is no trace yet"):
        TraceStore.open_to_read(tmp_path)
    store = opened(tmp_path)
    with pytest.raises(TraceError, match="There is no trace yet"):
        store.last()
    store.close()


@pytest.mark.parametrize("how", ["open", "read"])
def test_a_foreign_file_is_left_alone(tmp_path: Path, how: str) -> None:
    path = tmp_path / STORE_NAME
    path.write_bytes(b"a letter to a friend" * 100)
    with pytest.raises(TraceError, match="Move that file away"):
        opened(tmp_path) if how == "open" else TraceStore.open_to_read(tmp_path)
    assert path.read_bytes().startswith(b"a letter")


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / STORE_NAME
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE photos(name TEXT)")
    other.commit()
    other.close()
    with pytest.raises(TraceError, match="is not a trace store of Mutda"):
        opened(tmp_path)


def test_another_version_is_named(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store._connection.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(TraceError, match=r"another version of Mutda \(format 99, this one reads 1\)"):
        opened(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = opened(tmp_path)
    fill(store, range(60))
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    path = tmp_path / STORE_NAME
    content = bytearray(path.read_bytes())
    content[4096 : len(content)] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(TraceError, match="are damaged"):
        reader = TraceStore.open_to_read(tmp_path)
        try:
            reader.last()
        finally:
            reader.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(TraceError, match="Traces cannot be kept"):
        opened(tmp_path / "data" / "traces")
