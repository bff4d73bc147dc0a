"""Web search, only as far as the user allows it, with a record of every query that leaves."""

import asyncio
import time
import unicodedata
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field, ValidationError

from app.errors import SearchError
from tools.search_backends import MAX_ROWS, DuckDuckGo, SearchBackend, Searxng
from tools.search_log import SearchLog
from tools.search_results import SearchResult, clean

MAX_QUERY = 400  # characters: a query, not a document

Mode = Literal["off", "ask", "on"]


def web_search(mode: Mode, url: str | None, log_path: Path, deadline_s: float) -> "WebSearch | None":
    """The search that the settings allow; None for "off".

    Without a url the queries go to DuckDuckGo, with one to that SearXNG server. Raises SettingsError
    for a url that is none.
    """
    if mode == "off":
        return None
    backend: SearchBackend = Searxng(url) if url else DuckDuckGo()
    return WebSearch(backend, mode, SearchLog(log_path), deadline_s)


class WebSearch:
    """One backend behind the consent rule, the log and the deadline."""

    def __init__(
        self, backend: SearchBackend, mode: Literal["ask", "on"], log: SearchLog, deadline_s: float
    ) -> None:
        self.backend = backend
        self.mode = mode
        self.deadline_s = deadline_s
        self._log = log

    @property
    def needs_consent(self) -> bool:
        """Whether each query must be shown to the user first."""
        return self.mode == "ask"

    async def search(self, query: str, *, k: int = 5, consent: bool = False) -> list[SearchResult]:
        """At most k (1 to 20) cleaned results, best first; empty when the web holds nothing.

        `consent` says that the user saw this very query and agreed; without it nothing leaves while the
        mode is "ask". The query is in the log before it is sent. Raises SearchError, one line: no
        consent, unusable query, unreachable, timed out after `deadline_s`, refused, bad answer.
        """
        if not 1 <= k <= MAX_ROWS:
            raise ValueError(f"k must be 1 to {MAX_ROWS}, not {k}")
        query = outbound(query)
        if self.needs_consent and not consent:
            raise SearchError("The web was not searched: this query needs the user's consent first.")
        identity = uuid.uuid4().hex
        await self._log.append(
            event="sent", id=identity, backend=self.backend.name, query=query, mode=self.mode, consent=consent
        )
        count: int | None = None
        problem: str | None = "cancelled"
        try:
            results = clean(await self._fetch(query), k)
            count, problem = len(results), None
            return results
        except SearchError as error:
            problem = str(error)
            raise
        except Exception as error:
            problem = type(error).__name__
            raise
        finally:
            await asyncio.shield(
                self._log.append(event="answered", id=identity, results=count, error=problem)
            )

    async def _fetch(self, query: str) -> list[SearchResult]:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.deadline_s):
                return await self.backend.fetch(query, self.deadline_s)
        except TimeoutError:
            waited_s = time.monotonic() - started
            raise SearchError(
                f"The web search ({self.backend.name}) gave no answer in {waited_s:.1f} s. Try again later."
            ) from None


def outbound(query: str) -> str:
    """The query exactly as it is logged and sent: one line, no control characters, 1 to 400 characters.

    Raises SearchError for an empty or longer one; cutting would send something nobody agreed to.
    """
    kept = (" " if c.isspace() else c for c in query if c.isspace() or unicodedata.category(c)[0] != "C")
    line = " ".join("".join(kept).split())
    if not line:
        raise SearchError("The search query is empty.")
    if len(line) > MAX_QUERY:
        raise SearchError(f"The search query has {len(line)} characters; at most {MAX_QUERY} may leave.")
    return line


class WebSearchInput(BaseModel):
    query: str = Field(description="A few words to search the web for")


def web_search_tool(search: WebSearch, *, ask: Callable[[str], bool] | None = None, k: int = 5) -> BaseTool:
    """The LangChain tool "web_search", for `ainvoke`. Its answer is always text.

    `ask` shows the query to the user and returns their decision; it is called when the mode is "ask",
    with the query as it would be sent, and may raise a graph's interrupt. The model has no argument
    that grants consent.
    """

    async def find(query: str) -> str:
        try:
            query = outbound(query)
            consent = search.needs_consent and ask is not None and ask(query)
            results = await search.search(query, k=k, consent=consent)
        except SearchError as error:
            return f"Error: {error}"
        if not results:
            return "No results."
        return "\n\n".join(
            f"[{n}] {result.title}\n{result.url}\n{result.snippet}"
            for n, result in enumerate(results, start=1)
        )

    def not_text(_: ValidationError) -> str:
        return "Error: give web_search one text, query."

    tool = StructuredTool.from_function(
        coroutine=find,
        name="web_search",
        description="Searches the web. Use it only for what the user's documents do not hold.",
        args_schema=WebSearchInput,
    )
    tool.handle_validation_error = not_text  # type: ignore[assignment]
    return tool
