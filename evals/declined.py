"""Whether an answer says no more than that the documents do not tell.

A baseline is not asked to refuse, but a model may do so in its own words, and what the graph gets for such a
refusal the baseline is to get too. Where anything else is said it is an answer: "그 규정은 없습니다" may be.
"""

import re

from app.corpus.sentences import sentence_spans

_HERE = r"(?:문서|자료|본문|지문|문맥|글)들?(?:에|에는|에서|에서는|상|상에는|상으로는|만으로|만으로는)"
_SAID = r"(?:언급|명시|기재|기록|설명|규정|나와|적혀|쓰여|나오)"
_DECLINES = re.compile(
    rf"{_HERE}\s.*(?:(?:이|가|은|는|도)\s없[습다어음네]|(?:알|답할|찾을|판단할)\s?수(?:가|는)?\s?없)"
    rf"|{_SAID}(?:이|은|는|가)?\s?(?:되어|돼)?\s?(?:있지|되지|지)?는?\s?(?:않|없)"
    r"|(?<![가-힣])(?:정보|내용|답|답변|언급|설명)(?:이|가|은|는)?\s없[습다어음네]"
    r"|(?:^|[은는]\s|만으로(?:는)?\s|정확히\s)(?:알|답할|답변할|답변드릴|말씀드릴|판단할)\s?수(?:가|는)?\s?없"
    r"|(?:정보|내용|답|답변)(?:을|를)?\s?찾을\s?수(?:가|는)?\s?없"
    r"|^(?:잘\s)?(?:모릅니다|모르겠)"
    r"|\b(?:documents?|context|texts?|passages?|information)\b[^.]{0,30}\b(?:do|does|did|is|are|was)(?:es)?(?:\snot|n't)\s"
    r"(?:say|mention|contain|provide|include|state|tell|specify|given|found|there)"
    r"|\b(?:no|not enough|insufficient)\s(?:\w+\s){0,2}(?:information|mention|answer)\b"
    r"|\b(?:cannot|can't|could not|couldn't|unable to)\s(?:be\s)?(?:answer|determine|find|found|tell|say)"
    r"|\bI (?:do not|don't) know\b",
    re.IGNORECASE | re.DOTALL,
)
_POLITE = re.compile(
    r"^(?:죄송|미안|sorry|I'm sorry|I apologi[sz]e)|(?:바랍니다|주세요|주십시오)[.!]?$", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+")


def declines(answer: str, question: str) -> bool:
    """Whether each sentence says that nothing is known, or is a courtesy, and at least one the former.

    A number that the question does not name is an answer.
    """
    sentences = [answer[start:end].strip() for start, end in sentence_spans(answer)]
    said = [sentence for sentence in sentences if not _POLITE.search(sentence) or _DECLINES.search(sentence)]
    named = set(_NUMBER.findall(answer)) - set(_NUMBER.findall(question))
    return bool(said) and not named and all(_DECLINES.search(sentence) for sentence in said)
