import asyncio
import contextlib
import datetime
import importlib.util
import json
import re
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import ddgs.ddgs
import ddgs.engines
import pytest
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

from app.errors import SearchError, SettingsError
from tools.search_log import SearchLog
from tools.search_results import MAX_SNIPPET, MAX_TITLE, SearchResult, clean, plain_text
from tools.web_search import Mode, WebSearch, outbound, web_search, web_search_tool

STAND_INS = Path(__file__).parents[1] / "stand_ins"
PAGES: list[dict[str, str]] = json.loads((STAND_INS / "web_pages.json").read_text(encoding="utf-8"))


def _stand_in() -> ModuleType:
    spec = importlib.util.spec_from_file_location("search_server", STAND_INS / "search_server.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SERVER = _stand_in()

Serve = Callable[..., Any]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts stand-in servers and stops them after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda pages=PAGES, **options: stack.enter_context(SERVER.SearchServer(pages, **options))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "searches.jsonl"


def searcher(url: str | None, log: Path, mode: Mode = "on", deadline_s: float = 60.0) -> WebSearch:
    search = web_search(mode, url, log, deadline_s)
    assert search is not None
    return search


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def error_of(search: WebSearch, query: str = "nolan") -> str:
    with pytest.raises(SearchError) as raised:
        asyncio.run(search.search(query))
    line = str(raised.value)
    assert len(line.splitlines()) == 1 and line.isprintable()
    return line


def titles(search: WebSearch, query: str, k: int = 5) -> list[str]:
    return [result.title for result in asyncio.run(search.search(query, k=k))]


def test_off_is_no_search_at_all(log: Path) -> None:
    assert web_search("off", "http://127.0.0.1:8888", log, 5.0) is None


def test_searxng_finds_pages(serve: Serve, log: Path) -> None:
    server = serve()
    found = asyncio.run(searcher(server.url + "/", log).search("Who directed the film Oppenheimer?", k=3))
    assert len(found) == 3
    assert found[0].title == "Oppenheimer (film) - Encyclopedia"
    assert found[0].url == "https://encyclopedia.example/Oppenheimer_(film)"
    assert "directed by Christopher Nolan" in found[0].snippet
    assert server.queries == ["Who directed the film Oppenheimer?"]


def test_the_second_hop_needs_the_second_page(serve: Serve, log: Path) -> None:
    search = searcher(serve().url, log)
    assert titles(search, "Christopher Nolan born")[0] == "Christopher Nolan - Encyclopedia"
    assert titles(search, "기생충의 감독")[0] == "기생충 (영화) - 백과사전"
    assert titles(search, "봉준호의 생년월일")[0] == "봉준호 - 백과사전"
    assert titles(search, "quantum chromodynamics") == []


def test_the_query_reaches_the_server_as_it_is_logged(serve: Serve, log: Path) -> None:
    server = serve()
    query = "세종대왕 & 'a+b' #1 100% \x1b[31m\n다음 줄\u202e"
    asyncio.run(searcher(server.url, log).search(query))
    assert server.queries == ["세종대왕 & 'a+b' #1 100% [31m 다음 줄"]
    assert lines(log)[0]["query"] == server.queries[0]


def test_ask_sends_nothing_without_consent(serve: Serve, log: Path) -> None:
    server = serve()
    search = searcher(server.url, log, mode="ask")
    assert error_of(search) == "The web was not searched: this query needs the user's consent first."
    assert server.queries == [] and not log.exists()
    assert asyncio.run(search.search("nolan", consent=True))
    assert server.queries == ["nolan"]
    assert (lines(log)[0]["mode"], lines(log)[0]["consent"]) == ("ask", True)


def test_each_query_is_logged_before_it_leaves(serve: Serve, log: Path) -> None:
    server = serve()
    at_arrival: list[list[dict[str, Any]]] = []
    answer = server.answer

    def watched(query: str) -> Any:
        at_arrival.append(lines(log))
        return answer(query)

    server.answer = watched
    asyncio.run(searcher(server.url, log).search("nolan"))
    assert [line["event"] for line in at_arrival[0]] == ["sent"]
    sent, answered = lines(log)
    assert sent == at_arrival[0][0]
    assert {key: sent[key] for key in ("backend", "query", "mode", "consent")} == {
        "backend": "searxng",
        "query": "nolan",
        "mode": "on",
        "consent": False,
    }
    assert datetime.datetime.fromisoformat(sent["time"]).utcoffset() is not None
    assert answered["id"] == sent["id"]
    assert (answered["event"], answered["results"], answered["error"]) == ("answered", 2, None)


def test_only_the_owner_reads_the_log(serve: Serve, log: Path) -> None:
    server = serve()
    log.parent.mkdir()
    log.touch(0o644)
    asyncio.run(searcher(server.url, log).search("nolan"))
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_an_unwritable_log_stops_the_search(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    blocker = tmp_path / "file"
    blocker.touch()
    line = error_of(searcher(server.url, blocker / "searches.jsonl"))
    assert line.startswith(f"The search log {blocker / 'searches.jsonl'} cannot be written (")
    assert line.endswith("without it nothing is searched.")
    assert server.queries == []


def test_concurrent_searches_keep_their_log_lines_whole(serve: Serve, log: Path) -> None:
    search = searcher(serve().url, log)

    async def many() -> None:
        await asyncio.gather(*(search.search(f"nolan {n}") for n in range(8)))

    asyncio.run(many())
    written = lines(log)
    assert len(written) == 16
    assert {line["id"] for line in written if line["event"] == "answered"} == {
        line["id"] for line in written if line["event"] == "sent"
    }


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "403",
            "The search server {url} refused (403). Add json to search.formats in its settings.yml, or let "
            "its limiter pass this machine.",
        ),
        ("429", "The search server {url} refused the search: too many requests. Wait a minute."),
        ("500", "The search server {url} answered with HTTP 500. See its log."),
        ("bad-json", "The search server {url} did not answer as SearXNG does."),
        ("wrong-json", "The search server {url} did not answer as SearXNG does."),
        ("huge", "The search server {url} sent more than 2 MB."),
        (
            "redirect",
            "The search server {url} redirects to {url}/elsewhere. Set MUTDA_SEARCH_URL to the final "
            "address.",
        ),
    ],
)
def test_faults_of_the_server(serve: Serve, log: Path, fault: str, message: str) -> None:
    server = serve(fault=fault)
    assert error_of(searcher(server.url, log)) == message.format(url=server.url)
    assert lines(log)[1]["error"] == message.format(url=server.url)
    assert lines(log)[1]["results"] is None
    assert server.queries == ["nolan"]  # one request: nothing is followed, nothing repeated


