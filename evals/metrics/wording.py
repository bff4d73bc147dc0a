"""Korean words taken apart as far as that goes without a dictionary: a stem, and what its ending says."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Role = Literal["topic", "subject", "object", "of", "at", "by", "with", "until", "is", "verb", "bare"]
"""What the ending says of the word. "is" is the copula, "verb" any other predicate; "bare" has no ending."""

_WORD = re.compile(r"[0-9A-Za-z가-힣]+(?:[.,:\-][0-9A-Za-z]+)*")
_HANGUL, _FINALS, _FINAL_L = ord("가"), 28, 8
_ENDINGS: tuple[tuple[Role, str, str], ...] = (
    # After any syllable and after one that ends in a consonant; what follows "/" stands after a vowel.
    ("topic", "도 에서는 에서도 에게는 에게도 에는 에도", "은/는"),
    ("subject", "께서", "이/가"),
    ("object", "만 에만 에서만 까지만", "을/를"),
    ("of", "의 까지의 부터의 에서의", ""),
    ("at", "에 에서 에게 에게서 한테", ""),
    ("by", "처럼 대로", "으로/로 으로는/로는 으로만/로만 으로서/로서 으로써/로써 으로도/로도"),
    ("with", "", "과/와 이나/나 이랑/랑 과의/와의 과는/와는"),
    ("until", "까지 까지는 까지도 부터 부터는 마다 보다 뿐", "으로부터/로부터 이라도/라도"),
    (
        "is",
        "인 이며 이고",
        "/며 이란/란 이라는/라는 이라고/라고 이므로/므로 이지만/지만 이어서/여서 이었고/였고",
    ),
)
_COPULA = re.compile(
    r"(?:이었|였)?(?:입니다|이에요|예요)$|(?<=.)(?:였습니다|이었습니다|이다|이었다|였다|뿐입니다)$"
)
# "신청합니다", "신청된", "신청하여야": what stands before them is a noun.
_LIGHT = re.compile(
    r"(?:하|되|시키|받|당하)?(?:시)?(?:했|됐|되었|하였|할|될)?"
    r"(?:합니다|됩니다|습니다|십시오|세요|한다|된다|하는|되는|하여|되어|하고|되고|하며|되며|하면|되면|해야|돼야|되어야"
    r"|하여야|하지|되지|하기|되기|하거나|되거나|하면서|하도록|되도록|하려면|해서|돼서|하던|하지만|되지만|다가|었고|였고"
    r"|해|돼|한|된|할|될|함|됨|다)$"
)
_VERB = re.compile(
    r"(?:[다요죠까고며서면지게야던려록나만니아어여워와해돼라는은을한된할될른음큼]|[로다러려]운|[가-힣]{2}기)$"
)
# The longer of these forms, which a particle could be taken off: "반납하거나", "제출하기로", "퇴사하려는".
_LONG_LIGHT = re.compile(
    r"(?:하|되|시키|받|당하)(?:려는|려고|려면|거나|기로|기에|기도|기는|기까지|는데|는지|느라|고자|도록|면서|지만|여야|였고|였으며)$"
    r"|(?:했|됐|하였|되었)(?:으며|으나|는데|는지|지만|다가|고|던|을)$|(?:한다|된다|합니다|됩니다)(?:고|며|는|면)?$|[하되](?:는|여|며|던)$"
)
# What a particle can be taken off of and is a verb all the same: "환급받을", "보관했다가", "제출하는".
_VERB_STEM = re.compile(r"(?:[받했됐었았였있없않겠으]|[했됐었았였]다|(?<![지영이인산])하|되|시키|들이)$")
_NOMINAL_VERB = re.compile(r"[가-힣]기[도로]$")
_MIN_NOUN = 2


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of a sentence."""

    stem: str
    role: Role
    written: str
    closes: bool
    """Whether a mark or the end of the text follows."""


def plain(text: str) -> str:
    """Without spaces, hyphens and letter case, and in one form: "MT-740" and "mt 740" are the same."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text).casefold())


def words_of(text: str) -> Iterator[Word]:
    """The words of a text in their order. Numbers keep what is glued to them: "17일"."""
    text = unicodedata.normalize("NFKC", text)
    for match in _WORD.finditer(text):
        stem, role = _taken_apart(match[0])
        closes = text[match.end() : match.end() + 1] != " "
        yield Word(stem=stem, role=role, written=match[0], closes=closes)


def _taken_apart(word: str) -> tuple[str, Role]:
    if (match := _COPULA.search(word)) and match.start():
        return word[: match.start()], "is"
    if (match := _LONG_LIGHT.search(word)) and match.start() >= _MIN_NOUN:
        return word[: match.start()], "verb"
    if _NOMINAL_VERB.search(word):
        return word, "verb"
    for ending, role, after in _LONGEST_FIRST:
        if _ends_in(word, ending, after):
            stem = word[: -len(ending)]
            return (stem, role) if not _VERB_STEM.search(stem) else _predicate(word)
    return _predicate(word)


def _predicate(word: str) -> tuple[str, Role]:
    if (match := _LIGHT.search(word)) and match.start() >= _MIN_NOUN:
        return word[: match.start()], "verb"
    return word, "verb" if _VERB.search(word) else "bare"


def _ends_in(word: str, ending: str, after: str) -> bool:
    stem = word.removesuffix(ending)
    # A syllable taken for a particle must leave a word: "회의", "나이" and "결과" have none.
    if stem == word or len(stem) < (1 if len(ending) > 1 else _MIN_NOUN):
        return False
    final = (ord(stem[-1]) - _HANGUL) % _FINALS if "가" <= stem[-1] <= "힣" else None
    if not after or final is None:
        return True
    if ending.startswith(("으로", "로")) and final == _FINAL_L:  # "서울로"
        return after == "vowel"
    return (after == "vowel") == (final == 0)


def _longest_first() -> list[tuple[str, Role, str]]:
    endings: list[tuple[str, Role, str]] = []
    for role, after_any, in_pairs in _ENDINGS:
        endings += [(ending, role, "") for ending in after_any.split()]
        for pair in in_pairs.split():
            after_consonant, _, after_vowel = pair.partition("/")
            endings += [(after_consonant, role, "consonant")] if after_consonant else []
            endings += [(after_vowel, role, "vowel")] if after_vowel else []
    return sorted(endings, key=lambda ending: -len(ending[0]))


_LONGEST_FIRST = _longest_first()
