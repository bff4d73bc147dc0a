"""What a model proposes to ask about a passage, and whether it can be used."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.corpus.bigrams import bigrams
from app.prompts import language_of
from evals.candidates import Candidate
from evals.metrics.containment import holds

MAX_QUESTION_CHARS = 200
MAX_ANSWER_CHARS = 40
SAME_QUESTION = 0.9
SAME_ANSWER = 0.5
"""The share of bigrams that two questions have in common (Jaccard) from which on the later one is dropped:
whatever the answer is, and where it is the same. Questions about two models or two kinds of leave share .8 of
them. Set by looking at a few pairs, not fitted."""

_QUESTION = re.compile(r"^\W*(?:question|질문|문제|Q)\s*\d*\s*[:：.](.+)$", re.IGNORECASE | re.MULTILINE)
_ANSWER = re.compile(r"^\W*(?:answer|정답|답변|답|A)\s*\d*\s*[:：.](.+)$", re.IGNORECASE | re.MULTILINE)
_QUOTES = "\"'“”‘’`* "
# "17일입니다" stands in no other answer than the document's own words.
_SENTENCE = re.compile(r"(?:니다|[이하한된있없었였했됐]다|[에예해]요|까)[.?!]?$")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Proposal:
    """A question with its answer, and the passage it is from."""

    question: str
    answer: str
    candidate: Candidate


def judge(text: str, candidate: Candidate, kept: Sequence[Proposal]) -> tuple[Proposal | None, str]:
    """The proposal in what a model wrote about a passage, or in a few words why none can be used."""
    question, answer = _first(_QUESTION, text), _first(_ANSWER, text).rstrip(".。")
    if not _LETTER.search(question) or not answer or len(question) > MAX_QUESTION_CHARS:
        return None, "no question with an answer"
    if len(answer) > MAX_ANSWER_CHARS or _SENTENCE.search(answer):
        return None, "a sentence for an answer"
    if language_of(question) != language_of(candidate.chunk.text):
        return None, "another language"
    if not holds(candidate.chunk.text, answer):
        return None, "an answer that is not in the passage"
    if holds(question, answer):
        return None, "a question that tells its answer"
    proposal = Proposal(question, answer, candidate)
    if any(_alike(proposal, other) for other in kept):
        return None, "asked already"
    return proposal, ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return " ".join(match[1].split()).strip(_QUOTES) if match else ""


def _alike(one: Proposal, other: Proposal) -> bool:
    a, b = set(bigrams(one.question)), set(bigrams(other.question))
    common = len(a & b) / len(a | b) if a | b else 1.0
    return common >= (SAME_ANSWER if one.answer == other.answer else SAME_QUESTION)
