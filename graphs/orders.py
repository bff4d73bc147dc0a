"""Orders to whoever answers, hidden in a document or a web page: told apart and held back.

A document is quoted, not obeyed, but a small model obeys what it reads. A linear model over character
n-grams judges each sentence by itself: who is meant to do what it says, the reader of the document or the
one who answers from it? Where there is a reader (`app.models.reader`), it gives a second opinion of what the
first does not rule out. What both together take for an order the language model is never shown. How they were
fitted and how well they do: docs/orders.md.
"""

import re
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any
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
MOST_ASKED = 96
"""Sentences that the reader is asked about at a time, those first that the linear model doubts most."""
HELD_BACK = "held_back"
"""In a passage's `extra`: the sentences that were taken out, a line each."""

_URL = re.compile(r"(?:https?://|www\.)\S+")
# Whom to ask is told with an address, which both models take for an order's; orders are told without it as
# well, but not by the linear model alone.
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}")
_WORD = re.compile(r"\w+|[^\w\s]")
# Quotes in pairs that belong together; "don't" and "users'" open none.
_QUOTED = re.compile(
    r"“([^”\n]{2,80})”|\"([^\"\n]{2,80})\"|‘([^’\n]{2,80})’(?![A-Za-z])|「([^」\n]{2,80})」|『([^』\n]{2,80})』"
    r"|(?<![A-Za-z])'((?:[^'\n]|(?<=[A-Za-z])'(?=[A-Za-z])){2,80})'(?![A-Za-z])"
)
# How long an answer is to be is nothing that it is to say, nor is the time beside a line.
_NUMBER = re.compile(
    r"(?<![\d:])(?<!\d,)(?=\d,?\d)(?>\d+(?:,\d+)*)(?!,?:)"
    r"(?!\s*(?:글자|자(?=[ 로를만이]|$)|줄|문장|단어|낱말|characters|words|lines|sentences))"
)
_CELL = re.compile(r"(?:[^|·]|(?<! )·|·(?! ))+")
_JOINTS = re.compile(r"[|·\n]")
_VISIBLE = re.compile(r"\S")
_DIGIT = re.compile(r"\d")
_SPACED_OUT = re.compile(r"(?<!\S)(?:\S ){7,}\S(?!\S)")

