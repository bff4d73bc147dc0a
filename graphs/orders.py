"""Orders to whoever answers, hidden in a document or a web page: told apart and held back.

A document is quoted, not obeyed, but a small model obeys what it reads. A linear model over character
n-grams judges each sentence by itself: who is meant to do what it says, the reader of the document or the
one who answers from it? What it takes for the latter the language model is never shown. How it was fitted
and how well it does: docs/orders.md.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from app.corpus.passage import Passage
from app.corpus.sentences import sentence_spans
from graphs.grounding import Citation

BUCKETS = 1 << 16
LONGEST_GRAM = 4
LONGEST_WORD_GRAM = 3
SHORT = 60
LEAST_CHARS = 12
"""An order needs room; a heading or the mark of a clause ("Delivery.", "라.") is judged by chance."""
WRAPPED_CHARS, WRAPPED_PIECES, MOST_WRAPPED_CHARS = 30, 8, 200
"""A line shorter than this that does not end a sentence may go on in the next one; bounds of such a run."""
MOST_HEADING_CHARS = 400
NEVER = -20.0
"""Log-odds of what is too short to be one."""
HELD_BACK = "held_back"
"""In a passage's `extra`: the sentences that were taken out, a line each."""

_URL = re.compile(r"(?:https?://|www\.)\S+")
_WORD = re.compile(r"\w+|[^\w\s]")
# Quotes in pairs that belong together; "don't" and "users'" open none.
_QUOTED = re.compile(
    r"“([^”\n]{2,80})”|\"([^\"\n]{2,80})\"|‘([^’\n]{2,80})’(?![A-Za-z])|「([^」\n]{2,80})」|『([^』\n]{2,80})』"
    r"|(?<![A-Za-z])'((?:[^'\n]|(?<=[A-Za-z])'(?=[A-Za-z])){2,80})'(?![A-Za-z])"
)
# How long an answer is to be is nothing that it is to say.
_NUMBER = re.compile(
    r"(?<!\d)\d[\d,]*\d"
    r"(?![\d,]*\s*(?:글자|자(?=[ 로를만이]|$)|줄|문장|단어|낱말|characters|words|lines|sentences))"
)
_CELL = re.compile(r"(?:[^|·]|(?<! )·|·(?! ))+")
_JOINTS = re.compile(r"[|·\n]")
_VISIBLE = re.compile(r"\S")
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
    """Buckets, without doubles, of its n-grams of 1 to 4 characters and of 1 to 3 words and marks."""
    text = normalised(sentence)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    grams = [_word_grams(text)]
    for length in range(1, min(LONGEST_GRAM, len(codes)) + 1):
        count = len(codes) - length + 1
        mixed = np.full(count, length, dtype=np.uint32)
        for offset in range(length):
            # FNV-1a's step, over code points in place of bytes.
            mixed = (mixed ^ codes[offset : offset + count]) * np.uint32(16777619)
        grams.append((mixed ^ (mixed >> np.uint32(15))) % np.uint32(BUCKETS))
    return np.unique(np.concatenate(grams))


def _word_grams(text: str) -> Buckets:
    words = _WORD.findall(text)
    grams = [
        "\n".join(words[at : at + length])
        for length in range(1, LONGEST_WORD_GRAM + 1)
        for at in range(len(words) - length + 1)
    ]
    return np.array(
        [crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS for gram in grams], dtype=np.uint32
    )


