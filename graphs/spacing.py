"""A question whose blanks were left out, as people type, with those that the passages and its own words give.

The reader was taught questions as they are written. Of 45 direct office questions of the fitting halves it
accepts 40; without any blank 22, and 34 with these (docs/reader.md). What is searched for and what the
language model reads stays as it was typed.
"""

import re
from collections import Counter
from collections.abc import Sequence

RUN_CHARS = 7
"""Syllables. Of 610 questions as they are written 22 have a word so long, mostly a name that the passages
have too."""
_WORD = re.compile(r"\S+")
_SYLLABLE = re.compile(r"[가-힣]")
_ASKING = re.compile(r"(?<=[가-힣])(?=며칠|얼마|몇|언제|어디|누가|누구|무엇|무슨|뭐|뭘|어떤|어느|어떻게)")
_APART = re.compile(r"(?=([가-힣A-Za-z0-9]{2})\s+([가-힣A-Za-z0-9]))")
_TOGETHER = re.compile(r"(?=([가-힣A-Za-z0-9]{2})([가-힣A-Za-z0-9]))")


def respaced(question: str, texts: Sequence[str]) -> str:
    """The question with more blanks in its long words: wherever the texts rather have one than none between
    the same letters, two before and one behind, and before what asks ("며칠", "누가")."""
    if not any(map(_is_run_together, question.split())):
        return question
    apart: Counter[tuple[str, str]] = Counter()
    for text in texts:
        apart.update((match[1], match[2]) for match in _APART.finditer(text))
        apart.subtract((match[1], match[2]) for match in _TOGETHER.finditer(text))

    def spaced(match: re.Match[str]) -> str:
        word = match[0]
        if not _is_run_together(word):
            return word
        parts = [
            f" {letter}" if at > 1 and apart[word[at - 2 : at], letter] > 0 else letter
            for at, letter in enumerate(word)
        ]
        return _ASKING.sub(" ", "".join(parts))

    return _WORD.sub(spaced, question)


def _is_run_together(word: str) -> bool:
    return len(_SYLLABLE.findall(word)) >= RUN_CHARS
