"""Joins the lines of a paragraph again: with a space or, where a line ended inside a word, without.

At the end of a line a PDF mostly has no space. Korean text is often broken at any syllable ("담" / "당자는"),
and a word joined wrongly is hidden from the search. Three sources tell, the surest first:

1. Some programs keep the space at the end of a line. Then it tells all.
2. Lines that leave room for one more syllable were broken between words, and so were the others.
3. Otherwise the document itself is the measure: how often its syllables at the break stand together and how
   often with a space between, and whether the words on both sides are seen elsewhere.

Measured for (3) on 140 Korean encyclopedia articles of about 3,500 characters, broken every 38 characters:
91 % of 10,641 breaks are joined as written. Always joining without a space is right in 56 %.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from app.corpus.load.pdf_lines import Line

_COUNTERS = frozenset("년월일시분초개명원회차권호조항장절점쪽층세위번배인대건종급")
_OPENERS = "([{<「『“‘《〈【（"
_CLOSERS = ")]}>」』”’》〉】）.,!?:;%…·ㆍ"
# Endings after which a Korean word is over, and words of one syllable: what is known before any text is read.
_ENDING = re.compile(
    r"(?:[은는을를의에와과도만면며고다]|에서|에게|으로|로|부터|까지|보다|처럼|마다|하여|해서|거나|지만|므로"
    r"|할|한|될|된|있는|없는|및|등|또는)$"
)
_WORD_WRAP_SHARE = 0.2
_SMOOTHING = 2.0
_JOINED_EVIDENCE = 2.5
_WORD_EVIDENCE = 1.0
_MAX_BEGINNING_CHARS = 6


class Joiner:
    """Joins two lines of a document, having seen all its lines."""

    def __init__(
        self, texts: Iterable[str], *, keeps_spaces: bool = False, wraps_words: bool = False
    ) -> None:
        """Takes the document's lines, and whether sources 1 and 2 hold."""
        self._keeps_spaces = keeps_spaces
        self._wraps_words = wraps_words
        self._words: set[str] = set()
        # How often one or two syllables stand before ("<") or after (">") a space (True) or a syllable.
        self._counts: Counter[tuple[str, str, bool]] = Counter()
        for text in texts:
            self._words.update(text.split()[1:-1])  # words at a line's ends may be halves
            self._count(text)
        spaces, syllables = self._counts["", "", True], self._counts["", "", False]
        self._base = math.log((spaces + 1) / (syllables + 1)) if spaces + syllables else 0.0
        self._beginnings = {
            word[:length]
            for word in self._words
            for length in range(2, min(len(word), _MAX_BEGINNING_CHARS) + 1)
        }

    def join(self, left: str, right: str, gap: str = "\n") -> str:
        """The two lines as one text. `gap` is the second line's (`pdf_lines.Line`)."""
        if gap.startswith("-"):
            return left.rstrip("-") + right
        return left + ("" if self._goes_on(left, right, gap) else " ") + right

    def _goes_on(self, left: str, right: str, gap: str) -> bool:
        last, first = left[-1], right[0]
        if gap == " \n":
            return False
        if last in _OPENERS or first in _CLOSERS or last in "-/~·ㆍ":
            return True
        if last in _CLOSERS:
            return False
        if self._keeps_spaces:
            return True
        if self._wraps_words:
            return False
        if last.isdigit():
            return first in _COUNTERS
        if not (is_hangul(last) and is_hangul(first)):
            return left.endswith("제") and first.isdigit()
        return self._space_odds(left, right) <= 0

    def _count(self, text: str) -> None:
        for index in range(1, len(text)):
            is_space = text[index] == " "
            after = text[index + is_space : index + is_space + 2]
            if not (is_hangul(text[index - 1]) and after and is_hangul(after[0])):
                continue
            before = text[max(index - 2, 0) : index]
            self._counts["", "", is_space] += 1
            for left in (before[-1], before):
                self._counts["<", left, is_space] += 1
            for right in (after[0], after):
                self._counts[">", right, is_space] += 1

    def _space_odds(self, left: str, right: str) -> float:
        """Logarithm of the odds for a space, as in naive Bayes, with evidence from whole words added."""
        odds = self._side("<", left[-1], left[-2:]) + self._side(">", right[0], right[:2]) - self._base
        left_word, right_word = left.split()[-1], right.split()[0]
        # A word seen elsewhere begins as the two halves do: "담당자를" for "담" and "당자는".
        if (left_word + right_word)[: len(left_word) + 2] in self._beginnings:
            odds -= _JOINED_EVIDENCE
        odds += _WORD_EVIDENCE * ((left_word in self._words) + (right_word in self._words))
        odds += _WORD_EVIDENCE if len(left_word) > 1 and _ENDING.search(left_word) else -_WORD_EVIDENCE
        return odds

    def _side(self, side: str, one: str, two: str) -> float:
        return self._odds(side, two, self._odds(side, one, self._base))

    def _odds(self, side: str, syllables: str, prior: float) -> float:
        share = 1 / (1 + math.exp(-prior))
        spaces = self._counts[side, syllables, True] + _SMOOTHING * share
        return math.log(spaces / (self._counts[side, syllables, False] + _SMOOTHING * (1 - share)))


def learn_joiner(paragraphs: Sequence[Sequence[Line]], right_edge: dict[int, float]) -> Joiner:
    """A joiner for lines grouped into paragraphs. `right_edge` maps id(line) to its column's right end."""
    wrapped = [(a, b) for lines in paragraphs for a, b in pairwise(lines)]
    hangul = [(a, b) for a, b in wrapped if is_hangul(a.text[-1]) and is_hangul(b.text[0])]
    texts = [line.text for lines in paragraphs for line in lines]
    if not hangul:
        return Joiner(texts)
    spaced = sum(1 for _, b in hangul if b.gap == " \n")
    # A syllable is about as wide as the type is high.
    roomy = sum(1 for a, _ in hangul if right_edge.get(id(a), a.x1) - a.x1 > 1.1 * a.height)
    return Joiner(
        texts,
        keeps_spaces=spaced >= _WORD_WRAP_SHARE * len(hangul),
        wraps_words=roomy >= _WORD_WRAP_SHARE * len(hangul),
    )


def is_hangul(character: str) -> bool:
    """Whether a character is a Korean syllable."""
    return "가" <= character <= "힣"
