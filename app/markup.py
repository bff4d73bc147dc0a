"""HTML and SVG that is escaped unless it was made here: documents and answers may hold anything."""

import re
from collections.abc import Iterable
from html import escape

# Characters that HTML does not allow, and those that turn the direction of what follows them.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_EMPTY = frozenset({"meta", "input", "line", "circle", "rect", "path", "polyline", "polygon"})


class Markup(str):
    """Text that is markup already. Nothing but this module turns a plain string into it."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Plain text as markup; characters that HTML cannot hold, or that turn text around, become U+FFFD."""
    return value if isinstance(value, Markup) else Markup(escape(_UNSHOWN.sub("\ufffd", str(value))))


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """An element. Content and attribute values are escaped; an attribute of None or False is left out.

    A trailing underscore of an attribute's name goes, another becomes a dash: `class_`, `stroke_width`.
    """
    assert _NAME.fullmatch(name), name
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _EMPTY and not content:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{join(content)}</{name}>")


def join(pieces: Iterable[object]) -> Markup:
    """Pieces one after another, each escaped unless it is markup; None is nothing."""
    return Markup("".join(text(piece) for piece in pieces if piece is not None))


def link(words: object, url: str) -> Markup:
    """Words that lead to a page on the web, and to nothing else: what a report names is not trusted."""
    if not url.startswith(("http://", "https://")):
        return text(words)
    return tag("a", words, href=url, rel="noreferrer")


def style(css: str) -> Markup:
    """A style sheet of this project, as it is."""
    assert "</" not in css
    return Markup(f"<style>{css}</style>")


def document(*content: Markup) -> str:
    """A whole file."""
    return f"<!DOCTYPE html>\n{join(content)}\n"
