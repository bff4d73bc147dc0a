"""An Ollama server's look-alike on 127.0.0.1: its models, blobs and creation, and answers that are scripted.

The shapes are those of v0.24.0. Creating checks what the real one checks: that the blobs are there, that a
name can be resolved, that only unquantised weights are quantised.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal

from stand_ins.served import Served

Fault = Literal[
    "none",
    "unresolved",  # hf.co cannot be reached
    "cut",  # breaks off in the middle of a creation
    "silent",  # takes a creation and says nothing
    "refuse-blob",
    "html",  # something else listens here
    "no-logprobs",  # before 0.12.11
]

LLAMA3 = {
    "general.architecture": "llama",
    "general.basename": "Llama-3-Open-Ko",
    "llama.block_count": 32,
    "llama.context_length": 8192,
    "llama.embedding_length": 4096,
    "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8,
    "tokenizer.ggml.eos_token_id": 3,
}
TOKENS = ["가", "</s>", "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>"]
TOKEN_TYPES = [1, 1, 3, 3, 3, 3]


@dataclass
class Model:
    """A model that the server has."""

    template: str = "{{ .Prompt }}"
    system: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=lambda: dict(LLAMA3))
    tokens: Sequence[str] = tuple(TOKENS)
    token_types: Sequence[int] = tuple(TOKEN_TYPES)
    quantization: str = "Q4_K_M"
    size_bytes: int = 4_920_734_656
    capabilities: Sequence[str] = ("completion",)


class OllamaStandIn(Served):
    """Runs in a thread; use it in a `with`. `seen` holds method and path of each request, in order."""

    def __init__(
        self,
        *,
        models: dict[str, Model] | None = None,
        answer: Sequence[str] = ("서울", "입니다", "."),
        done_reason: str = "stop",
        fault: Fault = "none",
        loaded: Sequence[str] = (),
    ) -> None:
        self.models = models or {}
        self.answer = answer
        self.done_reason = done_reason
        self.fault: Fault = fault
        self.loaded = loaded
        self.blobs: dict[str, bytes] = {}
        self.created: list[dict[str, Any]] = []
        self.chats: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str]] = []
        super().__init__(_handler(self))


def full_name(name: str) -> str:
    """Without a tag Ollama means :latest."""
    return name if ":" in name else f"{name}:latest"


def _handler(server: OllamaStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            server.seen.append(("GET", self.path))
            if server.fault == "html":
                self._send(200, b"<html>hello</html>", "text/html")
            elif self.path == "/api/version":
                self._json(200, {"version": "0.24.0"})
            elif self.path == "/api/tags":
                self._json(200, {"models": [_tag(name, model) for name, model in server.models.items()]})
            elif self.path == "/api/ps":
                self._json(
                    200,
                    {
                        "models": [
                            {"name": full_name(n), "size": 6_000_000_000, "size_vram": 0}
                            for n in server.loaded
                        ]
                    },
                )
            else:
                self._json(404, {"error": "not found"})

        def do_HEAD(self) -> None:
            server.seen.append(("HEAD", self.path))
            digest = self.path.removeprefix("/api/blobs/")
            self.send_response(200 if digest in server.blobs else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            server.seen.append(("POST", self.path))
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/api/blobs/"):
                self._blob(self.path.removeprefix("/api/blobs/"), data)
                return
            body = json.loads(data)
            match self.path:
                case "/api/show":
                    self._show(body)
                case "/api/create":
                    self._create(body)
                case "/api/chat":
                    self._chat(body)
                case _:
                    self._json(404, {"error": "not found"})

        def _blob(self, digest: str, data: bytes) -> None:
            found = f"sha256:{hashlib.sha256(data).hexdigest()}"
            if server.fault == "refuse-blob":
                self._json(500, {"error": "no space left on device"})
            elif found != digest:
                self._json(400, {"error": f'digest mismatch, expected "{digest}", got "{found}"'})
            else:
                server.blobs[digest] = data
                self._send(201, b"", "text/plain")

        def _show(self, body: dict[str, Any]) -> None:
            model = server.models.get(full_name(body["model"]))
            if model is None:
                self._json(404, {"error": f"model '{body['model']}' not found"})
                return
            info = dict(model.info)
            if body.get("verbose"):
                info |= {
                    "tokenizer.ggml.tokens": list(model.tokens),
                    "tokenizer.ggml.token_type": list(model.token_types),
                }
            else:
                info["tokenizer.ggml.tokens"] = None
            lines = [
                f"{name:<30} {json.dumps(one, ensure_ascii=False)}"
                for name, value in model.parameters.items()
                for one in (value if isinstance(value, list) else [value])
            ]
            self._json(
                200,
                {
                    "template": model.template,
                    "system": model.system,
                    "parameters": "\n".join(lines),
                    "details": {"family": "llama", "quantization_level": model.quantization},
                    "model_info": info,
                    "capabilities": list(model.capabilities),
                },
            )

        def _create(self, body: dict[str, Any]) -> None:
            server.created.append(body)
            if server.fault == "silent":
                server.stopping.wait(30)
                return
            lines: list[dict[str, Any]] = []
            files = body.get("files") or {}
            absent = [digest for digest in files.values() if digest not in server.blobs]
            if absent:
                lines = [{"error": f"blob {absent[0]} not found"}]
            elif body.get("from"):
                if server.fault == "unresolved":
                    lines = [
                        {"status": "pulling manifest"},
                        {"error": "pull model manifest: dial tcp: lookup hf.co: no such host"},
                    ]
                else:
                    lines = [
                        {"status": "pulling manifest"},
                        {"status": "pulling 1a2b", "digest": "sha256:1a2b", "total": 100, "completed": 40},
                        {"status": "pulling 1a2b", "digest": "sha256:1a2b", "total": 100, "completed": 100},
                    ]
            elif any(name.endswith(".safetensors") for name in files):
                lines = [{"status": "converting model"}]
            else:
                lines = [{"status": "parsing GGUF"}]
                if body.get("quantize"):
                    lines.append({"error": "quantization is only supported for F16, BF16 and F32 models"})
            if not any("error" in line for line in lines):
                lines += [{"status": "writing manifest"}, {"status": "success"}]
                if server.fault != "cut":
                    server.models[full_name(body["model"])] = Model(
                        template=body.get("template", "{{ .Prompt }}"),
                        system=body.get("system", ""),
                        parameters=body.get("parameters", {}),
                    )
            if server.fault == "cut":
                lines = lines[:1]
            self._lines(lines, broken=server.fault == "cut")

        def _chat(self, body: dict[str, Any]) -> None:
            server.chats.append(body)
            if full_name(body["model"]) not in server.models:
                self._json(404, {"error": f"model '{body['model']}' not found"})
                return
            limit = (body.get("options") or {}).get("num_predict", 1000)
            pieces = list(server.answer)[:limit]
            graded = body.get("logprobs") and server.fault != "no-logprobs"
            lines: list[dict[str, Any]] = []
            for piece in ["yes"] if body.get("logprobs") else pieces:
                line: dict[str, Any] = {"message": {"role": "assistant", "content": piece}, "done": False}
                if graded:
                    top = [{"token": "yes", "logprob": -0.1}, {"token": "no", "logprob": -2.5}]
                    line["logprobs"] = [{"token": "yes", "logprob": -0.1, "top_logprobs": top}]
                lines.append(line)
            lines.append(
                {
                    "message": {"role": "assistant", "content": ""},
                    "done": True,
                    "done_reason": server.done_reason,
                    "prompt_eval_count": 640,
                    "eval_count": len(pieces),
                }
            )
            stamp = {"model": body["model"], "created_at": "2026-11-21T00:00:00.000000Z"}
            self._lines([stamp | line for line in lines])

        def _lines(self, lines: Sequence[dict[str, Any]], *, broken: bool = False) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for line in lines:
                data = (json.dumps(line, ensure_ascii=False) + "\n").encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
            if not broken:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        def _json(self, status: int, value: dict[str, Any]) -> None:
            self._send(status, json.dumps(value, ensure_ascii=False).encode(), "application/json")

        def _send(self, status: int, data: bytes, kind: str) -> None:
            self.close_connection = True
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _tag(name: str, model: Model) -> dict[str, Any]:
    return {
        "name": full_name(name),
        "model": full_name(name),
        "size": model.size_bytes,
        "digest": hashlib.sha256(name.encode()).hexdigest(),
        "details": {"family": "llama", "quantization_level": model.quantization},
    }
