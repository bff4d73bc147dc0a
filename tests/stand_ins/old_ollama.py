"""An Ollama from before 0.12.11 in front of a real one: it takes no log-probabilities and gives none."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
from stand_ins.served import Served

NEWER_FIELDS = {"logprobs", "top_logprobs", "truncate", "shift"}


class OldOllama(Served):
    """Passes `/api/chat` on, line by line, without what came later; use it in a `with`."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.requests: list[dict[str, Any]] = []
        """Bodies as they arrived."""
        super().__init__(_handler(self))


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
