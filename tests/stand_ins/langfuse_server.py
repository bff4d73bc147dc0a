"""A Langfuse look-alike on 127.0.0.1: takes spans as OTLP posts and scores, checks the keys, keeps all of it.

    python tests/stand_ins/langfuse_server.py --port 3000

The endpoints and the shapes of their answers are those of Langfuse's public API (its OpenAPI document) that
the Python SDK 4.18 uses: POST /api/public/otel/v1/traces with protobuf of OpenTelemetry's trace service,
POST /api/public/ingestion with a batch of score-create events answered by 207, POST /api/public/scores with
one score (a list is refused, as server 4.16 does), GET /api/public/health and /api/public/projects; and for
evaluations GET and POST /api/public/v2/datasets, GET and POST /api/public/dataset-items, where an item keeps
what is not sent anew, and, unless it stands in for version 4 in its default mode, POST
/api/public/dataset-run-items. A fault makes it fail as real servers do; "hang" takes a request and never
answers.
"""

import argparse
import base64
import gzip
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self, get_args
from urllib.parse import parse_qs, unquote, urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

Fault = Literal["none", "hang", "slow", "500"]

PUBLIC_KEY = "pk-lf-test"
SECRET_KEY = "sk-lf-test"
VERSION = "4.16.0"


@dataclass(frozen=True, kw_only=True)
class Span:
    """One span as it arrived."""

    trace_id: str
    id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    is_error: bool
    status: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def type(self) -> str:
        return str(self.attributes.get("langfuse.observation.type", ""))

    def read(self, field: Literal["input", "output"]) -> Any:
        text = self.attributes.get(f"langfuse.observation.{field}")
        try:
            return json.loads(text)
        except (TypeError, ValueError):
            return text

    def metadata(self, name: str) -> Any:
        return self.attributes.get(f"langfuse.observation.metadata.{name}")


