"""Questions that follow another one: what they lean on, told without a model.

A rewriting by a small model was worse than none: of sixteen Korean follow-ups it turned ten into an
answer, into the question before, or into nonsense. The question before and the new one side by side
found the passage first for all sixteen and were answered best (docs/retrieval.md).
"""

import re
from dataclasses import dataclass

from app.prompts import Language

_SHORT_SYLLABLES = 11
_SHORT_WORDS = 4
_WORD = re.compile(r"\w+")
# "휴일에는요?", "10년이면요?": a topic without a predicate.
TOPIC_ALONE = re.compile(r"(?:은|는|도|을|를|에|에서|에게|로|와|과|까지|부터|면|의)요\s*[?.!]*$")
_POINTS_KO = re.compile(
    r"^(?:그럼|그러면|그렇다면|그런데|근데|그리고|그래서|아까|방금|반대로|나머지)(?![가-힣])"
    r"|(?:^|\s)(?:그|이|저|해당|같은)\s(?=[가-힣])"
    r"|(?:^|\s)(?:그|이|저)(?:것|거|건|게|때|곳|분|들|쪽|중)(?![가-힣]{3})"
    r"|(?:^|\s)(?:거기|여기|저기)(?:서|는|에|의|도|만|로|다)*(?=\s|[?.!]|$)"
)
_POINTS_EN = re.compile(
    r"^(?:and|or|but|then|so|also|what about|how about|what if)\b"
    r"|\b(?:it|its|they|them|their|that|this|those|these|he|him|his|she|her|there|ones?|the same|latter)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Standing:
    """A question as it is understood, and what it is searched with."""

    question: str
    """As the model reads it."""
    also: str = ""
    """A second query, where it is uncertain whether the question follows the one before."""


def leans(question: str, language: Language) -> bool:
    """Whether the words of a question say that it goes on from the one before."""
    if language == "en":
        return bool(_POINTS_EN.search(question))
    # Further on, what is pointed at may stand in the question itself.
    begins = " ".join(question.split()[:2]) + " "
    return bool(TOPIC_ALONE.search(question) or _POINTS_KO.search(begins))


def is_short(question: str, language: Language) -> bool:
    """Whether a question has so few words that it is likely to leave some out."""
    words = _WORD.findall(question)
    return len(words) <= _SHORT_WORDS if language == "en" else sum(map(len, words)) <= _SHORT_SYLLABLES


def stand(previous: str, question: str, language: Language) -> Standing:
    """`question`, asked after `previous` (empty: it is the first)."""
    joined = " ".join(f"{previous} {question}".split())
    if not previous.strip():
        return Standing(question)
    if leans(question, language):
        return Standing(joined)
    return (
        Standing(joined, also=question) if is_short(question, language) else Standing(question, also=joined)
    )
