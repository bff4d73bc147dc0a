"""Do citations hold: does the cited text stand where it is said to, and does it carry the answer?

Deliberately not the code with which the graph cites: a fault there must be seen here.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from app.corpus.bigrams import bigrams
from app.corpus.sentences import sentence_spans
from evals.metrics.replacements import is_content, replaced
from evals.metrics.wording import plain, words_of
from graphs.calculation import sides, unsupported
from graphs.claims import CLAUSE
from graphs.counts import is_quantity, miscounted
from graphs.denials import denies
from graphs.marks import unlisted
from graphs.numbers import dates_in, numbers_in, values_in, yearless_days_in
from graphs.numerals import in_digits, other_hours
from tools.scales import without_scaled

MOST = 0.5
"""Share of an answer's own bigrams that what it cites must hold."""
CHANCE = 1
"""So many of them may be missing whatever their share, where numbers carry the answer: one is a synonym of
two syllables."""
_MARK = re.compile(r"\[(\d{1,3})\]")
_CITED_PART = re.compile(r"(?P<text>.*?)(?P<marks>(?:\s*\[\d{1,3}\])+)", re.DOTALL)
# Product codes, abbreviations, and what begins with a capital inside a sentence; what stands in quotes.
_CODE = re.compile(
    r"[A-Za-z]+[-_]?\d[A-Za-z0-9_-]*|\d+[-_]?[A-Za-z][A-Za-z0-9_-]*|\b[A-Z]{2,}\b|(?<=[a-z,] )[A-Z][a-z]{2,}"
)
# Of what was not found, and what closes an answer.
_CLOSING = re.compile(
    r"찾지 못|있지 않|[알확]\S* 수 없|(?:문서|자료|본문)\S* .*(?:없|않|못)"
    r"|바랍니다|주세요|주십시오|하십시오|하세요|감사|궁금"
    r"|\bdo(?:es)? not (?:hold|say|mention|contain)|\bplease\b",
    re.IGNORECASE,
)
_AND = re.compile(r"(?<=과|와)\s+|\s+및\s+")
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
    numbers, with what they count, its dates, names (codes, words in capitals, what is quoted) and most of
    its bigrams; what the question says or the calculation gives need not be there. They must not say the
    opposite, nor have another word in the place of one; of a calculated answer the words are not asked. A
    mark that names no passage, or one that carries no piece of the part, makes it invalid. What stands after
    the last mark and claims more than the rest of the answer is one more part, which cites nothing and does
    not hold.
    """
    answer = unlisted(answer)
    parts = [(match["text"], _numbers(match["marks"])) for match in _CITED_PART.finditer(answer)]
    texts = {
        number: f"{found[number - 1]['heading']}\n{found[number - 1]['text']}"
        for _, numbers in parts
        for number in numbers
        if 1 <= number <= len(found)
    }
    uncited = [False] if parts and _claims_more(answer, question, calculation) else []
    if not _operands_stand(calculation, question, "\n".join(texts.values())):
        return [False] * len(parts) + uncited
    held = [
        all(n in texts and _carries_some(texts[n], text, question, calculation) for n in numbers)
        and _holds_part(text, question, [texts[n] for n in numbers], calculation)
        for text, numbers in parts
    ]
    return held + uncited


def _carries_some(text: str, part: str, question: str, calculation: str) -> bool:
    """Whether a passage carries a sentence or clause of the part, or gives what is calculated with."""
    expression = sides(calculation)[0]
    if (values_in(expression) & numbers_in(text)) or (dates_in(expression) & dates_in(text)):
        return True
    sentences = [part[start:end] for start, end in sentence_spans(part)]
    pieces = [piece for sentence in sentences for joint in (CLAUSE, _AND) for piece in joint.split(sentence)]
    return any(piece.strip() and _carries(text, piece, question, "") for piece in [*sentences, *pieces])


def _holds_part(part: str, question: str, cited: Sequence[str], calculation: str) -> bool:
    basis = "\n".join(cited)
    return (
        bool(cited)
        and _carries(basis, part, question, calculation)
        and all(name in plain(f"{basis}\n{question}") for name in _names(part))
        and (bool(calculation) or not _contradicts(part, basis, question))
    )


def _contradicts(part: str, basis: str, question: str) -> bool:
    said, known = in_digits(part), in_digits(basis)
    return (
        bool(miscounted(in_digits(part, loose=False), f"{known}\n{in_digits(question)}"))
        or denies(part, basis, question)
        or replaced(said, known, question)
    )


def _claims_more(answer: str, question: str, calculation: str) -> bool:
    """Whether a sentence after the last mark has a number, a name or a word that nothing before it has.

    A conclusion has none; a polite close and a refusal of what else was asked may have words.
    """
    last = max(match.end() for match in _MARK.finditer(answer))
    said = in_digits(f"{question}\n{answer[:last]}\n{calculation}")
    rest = answer[last:]
    for start, end in sentence_spans(rest):
        sentence = rest[start:end]
        if values_in(in_digits(sentence, loose=False)) - numbers_in(said):
            return True
        if any(name not in plain(said) for name in _names(sentence)):
            return True
        words = [plain(word.stem) for word in words_of(in_digits(sentence)) if is_content(word)]
        if not _CLOSING.search(sentence) and any(word not in plain(said) for word in words):
            return True
    return False


def _numbers(marks: str) -> list[int]:
    return [int(number) for number in _MARK.findall(marks)]


def _names(text: str) -> set[str]:
    """Names as `plain` writes them."""
    codes = [code for code in _CODE.findall(_MONTH.sub(" ", text)) if not is_quantity(code)]
    return {plain(name) for name in [*codes, *_QUOTED.findall(text)]}


def _operands_stand(calculation: str, question: str, basis: str) -> bool:
    # Dates aside: today's stands in no document.
    expression = sides(calculation)[0]
    return all("-" in operand for operand in unsupported(expression, [basis, question]))


def _carries(basis: str, answer: str, question: str, calculation: str) -> bool:
    text = in_digits(_MARK.sub(" ", answer), loose=False)
    known = in_digits(f"{basis}\n{question}\n{calculation}")
    results = numbers_in(sides(calculation)[1])
    strange = values_in(text) - numbers_in(known) - other_hours(known)
    if any(not _rounds_any(results, number) for number in strange):
        return False
    if any(not _dated(day, known) for day in dates_in(text)):
        return False
    own = _words(text) - set(bigrams(question))
    missing = len(own - set(bigrams(basis)))
    few = missing <= (1 - MOST) * len(own) or (missing <= CHANCE and bool(values_in(text)))
    return bool(calculation) or few


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
    """Bigrams of the words that say something, without their endings; numbers are compared by value."""
    stems = " ".join(word.stem for word in words_of(without_scaled(text)) if is_content(word))
    return {token for token in bigrams(stems) if len(token) > 1}