def length_of(count: int) -> float:
    """What the weights of `count` features are divided by: long sentences weigh no more than others, and
    very short ones, which say little, less."""
    return float((count + SHORT) ** 0.5)


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The fitted model; log-odds that a sentence is an order to the one who answers, and three bars."""

    weights: npt.NDArray[np.float32]
    """Shape (BUCKETS,)."""
    bias: float
    sure: float
    """Log-odds from which a sentence is held back, or two in a row are."""
    doubtful: float
    """From which an answer does not rest on a sentence."""
    tainted: float
    """The same in a passage of which something was held back."""

    @classmethod
    @cache
    def packaged(cls) -> "Orders":
        """The one that comes with the program; read once."""
        path = files("graphs").joinpath("orders.npz")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return cls(
                weights=kept["weights"].astype(np.float32) * np.float32(kept["step"]),
                **{name: float(kept[name]) for name in ("bias", "sure", "doubtful", "tainted")},
            )

    def log_odds(self, sentence: str) -> float:
        """Of one sentence, or of the cell of a table."""
        if len(sentence) < LEAST_CHARS:
            return NEVER
        found = features(sentence)
        return float(self.weights[found].sum()) / length_of(len(found)) + self.bias

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Offsets of the sentences in `text` that are orders to the one who answers.

        What such an order says is to be answered, in quotes or in figures, is held back wherever it
        stands in the text.
        """
        spans = units(text)
        held = self._held(text, spans)
        if not held:
            return []
        told = {saying for start, end in held for saying in sayings(text[start:end])}
        return [span for span in spans if span in held or _repeats(text[slice(*span)], told)]

    def _held(self, text: str, spans: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        odds = {(start, end): self.log_odds(text[start:end]) for start, end in spans}
        held = {span for span in spans if odds[span] >= self.sure}
        for first, second in pairwise(spans):
            # Two that are far from it make no order together.
            if {first, second} & held or max(odds[first], odds[second]) < self.tainted:
                continue
            if self.log_odds(text[first[0] : second[1]]) >= self.sure:
                held |= {first, second}
        for run in _wrapped(text, spans):
            # An order by itself does not take along the cells beside it.
            if not held & set(run) and self._makes_order(text, run):
                held.update(run)
        return held

    def _makes_order(self, text: str, run: Sequence[tuple[int, int]]) -> bool:
        return self.log_odds(_JOINTS.sub(" ", text[run[0][0] : run[-1][1]])) >= self.sure

    def held_back(self, passages: Iterable[Passage]) -> list[Passage]:
        """The passages without such sentences; what was taken out stands in `extra`."""
        return [self._without(passage) for passage in passages]

    def _without(self, passage: Passage) -> Passage:
        spans = self.spans(passage.text)
        headings = [passage.heading] if self.spans(passage.heading[:MOST_HEADING_CHARS]) else []
        taken = [*headings, *(passage.text[start:end] for start, end in spans)]
        if not taken:
            return passage
        return replace(
            passage,
            heading="" if headings else passage.heading,
            text=_blanked(passage.text, spans),
            extra={**passage.extra, HELD_BACK: "\n".join(" ".join(text.split()) for text in taken)},
        )

    def behind(self, answer: str, citations: Sequence[Citation], passages: Sequence[Passage]) -> set[str]:
        """Ids of the passages whose doubtful sentences an answer rests on, or says what they say."""
        said = sayings(answer)
        suspects = set()
        for citation in citations:
            passage = passages[citation.n - 1]
            bar = self.tainted if passage.extra.get(HELD_BACK) else self.doubtful
            for start, end in units(passage.text):
                text = passage.text[start:end]
                if (text in citation.text or said & sayings(text)) and self.log_odds(text) >= bar:
                    suspects.add(passage.id)
        return suspects


def units(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of a text; a row of a table gives its cells, so that one can go alone."""
    found = []
    for start, end in sentence_spans(text):
        for cell in _CELL.finditer(text, start, end):
            left, right = cell.span()
            piece = text[left:right]
            if piece.strip():
                found.append((left + len(piece) - len(piece.lstrip()), left + len(piece.rstrip())))
    return found


def _wrapped(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Runs of two and more lines or cells that end in the middle of a sentence, with what ends it."""
    run: list[tuple[int, int]] = []
    for span in spans:
        if run and span[1] - run[0][0] > MOST_WRAPPED_CHARS:
            run = []
        run.append(span)
        ends = span[1] - span[0] >= WRAPPED_CHARS or text[span[1] - 1] in ".!?。"
        if ends or len(run) == WRAPPED_PIECES:
            if len(run) > 1:
                yield run
            run = []
    if len(run) > 1:
        yield run


def sayings(text: str) -> set[str]:
    """What a text gives word for word: what it has in quotes, and its numbers of two digits and more."""
    quoted = {" ".join(found[found.lastindex or 0].split()) for found in _QUOTED.finditer(text)}
    return {saying for saying in quoted if len(saying) > 1} | {
        number.replace(",", "") for number in _NUMBER.findall(text)
    }


def _repeats(text: str, told: set[str]) -> bool:
    return bool(told & sayings(text)) or any(
        re.search(rf"(?<![A-Za-z]){re.escape(saying)}(?![A-Za-z])", text)
        for saying in told
        if not saying.isdigit()
    )


def readable(passages: Sequence[Passage]) -> list[Passage]:
    """Those that something is left of."""
    return [passage for passage in passages if passage.text.strip()]


def notice_of(passages: Sequence[Passage]) -> str:
    """What the user should know of the ones that something was taken out of; empty where nothing was."""
    held = [passage for passage in passages if passage.extra.get(HELD_BACK)]
    if not held:
        return ""
    return f"sentences that give orders to whoever answers were not read: {_places(held)}"


def suspicion_of(passages: Sequence[Passage]) -> str:
    """What the user should know of an answer that rested on orders in these."""
    return f"an answer that followed what seems an order was thrown away: {_places(passages)}"


def _places(passages: Sequence[Passage]) -> str:
    return ", ".join(dict.fromkeys(passage.source or passage.heading for passage in passages))


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """With blanks in the place of what is taken out, so that offsets into the source stay true."""
    for start, end in spans:
        text = text[:start] + _VISIBLE.sub(" ", text[start:end]) + text[end:]
    return text