class LangfuseServer:
    """Runs in a thread; use it in a `with`. `spans` and `scores` hold what arrived with the right keys."""

    def __init__(
        self,
        *,
        fault: Fault = "none",
        delay_s: float = 1.0,
        port: int = 0,
        public_key: str = PUBLIC_KEY,
        secret_key: str = SECRET_KEY,
        has_runs: bool = False,
        faulty_paths: str = "",
    ) -> None:
        """`has_runs` as up to version 3; a fault is that of paths that begin with `faulty_paths`."""
        self.fault: Fault = fault
        self.faulty_paths = faulty_paths
        self.has_runs = has_runs
        self.delay_s = delay_s
        self.authorization = f"Basic {base64.b64encode(f'{public_key}:{secret_key}'.encode()).decode()}"
        self.public_key, self.secret_key = public_key, secret_key
        self.spans: list[Span] = []
        self.scores: list[dict[str, Any]] = []
        self.datasets: dict[str, dict[str, Any]] = {}
        """By name."""
        self.items: dict[str, dict[str, Any]] = {}
        """By id."""
        self.run_items: list[dict[str, Any]] = []
        self.posts: list[str] = []
        """Paths that were posted to, whatever became of it."""
        self.raw: list[bytes] = []
        """The posts' bodies, unpacked."""
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point here."""
        return {
            "LANGFUSE_PUBLIC_KEY": self.public_key,
            "LANGFUSE_SECRET_KEY": self.secret_key,
            "LANGFUSE_BASE_URL": self.url,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def traces(self) -> dict[str, list[Span]]:
        """The spans of each trace, in order of their beginning."""
        found: dict[str, list[Span]] = {}
        for span in sorted(self.spans, key=lambda span: span.start_ns):
            found.setdefault(span.trace_id, []).append(span)
        return found

    def tree(self, trace_id: str) -> list[str]:
        """The trace as lines, "name" behind two spaces for each level."""
        spans = self.traces()[trace_id]
        known = {span.id for span in spans}

        def under(parent: str, depth: int) -> list[str]:
            lines: list[str] = []
            for span in spans:
                if span.parent_id == parent or (depth == 0 and span.parent_id not in known):
                    lines += ["  " * depth + span.name, *under(span.id, depth + 1)]
            return lines

        return under("", 0)

    def named(self, name: str) -> Span:
        """The one span of that name."""
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def score(self, name: str) -> dict[str, Any]:
        """The one score of that name."""
        (score,) = [score for score in self.scores if score["name"] == name]
        return score


def now() -> str:
    return datetime.now(UTC).isoformat()


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _spans(body: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Span(
            trace_id=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            name=span.name,
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            attributes=_attributes(span.attributes),
            resource=_attributes(of_resource.resource.attributes),
            scope=of_scope.scope.name,
            is_error=span.status.code == 2,
            status=span.status.message,
            events=[{"name": event.name, **_attributes(event.attributes)} for event in span.events],
        )
        for of_resource in request.resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]


def _handler(owner: LangfuseServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/api/public/health"):
                return self.reply(200, {"status": "OK", "version": VERSION})
            if self.faulty() or not self.allowed():
                return None
            if self.path.startswith("/api/public/projects"):
                return self.reply(200, {"data": [{"id": "test", "name": "test"}]})
            if self.path.startswith("/api/public/v2/datasets/"):
                found = owner.datasets.get(unquote(self.path.rpartition("/")[2]))
                return self.reply(200, found) if found else self.missing("Dataset not found")
            if self.path.startswith("/api/public/dataset-items?"):
                return self.items(
                    {name: kept[0] for name, kept in parse_qs(urlsplit(self.path).query).items()}
                )
            return self.reply(404, {"message": "Not Found", "error": "LangfuseNotFoundError"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            with owner.lock:
                owner.posts.append(self.path)
                owner.raw.append(body)
            if self.faulty() or not self.allowed():
                return None
            if self.path == "/api/public/otel/v1/traces":
                if self.headers.get("Content-Type") != "application/x-protobuf":
                    return self.reply(400, {"message": "not protobuf"})
                with owner.lock:
                    owner.spans += _spans(body)
                return self.answer(
                    200, ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf"
                )
            if self.path == "/api/public/ingestion":
                return self.ingest(json.loads(body))
            if self.path == "/api/public/scores":
                score = json.loads(body)
                if not isinstance(score, Mapping):
                    return self.reply(400, {"message": "Invalid request data"})
                with owner.lock:
                    owner.scores.append(dict(score))
                return self.reply(200, {"id": score.get("id", "")})
            if self.path == "/api/public/v2/datasets":
                return self.dataset(json.loads(body))
            if self.path == "/api/public/dataset-items":
                return self.item(json.loads(body))
            if self.path == "/api/public/dataset-run-items" and owner.has_runs:
                return self.run_item(json.loads(body))
            return self.missing("Not Found")

        def dataset(self, sent: dict[str, Any]) -> None:
            with owner.lock:
                kept = owner.datasets.setdefault(
                    sent["name"],
                    {"id": f"dataset-{len(owner.datasets)}", "projectId": "test", "createdAt": now()},
                )
                kept |= {"description": None, "metadata": None, **sent, "updatedAt": now()}
            self.reply(200, kept)

        def item(self, sent: dict[str, Any]) -> None:
            dataset = owner.datasets.get(sent["datasetName"])
            kept = owner.items.get(sent["id"])
            if dataset is None or (kept and kept["datasetId"] != dataset["id"]):
                return self.missing("Dataset not found, or the item is another one's")
            with owner.lock:
                new = {"input": None, "expectedOutput": None, "metadata": None, "status": "ACTIVE"}
                kept = owner.items.setdefault(sent["id"], {"createdAt": now(), **new})
                kept |= sent
                kept |= {"datasetId": dataset["id"], "updatedAt": now(), "mediaReferences": []}
            self.reply(200, kept)

        def items(self, asked: dict[str, str]) -> None:
            dataset = owner.datasets.get(asked["datasetName"])
            if dataset is None:
                return self.missing("Dataset not found")
            page, limit = int(asked.get("page", 1)), int(asked.get("limit", 50))
            with owner.lock:
                found = [item for item in owner.items.values() if item["datasetId"] == dataset["id"]]
            pages = -(-len(found) // limit)
            meta = {"page": page, "limit": limit, "totalItems": len(found), "totalPages": pages}
            return self.reply(200, {"data": found[(page - 1) * limit : page * limit], "meta": meta})

        def run_item(self, sent: dict[str, Any]) -> None:
            item = owner.items.get(sent["datasetItemId"])
            if item is None:
                return self.missing("Dataset item not found")
            with owner.lock:
                names = [(kept["datasetId"], kept["datasetRunName"]) for kept in owner.run_items]
                run = (item["datasetId"], sent["runName"])
                number = list(dict.fromkeys([*names, run])).index(run)
                kept = {
                    **sent, "id": f"run-item-{len(names)}", "datasetId": item["datasetId"],
                    "datasetRunId": f"run-{number}", "datasetRunName": sent["runName"],
                    "createdAt": now(), "updatedAt": now(),
                }  # fmt: skip
                owner.run_items.append(kept)
            self.reply(200, kept)

        def missing(self, message: str) -> None:
            self.reply(404, {"message": message, "error": "LangfuseNotFoundError"})

        def ingest(self, sent: dict[str, Any]) -> None:
            successes, errors = [], []
            for event in sent["batch"]:
                if event.get("type") == "score-create" and event["body"].get("name"):
                    with owner.lock:
                        owner.scores.append(event["body"])
                    successes.append({"id": event["id"], "status": 201})
                else:
                    errors.append({"id": event.get("id"), "status": 400, "message": "Invalid request data"})
            self.reply(207, {"successes": successes, "errors": errors})

        def faulty(self) -> bool:
            if not self.path.startswith(owner.faulty_paths):
                return False
            if owner.fault == "hang":
                owner.stopping.wait()
                self.close_connection = True
                return True
            if owner.fault == "slow":
                owner.stopping.wait(owner.delay_s)
            if owner.fault == "500":
                self.reply(500, {"message": "Internal Server Error"})
                return True
            return False

        def allowed(self) -> bool:
            if self.headers.get("Authorization") == owner.authorization:
                return True
            self.reply(
                401, {"message": "Invalid credentials. Confirm that you've configured the correct host."}
            )
            return False

        def reply(self, status: int, answer: Any) -> None:
            self.answer(status, json.dumps(answer).encode(), "application/json")

        def answer(self, status: int, body: bytes, kind: str) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # the client hung up, as it should on a late answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description="A local server that takes traces as Langfuse does.")
    parser.add_argument("--port", type=int, default=3000, help="0 takes a free one")
    parser.add_argument("--fault", choices=get_args(Fault), default="none")
    parser.add_argument("--delay-s", type=float, default=1.0, help="for --fault slow")
    given = parser.parse_args()
    with LangfuseServer(fault=given.fault, delay_s=given.delay_s, port=given.port) as server:
        print(server.url, flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
