"""Korean names: what a particle, or "is" after it, makes the one that is asked for."""

import re
from collections.abc import Set

from graphs.naming import HELD, MARKS, Candidate, Kind

_HANGUL = re.compile(r"[가-힣]")
_COPULA = r"이었습니다|이었다|이었어요|였습니다|였다|였어요|입니다|이다|이에요|예요|이고|이며|이지만"
_ENDING = re.compile(
    rf"(?P<stem>.{{2,}}?)(?:(?P<copula>{_COPULA})|(?P<subject>께서는?|이|가)|(?P<topic>은|는)|(?P<object>을|를)"
    r"|(?P<where>에서)|(?P<whom>에게|한테)|(?P<other>에게서|에는|에서는|으로|에|의|와|과|하고|이랑|랑|부터|까지|인가요|인지)"
    r"|(?P<verb>[하되]나요|했나요|했는지|하는지|하고|하며|한|된|할|하는|되는|합니다|했습니다|됩니다|되었습니다))"
)
_AFTER_CONSONANT, _AFTER_VOWEL = frozenset(("이", "은", "을", "과")), frozenset(("가", "는", "를", "와"))
_VERB_STEMS = re.compile(r"(?:움직|기울|받아들|끌어들|곁들|덧붙)$")
_PREDICATE = re.compile(r"(?:다|요|죠|[하되이으][고며]|[해어아여라]서|면|는데|지만|음|함|됨|한|된|던|할|될)$")
_MAX_COMPOUND = 16
"""Letters: a word can be taken apart in many ways."""
_MAX_BARE = 3
"""Words of an answer that is a name and nothing else."""
_WEIGHTS = {"copula": 5, "agent": 4, "subject": 3, "where": 2, "whom": 2, "topic": 1, "object": 0}
_RANKS = frozenset({
    "씨", "님", "선생", "선생님", "교수", "박사", "사장", "부사장", "대표", "대표이사", "회장", "이사",
    "상무", "전무", "부장", "차장", "과장", "대리", "주임", "사원", "팀장", "실장", "본부장", "센터장",
    "소장", "원장", "국장", "반장", "조장", "총장", "의원", "장관", "감독", "작가", "시인", "기자",
    "변호사", "의사", "간호사", "강사", "매니저",
})  # fmt: skip
_LONG_RANKS = tuple(rank for rank in _RANKS if len(rank) > 1)
_NOTHING = _RANKS | frozenset({
    "사람", "사람들", "인물", "누구", "직원", "담당자", "책임자", "작성자", "회사", "부서", "제품",
    "작품", "영화", "도서", "장소", "도시", "나라", "정도", "경우", "내용", "사실", "문서", "자료",
    "규정", "이름", "이상", "이하", "미만", "현재", "당시", "아직", "매우", "가장", "바로", "모두",
    "각각", "예정", "가능", "불가능", "필요", "금지", "때문", "미정", "동일", "없음", "있음", "출신",
    "대한", "의해", "의하면", "따르면", "따라", "질문", "정답", "답변", "네", "예", "아니요", "아니",
    "여기", "거기", "이것", "그것", "우리", "저희", "본인", "자신",
})  # fmt: skip
_ROLE = re.compile(r"(?:자|인|원|장|가|사|관)$")
_OFFICE = re.compile(
    r"(?:서|팀|부|실|국|소|점|교|터|단|관리|책임|담당|상급|신청|작성|승인|결재|사용)(?:장|자)$"
)
_OF_PEOPLE = re.compile(r"(?:팀|부서|위원회|본부|센터|회사|학교|대학|법인|기관|협회)$")


