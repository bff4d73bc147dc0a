import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from fakes import FakeSearch, Script, make_resources
from langgraph.checkpoint.memory import InMemorySaver
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient
from stand_ins.search_server import SearchServer

from app.corpus.ingest import ingest
from app.errors import CorpusError, SettingsError
from app.models.embedders import make_embedder
from app.settings import Settings
from graphs import serve
from graphs.context import Context
from graphs.rag import build
from graphs.resources import Resources
from graphs.serve import Served, ServedError
from graphs.state import Question

ROOT = Path(__file__).parents[2]
PAGES: list[dict[str, str]] = json.loads(
    (ROOT / "tests/stand_ins/web_pages.json").read_text(encoding="utf-8")
)
DOCUMENTS = {
    "휴가.txt": "연차 휴가 규정\n\n연차 휴가는 17일입니다.",
    "출장.txt": "국내 출장 규정\n\n국내 출장비는 하루 45000원입니다.",
    "보안.txt": "비밀번호 규정\n\n비밀번호는 90일마다 바꿉니다.",
}
LEAVE, TRIP, PASSWORD = (
    "연차 휴가는 며칠인가요?",
    "국내 출장비는 하루 얼마인가요?",
    "비밀번호는 언제 바꾸나요?",
)
ELSEWHERE = "Who directed the film Oppenheimer?"
NODES = {path.stem for path in (ROOT / "graphs/nodes").glob("[!_]*.py")}
STRAIGHT = ["prepare", "retrieve", "grade", "generate", "self_check", "finish"]
FIELDS = {
    "question", "answer", "refused", "reason", "citations", "route", "evidence", "grounded", "cost", "model",
    "embedder", "collection", "trace_id",
}  # fmt: skip
START_S, STOP_S, RUN_S = 120.0, 120.0, 60.0


# Opening and closing, without a server


@dataclass
class Opener:
    """Stands for `open_resources`; remembers in which event loop it opened and closed."""

    fails: int = 0
    delay_s: float = 0.0
    opened: list[asyncio.AbstractEventLoop] = field(default_factory=list)
    closed: list[asyncio.AbstractEventLoop] = field(default_factory=list)

    @asynccontextmanager
    async def __call__(self, settings: Settings) -> AsyncIterator[Resources]:
        await asyncio.sleep(self.delay_s)
        self.opened.append(asyncio.get_running_loop())
        if len(self.opened) <= self.fails:
            raise CorpusError("There is nothing in the collection.")
        try:
            yield make_resources()
        finally:
            await asyncio.to_thread(lambda: None)  # closing a collection takes a thread of this loop
            self.closed.append(asyncio.get_running_loop())


async def test_questions_at_once_open_once() -> None:
    opener = Opener(delay_s=0.05)
    served = Served(opener)
    first, *rest = await asyncio.gather(*(served() for _ in range(5)))
    assert all(resources is first for resources in rest) and await served() is first
    assert len(opener.opened) == 1 and opener.closed == []


async def test_a_failed_opening_is_tried_again() -> None:
    served = Served(Opener(fails=1))
    failures = await asyncio.gather(served(), served(), return_exceptions=True)
    assert [str(failure) for failure in failures] == ["There is nothing in the collection."] * 2
    assert isinstance(await served(), Resources)


async def test_a_cancelled_first_question_does_not_stop_the_opening() -> None:
    opener = Opener(delay_s=0.05)
    served = Served(opener)
    first = asyncio.create_task(served())
    await asyncio.sleep(0)
    second = asyncio.create_task(served())
    await asyncio.sleep(0)
    first.cancel()
    assert isinstance(await second, Resources) and len(opener.opened) == 1
    assert first.cancelled()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_the_loop_that_opened_closes(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    opener = Opener()
    served = Served(opener)

    def use() -> Resources:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            resources = runner.run(served())
            assert runner.run(served()) is resources and opener.closed == opener.opened[:-1]
            return resources

    assert use() is not use()  # the second loop cannot use what ended with the first
    assert len(opener.opened) == 2 and opener.closed == opener.opened
    assert opener.opened[0] is not opener.opened[1]


def test_closing_happens_after_an_interrupt_too() -> None:
    opener = Opener()
    served = Served(opener)

    async def interrupted() -> None:
        await served()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interrupted())
    assert opener.closed == opener.opened != []


