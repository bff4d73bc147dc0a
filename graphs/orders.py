"""Orders to whoever answers, hidden in a document or a web page: told apart and held back.

A document is quoted, not obeyed, but a small model obeys what it reads. A linear model over character
n-grams judges each sentence by itself: who is meant to do what it says, the reader of the document or the
one who answers from it? What it takes for the latter the language model is never shown. How it was fitted
and how well it does: docs/orders.md.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from app.corpus.passage import Passage
from app.corpus.sentences import sentence_spans

BUCKETS = 1 << 16
LONGEST_GRAM = 4
HELD_BACK = "held_back"
"""In a passage's `extra`: the sentences that were taken out, a line each."""

_URL = re.compile(r"(?:https?://|www\.)\S+")
_DIGIT = re.compile(r"\d")
_SPACED_OUT = re.compile(r"(?<!\S)(?:\S ){7,}\S(?!\S)")

Buckets = npt.NDArray[np.uint32]


def normalised(sentence: str) -> str:
    """As it is judged: what is invisible, which digits and which address it is makes no difference."""
    text = unicodedata.normalize("NFKC", sentence)
    text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    text = _DIGIT.sub("0", _URL.sub("<url>", text.lower()))
    text = " ".join(text.split())
    text = _SPACED_OUT.sub(lambda spaced: spaced[0].replace(" ", ""), text)
    return f" {text} "


def features(sentence: str) -> Buckets:
    """Buckets, without doubles, of its n-grams of 1 to 4 characters."""
    codes = np.frombuffer(normalised(sentence).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    grams = []
    for length in range(1, min(LONGEST_GRAM, len(codes)) + 1):
        count = len(codes) - length + 1
        mixed = np.full(count, length, dtype=np.uint32)
        for offset in range(length):
            # FNV-1a's step, over code points in place of bytes.
            mixed = (mixed ^ codes[offset : offset + count]) * np.uint32(16777619)
        grams.append((mixed ^ (mixed >> np.uint32(15))) % np.uint32(BUCKETS))
    return np.unique(np.concatenate(grams))


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The fitted model; log-odds that a sentence is an order to the one who answers."""

    weights: npt.NDArray[np.float32]
    """Shape (BUCKETS,)."""
    bias: float
    sure: float
    """Log-odds from which a sentence is held back."""
    beside: float
    """The same for one next to such a sentence: an order seldom comes alone."""

    @classmethod
    def packaged(cls) -> "Orders":
        """The one that comes with the program; read once."""
        return _packaged()

    def log_odds(self, sentence: str) -> float:
        """Of one sentence; long ones do not weigh more than short ones."""
        found = features(sentence)
        return float(self.weights[found].sum() / len(found) ** 0.5) + self.bias

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Offsets of the sentences in `text` that are orders to the one who answers."""
        spans = sentence_spans(text)
        judged = [self.log_odds(text[start:end]) for start, end in spans]
        held = [odds >= self.sure for odds in judged]
        for i in range(len(spans)):
            near = held[max(i - 1, 0)] or held[min(i + 1, len(held) - 1)]
            # Forwards, so that a run of them is followed to its end.
            held[i] = held[i] or (near and judged[i] >= self.beside)
        return [span for span, is_held in zip(spans, held, strict=True) if is_held]

    def held_back(self, passages: Iterable[Passage]) -> list[Passage]:
        """The passages without such sentences; what was taken out stands in `extra`."""
        return [self._without(passage) for passage in passages]

    def _without(self, passage: Passage) -> Passage:
        spans = self.spans(passage.text)
        heading = "" if self.spans(passage.heading) else passage.heading
        if not spans and heading == passage.heading:
            return passage
        taken = [passage.text[start:end] for start, end in spans]
        if heading != passage.heading:
            taken.insert(0, passage.heading)
        return replace(
            passage,
            heading=heading,
            text=_cut(passage.text, spans),
            extra={**passage.extra, HELD_BACK: "\n".join(" ".join(text.split()) for text in taken)},
        )


def readable(passages: Sequence[Passage]) -> list[Passage]:
    """Those that something is left of."""
    return [passage for passage in passages if passage.text]


def notice_of(passages: Sequence[Passage]) -> str:
    """What the user should know of the ones that something was taken out of; empty where nothing was."""
    held = [passage for passage in passages if passage.extra.get(HELD_BACK)]
    if not held:
        return ""
    where = dict.fromkeys(passage.source or passage.heading for passage in held)
    return f"sentences that give orders to whoever answers were not read: {', '.join(where)}"


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at:start].rstrip())
        at = end
    pieces.append(text[at:])
    return "".join(pieces).strip()


@cache
def _packaged() -> Orders:
    with files("graphs").joinpath("orders.npz").open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return _orders(kept)


def _orders(kept: Any) -> Orders:
    return Orders(
        weights=kept["weights"].astype(np.float32) * np.float32(kept["step"]),
        bias=float(kept["bias"]),
        sure=float(kept["sure"]),
        beside=float(kept["beside"]),
    )
