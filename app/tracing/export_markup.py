"""Elements of the exported page. What is not made by this module is escaped: a trace may hold anything."""

import re
from html import escape

_WITHOUT_CONTENT = frozenset({"meta", "input", "line", "rect", "path", "circle"})
_NAMES = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
# Characters that HTML does not allow, and those that turn the direction of what follows them.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def shown(value: object) -> Html:
    """A value as it may stand in the page."""
    if isinstance(value, Html):
        return value
    return Html(escape(_UNSHOWN.sub("\ufffd", str(value))))


def joined(*pieces: object) -> Html:
    """Pieces one behind the other; None is nothing."""
    return Html("".join(shown(piece) for piece in pieces if piece is not None))


def el(name: str, /, *content: object, **attributes: object) -> Html:
    """An element. `class_` stands for class, `text_anchor` for text-anchor; None and False leave it out."""
    assert _NAMES.fullmatch(name), name
    written = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            written.append(f" {key}")
        elif value is not None and value is not False:
            written.append(f' {key}="{shown(str(value))}"')
    start = f"<{name}{''.join(written)}>"
    if name in _WITHOUT_CONTENT and not content:
        return Html(f"{start[:-1]}/>")
    return Html(f"{start}{joined(*content)}</{name}>")


def sheet(css: str) -> Html:
    """A style sheet of this package, as it stands."""
    assert "</" not in css
    return Html(f"<style>{css}</style>")