def test_errors_for_a_person_keep_their_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_THREADS", "many")
    with pytest.raises(ServedError) as raised:
        asyncio.run(serve.rag.ainvoke(Question(question=LEAVE)))
    assert str(raised.value) == "MUTDA_THREADS='many': expected a whole number from 0 to 256."
    assert isinstance(raised.value.__cause__, SettingsError)
    # The server passes on the text of Python's own kinds of error, and hides that of all others.
    assert isinstance(raised.value, RuntimeError)


async def test_an_edit_between_steps_is_routed_by_the_knobs_of_the_run() -> None:
    graph = build(make_resources(Script(grade=0.9)), checkpointer=InMemorySaver())
    for mode, then in (("ask", "web_search"), ("off", "refuse")):
        config: Any = {"configurable": {"thread_id": mode}}
        context: Any = {"web_search": mode, "max_rewrites": 0}
        await graph.ainvoke(
            Question(question=LEAVE), config, context=Context(**context), interrupt_before=["generate"]
        )
        await graph.aupdate_state(config, {"verdict": "no"})
        assert (await graph.aget_state(config)).next == (then,)


async def test_off_means_off_also_where_the_route_is_older() -> None:
    search = FakeSearch()
    graph = build(make_resources(Script(grade=0.01), search=search), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke(
        Question(question=LEAVE), config, context=Context(web_search="on"), interrupt_before=["web_search"]
    )
    assert (await graph.aget_state(config)).next == ("web_search",)
    values = await graph.ainvoke(None, config, context=Context(web_search="off"))
    assert values["result"]["refused"] and search.queries == []


def test_the_page_about_studio_names_every_knob_with_its_default() -> None:
    page = (ROOT / "docs/studio.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", page, flags=re.MULTILINE))
    defaults = {name: knob.default for name, knob in Context.model_fields.items()}
    assert rows == {name: "비움" if value is None else f"{value:g}" for name, value in defaults.items()}


def test_the_page_about_studio_names_what_the_server_is_told() -> None:
    page = (ROOT / "docs/studio.md").read_text(encoding="utf-8")
    told = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["env"]
    assert [name for name in told if f"`{name}`" not in page] == []


# The real server


@dataclass
class Running:
    """`langgraph dev` over this checkout."""

    process: subprocess.Popen[bytes]
    log: Path

    def read_log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> str:
        """The address; a port that was taken meanwhile has become another one."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"API: \S*?(http://127\.0\.0\.1:\d+)", self.read_log())
            with contextlib.suppress(httpx.TransportError):
                if found and httpx.get(f"{found[1]}/ok", trust_env=False, timeout=5).is_success:
                    return found[1]
            time.sleep(0.1)
        raise AssertionError(f"the server did not start:\n{self.read_log()[-4000:]}")

    def stop(self, sent: signal.Signals) -> str:
        """What it logged from the signal on."""
        before = len(self.read_log())
        self.process.send_signal(sent)
        self.process.wait(STOP_S)
        return self.read_log()[before:]


@contextlib.contextmanager
def running(folder: Path, **variables: str) -> Iterator[Running]:
    """The server, started as in docs/studio.md; it is gone afterwards.

    Its folder is not the checkout but links to it: the server keeps its threads and checkpoints where it
    is started, and those of a person who uses the checkout are theirs.
    """
    for name in ("langgraph.json", "app", "graphs", "tools", "evals"):
        (folder / name).symlink_to(ROOT / name)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    environment = kept | {
        "LANGGRAPH_CLI_NO_ANALYTICS": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "NO_COLOR": "1",
        "MUTDA_DATA_DIR": str(folder / "data"), "MUTDA_CACHE_DIR": str(folder / "cache"),
        "MUTDA_COLLECTION": "default", "MUTDA_EMBEDDER": "toy:", "MUTDA_MODEL": "fake:",
        "MUTDA_WEB_SEARCH": "off",
    }  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(Path(sys.executable).with_name("langgraph"))
    options = ["--port", str(port), "--no-browser", "--no-reload", "--n-jobs-per-worker", "10"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "dev", *options],
            cwd=folder,
            env=environment | variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process, folder / "server.log")
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ended_quietly(last_words: str) -> bool:
    """Whether the log from the signal on is that of an orderly end."""
    bad = re.search(r"error|exception|traceback|never awaited|destroyed", last_words, re.IGNORECASE)
    return "Shutting down background workers" in last_words and not bad


def fill(folder: Path) -> None:
    """Ingest the documents as `mutda ingest` does."""
    (folder / "documents").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "documents" / name).write_text(text, encoding="utf-8")
    embedder = make_embedder("toy:", cache_dir=folder / "cache")
    report = ingest(folder / "data/collections/default", [folder / "documents"], embedder)
    assert report.added == len(DOCUMENTS)


class Proxy:
    """Stands where a web proxy would: whoever wants to leave this machine by HTTP asks here."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(5)
                    self.asked.append(connection.recv(200).decode(errors="replace"))

    def close(self) -> None:
        self._listener.close()


