"""Questions that follow another one: what they lean on, told without a model.

A rewriting by a small model was worse than none: of sixteen Korean follow-ups it turned ten into an
answer, into the question before, or into nonsense. The question before and the new one side by side
found the passage first for all sixteen and were answered best (docs/retrieval.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.prompts import Language, language_of
from graphs.parts import parts_of

MAX_PREVIOUS_CHARS = 300
"""Of what a question is read beside, all turns together."""
_MAX_TURNS = 6
"""Of the user's, that are walked back over; the graph remembers as many."""
_MAX_BETWEEN = 2
_MAX_BETWEEN_CHARS = 90
"""Of one turn between the topic and the question, so that they leave the topic a third."""
_SHORT_SYLLABLES = 11
_SHORT_WORDS = 4
_LONG_WORDS = 8
_WORD = re.compile(r"\w+")
# "휴일에는요?", "10년이면요?": a topic without a predicate; "며칠이에요?" has one.
TOPIC_ALONE = re.compile(r"(?:은|는|도|을|를|(?<![이니])에|에서|에게|로|와|과|까지|부터|면|의)요\s*[?.!]*$")
# "언제 나와요?", "몇 명 와요?": to come, seldom "with".
_COMES = re.compile(r"와요\s*[?.!]*$")
_POINTS_KO = re.compile(
    r"^(?:그럼|그러면|그렇다면|그런데|근데|그리고|그래서|아까|방금|반대로|나머지)(?![가-힣])"
    r"|(?:^|\s)(?:그|이|해당|같은)\s(?=[가-힣])"
    r"|(?:^|\s)(?:그|이|저)(?:것|거|건|게|때|곳|분|들|쪽|중)(?![가-힣]{3})"
    r"|(?:^|\s)(?:거기|여기)(?:서|는|에|의|도|만|로|다)*(?=\s|[?.!]|$)"
    r"|(?:^|\s)저기(?:서|는|에|의|도|만|로|다)+(?=\s|[?.!]|$)"
)
# "저 규정은 언제부터예요?" points, "저 병가는 며칠 쓸 수 있나요?" is "I", "저기 …" may be "excuse me".
_MAY_POINT_KO = re.compile(r"(?:^|\s)저기?\s(?=[가-힣])")
_BEGINS_EN = re.compile(r"^(?:and|or|but|then|so|also|what about|how about|what if)\b", re.IGNORECASE)
_POINTS_EN = re.compile(
    r"\b(?:it|its|they|them|their|that|this|those|these|he|him|his|she|her|there|ones?|the same|latter)\b",
    re.IGNORECASE,
)
# Words that stand for nothing said before: "Is there a dress code?", "Is it possible to …?", "How long does
# it take to …?", "Who is the one in charge?". What is easy, safe or free to use was named: not among them.
_IDLE_EN = re.compile(
    r"\b(?:is|are|was|were|will|would|can|could|should|must|may|might|has|have|had)(?:n['’]t)?\s+there(?=\s+\w)"
    r"|\bthere(?:['’](?:s|re|ll)|\s+(?:is|are|was|were|will|would|can|could|should|must|may|might|has|have|had))\b"
    r"|\bit(?:['’]s|\s+(?:is|was|be|will\s+be|would\s+be))?(?:\s+(?:not|really|also|still|ever))?"
    r"\s+(?:possible|impossible|allowed|permitted|ok|okay|all\s+right|alright|fine|acceptable|necessary|required"
    r"|mandatory|compulsory|obligatory|legal|illegal|forbidden|prohibited|true|likely|important|normal|common)"
    r"(?P<whom>\s+for(?:\s+[\w-]+){1,3}?)?\s+(?:to(?!\s+be\b)|if|that|when)\b"
    r"|\bit\s+(?:\w+\s+)?(?:take|cost)s?\s+(?:\w+\s+){0,3}?to(?=\s+\w)"
    r"|\b(?:wh\w+|how)\s+(?:\w+\s+)?(?:is|was)\s+it\s+(?:that|who|to)(?!\s+be)\b"
    r"|\bwho(?:['’]s|\s+(?:is|are|was|were))\s+the\s+ones?\b"
    r"|\b(?:the|any|some|every|no)\s+ones?\s+(?:who(?:m|se)?|in\s+charge|responsible)\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_BARE_WORDS = 2
# "병가는 며칠?" names its topic in two words, "누가 승인하나요?" does not.
_TOPIC_KO = re.compile(r"(?:^|\s)(?!누가|뭐[가를]|무엇[이을]|어디[가는]|언제)[가-힣]+[은는이가을를도]\s")


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
        return bool(_BEGINS_EN.search(question) or _POINTS_EN.search(_without_idle(question)))
    return _is_topic_alone(question) or bool(_POINTS_KO.search(_beginning(question)))


def _without_idle(question: str) -> str:
    return _IDLE_EN.sub(r" \g<whom> ", question)


def _is_topic_alone(question: str) -> bool:
    return bool(TOPIC_ALONE.search(question)) and not _COMES.search(question)


def _beginning(question: str) -> str:
    """Its first two words: further on, what is pointed at may stand in the question itself."""
    return " ".join(question.split()[:2]) + " "


def is_short(question: str, language: Language) -> bool:
    """Whether a question has so few words that it is likely to leave some out."""
    if language == "en":
        return len(_WORD.findall(_without_idle(question))) <= _SHORT_WORDS
    return sum(map(len, _WORD.findall(question))) <= _SHORT_SYLLABLES


def _may_stand(question: str, language: Language) -> bool:
    """Whether what a question points at may well stand in it: in English a pronoun comes anywhere ("Who do I
    tell that my uncle can't eat nuts?").
    """
    is_long = language == "en" and len(_WORD.findall(question)) > _LONG_WORDS
    return is_long and not _BEGINS_EN.search(question)


def stand(previous: str, question: str, language: Language) -> Standing:
    """`question`, asked after `previous` (empty: it is the first)."""
    joined = _plain(f"{previous} {question}")
    if not previous.strip():
        return Standing(question)
    if leans(question, language):
        return Standing(joined, also=question if _may_stand(question, language) else "")
    may_point = language == "ko" and _MAY_POINT_KO.search(_beginning(question))
    if may_point or is_short(question, language):
        return Standing(joined, also=question)
    return Standing(question, also=joined)


def stand_after(asked: Sequence[str], question: str, language: Language) -> Standing:
    """`question`, asked after the user's own turns `asked`, oldest first."""
    return stand(_thread(asked, question), question, language)


def _thread(asked: Sequence[str], question: str) -> str:
    """What a question goes on from: the last turn, and where that leans itself the turns before it, back to
    the one that names the topic. MAX_PREVIOUS_CHARS at most.
    """
    turns = [turn for turn in map(_plain, asked) if turn][-_MAX_TURNS:]
    thread: list[str] = []
    later = question
    for position in range(len(turns) - 1, -1, -1):
        turn = turns[position]
        names_topic = position == 0 or _names_topic(parts_of(turn)[0])
        if names_topic or not _takes_the_place(later, turn):
            thread.insert(0, turn)
        if names_topic:
            break
        later = turn
    after = "".join(f" {turn[:_MAX_BETWEEN_CHARS]}" for turn in thread[1:][-_MAX_BETWEEN:])
    return "".join(turn[: MAX_PREVIOUS_CHARS - len(after)] for turn in thread[:1]) + after


def _names_topic(turn: str) -> bool:
    """Whether a turn says what it is about: it does not lean, nor is it as bare as "Who pays?"."""
    language = language_of(turn)
    if leans(turn, language):
        return False
    return len(turn.split()) > _BARE_WORDS or (language == "ko" and bool(_TOPIC_KO.search(turn)))


def _takes_the_place(later: str, earlier: str) -> bool:
    """Whether of two turns without a predicate the later one has but another number or name before the same
    word: who asks of 20 years asks no more of 10 ("10년이면요?", then "20년이면요?").
    """
    ends = [_DIGITS.sub("", turn.split()[-1]) for turn in (later, earlier)]
    return ends[0] == ends[1] and names_only(later) and names_only(earlier)


def names_only(turn: str) -> bool:
    """Whether a turn asks the same of something else: "휴일에는요?", "And at weekends?"."""
    if language_of(turn) == "ko":
        return _is_topic_alone(turn)
    words = _WORD.findall(turn)
    return bool(_BEGINS_EN.search(turn)) and not _POINTS_EN.search(turn) and len(words) <= _SHORT_WORDS + 2


def _plain(text: str) -> str:
    return " ".join(text.split())
