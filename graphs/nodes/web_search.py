"""Look outside, when the user allows it."""

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from langgraph.types import interrupt

from app.corpus.passage import Passage
from app.errors import SearchError
from graphs.nodes.retrieve import merge
from graphs.run import Run
from graphs.state import State
from tools.search_results import SearchResult

RESULTS = 3


async def web_search(state: State, run: Run) -> dict[str, Any]:
    """Adds results as passages behind those already read.

    In mode "ask" the run pauses with {"web_search": query}; it goes on with true or false. A search
    that fails leaves a notice, and the run goes on with what it has.
    """
    query = state.query if state.query and state.query not in state.asked else state.standalone or state.question
    update: dict[str, Any] = {"searches": state.searches + 1, "asked": [*state.asked, query], "verdict": ""}
    search = run.resources.search
    if search is None:
        return update | {"notices": [*state.notices, "web search is not set up"], "shown": 0}
    if run.context.web_search == "ask" and interrupt({"web_search": query}) is not True:
        return update | {"notices": [*state.notices, "web search was declined"], "shown": 0}
    try:
        results = await search.search(query, k=RESULTS, consent=True)
    except SearchError as error:
        return update | {"notices": [*state.notices, str(error)], "shown": 0}
    relevant = [Passage(**passage) for passage in state.found[: state.shown] if _from_web(passage)]
    merged, shown = merge(relevant, len(relevant), [as_passage(result) for result in results], RESULTS)
    return update | {"found": [asdict(passage) for passage in merged], "shown": shown}


def _from_web(passage: dict[str, Any]) -> bool:
    return bool(passage["extra"].get("origin") == "web")


def as_passage(result: SearchResult) -> Passage:
    """A search result in the shape of a passage; its address is its source."""
    return Passage(
        id=f"web-{sha256(result.url.encode()).hexdigest()[:16]}",
        source=result.url,
        heading=result.title,
        text=result.snippet,
        end=len(result.snippet),
        extra={"origin": "web"},
    )
