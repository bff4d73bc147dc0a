"""A chat server's look-alike on 127.0.0.1: llama.cpp's OpenAI protocol and Ollama's own, with their faults.

It streams scripted pieces, each with log-probabilities, in the shapes that were seen of llama.cpp's server
and of Ollama 0.24. Like llama.cpp's, it closes every connection after its answer without saying so first.
"""

import json
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal

from stand_ins.served import Served

Fault = Literal[
    "none",
    "401",
    "404",
    "context",  # 400: the prompt is longer than the context
    "500",  # with a page instead of JSON
    "hang",  # takes the request, never answers
    "cut",  # breaks off after the first piece
    "error",  # says in the stream that it broke
    "drip",  # a piece every `delay_s`
    "empty",  # a stream without a piece
    "garbage",  # not the protocol
]

OVERFLOW = "the request exceeds the available context size, try increasing it"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Answer:
    """What is streamed: pieces, one token each, and the likeliest tokens at the first of them."""

    pieces: Sequence[str] = ("연차는", " 17일", "입니다.")
    top: Sequence[tuple[str, float]] = (("yes", -0.1), ("no", -2.5))
    reason: Literal["stop", "length"] = "stop"
    prompt_tokens: int = 640
    cached_tokens: int = 600
    logprob: float = -0.25


class ChatServer(Served):
    """Runs in a thread; use it in a `with`. `requests` holds what arrived, in order."""

    def __init__(
        self,
        *,
        answer: Answer | None = None,
        fault: Fault = "none",
        delay_s: float = 0.05,
        models: Sequence[str] = (),
        tokenizes: bool = True,
        plain: bool = False,
        reads: dict[str, Any] | None = None,
    ) -> None:
        self.answer = answer or Answer()
        self.fault: Fault = fault
        self.delay_s = delay_s
        self.models = models
        self.tokenizes = tokenizes
        self.plain = plain
        """Like GPT4All's server it refuses to stream and to give log-probabilities."""
        self.reads = reads or {}
        """By path, what is said of the model: how much it reads at once."""
        self.requests: list[Request] = []
        self.connections = 0
        self.hung_up = threading.Event()
        """The client closed its connection before it had the whole answer."""
        super().__init__(_handler(self))


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class _Gone(Exception):
    """The client went away, or the server is being stopped."""


@dataclass
class _Stream:
    """An answer in pieces of HTTP's chunked coding."""

    handler: BaseHTTPRequestHandler
    server: ChatServer
    kind: str
    _begun: bool = field(default=False, init=False)

    def send(self, text: str) -> None:
        if not self._begun:
            self.handler.send_response(200)
            self.handler.send_header("Content-Type", self.kind)
            self.handler.send_header("Transfer-Encoding", "chunked")
            self.handler.end_headers()
            self._begun = True
        data = text.encode()
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def end(self) -> None:
        self.send("") if not self._begun else self.handler.wfile.write(b"0\r\n\r\n")