@pytest.mark.parametrize("fault", ["slow", "trickle"])
def test_the_deadline_bounds_the_whole_answer(serve: Serve, log: Path, fault: str) -> None:
    server = serve(fault=fault, delay_s=250.0)
    started = time.monotonic()
    line = error_of(searcher(server.url, log, deadline_s=0.5))
    assert re.fullmatch(r"The web search \(searxng\) gave no answer in \d+\.\d s\. Try again later\.", line)
    assert time.monotonic() - started < 60
    assert lines(log)[1]["error"] == line


def test_a_server_that_is_not_there(log: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert error_of(searcher(url, log)) == (
            f"The search server {url} cannot be reached (ConnectError). Start it, or correct "
            "MUTDA_SEARCH_URL."
        )


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    serve: Serve, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert titles(searcher(server.url, log), "nolan")


def test_a_password_in_the_address_is_not_shown(serve: Serve, log: Path) -> None:
    server = serve(fault="500")
    line = error_of(searcher(server.url.replace("//", "//user:secret@"), log))
    assert "secret" not in line and server.url in line
    assert "secret" not in log.read_text()


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8888",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "http://",
        "http://a:b",
        "http://[::1",
        "http://x/?q=1",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(log: Path, url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        web_search("on", url, log, 5.0)
    assert str(raised.value) == (
        "MUTDA_SEARCH_URL must be the address of a SearXNG server, such as http://127.0.0.1:8888."
    )


def test_cancelling_is_logged(serve: Serve, log: Path) -> None:
    server = serve(fault="slow", delay_s=250.0)

    async def cancel() -> None:
        task = asyncio.create_task(searcher(server.url, log, deadline_s=250).search("nolan"))
        while not server.queries:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(cancel(), 120))
    assert lines(log)[1]["error"] == "cancelled"


def test_the_event_loop_is_never_blocked(serve: Serve, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    here = threading.get_ident()
    written_in: list[int] = []
    write = SearchLog._write

    def watched(self: SearchLog, line: bytes) -> None:
        written_in.append(threading.get_ident())
        write(self, line)

    monkeypatch.setattr(SearchLog, "_write", watched)
    asyncio.run(searcher(server.url, log).search("nolan"))
    assert len(written_in) == 2 and here not in written_in


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "The search query is empty."),
        (" \n\x00 ", "The search query is empty."),
        ("가" * 401, "The search query has 401 characters; at most 400 may leave."),
    ],
)
def test_queries_that_do_not_leave(serve: Serve, log: Path, query: str, message: str) -> None:
    server = serve()
    assert error_of(searcher(server.url, log), query) == message
    assert server.queries == [] and not log.exists()


