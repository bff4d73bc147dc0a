"""Web search: may a question leave, to whom, and do they answer?"""

import asyncio

from app.doctor.address import Unreachable, ask
from app.doctor.finding import Finding, down, ok
from app.settings import Settings
from tools.web_search import web_search

NAME = "web search"
QUERY = "세종대왕"
"""Says nothing about the person or their documents."""
DEADLINE_S = 10.0


def look_at_web_search(settings: Settings) -> Finding:
    """Search for something harmless where every query may leave; else send none. Raises SearchError."""
    by = settings.search_url or "DuckDuckGo"
    if settings.web_search == "off":
        return ok(NAME, "off: no question leaves this machine")
    if settings.web_search == "ask":
        if not settings.search_url:
            return ok(NAME, f"ask: each query to {by} waits for your consent, so none was tried")
        try:
            ask(settings.search_url)
        except Unreachable as error:
            return down(NAME, f"{by} cannot be reached ({error})", "start it, or correct MUTDA_SEARCH_URL")
        return ok(NAME, f"ask: {by} answers; no query was tried without your consent")
    search = web_search(
        "on", settings.search_url, settings.data_dir / "logs" / "web_search.jsonl", DEADLINE_S
    )
    found = asyncio.run(search.search(QUERY)) if search else []
    if not found:
        return down(
            NAME, f"on: {by} found nothing for “{QUERY}”", "see its page in a browser; try again later"
        )
    return ok(NAME, f"on: {by} found {len(found)} results for “{QUERY}”")
