"""Do citations hold: does the cited text stand where it is said to, and does it carry the answer?

Deliberately not the code with which the graph cites: a fault there must be seen here.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from app.corpus.bigrams import bigrams
from graphs.calculation import sides, unsupported
from graphs.numbers import dates_in, numbers_in, values_in, yearless_days_in
from tools.scales import without_scaled

MOST = 0.5
"""Share of an answer's own bigrams that what it cites must hold."""
_MARK = re.compile(r"\[(\d{1,3})\]")
_CITED_PART = re.compile(r"(?P<text>.*?)(?P<marks>(?:\s*\[\d{1,3}\])+)", re.DOTALL)
_DIGITS = re.compile(r"\d[\d,.]*")
# Polite and plain predicates that an answer adds to words of a document.
_PREDICATE = re.compile(
    r"(?:이었|였|했|하였|됐|되었)?(?:입|습|합|됩)니다\b|(?:이에|예|에|해)요\b|(?:이|한|된)다\b"
)


# Product codes, abbreviations, and what begins with a capital inside a sentence; what stands in quotes.
_CODE = re.compile(r"[A-Za-z]+[-_]?\d[\w-]*|\d+[-_]?[A-Za-z][\w-]*|\b[A-Z]{2,}\b|(?<=[a-z,] )[A-Z][a-z]{2,}")
_QUOTED = re.compile(r"[“‘「『《<]([^”’」』》>]{2,60})[”’」』》>]")
_MONTH = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)


def stands(citation: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the text is, character for character, at `start`..`end` of the passage that `n` names."""
    number = citation["n"]
    if not 1 <= number <= len(found):
        return False
    passage = found[number - 1]
    start, end = citation["start"] - passage["start"], citation["end"] - passage["start"]
    return bool(
        citation["source"] == passage["source"]
        and 0 <= start < end
        and passage["text"][start:end] == citation["text"]
    )


def supported(answer: str, question: str, cited: Sequence[str], calculation: str = "") -> bool:
    """Whether what is cited carries the answer.

    Every number and date of the answer must stand in the cited texts or the question, however it is
    written, and most of the words' bigrams that the answer adds to the question in the cited texts. Of a
    calculated answer ("expression = value") the numbers alone are asked, those of the expression too.
    """
    if not cited:
        return False
    basis = "\n".join(cited)
    return _operands_stand(calculation, question, basis) and _carries(basis, answer, question, calculation)


def valid(
    answer: str, question: str, found: Sequence[Mapping[str, Any]], calculation: str = ""
) -> list[bool]:
    """For each part of the answer that ends in citation marks: whether the passages they name carry it.

    `found` are the passages, numbered from 1, with "heading" and "text". They must hold the part's
    numbers, dates and names (codes, words in capitals, what is quoted) and most of its bigrams; what the
    question says or the calculation gives need not be there. A mark that names no passage adds nothing.
    """
    parts = [(match["text"], _numbers(match["marks"])) for match in _CITED_PART.finditer(answer)]
    texts = {
        number: f"{found[number - 1]['heading']}\n{found[number - 1]['text']}"
        for _, numbers in parts
        for number in numbers
        if 1 <= number <= len(found)
    }
    if not _operands_stand(calculation, question, "\n".join(texts.values())):
        return [False] * len(parts)
    return [_holds_part(text, question, [texts[n] for n in numbers if n in texts], calculation)
            for text, numbers in parts]  # fmt: skip


def _holds_part(part: str, question: str, cited: Sequence[str], calculation: str) -> bool:
    basis = "\n".join(cited)
    return (
        bool(cited)
        and _carries(basis, part, question, calculation)
        and all(name in _plain(f"{basis}\n{question}") for name in _names(part))
    )


def _numbers(marks: str) -> list[int]:
    return [int(number) for number in _MARK.findall(marks)]


def _names(text: str) -> set[str]:
    """Names as `_plain` writes them."""
    return {_plain(name) for name in [*_CODE.findall(_MONTH.sub(" ", text)), *_QUOTED.findall(text)]}


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _operands_stand(calculation: str, question: str, basis: str) -> bool:
    # Dates aside: today's stands in no document.
    expression = sides(calculation)[0]
    return all("-" in operand for operand in unsupported(expression, [basis, question]))


def _carries(basis: str, answer: str, question: str, calculation: str) -> bool:
    text = _MARK.sub(" ", answer)
    known = f"{basis}\n{question}\n{calculation}"
    results = numbers_in(sides(calculation)[1])
    strange = {n for n in values_in(text) - numbers_in(known) if not _rounds_any(results, n)}
    if strange or any(not _dated(day, known) for day in dates_in(text)):
        return False
    own = _words(text) - _words(question)
    return bool(calculation) or len(own & _words(basis)) >= MOST * len(own)


def _dated(day: date, known: str) -> bool:
    """Whether the day stands there; the year may be said once, and then month and day."""
    if day in dates_in(known):
        return True
    return (day.month, day.day) in yearless_days_in(known) and Fraction(day.year) in numbers_in(known)


def _rounds_any(results: set[Fraction], said: Fraction) -> bool:
    """Whether one of them, rounded to the decimals that `said` has, four at most, is what is said."""
    places = next((n for n in range(5) if (said * 10**n).denominator == 1), None)
    return places is not None and any(abs(result - said) * 10**places * 2 <= 1 for result in results)


def _words(text: str) -> set[str]:
    """Bigrams without numbers, which are compared by value, and without predicates and lone syllables."""
    plain = _DIGITS.sub(" ", _PREDICATE.sub(" ", without_scaled(text)))
    return {token for token in bigrams(plain) if len(token) > 1}