def test_the_longest_query_leaves_whole() -> None:
    assert outbound("가" * 400) == "가" * 400


@pytest.mark.parametrize("k", [0, -1, 21])
def test_k_has_bounds(log: Path, k: int) -> None:
    with pytest.raises(ValueError, match=f"^k must be 1 to 20, not {k}$"):
        asyncio.run(searcher("http://127.0.0.1:1", log).search("nolan", k=k))


def test_hostile_results_are_cleaned(serve: Serve, log: Path) -> None:
    server = serve()
    rows: list[Any] = [
        {
            "title": "<b>First</b>\u202e",
            "url": "https://a.example/x",
            "content": "<script>alert(1)</script>one\r\ntwo",
        },
        {"title": "Again", "url": "https://A.example/x/#part", "content": ""},
        {"title": "Bad", "url": "javascript:alert(1)", "content": ""},
        {"title": "Bad", "url": "file:///etc/passwd", "content": ""},
        {"title": "Bad", "url": "https://bank.example@evil.example/", "content": ""},
        {"title": "Bad", "url": "https://[::1", "content": ""},
        {"title": "Bad", "url": "https://a.example/\nHost: b", "content": ""},
        {"title": "Bad", "url": "https://a.example/" + "x" * 3000, "content": ""},
        {"title": "", "url": "https://b.example/", "content": "no title"},
        {"title": 7, "url": None, "content": []},
        "not an object",
        {"title": "T" * 999, "url": "http://c.example/", "content": None},
    ]
    server.answer = lambda query: {"query": query, "results": rows}
    found = asyncio.run(searcher(server.url, log).search("nolan", k=20))
    assert found == [
        SearchResult("First", "https://a.example/x", "one two"),
        SearchResult("T" * (MAX_TITLE - 1) + "…", "http://c.example/", ""),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&lt;script&gt;x&lt;/script&gt;y", "y"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;ok", "ok"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<!-- hidden -->seen", "seen"),
        ("<style>p{}</style>seen", "seen"),
        ("<script>never closed", ""),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("zero\u200bwidth\U000e0041tag", "zerowidthtag"),
        ("line\u2028break\ttab", "line break tab"),
        ("\ud800lone", "lone"),
        ("한글 <em>강조</em>", "한글 강조"),
    ],
)
def test_plain_text(raw: str, expected: str) -> None:
    assert plain_text(raw, MAX_SNIPPET) == expected


def test_cleaning_is_quick_on_hostile_text() -> None:
    started = time.process_time()
    for raw in ("<script>" * 200_000, "<!--" * 200_000, "<a " * 200_000, "&amp;" * 200_000, "<" * 500_000):
        assert len(plain_text(raw, 600)) <= 600
    assert time.process_time() - started < 10


