"""Where the model failed to say what the reader is sure of: the sentence of the documents itself."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from app.corpus.passage import Passage
from app.corpus.sentences import sentence_spans
from app.models.reader import Reader
from graphs.calculation import may_calculate
from graphs.evidence import logistic
from graphs.nodes.grade import missing
from graphs.nodes.self_check import counted_otherwise, problem_of, suspects_of
from graphs.reading import line
from graphs.requests import may_be_long, names_several
from graphs.run import Decision, Run
from graphs.spacing import respaced
from graphs.state import State, reader_decided, shown_passages

INSTEAD = "the model's own answer was not what the documents say; a sentence of them stands in its place"

_MIN_CHARS = 6
# "접수 마감은 2026. 3. 15.까지": a number or a lone letter before a full stop ends no sentence.
_GOES_ON = re.compile(r"(?:\d|(?:^|[\s(])(?![것곳함됨임음])[가-힣A-Za-z])\.$")
# What it announces stands in the next one.
_ANNOUNCES = re.compile(
    r"(?::|(?:다음|아래|별표)(?:\s?(?:각\s?호|표|그림))?(?:와|과)\s?같(?:다|습니다|음|이\s\S+)\.?)$"
)


async def quote(state: State, run: Run) -> dict[str, Any]:
    """Sets `answer` to a quotation, and clears the problem; leaves both where no sentence can be quoted.

    A small model copies a number wrongly, or mixes two sentences into one that nobody wrote, and when it is
    told it does so again: of 14 second attempts none was right, and nine ended in a quotation
    (docs/choices.md). What the reader alone accepted the passage for is then worth more. Where the model was
    needed for that decision there is no quotation, nor where one sentence cannot be the answer: to a
    calculation, or to who asks for several things or a list. The sentence alone must be accepted as the
    passage was: of 64 office questions on the fitting halves whose passage was, at log-odds of 2.75, 55
    sentences were, and 54 of them held the answer; at 2.0 59 and 57, at 0 63 and 60.
    """
    passages = shown_passages(state)
    question = state.standalone or state.question
    reader = run.resources.reader
    bar = run.resources.calibration.reader_yes
    if reader is None or bar is None or not reader_decided(state):
        return {}
    was_calculated = may_calculate(question) and "calculate" in state.route
    if was_calculated or names_several(question) or may_be_long(question):
        return {}
    # Each has the numbers and the topic that are asked about, as the passage has.
    sentences = [each for each in sentences_of(passages) if not missing(state, [each])]
    found = await asyncio.to_thread(best_sentence, sentences, question, reader)
    if found is None:
        return {}
    sentence, odds = found
    run.decisions.append(
        Decision(
            step="quote",
            name="reader",
            value=logistic(odds),
            threshold=logistic(bar),
            verdict="yes" if odds >= bar else "no",
            signals={"reader": odds},
        )
    )
    quoted = replace(state, answer=f"“{sentence}”")
    if odds < bar or problem_of(quoted, passages, question):
        return {}
    if counted_otherwise(quoted, passages, question):
        return {}
    if await asyncio.to_thread(suspects_of, quoted, passages, question, run.resources.orders):
        return {}
    run.notice(INSTEAD)
    return {"answer": quoted.answer, "cut_off_tokens": 0, "problem": "", "grounded": state.evidence}


def sentences_of(passages: Sequence[Passage]) -> list[Passage]:
    """Every sentence as a passage of its own, below its heading."""
    return [replace(passage, text=text) for passage in passages for text in whole_sentences(passage.text)]


def best_sentence(sentences: Sequence[Passage], question: str, reader: Reader) -> tuple[str, float] | None:
    """The one that answers most surely when it is read alone, with its log-odds. Blocking."""
    if not sentences:
        return None
    lines = [line(sentence) for sentence in sentences]
    odds = reader.odds(respaced(question, lines), lines).tolist()
    best = max(range(len(odds)), key=odds.__getitem__)
    return sentences[best].text, odds[best]


def whole_sentences(text: str) -> Iterator[str]:
    """The sentences that say something when they stand alone, on one line each."""
    begun = None
    for start, end in sentence_spans(text):
        left = start if begun is None else begun
        piece, rest = text[left:end], text[end:].lstrip(" \t\r")
        # A line break ends what a full stop does not.
        if _GOES_ON.search(piece) and rest and not rest.startswith("\n"):
            begun = left
            continue
        begun = None
        if len(piece) >= _MIN_CHARS and not _ANNOUNCES.search(piece):
            yield " ".join(piece.split())
