"""Where a query goes: DuckDuckGo through ddgs, or a SearXNG server of the user's own."""

import asyncio
import ipaddress
import math
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException
from pydantic import BaseModel, ValidationError

from app.errors import SearchError, SettingsError
from tools.search_results import SearchResult, plain_text

MAX_ANSWER_BYTES = 2_000_000
MAX_ROWS = 20


class SearchBackend(Protocol):
    """Asks one service. The caller bounds the whole call in time."""

    name: str

    async def fetch(self, query: str, timeout_s: float) -> list[SearchResult]:
        """At most MAX_ROWS results, best first, not yet cleaned. Raises SearchError or TimeoutError."""


class DuckDuckGo:
    """DuckDuckGo's result pages, read by ddgs in a thread; its own timeout ends the thread.

    ddgs 9 asks a dozen other engines unless it is told one, and falls back to them when the one is
    unknown, so both are ruled out here. It drops the HTTP status: a refused request and a page without
    results both arrive as "No results found.", and here as an empty list.
    """

    name = "duckduckgo"

    async def fetch(self, query: str, timeout_s: float) -> list[SearchResult]:
        try:
            rows = await asyncio.to_thread(self._text, query, timeout_s)
        except RatelimitException:
            raise SearchError("DuckDuckGo refused the search: too many requests. Wait a minute.") from None
        except DDGSException as error:
            cause = error.args[0] if error.args else error
            if isinstance(error, TimeoutException) or isinstance(cause, TimeoutException):
                raise TimeoutError from None
            if "No results" in str(error):
                return []
            kind = plain_text(
                str(error).partition(":")[0], 120
            )  # after the colon comes the library's own cause
            raise SearchError(
                f"DuckDuckGo cannot be searched ({kind}). Check the network, or set MUTDA_SEARCH_URL to a "
                "SearXNG server."
            ) from error
        return [
            SearchResult(_text(row.get("title")), _text(row.get("href")), _text(row.get("body")))
            for row in rows
        ]

    @staticmethod
    def _text(query: str, timeout_s: float) -> list[dict[str, Any]]:
        import ddgs  # here: the first search loads the engines and their parsers
        from ddgs.engines import ENGINES

        if "duckduckgo" not in ENGINES["text"]:
            raise SearchError("The installed ddgs cannot search DuckDuckGo. Set MUTDA_SEARCH_URL instead.")
        region = "kr-kr" if any("가" <= character <= "힣" for character in query) else "us-en"
        # A second more than the caller waits: at its own timeout ddgs says "No results found."
        client = ddgs.DDGS(timeout=math.ceil(timeout_s) + 1)
        return client.text(query, region=region, max_results=MAX_ROWS, backend="duckduckgo")


class _Answer(BaseModel):
    results: list[Any]


class Searxng:
    """A SearXNG server's JSON interface: https://docs.searxng.org/dev/search_api.html"""

    name = "searxng"

    def __init__(self, url: str) -> None:
        """`url` is the server's root, http or https. Raises SettingsError for anything else."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            httpx.URL(url)
        except (ValueError, httpx.InvalidURL):
            host, port = None, None
        if host is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
            raise SettingsError(
                "MUTDA_SEARCH_URL must be the address of a SearXNG server, such as http://127.0.0.1:8888."
            )
        self._url = url.rstrip("/") + "/search"
        self._shown = f"{parts.scheme}://{host}{f':{port}' if port else ''}"  # without a password in it
        self._trust_env = not _is_loopback(host)  # a proxy cannot reach this machine's own server

    async def fetch(self, query: str, timeout_s: float) -> list[SearchResult]:
        # Making the client reads the certificate store from disk: not on the event loop.
        client = await asyncio.to_thread(
            httpx.AsyncClient, timeout=timeout_s, follow_redirects=False, trust_env=self._trust_env
        )
        try:
            async with client:
                body = await self._get(client, query)
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.HTTPError as error:
            raise SearchError(
                f"The search server {self._shown} cannot be reached ({type(error).__name__}). Start it, or "
                "correct MUTDA_SEARCH_URL."
            ) from error
        try:
            rows = _Answer.model_validate_json(body).results
        except ValidationError:
            raise SearchError(f"The search server {self._shown} did not answer as SearXNG does.") from None
        return [
            SearchResult(_text(row.get("title")), _text(row.get("url")), _text(row.get("content")))
            for row in rows[:MAX_ROWS]
            if isinstance(row, dict)
        ]

    async def _get(self, client: httpx.AsyncClient, query: str) -> bytes:
        parameters = {"q": query, "format": "json"}
        # Uncompressed, so that a small answer cannot unpack into a large one.
        plain = {"Accept-Encoding": "identity"}
        async with client.stream("GET", self._url, params=parameters, headers=plain) as response:
            self._check(response)
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise SearchError(
                        f"The search server {self._shown} sent more than {MAX_ANSWER_BYTES // 1_000_000} MB."
                    )
            return bytes(body)

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == 200:
            return
        if status == 403:
            raise SearchError(
                f"The search server {self._shown} refused (403). Add json to search.formats in its "
                "settings.yml, or let its limiter pass this machine."
            )
        if status == 429:
            raise SearchError(
                f"The search server {self._shown} refused the search: too many requests. Wait a minute."
            )
        if response.is_redirect:
            target = plain_text(response.headers.get("location", ""), 200)
            raise SearchError(
                f"The search server {self._shown} redirects to {target}. Set MUTDA_SEARCH_URL to the final "
                "address."
            )
        raise SearchError(f"The search server {self._shown} answered with HTTP {status}. See its log.")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
