"""Search results made safe to show: they come from strangers."""

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_TITLE = 200  # characters
MAX_SNIPPET = 600
MAX_URL = 2000
_MAX_RAW = 4000  # of a field, before cleaning: keeps the cleaning itself bounded

_UNSEEN = re.compile(r"<!--.*?(?:-->|$)|<(script|style)\b.*?(?:</\1\s*>|$)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")


@dataclass(frozen=True)
class SearchResult:
    """One page found: plain text, one line each; `url` is http or https."""

    title: str
    url: str
    snippet: str


def clean(found: Iterable[SearchResult], k: int) -> list[SearchResult]:
    """At most k results in their order, as plain text, without bad addresses and repeated pages."""
    kept: dict[str, SearchResult] = {}
    for result in found:
        page = _page(result.url)
        title = plain_text(result.title, MAX_TITLE)
        if page is None or page in kept or not title:
            continue
        kept[page] = SearchResult(title, result.url, plain_text(result.snippet, MAX_SNIPPET))
        if len(kept) == k:
            break
    return list(kept.values())


def plain_text(text: str, limit: int) -> str:
    """One line without tags, control and invisible characters, cut to `limit` characters.

    Entities are read, and what they hide is stripped too: `&lt;script&gt;` leaves no tag behind.
    """
    text = text[:_MAX_RAW]
    for _ in range(2):
        text = html.unescape(_TAG.sub("", _UNSEEN.sub(" ", text)))
    text = _TAG.sub("", text)
    # Category C holds what steers a terminal, reverses a line, or hides text from the reader.
    text = "".join(
        " " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C"
    )
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _page(url: str) -> str | None:
    """What makes two addresses the same page; None for an address that is not to be shown."""
    if len(url) > MAX_URL or any(c.isspace() or unicodedata.category(c)[0] == "C" for c in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    # user@host makes one site look like another.
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{parts.query}"
