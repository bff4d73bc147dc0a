"""What every test shares: no socket leaves this machine, and no setting of the person running leaks in."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from patience import be_patient

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@pytest.fixture(autouse=True, scope="session")
def heard_interrupts() -> None:
    """A shell that starts tests in the background has Ctrl-C ignored, and children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def patience() -> Iterator[None]:
    """A machine that stands still for some seconds must fail no test."""
    with pytest.MonkeyPatch.context() as patch:
        be_patient(patch)
        yield


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting anywhere else is an error of the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests start without MUTDA_ variables, with data folders of their own."""
    for name in list(os.environ):
        if name.startswith(("MUTDA_", "LANGFUSE_", "LANGSMITH_", "LANGCHAIN_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MUTDA_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    return


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample documents."""
    return Path(__file__).parent.parent / "samples"
