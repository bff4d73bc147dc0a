"""A SearXNG look-alike on 127.0.0.1 that searches one JSON file: [{"title", "url", "content"}, ...].

    python tests/stand_ins/search_server.py tests/stand_ins/web_pages.json --port 8888
    curl '127.0.0.1:8888/search?q=nolan&format=json'

Answers have the fields of SearXNG's own (webapp.py and webutils.get_json_response in its source). A fault
makes it fail as real servers do; "trickle" sends a byte at a time and never ends.
"""

import argparse
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self, get_args
from urllib.parse import parse_qs, urlsplit

Fault = Literal["none", "slow", "trickle", "403", "429", "500", "bad-json", "wrong-json", "huge", "redirect"]


class SearchServer:
    """Runs in a thread; use it in a `with`. `queries` holds what arrived, in order."""

    def __init__(
        self, pages: list[dict[str, str]], *, fault: Fault = "none", delay_s: float = 5.0, port: int = 0
    ) -> None:
        self.pages = pages
        self.fault: Fault = fault
        self.delay_s = delay_s
        self.queries: list[str] = []
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def answer(self, query: str) -> dict[str, Any]:
        results = [
            {
                "template": "default.html",
                "url": page["url"],
                "title": page["title"],
                "content": page["content"],
                "engine": "stand-in",
                "engines": ["stand-in"],
                "parsed_url": [*urlsplit(page["url"])[:3], "", "", ""],
                "positions": [position],
                "priority": "",
                "thumbnail": "",
                "publishedDate": None,
                "score": score,
                "category": "general",
            }
            for position, (score, page) in enumerate(rank(query, self.pages), start=1)
        ]
        return {
            "query": query,
            "number_of_results": len(results),
            "results": results,
            "answers": [],
            "corrections": [],
            "infoboxes": [],
            "suggestions": [],
            "unresponsive_engines": [],
        }


def rank(query: str, pages: list[dict[str, str]]) -> list[tuple[float, dict[str, str]]]:
    """Pages that share a word with the query, best first; a word in the title counts twice.

    A Korean word also counts when only its particle differs (봉준호의, 봉준호): one begins with the other.
    """
    wanted = _words(query)
    scored = [
        (_overlap(wanted, page["title"]) * 2 + _overlap(wanted, page["content"]), page) for page in pages
    ]
    return sorted(((score, page) for score, page in scored if score), key=lambda pair: -pair[0])


def _overlap(wanted: set[str], text: str) -> float:
    words = _words(text)
    return float(sum(any(_same(word, other) for other in words) for word in wanted))


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= 2 and "가" <= shorter[0] <= "힣" and longer.startswith(shorter)


def _words(text: str) -> set[str]:
    common = {
        "the",
        "of",
        "in",
        "is",
        "was",
        "a",
        "an",
        "and",
        "by",
        "on",
        "to",
        "who",
        "when",
        "what",
        "how",
    }
    return set(re.findall(r"\w+", text.lower())) - common - {"encyclopedia", "백과사전"}


def _handler(owner: SearchServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            fields = parse_qs(address.query)
            query = fields.get("q", [""])[0]
            if address.path not in ("/", "/search"):
                return self.reply(404, b"Not Found", "text/html")
            owner.queries.append(query)
            if fields.get("format", ["html"])[0] != "json":
                return self.reply(200, b"<!DOCTYPE html><title>SearXNG</title>", "text/html")
            body = json.dumps(owner.answer(query)).encode()
            match owner.fault:
                case "slow":
                    owner.stopping.wait(owner.delay_s)
                case "trickle":
                    return self.trickle()
                case "403":
                    return self.reply(403, b"Forbidden", "text/html")
                case "429":
                    return self.reply(429, b"Too Many Requests", "text/html")
                case "500":
                    return self.reply(500, b"Internal Server Error", "text/html")
                case "bad-json":
                    body = body[:-20]
                case "wrong-json":
                    body = b'{"results": {"title": "not a list"}}'
                case "huge":
                    body = b'{"results": [], "padding": "' + b"x" * 5_000_000 + b'"}'
                case "redirect":
                    return self.reply(302, b"", "text/html", location=f"{owner.url}/elsewhere")
            self.reply(200, body, "application/json")

        def reply(self, status: int, body: bytes, kind: str, location: str | None = None) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # the client hung up, as it should on a late or huge answer

        def trickle(self) -> None:
            try:
                self.send_response(200)
                self.end_headers()
                while not owner.stopping.wait(0.05):
                    self.wfile.write(b" ")
                    self.wfile.flush()
            except OSError:
                pass

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description="A local search server that answers as SearXNG does.")
    parser.add_argument("pages", type=Path, help='JSON: [{"title", "url", "content"}, ...]')
    parser.add_argument("--port", type=int, default=8888, help="0 takes a free one")
    parser.add_argument("--fault", choices=get_args(Fault), default="none")
    parser.add_argument("--delay-s", type=float, default=5.0, help="for --fault slow")
    given = parser.parse_args()
    pages = json.loads(given.pages.read_text(encoding="utf-8"))
    with SearchServer(pages, fault=given.fault, delay_s=given.delay_s, port=given.port) as server:
        print(server.url, flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
