"""The name that an answer gives, told without a model; where it is not told for sure, there is none.

A wrong name sends the next question astray, and without one it is read beside the first, which is never
wrong: so whatever is in doubt is no name.
"""

import re
from collections.abc import Set

from app.corpus.sentences import sentence_spans
from graphs.names_en import TITLES, english
from graphs.names_ko import korean, stems_of
from graphs.naming import HELD, MARKS, Kind

MAX_WORDS = 5
_HANGUL = re.compile(r"[가-힣]")
_ASIDE = re.compile(r"\s?\([^)]*\)|\s?\[\d{1,3}\]")
_QUOTED = re.compile(
    r"[\"“‘「『《〈<]([^\"“”‘’「」『』《》〈〉<>]{2,40})[\"”’」』》〉>]|(?<!\w)'([^']{2,40})'"
)
_HONORIFIC = re.compile(r"(?<=[가-힣])\s([씨님])(?=[가-힣.,]|\s|$)")


def name_in(answer: str, question: str, kind: Kind) -> str | None:
    """The one name in the first sentence that names anything which the question does not."""
    asked = _words_of(question)
    text = _QUOTED.sub(lambda match: HELD.join(match[0].split()), _ASIDE.sub("", answer))
    for sentence in _sentences(_HONORIFIC.sub(r"\1", text)):
        found = (korean if _HANGUL.search(sentence) else english)(sentence.split(), asked, kind)
        if found:
            best = max(candidate.weight for candidate in found)
            names = {candidate.name for candidate in found if candidate.weight == best}
            name = names.pop().replace(HELD, " ")
            return None if names or best < 0 or len(name.split()) > MAX_WORDS else name
    return None


def _sentences(text: str) -> list[str]:
    """The sentences of a text; the mark of "Dr." and "J. Smith" ends none."""
    sentences: list[str] = []
    for start, end in sentence_spans(text):
        if sentences and TITLES.fullmatch(sentences[-1].split()[-1]):
            sentences[-1] += f" {text[start:end]}"
        else:
            sentences.append(text[start:end])
    return sentences


def _words_of(question: str) -> Set[str]:
    """The question's words in small letters, with and without what Korean hangs on to them."""
    words = {word.strip(MARKS).casefold() for word in _ASIDE.sub("", question).split()}
    words |= {re.sub(r"['’]s?$", "", word) for word in words}
    return {word for word in words | stems_of(words) if word}