def test_clean_keeps_order_and_stops_at_k() -> None:
    rows = [SearchResult(f"t{n}", f"https://a.example/{n}", "") for n in range(5)]
    assert clean(rows, 2) == rows[:2]


ROWS = [
    {"title": "Nolan", "href": "https://a.example/nolan", "body": "born <b>30 July 1970</b>"},
    {"title": "Bad", "href": "ftp://a.example/", "body": ""},
]


def ddgs_answers(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]) -> None:
    monkeypatch.setattr(ddgs.ddgs.DDGS, "text", answer)


def test_duckduckgo_alone_is_asked(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def text(self: Any, query: str, **options: Any) -> list[dict[str, str]]:
        asked.append((query, options))
        return ROWS

    ddgs_answers(monkeypatch, text)
    search = searcher(None, log)
    expected = [SearchResult("Nolan", "https://a.example/nolan", "born 30 July 1970")]
    assert asyncio.run(search.search("nolan")) == expected
    asyncio.run(search.search("봉준호"))
    assert asked[0] == ("nolan", {"region": "us-en", "max_results": 20, "backend": "duckduckgo"})
    assert asked[1][1]["region"] == "kr-kr"
    assert lines(log)[0]["backend"] == "duckduckgo"


def test_ddgs_knows_the_engine_that_is_named() -> None:
    assert "duckduckgo" in ddgs.engines.ENGINES["text"]


def test_ddgs_without_duckduckgo_asks_nobody_else(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    ddgs_answers(monkeypatch, lambda self, query, **options: pytest.fail("ddgs was asked"))
    monkeypatch.delitem(ddgs.engines.ENGINES["text"], "duckduckgo")
    assert (
        error_of(searcher(None, log))
        == "The installed ddgs cannot search DuckDuckGo. Set MUTDA_SEARCH_URL instead."
    )


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (
            RatelimitException("202 Ratelimit"),
            "DuckDuckGo refused the search: too many requests. Wait a minute.",
        ),
        (
            DDGSException("ConnectError: ConnectError('error sending request\n (os error 111)')"),
            "DuckDuckGo cannot be searched (ConnectError). Check the network, or set "
            "MUTDA_SEARCH_URL to a SearXNG server.",
        ),
    ],
)
def test_failures_of_ddgs(
    monkeypatch: pytest.MonkeyPatch, log: Path, failure: Exception, message: str
) -> None:
    def text(self: Any, query: str, **options: Any) -> list[dict[str, str]]:
        raise failure

    ddgs_answers(monkeypatch, text)
    assert error_of(searcher(None, log)) == message
    assert lines(log)[1]["error"] == message


@pytest.mark.parametrize(
    "failure", [TimeoutException("timed out"), DDGSException(TimeoutException("operation late"))]
)
def test_timeouts_of_ddgs(monkeypatch: pytest.MonkeyPatch, log: Path, failure: Exception) -> None:
    def text(self: Any, query: str, **options: Any) -> list[dict[str, str]]:
        raise failure

    ddgs_answers(monkeypatch, text)
    line = error_of(searcher(None, log))
    assert re.fullmatch(
        r"The web search \(duckduckgo\) gave no answer in \d+\.\d s\. Try again later\.", line
    )
    assert lines(log)[1]["error"] == line


