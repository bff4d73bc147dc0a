"""The parts of this machine, and servers that speak as theirs do."""

import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_ins.chat_server import ChatServer, closed_port
from stand_ins.search_server import SearchServer

from app.corpus.ingest import ingest
from app.corpus.schema import STORE_NAME
from app.doctor.collection import look_at_collection
from app.doctor.embedder import look_at_embedder
from app.doctor.folders import look_at_cache_folder, look_at_data_folder, look_at_folder
from app.doctor.langsmith import look_at_langsmith
from app.doctor.machine import look_at_machine
from app.doctor.model import look_at_file, look_at_model
from app.doctor.ollama import look_at_ollama
from app.doctor.reader import look_at_reader
from app.doctor.settings import look_at_settings
from app.doctor.traces import look_at_traces
from app.doctor.web_search import look_at_web_search
from app.errors import EmbedderMismatchError, MutdaError, SearchError
from app.models.embedders import make_embedder
from app.models.spec import ModelSpec
from app.models.weights import Weights
from app.models.weights.local import record_path, sha256_of, write_record
from app.settings import Settings, load_settings
from app.tracing.spans import Header, Span
from app.tracing.store import TraceStore

PAGES = [{"title": "세종대왕", "url": "http://127.0.0.1/1", "content": "조선의 네 번째 임금"}]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.doctor.model.hub_cached", lambda *_: None)
    return tmp_path


def settings(here: Path, **changes: Any) -> Settings:
    values = {
        "data_dir": here / "data",
        "cache_dir": here / "cache",
        "model": "fake:",
        "embedder": "toy:",
        "ollama_url": f"http://127.0.0.1:{closed_port()}",
    }
    return load_settings(**values | changes)


# -- this machine


def test_this_python_will_do() -> None:
    found = look_at_machine()
    assert found.level == "ok"
    assert sys.executable in found.text


def test_a_python_that_is_too_new_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    assert look_at_machine().todo == "use Python 3.11 to 3.13"


def test_sqlite_must_search_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.doctor.machine.has_full_text_search", lambda: False)
    assert (look_at_machine().level, look_at_machine().blame) == ("fail", "setting")


@pytest.mark.parametrize(
    ("environment", "level", "text"),
    [
        ({}, "ok", "off"),
        ({"LANGSMITH_API_KEY": "k"}, "ok", "off"),
        ({"LANGSMITH_TRACING": "false"}, "ok", "off"),
        ({"LANGSMITH_TRACING": "true"}, "warn", "sent to https://api.smith.langchain.com"),
        (
            {"LANGCHAIN_TRACING_V2": "true", "LANGCHAIN_ENDPOINT": "http://10.0.0.1"},
            "warn",
            "sent to http://10.0.0.1",
        ),
    ],
)
def test_langsmith_is_warned_of_where_it_would_be_told(
    environment: dict[str, str], level: str, text: str
) -> None:
    found = look_at_langsmith(environment)
    assert found.level == level
    assert text in found.text


# -- settings and folders


def test_a_slip_of_the_pen_is_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / ".env").write_text("MUTDA_WEBSEARCH=off\n", encoding="utf-8")
    found = look_at_settings(settings(here))
    assert (found.level, found.todo) == ("warn", "did you mean MUTDA_WEB_SEARCH?")
    (here / ".env").unlink()
    monkeypatch.setenv("MUTDA_XYZ", "1")
    assert look_at_settings(settings(here)).todo == "see .env.example for all of them"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_keys_that_others_can_read_are_found(here: Path) -> None:
    env = here / ".env"
    env.write_text("LANGFUSE_SECRET_KEY=sk-lf-1\n", encoding="utf-8")
    env.chmod(0o644)
    assert look_at_settings(settings(here)).todo == "chmod 600 .env"
    env.chmod(0o600)
    assert look_at_settings(settings(here)).level == "ok"


def test_folders_need_not_be_there_yet(here: Path) -> None:
    found = look_at_data_folder(settings(here))
    assert (found.level, (here / "data").exists()) == ("ok", False)
    assert "(made when needed)" in found.text


def test_a_folder_that_is_a_file_cannot_be_written(here: Path) -> None:
    (here / "data").write_text("", encoding="utf-8")
    found = look_at_data_folder(settings(here))
    assert (found.level, found.blame) == ("fail", "setting")
    assert "set MUTDA_DATA_DIR" in found.todo


def test_room_is_wanted_for_weights_that_are_not_there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.doctor.folders.shutil.disk_usage", lambda _: os.terminal_size((0, 0)))

    class Usage:
        free = 1_000_000_000

    monkeypatch.setattr("app.doctor.folders.shutil.disk_usage", lambda _: Usage)
    assert look_at_cache_folder(settings(here)).level == "warn"
    assert look_at_folder("cache", here, "MUTDA_CACHE_DIR", 0).text == f"{here}, 1.0 GB free"


