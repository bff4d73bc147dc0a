"""Whether a text puts another word where what it cites has one: another person, another place, the opposite.

Korean marks no names, and an honest answer has words of its own. So a word that stands nowhere is held
against the text only where its place is known: between the same neighbours, before a title, as what the
sentence ends in, or as the opposite of a word that is there.
"""

import re
from collections.abc import Iterator, Sequence

from app.corpus.bigrams import bigrams
from app.corpus.sentences import sentence_spans
from evals.metrics.wording import Word, plain, words_of

_COMMON = """
경우 이후 이전 필요 가능 사용 이용 해당 관련 기간 금액 비용 가격 방법 시간 다음 이유 때문 정도 이상 이하
이내 미만 초과 동안 최대 최소 각각 모두 또한 그리고 하지만 그러나 따라서 등 수 때 및 또는 즉 약 총 사람
대상 내용 답변 질문 문서 자료 본문 규정 따르 대한 대해 통해 위해 위한 추가 별도 실제 이름 담당 담당자
날짜 일정 장소 위치 네 예 아니요 아니오 그는 그녀 이것 그것 여기 안내 정보 이때 우선 먼저 반드시 직접
바로 다시 함께 여부 사항 기준 조건 결과 상태 전체 일부 나머지 서로 스스로 가장 매우 아주 다른 같은 모든
여러 어떤 이런 그런 안에 전에 후에 뒤에 중에 위에 아래 예정 원칙 이야기 방식 형태 종류 과정 역할 목적
모습 특징 부분 순서 차례 의미 사실 바탕 근거 참고 언급 명시 출처 도움 이용자 사용자 신청자 하나 마지막
처음 나중 이번 기존 현재 나이 인원 개수 횟수 합계 차이 당시 출신
"""
COMMON = frozenset(_COMMON.split())
"""Words that an answer adds by itself: about documents and answers, for what was asked, to join."""
_TITLE_WORDS = """
과장 대리 부장 차장 사원 주임 팀장 실장 본부장 이사 대표 대표이사 사장 회장 교수 박사 선생님 선생 위원
위원장 원장 소장 센터장 국장 의원 장관 총장 기사 씨 님 작가 감독 배우 매니저 연구원 조교 간사 총무 반장
조장 간호사 의사 변호사 주무관 관리과장 공장장 점장 선수 기자 강사 코치
"""
_TITLES = frozenset(_TITLE_WORDS.split())
# In each line what excludes each other; words joined by "=" say the same.
_OPPOSITES = tuple(
    tuple(tuple(words.split("=")) for words in line.split())
    for line in """
    이상=초과 이하=미만=이내
    국내 국외=해외
    상반기 하반기
    왼쪽=좌측 오른쪽=우측
    동쪽=동편 서쪽=서편 남쪽=남편 북쪽=북편
    봄 여름 가을 겨울
    유급 무급
    증가=증대 감소=축소
    인상 인하
    최대=최장=최고 최소=최단=최저
    입금 출금
    찬성 반대
    편도 왕복
    지상 지하
    남자=남성 여자=여성
    """.strip().splitlines()
)
_WEEKDAYS = "월화수목금토일"
_WEEKDAY = re.compile(rf"([{_WEEKDAYS}])요일")
# "월·수·금", "(화)", "월수금", and what may stand for any of them.
_SHORT_WEEKDAYS = re.compile(rf"(?<![가-힣\d])[{_WEEKDAYS}]+(?![가-힣])")
_ANY_WEEKDAY = re.compile(
    rf"평일|주말|매일|날마다|[{_WEEKDAYS}](?:요일)?\s?[~∼～-]\s?[{_WEEKDAYS}]|[a-z]+day\b", re.IGNORECASE
)
_HALF_DAYS = {"오전": "오후", "오후": "오전"}
_HALF_DAY = re.compile(r"(오전|오후)\s?(\d{1,2})")
_ADDRESS = re.compile("(?:씨|님)[가-힣]{0,2}")
_NAME = re.compile("[가-힣]{3,4}")
_MIN_CERTAIN = 3
"""Syllables of a word that is no chance synonym when it shares not one bigram with anything there."""
_MAX_SMALL = 3
"""Letters of English words that say little: "the", "you", "at"."""
_LONE_PARTICLE = "이가을를은는의에로와과도만"


