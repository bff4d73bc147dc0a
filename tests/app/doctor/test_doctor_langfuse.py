import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import closed_port
from stand_ins.langfuse_server import LangfuseServer, _spans
from stand_ins.served import Served

from app.doctor import langfuse
from app.doctor.address import ask
from app.doctor.finding import Finding
from app.doctor.langfuse import look_at_langfuse, waited
from app.settings import load_settings

KEYS = ("pk-lf-1", "sk-lf-1")


class Server(Served):
    """The endpoints that a check needs, as Langfuse's API document describes them."""

    def __init__(self) -> None:
        self.health = 200
        self.version = "4.16.0"
        self.ahead_s = 0.0
        self.takes = 200
        self.shows = True
        self.spans: list[Any] = []
        self.headers: list[dict[str, str]] = []
        super().__init__(_handler(self))


def _handler(owner: Server) -> type[BaseHTTPRequestHandler]:
    authorization = f"Basic {b64encode(':'.join(KEYS).encode()).decode()}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/api/public/health":
                return self.reply(owner.health, {"status": "OK", "version": owner.version})
            if self.headers.get("Authorization") != authorization:
                return self.reply(401, {"message": "Invalid credentials."})
            if self.path == "/api/public/projects":
                return self.reply(200, {"data": [{"id": "1", "name": "Mutda"}]})
            if self.path.startswith("/api/public/v2/observations?traceId="):
                wanted = self.path.partition("=")[2].partition("&")[0]
                shown = owner.shows and owner.spans[0].trace_id == wanted
                return self.reply(200, {"data": [{"traceId": wanted}] if shown else [], "meta": {}})
            return self.reply(404, {"message": "Not Found"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/public/otel/v1/traces":
                owner.spans += _spans(body)
                owner.headers.append(dict(self.headers))
                return self.reply(owner.takes, {})
            return self.reply(404, {})

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + timedelta(seconds=owner.ahead_s), usegmt=True)

        def reply(self, status: int, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(langfuse, "find_spec", lambda _: object())
    monkeypatch.setattr(langfuse, "SHOWN_S", 60.0)
    monkeypatch.setattr(langfuse, "POLL_S", 0.05)
    with Server() as server:
        monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", KEYS[0])
        monkeypatch.setenv("LANGFUSE_SECRET_KEY", KEYS[1])
        monkeypatch.setenv("LANGFUSE_BASE_URL", server.url)
        yield server


def look() -> Finding:
    return look_at_langfuse(load_settings())


def test_without_variables_it_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (look().level, look().text) == ("ok", "off: no LANGFUSE_ variable is set")


@pytest.mark.parametrize("name", ["LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "LANGFUSE_BASE_URL"])
def test_a_missing_variable_is_named_and_nothing_contacted(
    server: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    found = look()
    assert (found.level, found.blame) == ("fail", "setting")
    assert found.text == f"off: {name} is not set"
    assert server.spans == []


def test_a_missing_sdk_is_said(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langfuse, "find_spec", lambda _: None)
    assert look().todo == f'"{sys.executable}" -m pip install langfuse'
    assert server.spans == []


def test_all_well_with_a_test_trace(server: Server) -> None:
    found = look()
    assert found.level == "ok", found
    assert f"Langfuse 4.16.0 at {server.url}, project Mutda: test trace " in found.text
    assert f"{server.spans[0].trace_id[:12]} sent and shown after " in found.text
    assert server.headers[0]["x-langfuse-ingestion-version"] == "4"
    assert server.headers[0]["Content-Type"] == "application/x-protobuf"


def test_the_test_trace_holds_nothing_of_anybody(server: Server) -> None:
    look()
    (span,) = server.spans
    assert span.attributes == {"langfuse.trace.name": "mutda-doctor", "langfuse.environment": "doctor"}
    assert (span.name, span.scope, span.resource) == ("mutda-doctor", "mutda", {"service.name": "mutda"})
    assert (len(span.trace_id), len(span.id), span.parent_id) == (32, 16, "")
    assert (span.end_ns - span.start_ns, span.is_error, span.events) == (1_000_000, False, [])


def test_a_trace_that_is_taken_and_not_shown_is_a_warning(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(langfuse, "SHOWN_S", 0.3)
    server.shows = False
    found = look()
    assert found.level == "warn"
    assert "sent, and not shown after 0.3 s" in found.text and "worker" in found.todo


def test_a_server_that_refuses_traces(server: Server) -> None:
    server.takes = 500
    found = look()
    assert (found.level, found.blame) == ("fail", "service")
    assert "refuses traces (500)" in found.text


def test_wrong_keys_are_a_setting(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-2")
    found = look()
    assert (found.level, found.blame) == ("fail", "setting")
    assert "refuses the keys (401)" in found.text
    assert "sk-lf-2" not in found.text + found.todo


@pytest.mark.parametrize(("ahead_s", "way"), [(300.0, "behind"), (-300.0, "ahead of")])
def test_clocks_that_differ(server: Server, ahead_s: float, way: str) -> None:
    server.ahead_s = ahead_s
    found = look()
    assert found.level == "warn"
    assert f"s {way} its own" in found.text


def test_an_old_server_is_said(server: Server) -> None:
    server.version = "3.90.1"
    found = look()
    assert (found.level, found.todo) == ("warn", "update the server to 4.16.0 or newer")


def test_another_kind_of_server_is_a_wrong_address(server: Server) -> None:
    server.version = ""
    assert (look().blame, look().level) == ("setting", "fail")
    server.health = 503
    assert look().blame == "service"


def test_no_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    found = look()
    assert (found.level, found.blame) == ("fail", "service")
    assert "cannot be reached" in found.text


def test_a_server_that_hangs_is_waited_for_a_while(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langfuse, "ask", partial(ask, timeout_s=0.3))
    with LangfuseServer(fault="hang") as other:
        for name, value in other.environment.items():
            monkeypatch.setenv(name, value)
        found = look()
    assert (found.level, found.blame) == ("fail", "service")
    assert "cannot be reached (no answer in 0.3 s)" in found.text


def test_the_stand_in_of_the_tracing_takes_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langfuse, "SHOWN_S", 0.3)
    with LangfuseServer() as other:
        for name, value in other.environment.items():
            monkeypatch.setenv(name, value)
        assert "project test: test trace" in look().text
        assert [span.name for span in other.spans] == ["mutda-doctor"]


def test_waiting_ends() -> None:
    assert waited(lambda: False, 0.1, 0.01) is None
    assert (waited(lambda: True, 1.0, 0.01) or 0.0) < 1.0
