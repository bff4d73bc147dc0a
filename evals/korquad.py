"""`python -m evals.korquad KorQuAD.json OUT_FOLDER`: a corpus and a suite that also asks what it must refuse.

KorQuAD 1.0 (Lim, Kim and Lee 2019, arXiv:1909.07005; CC BY-ND 2.0 KR) has only questions that its
paragraphs answer. Those that nothing answers are made by leaving out what does:

    answerable  the paragraph is in the corpus
    left_out    the question's whole article is not in the corpus
    near        only its paragraph is missing; the article's other paragraphs are there and do not hold
                the answer

The corpus is the rest of all articles. Questions come from one half of the articles, chosen by a hash
of the title: thresholds fitted on the half "fit" are then reported on articles they have not seen.

With `--paraphrases`, a file of other words for some of its questions, the corpus is everything, and the
suite asks each of those twice, for measuring retrieval:

    paraphrased  in the other words
    original     as KorQuAD asks it
"""

import argparse
import hashlib
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Literal, get_args
from zlib import crc32

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import MutdaError
from evals.suite import Case, Text

Part = Literal["report", "fit"]
ChosenPart = Literal[Part, "held"]
"""With the articles of "fit" that the reader is not trained on (evals.reading_sets)."""
HELD_ARTICLES = 4
"""One of so many of that half."""

MAX_QUESTIONS_AN_ARTICLE = 3
"""Of one that is left out."""
KINDS = ("answerable", "left_out", "near")
"""In the order in which questions are left over for them, and asked in turn."""
MIN_OTHER_PARAGRAPHS = 2
"""That stay of an article when a paragraph is taken out: else nothing near is left."""
_MAX_NAME_CHARS = 60


class _Answer(BaseModel):
    text: str


class _Question(BaseModel):
    id: str
    question: str
    answers: list[_Answer]


class _Paragraph(BaseModel):
    context: str
    qas: list[_Question]


class Article(BaseModel):
    """Paragraphs on one subject, and what is asked of them."""

    title: str
    paragraphs: list[_Paragraph]


class _KorQuAD(BaseModel):
    data: list[Article]


class Paraphrase(BaseModel):
    """A question of KorQuAD, by its id, in other words."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str
    question: Text


@dataclass(frozen=True, kw_only=True)
class Built:
    """A corpus and its questions, in memory."""

    files: dict[str, str]
    """Text by file name."""
    cases: list[Case]


@dataclass(kw_only=True)
class _Choice:
    """What was chosen so far."""

    left_out: set[int] = field(default_factory=set)
    """Articles that are not in the corpus."""
    removed: set[tuple[int, int]] = field(default_factory=set)
    """(article, paragraph) that are not."""
    needed: set[tuple[int, int]] = field(default_factory=set)
    """(article, paragraph) that an answerable question needs."""
    cases: dict[str, list[Case]] = field(default_factory=lambda: {kind: [] for kind in KINDS})


def part_of(title: str) -> Part:
    """The half that an article belongs to; the same in every process and order."""
    return "fit" if hashlib.sha256(title.encode()).digest()[0] % 2 else "report"


def is_held(title: str) -> bool:
    """Of the half "fit", whether reader and embedder do not train on it: thresholds are fitted over these."""
    return part_of(title) == "fit" and crc32(title.encode()) % HELD_ARTICLES == 0


def _is_of(title: str, part: ChosenPart) -> bool:
    return is_held(title) if part == "held" else part_of(title) == part


def read_korquad(path: Path) -> list[Article]:
    """The articles of a KorQuAD 1.0 file. Raises MutdaError when it is not one."""
    try:
        return _KorQuAD.model_validate_json(path.read_bytes()).data
    except OSError as error:
        raise MutdaError(f"{path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise MutdaError(f"{path} is not a KorQuAD 1.0 file ({where or 'no JSON'}).") from None


def read_paraphrases(path: Path) -> list[Paraphrase]:
    """One JSON object a line. Raises MutdaError, with the file and the line, for what cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise MutdaError(f"{path} cannot be read: {reason}.") from None
    found: list[Paraphrase] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append(Paraphrase.model_validate_json(line))
        except ValidationError:
            raise MutdaError(f'{path}:{number}: this is not {{"id": text, "question": text}}') from None
    return found