def test_nothing_found_is_no_failure(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    def text(self: Any, query: str, **options: Any) -> list[dict[str, str]]:
        raise DDGSException("No results found.")

    ddgs_answers(monkeypatch, text)
    assert asyncio.run(searcher(None, log).search("nolan")) == []
    assert lines(log)[1]["results"] == 0


def test_a_bug_in_the_library_stays_a_bug_and_is_logged(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    def text(self: Any, query: str, **options: Any) -> list[dict[str, str]]:
        raise ZeroDivisionError

    ddgs_answers(monkeypatch, text)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(searcher(None, log).search("nolan"))
    assert lines(log)[1]["error"] == "ZeroDivisionError"


def test_a_ddgs_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    release = threading.Event()

    def text(self: Any, query: str, **options: Any) -> list[dict[str, str]]:
        release.wait(250)
        return []

    ddgs_answers(monkeypatch, text)
    search = searcher(None, log, deadline_s=0.3)

    async def timed() -> float:
        started = time.monotonic()
        with pytest.raises(
            SearchError, match=r"^The web search \(duckduckgo\) gave no answer in \d+\.\d s\."
        ):
            await search.search("nolan")
        release.set()
        return time.monotonic() - started

    assert asyncio.run(timed()) < 60


def test_ddgs_gives_up_after_the_caller(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    waits: list[int] = []

    def text(self: Any, query: str, **options: Any) -> list[dict[str, str]]:
        waits.append(self._timeout)
        return []

    ddgs_answers(monkeypatch, text)
    asyncio.run(searcher(None, log, deadline_s=64.2).search("nolan"))
    assert waits == [66]


def test_the_tool_answers_in_text(serve: Serve, log: Path) -> None:
    server = serve()
    tool = web_search_tool(searcher(server.url, log), k=1)
    assert tool.name == "web_search" and list(tool.args) == ["query"]
    assert asyncio.run(tool.ainvoke({"query": "Christopher Nolan born"})) == (
        "[1] Christopher Nolan - Encyclopedia\nhttps://encyclopedia.example/Christopher_Nolan\n"
        + next(page["content"] for page in PAGES if page["title"].startswith("Christopher Nolan"))
    )
    assert asyncio.run(tool.ainvoke({"query": "quantum chromodynamics"})) == "No results."
    assert asyncio.run(tool.ainvoke({"query": ""})) == "Error: The search query is empty."
    assert asyncio.run(tool.ainvoke({})) == "Error: give web_search one text, query."
    server.fault = "500"
    assert asyncio.run(tool.ainvoke({"query": "nolan"})).startswith("Error: The search server ")


def test_the_model_cannot_consent_for_the_user(serve: Serve, log: Path) -> None:
    server = serve()
    search = searcher(server.url, log, mode="ask")
    refused = "Error: The web was not searched: this query needs the user's consent first."
    assert asyncio.run(web_search_tool(search).ainvoke({"query": "nolan", "consent": True})) == refused
    shown: list[str] = []

    def decline(query: str) -> bool:
        shown.append(query)
        return False

    no = web_search_tool(search, ask=decline)
    assert asyncio.run(no.ainvoke({"query": " nolan\n"})) == refused
    assert shown == ["nolan"] and server.queries == []
    yes = web_search_tool(search, ask=lambda query: True)
    assert asyncio.run(yes.ainvoke({"query": "nolan"})).startswith("[1] Christopher Nolan")
    assert server.queries == ["nolan"]


def test_an_interrupt_passes_through_the_tool(log: Path) -> None:
    class Interrupt(Exception):
        pass

    def ask(query: str) -> bool:
        raise Interrupt

    tool = web_search_tool(searcher("http://127.0.0.1:1", log, mode="ask"), ask=ask)
    with pytest.raises(Interrupt):
        asyncio.run(tool.ainvoke({"query": "nolan"}))


def test_on_does_not_ask(serve: Serve, log: Path) -> None:
    tool = web_search_tool(searcher(serve().url, log), ask=lambda query: pytest.fail("asked"))
    assert asyncio.run(tool.ainvoke({"query": "nolan"})).startswith("[1]")


def test_the_stand_in_runs_by_hand() -> None:
    command = [
        sys.executable,
        str(STAND_INS / "search_server.py"),
        str(STAND_INS / "web_pages.json"),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{url}/search?q=Eiffel&format=json", timeout=60) as response:
                answer = json.load(response)
        finally:
            process.terminate()
    assert answer["results"][0]["url"] == "https://encyclopedia.example/Eiffel_Tower"
    assert answer["number_of_results"] == 1 and answer["unresponsive_engines"] == []


def test_the_pages_keep_the_two_hops_apart() -> None:
    film = next(page for page in PAGES if page["title"].startswith("Oppenheimer (film)"))
    assert "Christopher Nolan" in film["content"] and "born" not in film["content"]
    assert len(PAGES) >= 12 and len({page["url"] for page in PAGES}) == len(PAGES)
