"""Names that a small model misspells while it copies them: "서종대학교" for "세종대학교".

What is mended is a name and nothing else. One letter apart are also 해지 and 해제, 신청인 and 신청일, 가입비
and 구입비: thirteen thousand pairs of good words in the readers' fitting sets. Put one for the other, and an
answer that says something else passes every check. A syllable that no Korean word has ("홍길덪") is misspelt
whatever it was to be.
"""

import re
from collections.abc import Iterator, Sequence

from app.corpus.passage import Passage

SHORTEST = 3
"""Syllables of a name; a letter in two of them makes another word too often."""
_HEADS = "대학교|초등학교|중학교|고등학교|병원|의료원|은행|시청|군청|구청"
_HEAD = re.compile(rf"(?:{_HEADS})$")
# What a school, a hospital or a bank is, beside its name: 시립 and 사립 are two things.
_KINDS = re.compile(
    r"[국시도군구공사]립|[동서남북중]부|중앙|종합|전문|요양|재활|정형|성형|한방|협력|지정|거래|국제|제[일이]"
)
_SURNAMES = (
    "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민류나진지엄채원천방공현함변염여"
    "추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용예봉사경피"
)
_RANKS = (
    "대표|대표이사|회장|이사장|이사|상무|전무|부장|차장|과장|대리|주임|팀장|실장|본부장|센터장|소장|원장|국장|총장"
    "|지점장|관장|단장|조장|반장|교장|교감|위원장|교수|박사|수간호사|주무관|기자|작가|감독|선수"
)
_ROLES = (
    rf"{_RANKS}|담당|담당자|작성자|책임자|대표자|간사|총무|발행인|성명|이름|배우|시인|화가|가수|작곡가|연출가"
    "|소설가|건축가|프로듀서|지휘자|진행자|해설자|점주|시민|의사|변호사|연구원|강사|교사|코치"
)
# What may follow a name in the same word, after a consonant, after a vowel and after both.
_IS = "이다|이며|이고|이라고|이었다|이었습니다|입니다"
_CLOSED, _OPEN = f"은|이|을|과|으로|{_IS}", f"는|가|를|와|로|다|며|고|라고|였다|였습니다|{_IS}"
_BOTH = "의|에|에서|에서는|에게|에게서|도|만|까지|부터|께|께서|처럼|보다|씨|님"
# Where persons stand there stand also "이상은 과장이", "구두로 팀장에게", "담당 부서로", "교사 추천서를".
_PERSON = (
    rf"(?<![가-힣])(?P<name>[{_SURNAMES}][가-힣][가-힣])"
    "(?<![은는을를이가의에로으도만인한된할별서고며지면게히해하여어었았져나데라터다들보입조"
    "팀과부실반직국처장회단청소관자사학생원금권증표계])"
)
_NAMES = (
    re.compile(rf"(?<![가-힣])(?P<name>[가-힣]{{2,}}?(?:{_HEADS}))"),
    re.compile(rf"{_PERSON}(?:\s(?:{_RANKS})|씨|님|\s씨|\s님)(?![가-힣]{{3}})"),
    re.compile(rf"(?<![가-힣])(?:{_ROLES})\s?[:：·|(]\s?{_PERSON}(?![가-힣])"),
    re.compile(rf"(?:{_ROLES})\s{_PERSON}(?P<after>{_CLOSED}|{_OPEN}|{_BOTH})(?![가-힣])"),
    re.compile(rf"(?:{_ROLES})[은는이가]\s{_PERSON}(?P<after>{_IS}|였다|였습니다)(?![가-힣])"),
    re.compile(
        r"(?:㈜|\(주\)|주식회사)\s?(?P<name>[가-힣]{3,}?)(?<![은는을를])"
        rf"(?:{_CLOSED}|{_OPEN}|{_BOTH})?(?![가-힣])"
    ),
    re.compile(r"(?<![가-힣])(?P<name>[가-힣]{3,})(?:㈜|\(주\))"),
)
_WORD = re.compile(r"[가-힣]{3,}")
_ENDS_WORD = "은는이가을를의에와과도로만히한"
_VERB = re.compile(r"[하되](?:는|였다|였습니다|이?[며고])$")
_FIRST, _VOWELS, _FINALS = 0xAC00, 21, 28


def repair(answer: str, question: str, passages: Sequence[Passage]) -> str:
    """Replace a misspelt name by the one name of the passages that it is a letter away from.

    What a passage or the question (with what it borrows from the conversation) says stays as it is.
    """
    said = "\n".join([question, *(f"{passage.heading}\n{passage.text}" for passage in passages)])
    names = _names_in(said)

    def mend(match: re.Match[str]) -> str:
        word = match[0]
        if word in said or _KINDS.search(word):
            return word
        meant = set(_in_place_of(word, _words_in(said) if _is_no_word(word) else names, said))
        return meant.pop() if len(meant) == 1 else word

    return _WORD.sub(mend, answer)


def _names_in(text: str) -> set[str]:
    """Names of three syllables and more, of persons, companies, schools, hospitals, banks and town halls."""
    found = set()
    for match in (match for pattern in _NAMES for match in pattern.finditer(text)):
        name, after = match["name"], match.groupdict().get("after") or ""
        if len(name) >= SHORTEST and _fits(name, after) and not _KINDS.search(name):
            found.add(name)
    return found


def _words_in(text: str) -> set[str]:
    """What words of a text begin with, three syllables and more."""
    return {word[:end] for word in _WORD.findall(text) for end in range(SHORTEST, len(word) + 1)}


def _in_place_of(word: str, candidates: set[str], said: str) -> Iterator[str]:
    """What the word may have been meant to be: each candidate with what follows the name in the word."""
    for candidate in candidates:
        written, after = word[: len(candidate)], word[len(candidate) :]
        if written not in said and _fits(candidate, after) and _is_slip(written, candidate):
            # "반지와" is no slip for 반지우, nor "인수하는" for 인수호.
            ends_otherwise = written[-1] != candidate[-1] and written[-1] in _ENDS_WORD
            if not ends_otherwise and not _VERB.search(word):
                yield f"{candidate}{after}"


def _fits(name: str, after: str) -> bool:
    """Whether `after` may follow a name in its word: 은 after a consonant, 는 after a vowel."""
    own = _CLOSED if _letters(name[-1])[2] else _OPEN
    return not after or after in own.split("|") or after in _BOTH.split("|")


def _is_slip(written: str, name: str) -> bool:
    """Whether one syllable differs, by one of its letters: 서 and 세, not 고 and 세."""
    # 초등학교 and 고등학교 differ by no more.
    if len(written) != len(name) or _HEAD.findall(written) != _HEAD.findall(name):
        return False
    unlike = [(a, b) for a, b in zip(written, name, strict=True) if a != b]
    return len(unlike) == 1 and sum(a != b for a, b in zip(*map(_letters, unlike[0]), strict=True)) == 1


def _letters(syllable: str) -> tuple[int, int, int]:
    """Which consonant, vowel and final consonant (0 for none) a Hangul syllable is made of."""
    rest, final = divmod(ord(syllable) - _FIRST, _FINALS)
    return *divmod(rest, _VOWELS), final


def _is_no_word(word: str) -> bool:
    """Whether it has a syllable that is not among the 2,350 of KS X 1001, which Korean words are made of."""
    # The codec spells out any other one, in eight bytes.
    return len(word.encode("euc_kr")) > 2 * len(word)
