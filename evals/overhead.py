"""`python -m evals.overhead`: CPU time that the graph itself costs a question, with a scripted model.

The corpus is three passages in memory and the model answers at once, so that what is measured is
LangGraph, the nodes, the prompts, the checks, LangChain's streaming, and what tracing adds to them: kept
on this machine, sent to Langfuse, both, and to a Langfuse that takes every post and never answers. Minimum
and median over rounds, because a busy machine only ever adds.

Two figures for each: the CPU of the whole process, its tracing threads included, until everything is
written and sent; and that of the thread that answers, which is all that an answer can wait for.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig

from app.corpus.passage import Passage
from app.models.fake import FakeModel, FakeReply
from app.prompts import Prompts
from app.settings import Settings, load_settings
from graphs.context import Context
from graphs.evidence import load_calibration
from graphs.orders import Orders
from graphs.rag import build
from graphs.resources import Corpus, Resources
from graphs.state import Question
from graphs.tracing import tracing_for

QUESTION = "연차 휴가 규정을 알려 주세요"
TEXTS = ("연차 휴가는 17일입니다. 신청은 3일 전까지 합니다.", "병가는 30일입니다.", "경조 휴가는 5일입니다.")
# Passages of the samples have some 300 characters; those above are what the figures of the past are of.
FILLING = " 자세한 절차는 인사팀의 안내를 따르며, 신청서는 사내 시스템에서 작성합니다." * 6

TRACINGS = ("off", "local", "langfuse", "both", "hung")
GOAL_MS = 5.0
DRAIN_S = 20.0


class _Fixed:
    def __init__(self, filling: str) -> None:
        self._texts = [text + filling for text in TEXTS]

    def search(self, query: str, *, k: int) -> list[Passage]:
        return [
            Passage(id=str(n), source="a.txt", heading="휴가", text=text, dense=0.5)
            for n, text in enumerate(self._texts)
        ][:k]

    def coverage(self, question: str, passages: Sequence[Passage]) -> float:
        return 0.6

    def close(self) -> None:
        return None


def _script(messages: Sequence[BaseMessage]) -> FakeReply:
    return (
        FakeReply(yes=0.9)
        if "yes or no" in str(messages[-1].content)
        else FakeReply(text="연차 휴가는 17일입니다.")
    )


@dataclass(frozen=True, kw_only=True)
class Figure:
    """CPU milliseconds a question, of one round."""

    whole: float
    answering: float
    """Of the thread that answers alone."""


class Tracing:
    """One way of tracing, and how to tell that it has nothing left to do."""

    def __init__(self, kind: str, settings: Settings) -> None:
        self._hung = kind == "hung"
        tracing = tracing_for(settings)
        self._recorder, self._langfuse = tracing.recorder, tracing.langfuse
        self.callbacks: list[BaseCallbackHandler] = tracing.callbacks
        """To be attached to the graph."""

    def drain(self) -> None:
        """Wait until what was noted down is written and sent; of a hung server, until it is ready to go."""
        if self._recorder:
            self._recorder.flush(DRAIN_S)
        ends = time.monotonic() + DRAIN_S
        while self._langfuse and time.monotonic() < ends:
            left = self._langfuse.waiting if self._hung else self._langfuse.waiting + self._langfuse.dropped
            if not left:
                return
            time.sleep(0.05)

    def close(self) -> tuple[float, int]:
        """Seconds that closing took, and what did not arrive."""
        started = time.monotonic()
        if self._recorder:
            self._recorder.close()
        dropped = self._langfuse.close() if self._langfuse else 0
        return time.monotonic() - started, dropped


async def measure(
    *, rounds: int, questions: int, tracing: Tracing | None = None, filling: str = ""
) -> list[Figure]:
    """CPU milliseconds a question, one figure a round."""
    corpus: Corpus = _Fixed(filling)
    resources = Resources(
        model=FakeModel(_script), prompts=Prompts.read(), corpus=corpus, corpus_of=lambda given: corpus,
        calibration=load_calibration("fake"), orders=Orders.packaged(), reader=None, search=None,
        web_search="off", call_timeout_s=10.0, today=date.today, monotonic=time.monotonic,
        embedder="none", collection="overhead", documents=1,
    )  # fmt: skip
    config: RunnableConfig = {"callbacks": list(tracing.callbacks)} if tracing else {}
    graph = build(resources)
    figures = []
    for round_ in range(rounds + 1):
        whole, answering = time.process_time(), time.thread_time()
        for number in range(questions):
            # No two are alike, so that tracing finds nothing masked already.
            asked = Question(question=f"{QUESTION} {round_}-{number}")
            await graph.ainvoke(asked, config, context=Context())
        answering = time.thread_time() - answering
        if tracing:
            tracing.drain()
        whole = time.process_time() - whole
        figures.append(Figure(whole=1000 * whole / questions, answering=1000 * answering / questions))
    return figures[1:]


# -- a Langfuse that takes everything, in a process of its own


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hangs = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.hangs:
            threading.Event().wait()
        scores = self.path.endswith("/ingestion")
        answer = b'{"successes": [%s], "errors": []}' % b", ".join([b"1"] * body.count(b'"score-create"'))
        self.send_response(207 if scores else 200)
        self.send_header("Content-Length", str(len(answer) if scores else 0))
        self.end_headers()
        self.wfile.write(answer if scores else b"")

    def log_message(self, format: str, *args: Any) -> None:
        return None


def _serve(*, hangs: bool) -> None:
    _Taker.hangs = hangs
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


@contextmanager
def _server(*, hangs: bool) -> Iterator[str]:
    command = [sys.executable, "-m", "evals.overhead", "--serve", "hang" if hangs else "take"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this very module
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def _measured(kind: str, *, rounds: int, questions: int, filling: str) -> tuple[list[Figure], str]:
    with tempfile.TemporaryDirectory() as folder, _server(hangs=kind == "hung") as url:
        settings = load_settings(
            data_dir=Path(folder),
            trace=kind in ("local", "both"),
            langfuse_public_key=f"pk-{kind}" if kind in ("langfuse", "both", "hung") else "",
            langfuse_secret_key="sk",  # noqa: S106 - the server takes any
            langfuse_base_url=url,
        )
        tracing = Tracing(kind, settings) if kind != "off" else None
        figures = asyncio.run(measure(rounds=rounds, questions=questions, tracing=tracing, filling=filling))
        if tracing is None:
            return figures, ""
        seconds, dropped = tracing.close()
        return figures, f", closed in {seconds:.2f} s, {dropped} not delivered"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.overhead", description="CPU a question of the graph and of its tracing."
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--tracing", choices=(*TRACINGS, "all"), default="all")
    parser.add_argument("--short", action="store_true", help="passages of a few words, as in earlier figures")
    parser.add_argument("--serve", choices=("take", "hang"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve(hangs=options.serve == "hang")
        return
    off = 0.0
    for kind in TRACINGS if options.tracing == "all" else (options.tracing,):
        figures, closed = _measured(
            kind,
            rounds=options.rounds,
            questions=options.questions,
            filling="" if options.short else FILLING,
        )
        best = min(figure.whole for figure in figures)
        median = statistics.median(figure.whole for figure in figures)
        answering = min(figure.answering for figure in figures)
        off = best if kind == "off" else off
        added = f" (tracing {best - off:+.2f}, goal {GOAL_MS:g})" if off and kind != "off" else ""
        print(
            f"{kind:8} {best:.2f} ms CPU a question at best{added}, {median:.2f} in the median of "
            f"{len(figures)} rounds; {answering:.2f} on the answering thread{closed}",
            flush=True,
        )


if __name__ == "__main__":
    main()