def build_paraphrased(
    articles: Sequence[Article], paraphrases: Sequence[Paraphrase], *, part: ChosenPart
) -> Built:
    """Every paragraph, and the paraphrases whose article is of `part`, each before its original.

    Raises MutdaError for an id that is not in the articles, and when none is of that half.
    """
    names = _names(articles)
    places = {
        question.id: (question, article, names[number, position])
        for number, article in enumerate(articles)
        for position, paragraph in enumerate(article.paragraphs)
        for question in paragraph.qas
    }
    cases: list[Case] = []
    for paraphrase in {given.id: given for given in paraphrases}.values():
        if paraphrase.id not in places:
            raise MutdaError(f'There is no question "{paraphrase.id}" in this KorQuAD file.')
        question, article, name = places[paraphrase.id]
        if _is_of(article.title, part):
            other = question.model_copy(update={"question": paraphrase.question})
            cases += [_case("paraphrased", other, source=name), _case("original", question, source=name)]
    if not cases:
        raise MutdaError(f'No paraphrase is of the half "{part}".')
    files = {
        names[number, position]: _text(article, paragraph)
        for number, article in enumerate(articles)
        for position, paragraph in enumerate(article.paragraphs)
    }
    return Built(files=files, cases=cases)


def build(articles: Sequence[Article], *, questions: int, seed: int, part: ChosenPart) -> Built:
    """Choose `questions` in equal thirds, and take out what must be missing.

    What is left over goes to the kinds in the order of KINDS. An article that is left out is asked about at
    most three times, any other once a round until there are enough. Raises MutdaError when the articles do
    not have so many.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    candidates = [number for number, article in enumerate(articles) if _is_of(article.title, part)]
    chance.shuffle(candidates)
    wanted = shares(questions)
    names = _names(articles)
    choice = _Choice()
    rest = _leave_out(articles, candidates, wanted["left_out"], choice, chance)
    is_found = True
    while is_found:
        is_found = False
        for number in rest:
            # The kind that lags behind first, so that both spread over as many articles.
            kinds = sorted(("near", "answerable"), key=lambda kind: len(choice.cases[kind]))
            for kind in kinds:
                if len(choice.cases[kind]) < wanted[kind] and _take(
                    kind, articles[number], number, choice, chance, names
                ):
                    is_found = True
                    break
    for kind, cases in choice.cases.items():
        if len(cases) < wanted[kind]:
            raise MutdaError(
                f'Only {len(cases)} of {wanted[kind]} questions of the kind "{kind}" were found: '
                "ask for fewer, or try another --seed."
            )
    files = {
        names[number, position]: _text(article, paragraph)
        for number, article in enumerate(articles)
        for position, paragraph in enumerate(article.paragraphs)
        if number not in choice.left_out and (number, position) not in choice.removed
    }
    # In turn, so that a run that is cut short has asked of every kind.
    cases = [case for trio in zip_longest(*choice.cases.values()) for case in trio if case]
    return Built(files=files, cases=cases)


def shares(questions: int) -> dict[str, int]:
    """How many of each kind: equal thirds, and what is left over in the order of the kinds."""
    third, left_over = divmod(questions, len(KINDS))
    return {kind: third + (place < left_over) for place, kind in enumerate(KINDS)}


def _leave_out(
    articles: Sequence[Article], candidates: list[int], wanted: int, choice: _Choice, chance: random.Random
) -> list[int]:
    """Ask about whole articles and take them out; returns the candidates that stay."""
    cases = choice.cases["left_out"]
    for used, number in enumerate(candidates):
        if len(cases) >= wanted:
            return candidates[used:]
        choice.left_out.add(number)
        asked = [question for paragraph in articles[number].paragraphs for question in paragraph.qas]
        count = min(MAX_QUESTIONS_AN_ARTICLE, wanted - len(cases), len(asked))
        cases += [_case("left_out", question) for question in chance.sample(asked, count)]
    return []


def _take(
    kind: str,
    article: Article,
    number: int,
    choice: _Choice,
    chance: random.Random,
    names: dict[tuple[int, int], str],
) -> bool:
    """Add one question of the article; False when it has none left for this kind."""
    taken = {case.id.removeprefix(f"{case.kind}-") for case in choice.cases[kind]}
    paragraphs = list(range(len(article.paragraphs)))
    chance.shuffle(paragraphs)
    if kind == "answerable":
        # A paragraph that nothing was asked about yet comes first.
        paragraphs.sort(key=lambda position: (number, position) in choice.needed)
    for position in paragraphs:
        place = (number, position)
        if place in choice.removed or (kind == "near" and place in choice.needed):
            continue
        asked = [question for question in article.paragraphs[position].qas if question.id not in taken]
        chance.shuffle(asked)
        if kind == "near":
            others = [other for other in paragraphs if other != position]
            if sum((number, other) not in choice.removed for other in others) < MIN_OTHER_PARAGRAPHS:
                return False
            text = _squeezed("\n".join(article.paragraphs[other].context for other in others))
            asked = [
                question
                for question in asked
                if not any(_squeezed(answer.text) in text for answer in question.answers)
            ]
        if asked:
            (choice.needed if kind == "answerable" else choice.removed).add(place)
            source = names[place] if kind == "answerable" else ""
            choice.cases[kind].append(_case(kind, asked[0], source=source))
            return True
    return False


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


def _case(kind: str, question: _Question, *, source: str = "") -> Case:
    return Case(
        id=f"{kind}-{question.id}",
        kind=kind,
        question=question.question.strip(),
        answers=list(dict.fromkeys(answer.text.strip() for answer in question.answers)) if source else [],
        answerable=bool(source),
        sources=[source] if source else [],
    )


def _text(article: Article, paragraph: _Paragraph) -> str:
    return f"{article.title.replace('_', ' ').strip()}\n\n{paragraph.context.strip()}\n"


def _names(articles: Sequence[Article]) -> dict[tuple[int, int], str]:
    """A file name for each (article, paragraph), which no system objects to."""
    names: dict[tuple[int, int], str] = {}
    taken: set[str] = set()
    for number, article in enumerate(articles):
        stem = next(stem for stem in _stems(article.title, number) if stem.casefold() not in taken)
        taken.add(stem.casefold())
        for position in range(len(article.paragraphs)):
            names[number, position] = f"{stem}_{position + 1:02d}.txt"
    return names


def _stems(title: str, number: int) -> Iterator[str]:
    stem = re.sub(r"[^\w()·.-]+", "_", title)[:_MAX_NAME_CHARS].strip("._ ") or "article"
    yield stem
    yield f"{stem}_{number}"


def write(built: Built, folder: Path) -> None:
    """`folder`/corpus/*.txt and `folder`/suite.jsonl. Raises MutdaError unless the folder is new or empty."""
    # Files of an earlier choice would answer what must not be answered.
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MutdaError(f"{folder} is not an empty folder: delete it, or choose another one.")
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    for name, text in built.files.items():
        (corpus / name).write_text(text, encoding="utf-8")
    lines = [json.dumps(case.model_dump(exclude_defaults=True), ensure_ascii=False) for case in built.cases]
    (folder / "suite.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.korquad", description="Make a corpus and a suite of a KorQuAD 1.0 file."
    )
    parser.add_argument("korquad", type=Path, help="KorQuAD_v1.0_dev.json")
    parser.add_argument("out", type=Path, help="a new folder, for corpus/ and suite.jsonl")
    parser.add_argument(
        "--questions",
        type=int,
        default=60,
        help="in equal thirds; what is left over: answerable, then left_out (60)",
    )
    parser.add_argument("--seed", type=int, default=1, help="chooses them (1)")
    parser.add_argument(
        "--part",
        choices=(*get_args(Part), "held"),
        default="report",
        help="half of the articles (report); held: what the reader is not trained on of the half fit",
    )
    parser.add_argument(
        "--paraphrases",
        type=Path,
        metavar="FILE",
        help="ask these (evals/datasets/korquad_paraphrases.jsonl) and their originals over every "
        "paragraph; nothing is chosen then",
    )
    options = parser.parse_args(arguments)
    if options.questions < len(KINDS):
        parser.error(f"--questions must be at least {len(KINDS)}")
    try:
        articles = read_korquad(options.korquad)
        if options.paraphrases:
            built = build_paraphrased(articles, read_paraphrases(options.paraphrases), part=options.part)
        else:
            built = build(articles, questions=options.questions, seed=options.seed, part=options.part)
        write(built, options.out)
    except MutdaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(
        f"{len(built.files)} files in {options.out / 'corpus'}, {len(built.cases)} questions in suite.jsonl"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