@dataclass
class Dev:
    """The server that the tests share, and what it said before there was anything to answer from."""

    server: Running
    client: SyncLangGraphClient
    url: str
    search: SearchServer
    proxy: Proxy
    empty: dict[str, Any]

    def thread(self) -> str:
        return str(self.client.threads.create()["thread_id"])

    def run(self, thread: str | None, question: str | None, **options: Any) -> dict[str, Any]:
        """One run; without a question it goes on where the thread stands."""
        given = None if question is None else {"question": question}
        values: Any = self.client.runs.wait(thread, "rag", input=given, **options)
        assert isinstance(values, dict)
        return values

    def state(self, thread: str) -> dict[str, Any]:
        state: Any = self.client.threads.get_state(thread)
        return dict(state)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    folder = tmp_path_factory.mktemp("served")
    proxy = Proxy()
    with contextlib.ExitStack() as stack:
        stack.callback(proxy.close)
        search = stack.enter_context(SearchServer(PAGES))
        server = stack.enter_context(
            running(
                folder,
                MUTDA_WEB_SEARCH="ask",
                MUTDA_SEARCH_URL=search.url,
                # What a person who uses LangSmith elsewhere has in the shell.
                LANGSMITH_API_KEY="lsv2_pt_0123456789",
                LANGSMITH_TRACING="true",
                HTTP_PROXY=proxy.url,
                HTTPS_PROXY=proxy.url,
                ALL_PROXY=proxy.url,
                NO_PROXY="127.0.0.1,localhost",
            )
        )
        url = server.wait_until_ready()
        client = stack.enter_context(get_sync_client(url=url, timeout=RUN_S))
        assistant = client.assistants.search(graph_id="rag")[0]
        empty: dict[str, Any] = {
            "assistant": assistant,
            "graph": client.assistants.get_graph("rag"),
            "schemas": client.assistants.get_schemas(assistant["assistant_id"]),
        }
        with pytest.raises(Exception) as raised:
            client.runs.wait(None, "rag", input={"question": LEAVE})
        empty["error"] = str(raised.value)
        fill(folder)
        yield Dev(server, client, url, search, proxy, empty)
        assert ended_quietly(server.stop(signal.SIGTERM))


@pytest.mark.slow
def test_the_graph_is_drawn_before_anything_is_loaded(dev: Dev) -> None:
    assert dev.empty["assistant"]["name"] == "rag"
    assert dev.empty["assistant"]["description"].startswith("Answers a question from your own documents")
    drawn = dev.empty["graph"]
    assert {node["id"] for node in drawn["nodes"]} == NODES | {"__start__", "__end__"}
    here = build(make_resources()).get_graph()
    edges = {(edge["source"], edge["target"], bool(edge.get("conditional"))) for edge in drawn["edges"]}
    assert edges == {(edge.source, edge.target, edge.conditional) for edge in here.edges}
    assert {
        ("__start__", "prepare", False),
        ("grade", "generate", True),
        ("finish", "__end__", False),
    } <= edges


@pytest.mark.slow
def test_studio_gets_its_forms(dev: Dev) -> None:
    schemas = dev.empty["schemas"]
    knobs = schemas["context_schema"]["properties"]
    assert set(knobs) == {
        "k", "look", "wide", "max_llm_calls", "max_rewrites", "max_searches", "max_seconds", "accept",
        "grounded", "web_search",
    }  # fmt: skip
    assert all(knob["description"] and "default" in knob for knob in knobs.values())
    assert (knobs["k"]["minimum"], knobs["k"]["maximum"], knobs["k"]["type"]) == (1, 50, "integer")
    assert knobs["max_seconds"]["exclusiveMinimum"] == 0
    assert knobs["accept"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 1}
    assert knobs["web_search"]["anyOf"][0]["enum"] == ["off", "ask", "on"]
    asked = schemas["input_schema"]
    assert set(asked["properties"]) == {"question", "history", "given"} and asked["required"] == ["question"]
    turn = asked["$defs"]["Turn"]["properties"]
    assert turn["role"]["enum"] == ["user", "assistant"] and turn["content"]["type"] == "string"
    assert {"found", "verdict", "answer", "result"} <= set(schemas["state_schema"]["properties"])


