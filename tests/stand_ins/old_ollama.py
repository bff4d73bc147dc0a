"""An Ollama from before 0.12.11 in front of a real one: it takes no log-probabilities and gives none."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

NEWER_FIELDS = {"logprobs", "top_logprobs", "truncate", "shift"}


class OldOllama:
    """Passes `/api/chat` on, line by line, without what came later; use it in a `with`."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.requests: list[dict[str, Any]] = []
        """Bodies as they arrived."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _handler(server: OldOllama) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(body)
            known = {key: value for key, value in body.items() if key not in NEWER_FIELDS}
            with httpx.stream(
                "POST", f"{server.behind}{self.path}", json=known, timeout=300, trust_env=False
            ) as answer:
                self.send_response(answer.status_code)
                self.send_header("Content-Type", "application/x-ndjson")
                self.end_headers()
                for line in answer.iter_lines():
                    piece = {key: value for key, value in json.loads(line).items() if key != "logprobs"}
                    self.wfile.write(json.dumps(piece, ensure_ascii=False).encode() + b"\n")
                    self.wfile.flush()

    return Handler
