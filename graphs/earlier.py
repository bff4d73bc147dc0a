"""What an answer to a follow-up says again of the question before."""

import re
from itertools import pairwise

from app.corpus.bigrams import bigrams
from app.corpus.sentences import sentence_spans
from graphs.grounding import topic_tokens
from graphs.numbers import numbers_in
from graphs.numerals import in_digits

RESTATED = 0.8
"""Share of a sentence's words that the turn before has, from which it says nothing new."""

# "그것과 병가의 차이는?": of who compares, what was said before is a part of the answer.
_COMPARES = re.compile(
    r"차이|비교|다른|달라|다르|같[은나아]|보다|더\s|둘|모두|각각|함께|까지\s?합|"
    r"\bdiffer|\bcompare|\bboth\b|\bthan\b|\bsame\b|\bmore\b|\beach\b",
    re.IGNORECASE,
)


def without_earlier(answer: str, question: str, before: str) -> str:
    """`answer` to `question` without the sentences that only say `before`, the turn before it, once more.

    A follow-up is read beside the question that it leans on (`graphs.conversation`), and a small model
    answers both: "본체의 보증 기간은 30개월입니다. 배터리는 15개월입니다." Who heard the first a moment ago
    asked for the second. Unchanged where no sentence says anything new, or the question compares the two.
    """
    if _COMPARES.search(question):
        return answer
    said, figures = set(bigrams(before)), numbers_in(in_digits(before))
    new = topic_tokens(question) - said
    starts = [start for start, _ in sentence_spans(answer)]
    kept, is_answered = [], False
    for start, end in pairwise([*starts, len(answer)]):
        sentence = answer[start:end]
        tokens = set(bigrams(sentence))
        adds = bool(tokens & new) or bool(numbers_in(in_digits(sentence)) - figures)
        topic = topic_tokens(sentence)
        if adds or not topic or len(topic & said) < RESTATED * len(topic):
            kept.append(sentence)
            is_answered |= adds
    return "".join(kept).strip() if is_answered else answer
