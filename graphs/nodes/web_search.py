"""Look outside, when the user allows it."""

import asyncio
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from langgraph.types import interrupt

from app.corpus.passage import Passage
from app.errors import SearchError
from app.models.reader import Reader
from graphs.nodes.retrieve import merge
from graphs.orders import notice_of, readable
from graphs.reading import read, reread
from graphs.resources import Resources
from graphs.routes import web_query
from graphs.run import BudgetEnd, Run
from graphs.state import State, is_from_web, looks_up
from tools.search_results import SearchResult

RESULTS = 3


async def web_search(state: State, run: Run) -> dict[str, Any]:
    """Adds results as passages behind those already read.

    In mode "ask" the run pauses with {"web_search": query}; it goes on with true or false. A search
    that fails leaves a notice, and the run goes on with what it has; one that takes longer than the
    question may ends it.
    """
    query = web_query(state)
    update: dict[str, Any] = {
        "asked_web": [*state.asked_web, query],
        "verdict": "",
        "recheck": False,
    }
    search = run.resources.search
    if search is None:
        return update | {"notices": [*state.notices, "web search is not set up"], "shown": 0}
    if run.context.web_search == "ask" and interrupt({"web_search": query}) is not True:
        return update | {"notices": [*state.notices, "web search was declined"], "shown": 0}
    update["searches"] = state.searches + 1
    try:
        async with asyncio.timeout(run.left_s()):
            results = await search.search(query, k=RESULTS, consent=True)
    except TimeoutError:
        raise BudgetEnd("max_seconds") from None
    except SearchError as error:
        return update | {"notices": [*state.notices, str(error)], "shown": 0}
    if not results:
        return update | {
            # DuckDuckGo's answer to too many searches cannot be told from an empty one.
            "notices": [*state.notices, f"the web search found nothing, or was refused, for: {query}"],
            "shown": 0,
        }
    question = state.standalone or state.question
    # What an earlier part cites keeps its number, and what a calculation lacks one fact beside is needed for
    # it; documents that held no answer make room.
    needed = bool(state.finished) or (state.arithmetic and looks_up(state))
    kept = [Passage(**passage) for passage in state.found[: state.shown] if needed or is_from_web(passage)]
    ranked, coverage, dense = await asyncio.to_thread(_ranked, results, question, run.resources)
    run.notice(notice_of(ranked))
    found = [passage for passage in readable(ranked) if passage.id not in state.suspects]
    kept, found = await asyncio.to_thread(_read, kept, found, question, run.resources.reader)
    merged, shown = merge(kept, len(kept), found, RESULTS)
    return update | {
        "found": [asdict(passage) for passage in merged],
        "shown": shown,
        "coverage": max(coverage, state.coverage if kept else 0.0),
        "dense": max(dense, state.dense if kept else 0.0),
    }


def _ranked(
    results: list[SearchResult], question: str, resources: Resources
) -> tuple[list[Passage], float, float]:
    """The results as passages, ranked and measured as documents are; what shares nothing stays, last."""
    pages = [
        {"title": result.title, "text": result.snippet or result.title, "source": result.url}
        for result in results
    ]
    with resources.searched(pages) as corpus:
        ranked = resources.held_back(corpus.search(question, k=RESULTS))
        coverage = corpus.coverage(question, ranked)
    passages = [
        replace(passage, id=_identity(passage), extra={**passage.extra, "origin": "web"})
        for passage in ranked
    ]
    return passages, coverage, max((passage.dense for passage in ranked), default=0.0)


def _read(
    kept: list[Passage], found: list[Passage], question: str, reader: Reader | None
) -> tuple[list[Passage], list[Passage]]:
    """Those that stay in their order, and what was found as the reader orders it."""
    return reread(kept, question, reader), read(found, question, reader)


def _identity(passage: Passage) -> str:
    digest = sha256(f"{passage.source} {passage.start}".encode()).hexdigest()
    return f"web-{digest[:16]}"
