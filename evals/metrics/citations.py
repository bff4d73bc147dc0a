"""Do citations hold: does the cited text stand where it is said to, and does it carry the answer?

Deliberately not the code with which the graph cites: a fault there must be seen here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.corpus.bigrams import bigrams
from graphs.calculation import sides, unsupported
from graphs.numbers import dates_in, numbers_in

MOST = 0.5
"""Share of an answer's own bigrams that what it cites must hold."""
_MARK = re.compile(r"\[\d{1,3}\]")
_DIGITS = re.compile(r"\d[\d,.]*")
# Polite and plain predicates that an answer adds to words of a document.
_PREDICATE = re.compile(
    r"(?:이었|였|했|하였|됐|되었)?(?:입|습|합|됩)니다\b|(?:이에|예|에|해)요\b|(?:이|한|된)다\b"
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
    text = _MARK.sub(" ", answer)
    basis = "\n".join(cited)
    expression = sides(calculation)[0]
    # Dates aside: today's stands in no document.
    if any("-" not in operand for operand in unsupported(expression, [basis, question])):
        return False
    known = f"{basis}\n{question}\n{calculation}"
    if numbers_in(text) - numbers_in(known) or dates_in(text) - dates_in(known):
        return False
    own = _words(text) - _words(question)
    return bool(calculation) or len(own & _words(basis)) >= MOST * len(own)


def _words(text: str) -> set[str]:
    """Bigrams without numbers, which are compared by value, and without predicates and lone syllables."""
    plain = _DIGITS.sub(" ", _PREDICATE.sub(" ", text))
    return {token for token in bigrams(plain) if len(token) > 1}