_BARS = ("sure", "doubtful", "tainted")
_FUSED = ("ask", "linear", "reader", "bias")

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
class Bars:
    """Log-odds from which something is done about a sentence."""

    sure: float
    """From which it is held back, or two in a row are."""
    doubtful: float
    """From which an answer does not rest on it."""
    tainted: float
    """The same in a passage of which something was held back."""


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """How the linear model's log-odds and the reader's make one."""

    ask: float
    """Log-odds of the linear model below which the reader is not asked."""
    linear: float
    reader: float
    bias: float
    bars: Bars

    def both(self, linear: npt.ArrayLike, reader: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Of sentences that the reader was asked about: one log-odds from two each, of the same shape."""
        return self.linear * np.asarray(linear) + self.reader * np.asarray(reader) + self.bias


OrderOdds = Callable[[Sequence[str]], npt.NDArray[np.float64]]
"""See `app.models.reader.Reader.order_odds`."""


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The fitted models; log-odds that a sentence is an order to the one who answers, and their bars."""

    weights: npt.NDArray[np.float32]
    """Shape (BUCKETS,)."""
    bias: float
    alone: Bars
    """Of the linear model's log-odds."""
    fusion: Fusion | None = None
    """None where only the linear model was fitted."""
    reader: OrderOdds | None = None
    """The second opinion; None where there is no reader."""

    @classmethod
    @cache
    def packaged(cls) -> "Orders":
        """The one that comes with the program, without a reader; read once."""
        return cls.read(Path(str(files("graphs") / "orders.npz")))

    @classmethod
    def read(cls, path: Path) -> "Orders":
        """As `write` wrote it."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            fusion = None
            if "both" in kept:
                fusion = Fusion(
                    **dict(zip(_FUSED, map(float, kept["both"]), strict=True)),
                    bars=Bars(**dict(zip(_BARS, map(float, kept["both_bars"]), strict=True))),
                )
            return cls(
                weights=kept["weights"].astype(np.float32) * np.float32(kept["step"]),
                bias=float(kept["bias"]),
                alone=Bars(**{name: float(kept[name]) for name in _BARS}),
                fusion=fusion,
            )

    def write(self, path: Path) -> None:
        """The weights in a byte each."""
        step = float(np.abs(self.weights).max()) / 127
        kept: dict[str, Any] = {
            "weights": np.round(self.weights / step).astype(np.int8),
            "step": step,
            "bias": self.bias,
            **{name: getattr(self.alone, name) for name in _BARS},
        }
        if self.fusion is not None:
            kept["both"] = [getattr(self.fusion, name) for name in _FUSED]
            kept["both_bars"] = [getattr(self.fusion.bars, name) for name in _BARS]
        np.savez_compressed(path, **kept)

    def advised_by(self, reader: OrderOdds) -> "Orders":
        """The same with a second opinion, where one was fitted."""
        return replace(self, reader=reader) if self.fusion is not None else self

    @property
    def bars(self) -> Bars:
        """Of what `judged` gives."""
        return self.alone if self.fusion is None or self.reader is None else self.fusion.bars

    def log_odds(self, sentence: str) -> float:
        """The linear model's, of one sentence or of the cell of a table."""
        if len(sentence) < LEAST_CHARS:
            return NEVER
        found = features(sentence)
        return float(self.weights[found].sum()) / length_of(len(found)) + self.bias

    def judged(self, sentences: Sequence[str]) -> list[float]:
        """Log-odds of each, to be held against `bars`; blocking where the reader is asked.

        Raises what the reader raises.
        """
        fusion = self.fusion
        if fusion is None or self.reader is None:
            return [self.log_odds(sentence) for sentence in sentences]
        sentences = [_MAIL.sub("e-mail", sentence) for sentence in sentences]
        linear = [self.log_odds(sentence) for sentence in sentences]
        doubted = [at for at, odds in enumerate(linear) if odds >= fusion.ask]
        asked = sorted(sorted(doubted, key=linear.__getitem__)[-MOST_ASKED:])
        # What there is no time to ask about goes by the linear model's own bar.
        found = [fusion.bars.sure if odds >= self.alone.sure else NEVER for odds in linear]
        if asked:
            read = self.reader([sentences[at] for at in asked])
            both = fusion.both([linear[at] for at in asked], read).tolist()
            for at, odds in zip(asked, both, strict=True):
                found[at] = odds
        return found

    @property
    def fingerprint(self) -> str:
        """Changes with what is held back."""
        fitted = [self.bias, *vars(self.alone).values()]
        if self.fusion is not None and self.reader is not None:
            fitted += [getattr(self.fusion, name) for name in _FUSED]
            fitted += vars(self.fusion.bars).values()
        return sha256(self.weights.tobytes() + repr(fitted).encode()).hexdigest()[:16]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Offsets of the sentences in `text` that are orders to the one who answers.

        What such an order says is to be answered, in quotes or in figures, is held back wherever it
        stands in the text.
        """
        return self._spans([text])[0]

    def _spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Of each text; what is to be judged next in all of them is judged at once."""
        known: dict[str, float] = {}
        found: list[set[tuple[int, int]]] = [set() for _ in texts]
        looks = {at: self._look(text, known) for at, text in enumerate(texts)}
        while looks:
            wanted: list[str] = []
            for at, look in list(looks.items()):
                try:
                    wanted += next(look)
                except StopIteration as end:
                    found[at] = end.value
                    del looks[at]
            new = [text for text in dict.fromkeys(wanted) if text not in known]
            known.update(zip(new, self.judged(new), strict=True))
        return [_with_repeats(text, held) for text, held in zip(texts, found, strict=True)]

    def _look(self, text: str, known: dict[str, float]) -> Generator[list[str], None, set[tuple[int, int]]]:
        """Yields what it must know next, and gives what is held back for what it says itself."""
        spans, bars = units(text), self.bars
        yield [text[start:end] for start, end in spans]
        odds = {(start, end): known[text[start:end]] for start, end in spans}
        held = {span for span in spans if odds[span] >= bars.sure}
        # Two that are far from it make no order together.
        twos = [
            (first, second)
            for first, second in pairwise(spans)
            if not {first, second} & held and max(odds[first], odds[second]) >= bars.tainted
        ]
        yield [text[first[0] : second[1]] for first, second in twos]
        for first, second in twos:
            if not {first, second} & held and known[text[first[0] : second[1]]] >= bars.sure:
                held |= {first, second}
        # An order by itself does not take along the cells beside it.
        runs = [run for run in _wrapped(text, spans) if not held & set(run)]
        yield [_joined(text, run) for run in runs]
        for run in runs:
            if not held & set(run) and known[_joined(text, run)] >= bars.sure:
                held.update(run)
        return held

    def held_back(self, passages: Iterable[Passage]) -> list[Passage]:
        """The passages without such sentences; what was taken out stands in `extra`."""
        given = list(passages)
        spans = self._spans(
            [*(each.text for each in given), *(each.heading[:MOST_HEADING_CHARS] for each in given)]
        )
        return [
            _without(passage, held, whole=bool(heading))
            for passage, held, heading in zip(given, spans[: len(given)], spans[len(given) :], strict=True)
        ]

    def behind(self, answer: str, citations: Sequence[Citation], passages: Sequence[Passage]) -> set[str]:
        """Ids of the passages whose doubtful sentences an answer rests on, or says what they say."""
        said = sayings(answer)
        bars = self.bars
        rests: list[tuple[Passage, str]] = []
        for citation in citations:
            passage = passages[citation.n - 1]
            for start, end in units(passage.text):
                text = passage.text[start:end]
                if text in citation.text or said & sayings(text):
                    rests.append((passage, text))
        texts = list(dict.fromkeys(text for _, text in rests))
        known = dict(zip(texts, self.judged(texts), strict=True))
        return {
            passage.id
            for passage, text in rests
            if known[text] >= (bars.tainted if passage.extra.get(HELD_BACK) else bars.doubtful)
        }


def _without(passage: Passage, spans: Sequence[tuple[int, int]], *, whole: bool) -> Passage:
    """Without these spans of its text, and without its heading where the `whole` of it goes."""
    headings = [passage.heading] if whole else []
    taken = [*headings, *(passage.text[start:end] for start, end in spans)]
    if not taken:
        return passage
    return replace(
        passage,
        heading="" if headings else passage.heading,
        text=_blanked(passage.text, spans),
        extra={**passage.extra, HELD_BACK: "\n".join(" ".join(text.split()) for text in taken)},
    )


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


def _joined(text: str, run: Sequence[tuple[int, int]]) -> str:
    return _JOINTS.sub(" ", text[run[0][0] : run[-1][1]])


def sayings(text: str) -> set[str]:
    """What a text gives word for word: what it has in quotes, and its numbers of two digits and more."""
    quoted = {" ".join(found[found.lastindex or 0].split()) for found in _QUOTED.finditer(text)}
    return {saying for saying in quoted if len(saying) > 1} | {
        number.replace(",", "") for number in _NUMBER.findall(text)
    }


def _with_repeats(text: str, held: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, with the sentences that say what an order says is to be answered."""
    if not held:
        return []
    told = {saying for start, end in held for saying in sayings(text[start:end])}
    return [span for span in units(text) if span in held or _repeats(text[slice(*span)], told)]


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