def korean(words: list[str], asked: Set[str], kind: Kind) -> list[Candidate]:
    """The names of a sentence that are not the question's (`asked`, with their stems), in order."""
    found = []
    for at, word in enumerate(words):
        stem, role = _role(word)
        if role == "bare" and at == len(words) - 1 < _MAX_BARE and not _PREDICATE.search(stem):
            role = "copula"
        if role in ("other", "verb") and words[at + 1 : at + 2] and words[at + 1].startswith("의해"):
            role = "agent"
        if role not in _WEIGHTS or (role == "where" and kind == "person"):
            continue
        phrase, several = _phrase(words, at, stem, asked)
        while kind == "person" and phrase and _OF_PEOPLE.search(phrase[0]):
            phrase = phrase[1:]
        if not phrase:
            continue
        name = " ".join(word.strip(MARKS) for word in phrase)
        found.append(Candidate(name.removesuffix("씨").removesuffix("님"), -1 if several else _WEIGHTS[role]))
    # "봉준호는 영화인입니다" and "작성자는 봉준호입니다": what somebody is, is no name.
    names = [
        candidate
        for candidate in found
        if candidate.name.split()[-1] in _RANKS or not _ROLE.search(candidate.name)
    ]
    return found if len(found) < 2 or not names else names


def stems_of(words: Set[str]) -> Set[str]:
    """What is left of words without what is hung on to them."""
    return {match["stem"] for word in words if (match := _ENDING.fullmatch(word))}


def _role(word: str) -> tuple[str, str]:
    """A word without what is hung on to it, and what that makes of it; "bare" without."""
    bare = word.rstrip(MARKS)
    match = _ENDING.fullmatch(bare)
    if not match or not match.lastgroup:
        return bare, "bare"
    stem, ending = match["stem"].rstrip(MARKS), match[match.lastgroup]
    last = stem[-1:]
    if _HANGUL.fullmatch(last):
        closed = (ord(last) - 0xAC00) % 28 > 0
        if ending in (_AFTER_VOWEL if closed else _AFTER_CONSONANT):
            return bare, "bare"
    if match["copula"] and _VERB_STEMS.search(stem):
        return bare, "verb"
    return stem, match.lastgroup


def _phrase(words: list[str], at: int, stem: str, asked: Set[str]) -> tuple[list[str], bool]:
    """The words of a name that ends at one word, and whether it is one of several."""
    phrase: list[str] = []
    if not _is_asked(stem, asked):
        if _is_nothing(stem) and stem not in _RANKS:
            return [], False
        phrase = [stem]
    elif not stem.endswith(_LONG_RANKS):
        return [], False
    ranked = stem in _RANKS
    for before in reversed(words[:at]):
        bare, role = _role(before)
        whole = before.rstrip(MARKS)
        follows_title = ranked and role in ("topic", "subject") and not phrase[1:]
        if before.endswith(",") or whole in ("및", "또는") or whole.endswith(("와", "과", "하고", "이랑")):
            joins = bool(phrase) and not _is_nothing(whole) and role in ("bare", "other")
            return _named(phrase), joins and not _is_asked(bare, asked) and not _PREDICATE.search(whole)
        if _is_asked(whole, asked) or _is_asked(bare, asked) or _is_nothing(whole):
            break
        if not follows_title and (role != "bare" or _PREDICATE.search(whole)):
            break
        phrase.insert(0, whole)
        ranked = False
    return _named(phrase), False


def _named(phrase: list[str]) -> list[str]:
    """A phrase in which more stands than "팀장", "인사팀장" or "관리자"; else none."""
    names = [word for word in phrase if word not in _RANKS and not word.endswith(_LONG_RANKS)]
    return phrase if any(not _OFFICE.search(word) for word in names) else []


def _is_nothing(word: str) -> bool:
    core = word.strip(MARKS)
    return core in _NOTHING or len(core) < 2 or core[:1].isdigit()


def _is_asked(word: str, asked: Set[str]) -> bool:
    """Whether a word is the question's, or is made of its words ("영화감독", "담당자")."""
    core = word.strip(MARKS).casefold().replace(HELD, " ")
    if core in asked or len(core) > _MAX_COMPOUND:
        return core in asked
    parts = [re.escape(other) for other in asked if len(other) >= 2 and _HANGUL.search(other)]
    return bool(parts) and re.fullmatch(rf"(?:{'|'.join(parts)})+(?:자|인|님)?", core) is not None
