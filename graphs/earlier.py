"""What an answer to a follow-up only says again of the turn before."""

import re

from app.corpus.bigrams import bigrams
from app.corpus.sentences import sentence_spans
from graphs.conversation import TOPIC_ALONE
from graphs.grounding import begins_with_yes_or_no, topic_tokens
from graphs.marks import AT_ITEM
from graphs.numbers import numbers_in
from graphs.numerals import in_digits

RESTATED = 0.8
"""Share of a sentence's words that the turn before has, from which it says nothing new."""

# "병가와는 무슨 차이가?", "설치비까지 하면?": of who compares or adds up, both are a part of the answer.
_BOTH = re.compile(
    r"차이|비교|다른|달라|다르|같[은나아]|보다|더\s|둘|모두|각각|함께|어느|어떤 게|[와과랑]는?\s"
    r"|합[치하해산한]|까지\s?(?:하|더|포함)|총|빼"
    r"|\bdiffer|\bcompare|\bboth\b|\bthan\b|\bsame\b|\bmore\b|\beach\b|\bwhich\b|\btotal|\btogether\b",
    re.IGNORECASE,
)
# "정말인가요?", "다시 정리해 주세요": who asks for the same gets the same.
_AGAIN = re.compile(
    r"다시|맞[나죠지아]|정말|진짜|확실|정리|요약|자세|\bagain\b|\breally\b|\bsure\b|\bsummar", re.IGNORECASE
)
_DENIES = re.compile(
    r"아니|아닙|아닌|않|못|없|불가|금지|제외|(?<![가-힣])안\s|\b(?:no|not|never|cannot|without)\b|n't",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\s*(?:(?:이|그)\s?(?:중|가운데|경우|때|외|밖)|그러나|하지만|다만|단[,\s]|또는"
    r"|(?:of (?:these|those|which)|but|however)\b)",
    re.IGNORECASE,
)
_ITEM = re.compile(rf"{AT_ITEM}|^\s*[-*•]", re.MULTILINE)
_CITED = re.compile(r"\[\d{1,3}\]")


def without_earlier(answer: str, question: str, asked: str, told: str) -> str:
    """`answer` to `question` without a beginning that only repeats what was `asked` and `told` before it.

    A follow-up is read beside the question that it leans on (`graphs.conversation`), and a small model
    answers both: "본체의 보증 기간은 30개월입니다. 배터리는 15개월입니다." Who heard the first a moment ago
    asked for the second.

    The answer must come to what is asked now by its name, and each sentence before that must repeat a figure
    of the turn before and say nothing else. A list, a denial, a yes, and what the next sentence points back
    at may be a part of the answer: then nothing is left out.
    """
    before = _uncited(asked, told)
    new = _named(question) - set(bigrams(before))
    if not new or _BOTH.search(question) or _AGAIN.search(question) or _ITEM.search(answer):
        return answer
    for start, end in sentence_spans(answer):
        sentence = answer[start:end]
        if new & set(bigrams(sentence)):
            return answer if _POINTS_BACK.match(sentence) else answer[start:]
        if not _restates(sentence, before):
            break
    return answer


def says_only(answer: str, question: str, asked: str, told: str) -> bool:
    """Whether `answer` to `question` has nothing but what was `asked` and `told` in the turn before.

    "작은방은 하룻밤 52,000원입니다." once more, to "사람이 더 오면요?". It must name what only the question
    before named, and nothing of what is asked now: a figure may well be the same.
    """
    before = _uncited(asked, told)
    new = _named(question) - set(bigrams(before))
    said = set(bigrams(answer))
    if not new or new & said or _AGAIN.search(question) or begins_with_yes_or_no(answer):
        return False
    if not _is_known(answer, before):
        return False
    return bool((topic_tokens(asked) - set(bigrams(question))) & said)


def _uncited(asked: str, told: str) -> str:
    """The turn before on one line; the number of a citation is none of its figures."""
    return _CITED.sub(" ", f"{asked} {told}")


def _named(question: str) -> set[str]:
    """Tokens of what a question is about; of "딸은요?" the lone syllable."""
    topic = TOPIC_ALONE.sub(" ", question)
    return topic_tokens(topic) | {token for token in bigrams(topic) if len(token) == 1}


def _restates(sentence: str, before: str) -> bool:
    if begins_with_yes_or_no(sentence) or _DENIES.search(sentence) or not numbers_in(in_digits(sentence)):
        return False
    return _is_known(sentence, before)


def _is_known(text: str, before: str) -> bool:
    """Whether all its figures and most of its words stand in the turn before."""
    topic = topic_tokens(text)
    known = len(topic & set(bigrams(before))) >= RESTATED * len(topic)
    return bool(topic) and known and numbers_in(in_digits(text)) <= numbers_in(in_digits(before))