def replaced(text: str, known: str, question: str) -> bool:
    """Whether a word of the text stands where `known` has another one."""
    there = f"{known}\n{question}"
    return (
        _opposed(text, known, there)
        or _in_the_other_half(text, there)
        or not _weekdays_stand(text, there)
        or any(_put_in(words, list(_sentences(known)), there) for words in _sentences(text))
    )


def is_content(word: Word) -> bool:
    """Whether a word of the text says something that must be there, as far as that can be told."""
    return (
        len(word.stem) > 1
        and word.role != "verb"
        and word.stem not in COMMON
        and not re.search(r"\d", word.stem)
        and not _WEEKDAY.fullmatch(word.stem)
        and not (word.stem.isascii() and not word.stem.isupper() and len(word.stem) <= _MAX_SMALL)
        # A syllable and a particle, or a word that ends like one.
        and not (len(word.stem) == 2 and word.role == "bare" and word.stem[-1] in _LONE_PARTICLE)
    )


def _sentences(text: str) -> Iterator[list[Word]]:
    return (list(words_of(text[start:end])) for start, end in sentence_spans(text))


def _put_in(words: Sequence[Word], there: Sequence[Sequence[Word]], known: str) -> bool:
    squeezed, grams = plain(known), set(bigrams(known))
    said = {word.stem for word in words}
    for at, word in enumerate(words):
        if not is_content(word) or not re.search("[가-힣]", word.stem) or plain(word.stem) in squeezed:
            continue
        before, after = _neighbours(words, at)
        if after and _is_title(after) and word.role == "bare" and _NAME.fullmatch(word.stem):
            return True
        if word.role == "is" and (after is None or word.written.endswith("라고")):
            return True
        if word.role != "bare" and len(word.stem) >= _MIN_CERTAIN and not set(bigrams(word.stem)) & grams:
            return True
        if any(_has_place_of(word, before, after, sentence, said) for sentence in there):
            return True
    return False


def _has_place_of(
    word: Word, before: Word | None, after: Word | None, sentence: Sequence[Word], said: set[str]
) -> bool:
    """Whether the sentence has another word, which the text lacks, by the same neighbour."""
    for at, rival in enumerate(sentence):
        if rival.role == "verb" or rival.stem in said or rival.stem in COMMON:
            continue
        if len(re.findall("[가-힣]", rival.stem)) < 2 or word.stem.startswith(rival.stem):
            continue
        neighbours = _neighbours(sentence, at)
        same = [_same(before, neighbours[0]), _same(after, neighbours[1])]
        if word.role == "bare":
            # A word without an ending goes with the next one; before it may stand an adverb.
            if same[1] and (rival.role == "bare" or same[0]):
                return True
        elif rival.role == word.role and any(same):
            return True
        # A list and a table have words without endings: "담당: 생활지원팀 이영희 (내선 14)".
        if rival.role == "bare" and rival.closes and same[0] and rival.stem[:2] != word.stem[:2]:
            return True
    return False


def _is_title(word: Word) -> bool:
    return word.stem in _TITLES or _ADDRESS.fullmatch(word.written) is not None


def _neighbours(words: Sequence[Word], at: int) -> tuple[Word | None, Word | None]:
    return (words[at - 1] if at else None, words[at + 1] if at + 1 < len(words) else None)


def _same(one: Word | None, other: Word | None) -> bool:
    if one is None or other is None or one.stem in COMMON:
        return False
    return plain(one.stem) == plain(other.stem)


def _opposed(text: str, known: str, there: str) -> bool:
    words = [word.stem for word in words_of(text)]
    for rivals in _OPPOSITES:
        for own in rivals:
            if any(said in there for said in own) or not any(word.startswith(own) for word in words):
                continue
            if any(
                other in known and not any(word.startswith(other) for word in words)
                for others in rivals
                if others != own
                for other in others
            ):
                return True
    return False


def _in_the_other_half(text: str, there: str) -> bool:
    hours = set(_HALF_DAY.findall(there))
    return any(
        (half, hour) not in hours and (_HALF_DAYS[half], hour) in hours
        for half, hour in _HALF_DAY.findall(text)
    )


def _weekdays_stand(text: str, there: str) -> bool:
    if _ANY_WEEKDAY.search(there):
        return True
    short = set("".join(_SHORT_WEEKDAYS.findall(there)))
    return set(_WEEKDAY.findall(text)) <= {*_WEEKDAY.findall(there), *short}
