"""Whether a text denies what another says, or says what the other denies.

Without a dictionary a predicate is told by the letters before its ending, so only the same verb or noun is
compared: "신청할 수 없다" with "신청할 수 있다", and not with "접수합니다".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.corpus.sentences import sentence_spans
from graphs.numbers import numbers_in, values_in
from graphs.numerals import in_digits

_SAYING = re.compile(
    r"(?P<can>[가-힣]+)\s수(?:가|는|도)?\s?(?P<could>있|없)"
    r"|(?P<kept>[가-힣]+?)지(?:는|도|를)?\s?(?:않|못|아니|말[아고])"
    r"|(?<![가-힣])(?:못|안)\s(?P<failed>[가-힣]+)"
    r"|(?P<there>[가-힣A-Za-z]{2,}?)(?:이|가|은|는|도)?\s(?P<exists>있|없)(?=[습다으는고지어음거])"
    r"|(?P<may>[가-힣]{2,}?)(?:이|가|은|는|을|를|도)?\s?(?P<might>불가|가능)"
    r"|(?P<plain>[가-힣]+[다며고요까가지죠나해돼])(?=[^가-힣]|$)"
)
_ENDING = re.compile(
    r"(?:하였|되었|했|됐)?(?:습니다|습니까|십시오|니다|니까|는다|[나까]요|는가요?|[었았였]다|으며|면서|[어아]야|지요|인가요?|[다며고요죠나까])$"
)
_NOUN_AND_VERB = re.compile(r"(?<=[가-힣])[을를]\s(?=[하해했한할])")
_HANGUL, _FINALS = ord("가"), 28
_FINAL_L, _FINALS_OF_ENDINGS = 8, (4, 17, 20)  # ㄴ다, ㅂ니다, ㅆ다
_ANSWER_WORD = re.compile(r"^\s*(?:네|예|아니요|아니오|아뇨)[,.\s]")
_DENIAL = re.compile(
    r"않|못[하한했합\s]|없|아[니닙닌](?:하|다|며|고|\b)|아닙|아닌|불가|금지|금[하한합]|말아|마[십세]|(?<![가-힣])안\s|제외|면제|면[하한]"
    r"|빼|막|반려|거절|거부|삼가"
)
_LIMIT = re.compile(
    r"까지|이내|이상|이하|미만|초과|부터|한하|한정|제한|최대|최소|넘|전에|안에|지나|[후뒤]에|만(?=[\s.,]|$)|외에|밖에|동안|무료|없던"
)
_WHICH = re.compile(r"누구|누가|언제|어디|몇|며칠|무엇|뭐|뭘|무슨|얼마|어느|어떤|어떻게|왜")


@dataclass(frozen=True)
class _Saying:
    """What is said, or denied, with the letters of its verb or noun."""

    root: str
    denied: bool


def denies(text: str, known: str, question: str) -> bool:
    """Whether a sentence of the text has a predicate of `known` the other way round, and not as it is.

    A question for a who or a when says its predicate too ("누가 낼 수 있나요?"). Two denials in a sentence
    undo each other, and what is so up to a limit is not so beyond it: such sentences are not compared. A
    denial is one by itself where neither the question nor `known` denies or limits anything.
    """
    there = [known[start:end] for start, end in sentence_spans(known)]
    said = {saying for sentence in there for saying in _sayings(sentence)}
    asked = [question] if _WHICH.search(question) else []
    alone = not any(pattern.search(known) for pattern in (_DENIAL, _LIMIT)) and not _DENIAL.search(question)
    for start, end in sentence_spans(text):
        sentence = _ANSWER_WORD.sub("", text[start:end])
        if alone and _DENIAL.search(sentence):
            return True
        for saying in set(_sayings(sentence)) - said:
            if any(_turns(saying, sentence, other, other) for other in there):
                return True
            if any(saying.denied and _turns(saying, sentence, other, other + known) for other in asked):
                return True
    return False


def affirms(question: str, sentence: str) -> bool | None:
    """Whether the sentence says that what is asked for is so, by the same verb or noun; None without it."""
    there = {saying.root: saying.denied for saying in _sayings(sentence)}
    asked = [saying for saying in _sayings(question) if saying.root in there]
    return all(there[saying.root] == saying.denied for saying in asked) if asked else None


def asks_which(question: str) -> bool:
    """Whether a Korean question asks for a who, a when or a how much, and not for yes or no."""
    return bool(_WHICH.search(question))


def _turns(saying: _Saying, sentence: str, other: str, around: str) -> bool:
    """Whether the other sentence has the opposite; the limits and numbers of the first stand around it."""
    return (
        _Saying(saying.root, not saying.denied) in set(_sayings(other))
        and (len(_DENIAL.findall(sentence)) - len(_DENIAL.findall(other))) % 2 == 1
        and set(_LIMIT.findall(sentence)) <= set(_LIMIT.findall(around))
        and values_in(in_digits(sentence, loose=False)) <= numbers_in(in_digits(around))
    )


def _sayings(sentence: str) -> Iterator[_Saying]:
    for match in _SAYING.finditer(_NOUN_AND_VERB.sub("", sentence)):
        found = match.groupdict()
        if found["can"]:
            yield _Saying(_root(_without(found["can"], (_FINAL_L,))), found["could"] == "없")
        elif found["kept"]:
            yield _Saying(_root(found["kept"]), True)
        elif found["failed"]:
            yield _Saying(_root(_predicate(found["failed"])), True)
        elif found["there"]:
            yield _Saying(f"{found['there']} 있", found["exists"] == "없")
        elif found["may"]:
            yield _Saying(f"{found['may']} 가능", found["might"] == "불가")
        else:
            yield _Saying(_root(_predicate(found["plain"])), False)


def _predicate(word: str) -> str:
    """ "받는다" and "받습니다" to "받", "신청한다" and "신청합니다" to "신청하"."""
    stem = _ENDING.sub("", word)
    return _without(stem, _FINALS_OF_ENDINGS) if stem and stem != word else word


def _without(word: str, finals: tuple[int, ...]) -> str:
    final = (ord(word[-1]) - _HANGUL) % _FINALS
    return word[:-1] + chr(ord(word[-1]) - final) if final in finals else word


def _root(stem: str) -> str:
    """Of "신청하" the noun: elsewhere it may be "신청되" or "신청을 받"."""
    return stem[:-1] if len(stem) > 1 and stem[-1] in "하되해돼했됐시받" else stem
