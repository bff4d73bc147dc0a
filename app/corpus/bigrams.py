"""Words to tokens that need no dictionary: character bigrams for Korean, Chinese and Japanese.

Korean glues particles to nouns ("보증은", "보증이"), so whole words seldom match. Bigrams inside words do,
as well as a morphological analyser and far faster. Latin words and numbers stay whole; where scripts meet
inside one word ("2026년", "GPU용") the parts become tokens, and the pair of characters at the seam another.
"""

import re
import unicodedata

MAX_TOKEN_CHARS = 64
"""Longer runs (encoded data, hostile input) are cut; nobody asks for more."""

_CJK = (
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
)
_WORD = re.compile(r"[^\W_]+")
_RUN = re.compile(f"(?P<cjk>[{_CJK}]+)|[^{_CJK}]+")
_KOREAN = re.compile("[가-힣]{2,}")
_PART = re.compile(r"[0-9]+|[^0-9]+")


def bigrams(text: str) -> list[str]:
    """The tokens of a text, repeats kept. Each is letters and digits only, in lower case."""
    tokens: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).lower()):
        tokens += _of_word(word)
    return tokens


def _of_word(word: str) -> list[str]:
    if _KOREAN.fullmatch(word):  # most words of a Korean text, and all that is to be done with them
        return [word[i : i + 2] for i in range(len(word) - 1)]
    runs = list(_RUN.finditer(word))
    if len(word) == 1:
        return [word]
    tokens: list[str] = []
    for run in runs:
        part = run.group()
        if run["cjk"] is not None:
            # A lone syllable beside another script ("년" in "2026년") says little; the seam has it.
            tokens += (part[i : i + 2] for i in range(len(part) - 1))
            continue
        tokens.append(part[:MAX_TOKEN_CHARS])
        if len(pieces := _PART.findall(part)) > 1:
            tokens += (piece[:MAX_TOKEN_CHARS] for piece in pieces)
    tokens += (word[run.start() - 1 : run.start() + 1] for run in runs[1:])
    return tokens
