"""What the reader is trained on: questions, with passages that answer them and passages that only look so.

Sets that were written for it (evals/fitting/reader): three or four passages as alike as those of one
document, with questions that just one of them answers. The same question is then asked of its siblings, which
do not: nothing can be learnt from the question alone, nor from the words that it shares with a passage.
Beside them the half of KorQuAD's articles that is for fitting, with what retrieval brings in place of the
answer.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, takewhile
from pathlib import Path
from typing import Literal
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.corpus.bigrams import bigrams
from app.corpus.collection import Collection
from app.errors import MutdaError
from app.models.embedder import Embedder
from app.prompts import language_of
from evals.korquad import Article, Paraphrase, is_held, part_of, read_korquad, read_paraphrases
from evals.suite import GivenPassage, Text
from graphs.conversation import stand

FITTING = Path(__file__).parent / "fitting"
PARAPHRASES = (
    FITTING / "korquad_paraphrases.jsonl",
    Path(__file__).parent / "datasets" / "korquad_paraphrases.jsonl",
)
HELD_SETS = 7
"""One set in so many is not trained on, but judged by."""
_WRONG = 8
"""Passages that retrieval brings and that do not hold the answer, for each question of KorQuAD."""
_JOINED = 0.3
"""How often two passages of a set stand as one: chunks of real documents hold several clauses, and are half
as long again in the middle (190 against 130 characters)."""
_RUN_TOGETHER = 0.25
"""How often a Korean question is asked with blanks left out, as people type: of 45 direct questions the one
in use, which was taught none, accepts 40 as they were written, 30 with half of their blanks, 22 without."""
_MIN_CHARS = 30
_NEAREST, _ELSEWHERE = 0.5, 0.1
"""How often a wrong passage is the one that shares most with the question, or one of somewhere else."""


class SetQuestion(BaseModel):
    """A question, the one passage that answers it, and with which words."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: Text
    passage: int
    answer: Text
    kind: Literal["direct", "paraphrased", "search", "request"]
    """A request is for all that a passage says of its topic, and not for one fact."""


class FollowUp(BaseModel):
    """A question that leans on the one before, and what answers it with that one in mind."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    first: Text
    text: Text
    passage: int | None
    """None where no passage of the set answers."""
    answer: str


class ReadingSet(BaseModel):
    """Sibling passages and what is asked of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    genre: Text
    passages: list[GivenPassage] = Field(min_length=2)
    questions: list[SetQuestion]
    follow_ups: list[FollowUp] = []
    unanswered: list[Text]
    """Questions that sound as if one of the passages answered them."""

    @model_validator(mode="after")
    def _answers_are_there(self) -> "ReadingSet":
        asked: list[SetQuestion | FollowUp] = [*self.questions, *self.follow_ups]
        for question in asked:
            if question.passage is None:
                if question.answer:
                    raise ValueError(f"no passage, and yet an answer: {question.answer}")
                continue
            if not 0 <= question.passage < len(self.passages):
                raise ValueError(f"there is no passage {question.passage}")
            if not question.answer or question.answer not in self.passages[question.passage].text:
                raise ValueError(f"passage {question.passage} does not say: {question.answer}")
        return self


@dataclass(frozen=True, kw_only=True)
class Example:
    """A question with a passage that answers it, unless none does, and others that do not."""

    group: str
    """The set or article: of one group all is trained on, or nothing."""
    kind: str
    question: str
    right: GivenPassage | None
    answer: str
    """Piece of `right`; empty without one."""
    wrong: tuple[GivenPassage, ...]

    @property
    def held(self) -> bool:
        """Whether it judges, and is not trained on."""
        origin, _, name = self.group.partition(":")
        return is_held(name) if origin == "korquad" else crc32(name.encode()) % HELD_SETS == 0


def of_sets(folder: Path = FITTING / "reader") -> Iterator[Example]:
    """All examples of the sets in a folder. Raises MutdaError, with file and line."""
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            try:
                found = ReadingSet.model_validate_json(line)
            except ValidationError as error:
                raise MutdaError(f"{path}:{number}: {error.errors()[0]['msg']}") from None
            yield from _of_set(found, group=f"set:{path.stem}-{number}")


def _of_set(found: ReadingSet, *, group: str) -> Iterator[Example]:
    asked: list[tuple[str, str, int | None, str]] = [
        (question.kind, question.text, question.passage, question.answer) for question in found.questions
    ]
    # As the graph reads them: beside the question before, where their own words are not enough.
    asked += [
        (
            "follow-up",
            stand(turn.first, turn.text, language_of(turn.text)).question,
            turn.passage,
            turn.answer,
        )
        for turn in found.follow_ups
    ]
    asked += list(_after_another(found.questions))
    for kind, text, passage, answer in asked:
        yield Example(
            group=group,
            kind=kind,
            question=text,
            right=None if passage is None else found.passages[passage],
            answer=answer,
            wrong=tuple(p for at, p in enumerate(found.passages) if at != passage),
        )
    for text in found.unanswered:
        yield Example(
            group=group, kind="unanswered", question=text, right=None, answer="", wrong=tuple(found.passages)
        )


def _after_another(questions: Sequence[SetQuestion]) -> Iterator[tuple[str, str, int | None, str]]:
    """Short questions as they are read after one about a sibling, which is not asked again."""
    for at, question in enumerate(questions):
        others = [other for other in questions if other.passage != question.passage]
        if not others:
            continue
        before = others[at % len(others)].text
        joined = stand(before, question.text, language_of(question.text)).question
        if joined != question.text:
            yield "follow-up", joined, question.passage, question.answer