# -- model and Ollama


def tiny(here: Path, *, name: str = "tiny.gguf") -> tuple[Weights, Path]:
    path = here / "cache" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"GGUF" + b"0" * 60)
    weights = Weights(
        name="tiny", filename=name, size_bytes=64, sha256=sha256_of(path), wheel_package="", wheel_version="",
        wheel_count=0, wheel_member="", instead="",
    )  # fmt: skip
    return weights, path


def test_weights_are_vouched_for_by_their_record(here: Path) -> None:
    weights, path = tiny(here)
    assert (
        "verified at its next start" in look_at_file("m", ModelSpec("embedded"), here / "cache", weights).text
    )
    status = path.stat()
    record = record_path(here / "cache", weights.filename)
    write_record(record, size_bytes=64, mtime_ns=status.st_mtime_ns, sha256=weights.sha256)
    assert ": verified (SHA-256" in look_at_file("m", ModelSpec("embedded"), here / "cache", weights).text


def test_weights_of_another_size_are_left_where_they_are(here: Path) -> None:
    weights, path = tiny(here)
    path.write_bytes(b"GGUF")
    found = look_at_file("m", ModelSpec("embedded"), here / "cache", weights)
    assert (found.level, found.blame, path.exists()) == ("fail", "service", True)
    assert "4 bytes, not 64" in found.text


def test_weights_that_are_not_here_are_fetched_with_a_command(here: Path) -> None:
    found = look_at_model(settings(here, model="embedded:"))
    assert (found.level, found.todo) == ("warn", "mutda models pull")


def test_a_file_of_ones_own_is_looked_into(here: Path) -> None:
    path = here / "mine.gguf"
    path.write_bytes(b"GGUF...")
    assert look_at_model(settings(here, model=f"embedded:{path}")).level == "ok"
    path.write_bytes(b"no")
    assert "is not a GGUF file" in look_at_model(settings(here, model=f"embedded:{path}")).text
    assert "there is no file" in look_at_model(settings(here, model="embedded:gone.gguf")).text
    assert look_at_model(settings(here, model="embedded:org/repo/x.gguf")).level == "warn"


def test_the_server_of_an_openai_model_is_asked(here: Path) -> None:
    with ChatServer() as server:
        found = look_at_model(settings(here, model="openai:x", openai_base_url=f"{server.url}/v1"))
        assert found.blame == "setting"
    found = look_at_model(
        settings(here, model="openai:x", openai_base_url=f"http://127.0.0.1:{closed_port()}/v1")
    )
    assert (found.level, found.blame) == ("fail", "service")
    with pytest.raises(MutdaError, match="MUTDA_OPENAI_BASE_URL"):
        look_at_model(settings(here, model="openai:x"))


def test_ollama_is_needed_or_not(here: Path) -> None:
    assert look_at_ollama(settings(here)).level == "ok"
    found = look_at_ollama(settings(here, model="ollama:llama3-ko"))
    assert (found.level, found.blame, found.todo) == ("fail", "service", "start it: ollama serve")


def test_ollama_is_asked_for_what_it_has(here: Path) -> None:
    with ChatServer(models=["llama3-ko:latest"]) as server:
        found = look_at_ollama(settings(here, ollama_url=server.url, model="ollama:llama3-ko"))
        assert found.level == "ok"
        assert "llama3-ko:latest" in found.text
        found = look_at_ollama(settings(here, ollama_url=server.url, embedder="ollama:bge-m3"))
        assert (found.level, found.todo) == ("fail", "ollama pull bge-m3")


# -- embedder and collection


def test_an_embedder_without_korean_is_warned_of(here: Path) -> None:
    found = look_at_embedder(settings(here))
    assert found.level == "warn"
    assert "toy:64, Korean probe 0." in found.text


def test_an_embedder_without_its_weights_is_fetched_with_a_command(here: Path) -> None:
    found = look_at_embedder(settings(here, embedder="e5:"))
    assert (found.level, found.todo) == ("warn", "mutda models pull")


@pytest.mark.parametrize(
    ("changes", "level", "said"),
    [
        ({}, "warn", ("its weights are not here", "mutda models pull")),
        ({"reader": False}, "ok", ("off: MUTDA_READER=false", "")),
    ],
)
def test_a_reader_that_is_not_used_says_why(
    here: Path, changes: dict[str, Any], level: str, said: tuple[str, str]
) -> None:
    found = look_at_reader(settings(here, **changes))
    assert (found.level, (found.text, found.todo)) == (level, said)


