import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.corpus.lock import ingest_lock
from app.errors import CorpusError, LockedError

_HOLD = """
import sys, time
from pathlib import Path
from app.corpus.lock import ingest_lock
with ingest_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_holds_it_and_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    with ingest_lock(folder), pytest.raises(LockedError) as caught, ingest_lock(folder):
        pass
    assert str(caught.value) == (
        f'Another ingest (process {os.getpid()}) is writing to "notes". '
        "Wait until it has ended, or stop it, and run the command again."
    )
    with ingest_lock(folder):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=f"process {process.pid}"), ingest_lock(tmp_path):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
    with ingest_lock(tmp_path):
        pass


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught, ingest_lock(tmp_path / "nowhere"):
        pass
    assert str(caught.value) == (
        f'The folder "{tmp_path / "nowhere"}" cannot be written to (No such file or directory). '
        "Look to its rights."
    )
