"""Drafted questions beside the passages they are from, for a person to read: Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence

from app.corpus.passage import SECTION_GAP
from app.corpus.sentences import sentence_spans
from app.prompts import Language, language_of
from app.wording import place_of
from evals.markdown import plain
from evals.proposals import Proposal
from evals.suite import Case

_WORDS: dict[Language, dict[str, str]] = {
    "ko": {
        "title": "질문 초안 {n}개",
        "intro": "모델이 지은 질문과 답을 문서의 구절과 나란히 놓았습니다. "
        "틀리거나 어색하면 {file}에서 그 줄을 고치거나 지우세요.",
        "question": "질문",
        "answer": "답",
        "source": "출처",
    },
    "en": {
        "title": "{n} drafted questions",
        "intro": "A model wrote these questions and answers about the passages below them. "
        "Where one is wrong or clumsy, correct or delete its line in {file}.",
        "question": "Question",
        "answer": "Answer",
        "source": "Source",
    },
}


def page(cases: Sequence[Case], proposals: Sequence[Proposal], file: str) -> str:
    """The whole page; `file` is where to correct. Documents and model are text, whatever they hold."""
    languages = Counter(language_of(case.question) for case in cases)
    language: Language = "en" if languages["en"] > languages["ko"] else "ko"
    words = _WORDS[language]
    lines = [f"# {words['title'].format(n=len(cases))}", "", words["intro"].format(file=_shown(file))]
    for case, proposal in zip(cases, proposals, strict=True):
        lines += _lines(case, proposal, language)
    return "\n".join(lines) + "\n"


def _lines(case: Case, proposal: Proposal, language: Language) -> Iterator[str]:
    words, chunk = _WORDS[language], proposal.candidate.chunk
    place = {
        "source": proposal.candidate.source,
        "section": SECTION_GAP.join(chunk.section),
        "page": chunk.page,
    }
    yield from ("", f"## {case.id}", "")
    yield f"- {words['question']}: {_shown(case.question)}"
    yield f"- {words['answer']}: **{_shown(proposal.answer)}**"
    yield f"- {words['source']}: {_shown(place_of(place, language))}"
    yield ""
    # Two spaces at the end keep the rows of a table apart.
    yield from (f"> {_shown(chunk.text[start:end])}  " for start, end in sentence_spans(chunk.text))


def _shown(text: str) -> str:
    return plain(text, max_chars=len(text))