@pytest.mark.slow
def test_an_error_for_a_person_arrives_as_its_line(dev: Dev) -> None:
    kind, _, line = dev.empty["error"].partition(": ")
    assert kind == "ServedError" and len(line.splitlines()) == 1
    assert line.startswith('There is no collection "default" yet.') and "mutda ingest" in line


@pytest.mark.slow
def test_five_questions_at_once(dev: Dev) -> None:
    asked = {LEAVE: "17일", TRIP: "45000원", PASSWORD: "90일"}
    questions = [*asked, LEAVE, TRIP]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda question: dev.run(dev.thread(), question)["result"], questions))
    for question, result in zip(questions, answers, strict=True):
        assert result["question"] == question and asked[question] in result["answer"]
        assert asked[question] in result["citations"][0]["text"]
    assert len({result["trace_id"] for result in answers}) == 5


@pytest.mark.slow
def test_a_run_gives_the_answer_object(dev: Dev) -> None:
    values = dev.run(None, "연차 휴가, 국내 출장, 비밀번호 규정", context={"k": 2})
    assert len(values["found"]) == 2 and values["knobs"]["k"] == 2
    result = values["result"]
    assert set(result) >= FIELDS
    assert result["route"][:3] == STRAIGHT[:3] and result["route"][-1] == "finish"
    assert (result["model"], result["embedder"], result["collection"]) == ("fake:", "toy:64", "default")
    assert set(result["cost"]) == {
        "llm_calls", "prompt_tokens", "cached_tokens", "output_tokens", "searches", "seconds",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"k": 0}, ["Context", "k", "greater than or equal to 1"]),
        ({"web_search": "maybe"}, ["Context", "web_search", "'off', 'ask' or 'on'"]),
    ],
)
def test_a_knob_out_of_range_fails_clearly(dev: Dev, context: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(Exception, match="ValidationError: 1 validation error") as raised:
        dev.run(None, LEAVE, context=context)
    assert all(word in str(raised.value) for word in words)
    assert httpx.get(f"{dev.url}/ok", timeout=60, trust_env=False).json()["ok"] is True


@pytest.mark.slow
def test_stepping_editing_and_forking(dev: Dev) -> None:
    thread = dev.thread()
    dev.run(thread, LEAVE, interrupt_before="*", context={"k": 4})
    stops: list[str] = []
    before_the_edit: dict[str, Any] = {}
    while state := dev.state(thread):
        if not state["next"]:
            break
        (step,) = state["next"]
        stops.append(step)
        assert state["values"].get("route", []) == stops[:-1]
        if step == "generate":
            before_the_edit = state["checkpoint"]
            found = state["values"]["found"]
            assert "17일" in found[0]["text"]
            found[0]["text"] = "연차 휴가는 23일입니다."
            dev.client.threads.update_state(thread, {"found": found})
            assert dev.state(thread)["next"] == ["generate"]
        dev.run(thread, None, interrupt_before="*", context={"k": 4})
    assert stops == STRAIGHT
    result = state["values"]["result"]
    assert result["answer"] == "연차 휴가는 23일입니다. [1]" and not result["refused"]
    assert result["citations"][0]["text"] == "연차 휴가는 23일입니다."

    history = dev.client.threads.get_history(thread, limit=50)
    assert [state["next"] for state in reversed(history)] == [
        ["__start__"], ["prepare"], ["retrieve"], ["grade"], ["generate"], ["generate"], ["self_check"],
        ["finish"], [],
    ]  # fmt: skip
    again = dev.run(thread, None, checkpoint_id=before_the_edit["checkpoint_id"])
    assert "17일" in again["result"]["answer"] and "23일" not in again["result"]["answer"]
    assert again["result"]["trace_id"] == result["trace_id"]

    # The edit is routed by what was decided when the step ran, "ask"; "off" now still keeps the query here.
    dev.search.queries.clear()
    edited = dev.client.threads.update_state(
        thread, {"verdict": "no"}, checkpoint_id=before_the_edit["checkpoint_id"], as_node="grade"
    )
    assert dev.state(thread)["next"] == ["web_search"]
    branch = dev.run(thread, None, checkpoint=edited["checkpoint"], context={"web_search": "off"})
    assert branch["route"] == ["prepare", "retrieve", "grade", "web_search", "refuse", "finish"]
    assert branch["result"]["refused"] and dev.search.queries == []
    assert len(dev.client.threads.get_history(thread, limit=50)) > len(history) + 4


@pytest.mark.slow
def test_the_next_question_on_a_thread_knows_the_one_before(dev: Dev) -> None:
    thread = dev.thread()
    dev.run(thread, LEAVE)
    values = dev.run(thread, TRIP)
    assert [turn["role"] for turn in values["history"]] == ["user", "assistant"] * 2
    assert values["result"]["question"] == TRIP and "45000원" in values["result"]["answer"]


@pytest.mark.slow
def test_steps_and_the_words_of_the_answer_are_streamed(dev: Dev) -> None:
    nodes: list[str] = []
    said: dict[str, str] = {}
    last: dict[str, Any] = {}
    for part in dev.client.runs.stream(
        dev.thread(), "rag", input={"question": LEAVE}, stream_mode=["updates", "messages-tuple", "values"]
    ):
        if part.event == "updates":
            nodes += part.data
        elif part.event == "messages":
            message, about = part.data
            node = about["langgraph_node"]
            assert nodes[-1] == STRAIGHT[STRAIGHT.index(node) - 1], (
                "the words came before their node was done"
            )
            said[node] = said.get(node, "") + message["content"]
        elif part.event == "values":
            last = part.data
        else:
            assert part.event == "metadata"
    assert nodes == STRAIGHT
    assert said == {"generate": last["result"]["answer"].removesuffix(" [1]")}  # no grader's yes or no
    assert last["llm_calls"] >= 2


@pytest.mark.slow
def test_the_web_is_searched_after_a_yes_alone(dev: Dev) -> None:
    dev.search.queries.clear()
    refused = dev.run(None, ELSEWHERE, context={"web_search": "off"})
    assert refused["result"]["refused"] and dev.search.queries == []

    for allowed in (False, True):
        thread = dev.thread()
        values = dev.run(thread, ELSEWHERE)
        assert [pause["value"] for pause in values["__interrupt__"]] == [{"web_search": ELSEWHERE}]
        assert dev.state(thread)["next"] == ["web_search"] and dev.search.queries == []
        values = dev.run(thread, None, command={"resume": allowed})
        result = values["result"]
        if allowed:
            assert dev.search.queries == [ELSEWHERE]
            assert not result["refused"] and "directed by Christopher Nolan" in result["answer"]
            assert result["citations"][0]["source"] == "https://encyclopedia.example/Oppenheimer_(film)"
        else:
            assert dev.search.queries == []
            assert result["refused"] and result["notices"] == ["web search was declined"]
            assert result["cost"]["searches"] == 0


@pytest.mark.slow
def test_pages_other_than_studio_cannot_read_the_answers(dev: Dev) -> None:
    def allowed(origin: str) -> Any:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = httpx.options(f"{dev.url}/runs/wait", headers=headers, trust_env=False)
        return answer.headers.get("access-control-allow-origin")

    assert allowed("https://smith.langchain.com") == "https://smith.langchain.com"
    assert allowed("https://evil.example") is None


@pytest.mark.slow
def test_nothing_left_the_machine_and_nothing_blocked_the_loop(dev: Dev) -> None:
    dev.run(None, LEAVE)
    assert dev.proxy.asked == []
    log = dev.server.read_log()
    assert "Starting background run" in log
    for problem in ("BlockingError", "Blocking call", "Deserializing unregistered", "will be blocked"):
        assert problem not in log


@pytest.mark.slow
def test_ctrl_c_ends_it_quietly(tmp_path: Path) -> None:
    fill(tmp_path)
    with running(tmp_path) as server:
        with get_sync_client(url=server.wait_until_ready(), timeout=RUN_S) as client:
            values: Any = client.runs.wait(None, "rag", input={"question": LEAVE})
        assert "17일" in values["result"]["answer"]
        last_words = server.stop(signal.SIGINT)
    assert ended_quietly(last_words)