class Guesser:
    """Reads everything alike, or as it should."""

    def __init__(self, odds: tuple[float, float], orders: tuple[float, float] = (2.0, -2.0)) -> None:
        self._odds = odds
        self._orders = orders
        self.closed = False

    def order_odds(self, sentences: Sequence[str]) -> Any:
        return np.array(self._orders)

    def odds(self, question: str, passages: Sequence[str]) -> Any:
        return np.array(self._odds * (len(passages) // 2))

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("odds", "orders", "level"),
    [
        ((2.0, -2.0), (2.0, -2.0), "ok"),
        ((0.5, 0.5), (2.0, -2.0), "warn"),
        ((2.0, -2.0), (0.5, 0.5), "warn"),
    ],
)
def test_a_reader_is_put_to_a_question(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    odds: tuple[float, float],
    orders: tuple[float, float],
    level: str,
) -> None:
    reader = Guesser(odds, orders)
    monkeypatch.setattr("app.doctor.reader.open_reader", lambda _: reader)
    assert look_at_reader(settings(here)).level == level
    assert reader.closed


@pytest.fixture
def ingested(here: Path) -> Settings:
    (here / "휴가.md").write_text("# 휴가\n\n연차 휴가는 17일입니다.\n", encoding="utf-8")
    chosen = settings(here)
    embedder = make_embedder("toy:", cache_dir=chosen.cache_dir)
    ingest(chosen.collection_dir, [here / "휴가.md"], embedder)
    return chosen


def test_no_collection_yet_is_a_warning(here: Path) -> None:
    assert look_at_collection(settings(here)).todo == "mutda ingest PATH..."


def test_a_collection_tells_what_it_holds(ingested: Settings) -> None:
    found = look_at_collection(ingested)
    assert found.level == "ok"
    assert '"default": 1 documents, 1 chunks, generation 1' in found.text


def test_another_embedder_is_an_error_that_names_both(ingested: Settings, here: Path) -> None:
    with pytest.raises(EmbedderMismatchError, match=r'"toy:64".*"toy:32"'):
        look_at_collection(settings(here, embedder="toy:32"))


def test_a_damaged_collection_is_found(ingested: Settings) -> None:
    path = ingested.collection_dir / STORE_NAME
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    path.write_bytes(content)
    try:
        found = look_at_collection(ingested)
    except MutdaError as error:
        assert "damaged" in str(error)
    else:
        assert found.level == "fail" and "damaged" in found.text


# -- web search


def test_off_sends_nothing(here: Path) -> None:
    with SearchServer(PAGES) as server:
        assert look_at_web_search(settings(here, search_url=server.url)).level == "ok"
        assert server.queries == []


def test_ask_sends_no_query_and_says_so(here: Path) -> None:
    found = look_at_web_search(settings(here, web_search="ask"))
    assert found.text == "ask: each query to DuckDuckGo waits for your consent, so none was tried"
    with SearchServer(PAGES) as server:
        found = look_at_web_search(settings(here, web_search="ask", search_url=server.url))
        assert (found.level, server.queries) == ("ok", [""])  # its front page
    found = look_at_web_search(
        settings(here, web_search="ask", search_url=f"http://127.0.0.1:{closed_port()}")
    )
    assert (found.level, found.blame) == ("fail", "service")


def test_on_searches_for_something_harmless_and_logs_it(here: Path) -> None:
    with SearchServer(PAGES) as server:
        found = look_at_web_search(settings(here, web_search="on", search_url=server.url))
        assert (found.level, server.queries) == ("ok", ["세종대왕"])
    assert "세종대왕" in (here / "data" / "logs" / "web_search.jsonl").read_text(encoding="utf-8")
    with SearchServer([]) as server:
        assert look_at_web_search(settings(here, web_search="on", search_url=server.url)).blame == "service"
    with SearchServer(PAGES, fault="500") as server, pytest.raises(SearchError):
        look_at_web_search(settings(here, web_search="on", search_url=server.url))


# -- traces


def test_the_trace_store_tells_its_size_and_bounds(here: Path) -> None:
    assert "none yet" in look_at_traces(settings(here)).text
    store = TraceStore.open(here / "data" / "traces", max_bytes=10_000_000, max_days=9_000)
    trace_id = "0a1fe84e04d7" + "1" * 20
    spans = [Span(trace_id=trace_id, id="r", parent_id=None, kind="run", name="rag", started_s=2e9)]
    store.write([Header(id=trace_id, name="rag", thread_id=None, started_s=2e9)], spans)
    store.close()
    found = look_at_traces(settings(here, trace=False, trace_max_mb=7))
    assert found.level == "ok"
    assert found.text.startswith("off: 0.") and "at most 7 MB and 30 days; last 0a1fe84e04d7" in found.text


def test_traces_that_cannot_be_read_are_an_error(here: Path) -> None:
    (here / "data" / "traces").mkdir(parents=True)
    (here / "data" / "traces" / "traces.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(MutdaError, match="Move that file away"):
        look_at_traces(settings(here))