def of_korquad(korquad: Path, embedder: Embedder) -> Iterator[Example]:
    """Questions of the fitting half, in KorQuAD's words and in others.

    What is held out is searched for by itself, so that no passage of it is trained on. Raises MutdaError
    when the file is not KorQuAD.
    """
    articles = [article for article in read_korquad(korquad) if part_of(article.title) == "fit"]
    reworded: dict[str, list[Paraphrase]] = {}
    for path in PARAPHRASES:
        for paraphrase in read_paraphrases(path):
            reworded.setdefault(paraphrase.id, []).append(paraphrase)
    for held in (False, True):
        own = [article for article in articles if is_held(article.title) == held]
        given = [
            {"title": article.title.replace("_", " "), "text": paragraph.context}
            for article in own
            for paragraph in article.paragraphs
        ]
        collection = Collection.from_passages(given, embedder)
        try:
            for article in own:
                yield from _of_article(article, collection, reworded)
        finally:
            collection.close()


def _of_article(
    article: Article, collection: Collection, reworded: Mapping[str, Sequence[Paraphrase]]
) -> Iterator[Example]:
    for paragraph in article.paragraphs:
        for question in paragraph.qas:
            answers = [answer.text for answer in question.answers]
            wordings = [("direct", question.question)]
            wordings += [("paraphrased", other.question) for other in reworded.get(question.id, [])]
            for kind, text in wordings:
                example = _found(collection, text, answers, paragraph.context, kind=kind, title=article.title)
                if example is not None:
                    yield example


def _found(
    collection: Collection, question: str, answers: Sequence[str], context: str, *, kind: str, title: str
) -> Example | None:
    """None where the passage with the answer is not found."""
    found = [p for p in collection.search(question, k=40) if len(p.text) >= _MIN_CHARS]
    holds = [any(_squeezed(answer) in _squeezed(p.text) for answer in answers) for p in found]
    inside = _squeezed(context)
    right = next(
        (p for p, there in zip(found, holds, strict=True) if there and _squeezed(p.text) in inside), None
    )
    if right is None:
        return None
    wrong = [p for p, there in zip(found, holds, strict=True) if not there][:_WRONG]
    return Example(
        group=f"korquad:{title}",
        kind=kind,
        question=question,
        right=GivenPassage(title=right.heading, text=right.text),
        answer=next((a for a in answers if a in right.text), ""),
        wrong=tuple(GivenPassage(title=p.heading, text=p.text) for p in wrong),
    )


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def pairs(
    examples: Sequence[Example], chance: random.Random
) -> Iterator[tuple[str, GivenPassage, str | None]]:
    """Question, passage, and the answer where it is one's: of each example its right one and another.

    The other one is, every second time, the one that shares most with the question: words must not be what
    tells. Where no passage answers, that one and one by chance. A tenth of the time it is a passage of
    somewhere else: that too must be told. Of the written sets some are read two passages in one, and some
    Korean questions are asked with blanks left out.
    """
    elsewhere = [example.wrong[0] for example in examples if example.wrong]
    for alone in examples:
        together = alone.group.startswith("set:") and len(alone.wrong) > 1 and chance.random() < _JOINED
        example = joined(alone, chance) if together else alone
        asked = example.question
        if chance.random() < _RUN_TOGETHER and language_of(asked) == "ko":
            asked = run_together(asked, chance)
        if example.right is not None:
            yield asked, example.right, example.answer
        for other in _others(example, elsewhere, chance):
            if other != example.right:
                yield asked, other, None


def run_together(question: str, chance: random.Random) -> str:
    """The question without its blanks, or, every second time, without each second one by chance."""
    share = chance.choice((0.5, 1.0))
    first, *words = question.split(" ")
    return first + "".join(word if chance.random() < share else f" {word}" for word in words)


def joined(example: Example, chance: random.Random) -> Example:
    """The example with two of its passages in one, by chance which. Needs two wrong ones."""
    wrong = chance.sample(example.wrong, len(example.wrong))
    right = example.right
    if right is not None:
        other = wrong[0]
        # The place of the answer is where its words stand first.
        first = example.answer in other.text or chance.random() < 0.5
        right = _one(right, other) if first else _one(other, right)
        both = list(combinations(wrong, 2))
        pairs_left = chance.sample(both, min(2, len(both)))
    else:
        pairs_left = list(zip(wrong[::2], wrong[1::2], strict=False))
    return replace(example, right=right, wrong=tuple(_one(*pair) for pair in pairs_left))


def _one(first: GivenPassage, second: GivenPassage) -> GivenPassage:
    """Under what their titles share, each below what is left of its own."""
    ones, others = (passage.title.split(" > ") for passage in (first, second))
    alike = takewhile(lambda both: both[0] == both[1], zip(ones[:-1], others[:-1], strict=False))
    same = [part for part, _ in alike]
    texts = (
        f"{' > '.join(title[len(same) :])}\n{passage.text}"
        for title, passage in ((ones, first), (others, second))
    )
    return GivenPassage(title=" > ".join(same) or ones[0], text="\n\n".join(texts))


def _others(
    example: Example, elsewhere: Sequence[GivenPassage], chance: random.Random
) -> Iterator[GivenPassage]:
    nearest = bool(example.wrong) and (example.right is None or chance.random() < _NEAREST)
    if nearest:
        yield most_shared(example.question, example.wrong)
    if example.right is None or not nearest:
        near = example.wrong[:6]
        if others := elsewhere if chance.random() < _ELSEWHERE else near:
            yield chance.choice(others)


def most_shared(question: str, passages: Sequence[GivenPassage]) -> GivenPassage:
    """The first of those that hold most of the question's character bigrams."""
    asked = set(bigrams(question))
    return max(passages, key=lambda passage: len(asked & set(bigrams(f"{passage.title} {passage.text}"))))
