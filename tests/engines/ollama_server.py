"""A real Ollama on a loopback port of its own, with its own models and home, and what can happen to it."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
from stand_ins.chat_server import closed_port

ROOT = Path(__file__).parents[2]
START_S = 60.0
CREATE_S = 180.0


def find_ollama() -> str | None:
    """What `make servers` built, else the one on PATH."""
    built = sorted(ROOT.glob(".servers/ollama-*/ollama"))
    return str(built[-1]) if built else shutil.which("ollama")


class OllamaServer:
    """One server process and the runners that it starts; use it in a `with`."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._port = closed_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        # Nothing of the person's own Ollama: neither its settings nor its models nor its keys.
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("OLLAMA_")
        } | {
            "OLLAMA_HOST": f"127.0.0.1:{self._port}",
            "OLLAMA_MODELS": str(folder / "models"),
            "HOME": str(folder),
            "OLLAMA_NUM_PARALLEL": "1",
            "OLLAMA_MAX_LOADED_MODELS": "1",
            "OLLAMA_KEEP_ALIVE": "30m",
            "OLLAMA_NO_CLOUD": "1",
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "serve"],
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/version", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """End the server and its runners; they are one session of processes."""
        if self._process is None:
            return
        self.resume()
        for sign, wait_s in ((signal.SIGTERM, 30), (signal.SIGKILL, 60)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)
        self._process = None

    def kill(self) -> None:
        """What a crash of the machine's memory looks like: server and runners are gone at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(60)
        self._process = None

    def runners(self) -> list[int]:
        """Process numbers of the runners, which hold the loaded models."""
        assert self._process is not None
        found = subprocess.run(
            ["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True, timeout=60, check=False
        )
        return [int(number) for number in found.stdout.split()]

    def kill_runners(self) -> None:
        """The server lives on."""
        for number in self.runners():
            os.kill(number, signal.SIGKILL)

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """It takes connections, because the system does that for it, and never answers."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            self.resume()

    def resume(self) -> None:
        """Go on after `hung`."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGCONT)

    def create(self, name: str, *lines: str) -> None:
        """`ollama create` from the lines of a Modelfile."""
        modelfile = self._folder / "Modelfile"
        modelfile.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run(
            [self._binary, "create", name, "-f", str(modelfile)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=CREATE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-1000:] + self.log()

    def ask(self, path: str, body: Mapping[str, Any], *, timeout_s: float = 60) -> httpx.Response:
        """A plain request of its API."""
        return httpx.post(f"{self.url}{path}", json=body, timeout=timeout_s, trust_env=False)

    def log(self) -> str:
        """The end of what it logged."""
        return (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")[-3000:]