def _handler(server: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            server.connections += 1

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.close_connection = True
            if server.fault == "hang":
                self._wait(60)
            elif server.fault == "drip":
                self._drip_headers()
            elif server.fault == "garbage":
                self._send(200, "<html>hello</html>", "text/html")
            elif self.path in server.reads:
                self._json(200, server.reads[self.path])
            elif self.path == "/api/tags":
                self._json(200, {"models": [{"name": name, "model": name} for name in server.models]})
            else:
                self._json(404, {"error": "not found"})

        def do_POST(self) -> None:
            self.close_connection = True
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(
                Request(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=body)
            )
            try:
                self._post(body)
            except (_Gone, OSError):
                server.hung_up.set()

        def _post(self, body: dict[str, Any]) -> None:
            match self.path:
                case "/v1/chat/completions" | "/api/chat" if server.fault in ("401", "404", "context", "500"):
                    self._refuse(body)
                case "/v1/chat/completions" | "/api/chat" if server.fault == "hang":
                    self._wait(60)
                    raise _Gone
                case path if path in server.reads:
                    self._json(200, server.reads[path])
                case "/v1/chat/completions" if server.plain:
                    self._answer_whole(body)
                case "/v1/chat/completions":
                    self._stream("text/event-stream", _openai(server, body))
                case "/api/chat":
                    self._stream("application/x-ndjson", _ollama(server, body))
                case "/apply-template" if server.tokenizes:
                    lines = [f"<|{m['role']}|>{m['content']}<|end|>" for m in body["messages"]]
                    self._json(200, {"prompt": "".join(lines) + "<|assistant|>"})
                case "/tokenize" if server.tokenizes:
                    self._json(200, {"tokens": list(range(len(body["content"].split("<|"))))})
                case _:
                    self._json(404, {"error": {"code": 404, "message": "File Not Found"}})

        def _refuse(self, body: dict[str, Any]) -> None:
            ollama = self.path == "/api/chat"
            status, message = {
                "401": (401, "Invalid API Key"),
                "404": (404, f"model '{body['model']}' not found"),
                "context": (400, OVERFLOW),
                "500": (500, "<html>\n<h1>Internal\nServer Error</h1>\n</html>"),
            }[server.fault]
            if server.fault == "500":
                self._send(status, message, "text/html")
            else:
                self._json(status, {"error": message if ollama else {"code": status, "message": message}})

        def _answer_whole(self, body: dict[str, Any]) -> None:
            for name in ("stream", "logprobs"):
                if body.get(name):
                    error = {"message": f"'{name}' is not supported", "type": "invalid_request_error"}
                    return self._json(400, {"error": error | {"param": None, "code": None}})
            answer = server.answer
            message = {"role": "assistant", "content": "".join(answer.pieces)}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.reason}
            written = len(answer.pieces)
            usage = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": written}
            return self._json(
                200,
                {
                    "id": "placeholder",
                    "object": "chat.completion",
                    "created": 1795248000,
                    "model": body["model"],
                    "choices": [choice],
                    "usage": usage | {"total_tokens": answer.prompt_tokens + written},
                },
            )

        def _stream(self, kind: str, lines: Iterator[str]) -> None:
            stream = _Stream(self, server, kind)
            for number, line in enumerate(lines):
                if server.fault == "drip":
                    self._wait(server.delay_s)
                stream.send(line)
                if server.fault == "cut" and number == 1:
                    return
            stream.end()

        def _drip_headers(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(1000):
                self._wait(server.delay_s)
                self.wfile.write(b"X-%d: x\r\n" % number)

        def _wait(self, seconds: float) -> None:
            """Wait, and notice meanwhile when the client hangs up."""
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                ready, _, _ = select.select([self.connection], [], [], 0.02)
                if server.stopping.is_set() or (ready and not self.connection.recv(1, socket.MSG_PEEK)):
                    raise _Gone

        def _json(self, status: int, value: dict[str, Any]) -> None:
            self._send(status, json.dumps(value, ensure_ascii=False), "application/json")

        def _send(self, status: int, text: str, kind: str) -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (_Gone, OSError):
                server.hung_up.set()

    return Handler


def _openai(server: ChatServer, body: dict[str, Any]) -> Iterator[str]:
    """llama.cpp's server: a role, the pieces, a reason to stop, the usage, [DONE]."""
    answer = server.answer
    if server.fault == "empty":
        yield "data: [DONE]\n\n"
        return
    if server.fault == "garbage":
        yield "data: <html>\n\n"
        return

    def event(choices: list[dict[str, Any]], **more: Any) -> str:
        frame = {
            "choices": choices,
            "created": 1795248000,
            "id": "chatcmpl-1",
            "model": body["model"],
            "system_fingerprint": "b9999",
            "object": "chat.completion.chunk",
        }
        return f"data: {json.dumps(frame | more, ensure_ascii=False)}\n\n"

    yield event([{"finish_reason": None, "index": 0, "delta": {"role": "assistant", "content": None}}])
    for number, piece in enumerate(answer.pieces):
        choice: dict[str, Any] = {"finish_reason": None, "index": 0, "delta": {"content": piece}}
        if body.get("logprobs"):
            token = {"id": number, "bytes": list(piece.encode())} | _token(server, number, piece)
            choice["logprobs"] = {"content": [token]}
        yield event([choice])
        if server.fault == "error":
            yield f"data: {json.dumps({'error': {'code': 500, 'message': 'decode failed'}})}\n\n"
            return
    yield event([{"finish_reason": answer.reason, "index": 0, "delta": {}}])
    if (body.get("stream_options") or {}).get("include_usage"):
        written = len(answer.pieces)
        yield event(
            [],
            usage={
                "completion_tokens": written,
                "prompt_tokens": answer.prompt_tokens,
                "total_tokens": answer.prompt_tokens + written,
                "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
            },
        )
    yield "data: [DONE]\n\n"


def _ollama(server: ChatServer, body: dict[str, Any]) -> Iterator[str]:
    """Ollama: the pieces, then one object that is done, with the counts."""
    answer = server.answer
    if server.fault == "empty":
        return
    if server.fault == "garbage":
        yield "<html>\n"
        return
    frame = {"model": body["model"], "created_at": "2026-11-21T00:00:00.000000Z"}
    for number, piece in enumerate(answer.pieces):
        more: dict[str, Any] = {"message": {"role": "assistant", "content": piece}, "done": False}
        if body.get("logprobs"):
            more["logprobs"] = [_token(server, number, piece)]
        yield json.dumps(frame | more, ensure_ascii=False) + "\n"
        if server.fault == "error":
            yield (
                json.dumps({"error": "an error was encountered while running the model: unexpected EOF"})
                + "\n"
            )
            return
    done = {
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": answer.reason,
        "total_duration": 7_500_000_000,
        "load_duration": 20_000_000,
        "prompt_eval_count": answer.prompt_tokens,
        "prompt_eval_duration": 300_000_000,
        "eval_count": len(answer.pieces),
        "eval_duration": 200_000_000,
    }
    yield json.dumps(frame | done) + "\n"


def _token(server: ChatServer, number: int, piece: str) -> dict[str, Any]:
    top = server.answer.top if number == 0 else [(piece, server.answer.logprob)]
    return {
        "token": piece,
        "logprob": server.answer.logprob,
        "top_logprobs": [{"token": token, "logprob": logprob} for token, logprob in top],
    }
