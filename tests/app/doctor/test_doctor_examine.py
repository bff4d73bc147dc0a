import os
import re
import threading
import time
from pathlib import Path

import pytest
from stand_ins.chat_server import closed_port

from app.doctor.examine import Check, examine, looked
from app.doctor.finding import Finding, down, exit_code, ok, told, warn, wrong
from app.errors import ModelError, SettingsError


def test_findings_keep_their_order_and_run_side_by_side() -> None:
    both = threading.Barrier(2)

    def together(name: str) -> Finding:
        both.wait(timeout=60)  # breaks unless the other one runs too
        return ok(name, "")

    found = list(looked([Check("a", lambda: together("a"), 60), Check("b", lambda: together("b"), 60)]))
    assert [finding.name for finding in found] == ["a", "b"]


def test_one_that_hangs_is_left_behind() -> None:
    stop = threading.Event()

    def hang() -> Finding:
        stop.wait(250)
        return ok("slow", "")

    started = time.monotonic()
    slow, quick = looked([Check("slow", hang, 0.2), Check("quick", lambda: ok("quick", ""), 60)])
    stop.set()
    assert time.monotonic() - started < 120
    assert (slow.name, slow.level, quick.level) == ("slow", "warn", "ok")
    assert slow.text == "not known: nothing came in 0.2 s"


def test_an_error_for_a_person_is_a_finding_and_a_bug_is_not() -> None:
    def fail(error: Exception) -> Finding:
        raise error

    (found,) = looked([Check("model", lambda: fail(ModelError("It is gone.\nStart it.")), 60)])
    assert found == Finding(name="model", level="fail", text="It is gone. Start it.", blame="service")
    with pytest.raises(ZeroDivisionError):
        list(looked([Check("model", lambda: fail(ZeroDivisionError()), 60)]))


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([ok("a", ""), warn("b", "", "")], 0),
        ([ok("a", ""), down("b", "", "")], 3),
        ([wrong("a", "", ""), down("b", "", "")], 2),
        ([told("a", SettingsError(""))], 2),
    ],
)
def test_the_exit_code_tells_settings_from_services(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "MUTDA_DATA_DIR": str(tmp_path / "data"),
        "MUTDA_CACHE_DIR": str(tmp_path / "cache"),
        "MUTDA_MODEL": "fake:",
        "MUTDA_EMBEDDER": "toy:",
        "MUTDA_OLLAMA_URL": f"http://127.0.0.1:{closed_port()}",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_every_part_is_looked_at_and_nothing_is_made(quiet: Path) -> None:
    names = [finding.name for finding in examine()]
    assert names == [
        "python",
        "settings",
        "data",
        "cache",
        "model",
        "ollama",
        "web search",
        "traces",
        "langfuse",
        "langsmith",
        "embedder",
        "reader",
        "collection",
    ]
    assert list(quiet.iterdir()) == []


def test_the_scripted_model_is_asked_with_deep(quiet: Path) -> None:
    *_, question = examine(deep=True)
    assert (question.name, question.level) == ("question", "warn")  # its script does not know of Seoul
    assert re.match(r"fake: opened in \d+\.\d s, answered in ", question.text)
    assert question.todo == "서울 was expected: try another model"


@pytest.mark.usefixtures("quiet")
def test_a_wrong_setting_is_said_and_what_needs_none_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_THREADS", "many")
    found = list(examine())
    assert [finding.name for finding in found] == ["settings", "python", "langsmith"]
    assert "MUTDA_THREADS='many'" in found[0].text
    assert exit_code(found) == 2


@pytest.mark.usefixtures("quiet")
def test_only_what_the_settings_name_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    reached: list[object] = []
    connect = socket.socket.connect

    def noting(self: socket.socket, address: object) -> None:
        reached.append(address)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", noting)
    list(examine())
    port = int(os.environ["MUTDA_OLLAMA_URL"].rpartition(":")[2])
    assert {address[1] for address in reached if isinstance(address, tuple)} <= {port}
