"""Where the model failed to say what the reader is sure of: the sentence of the documents itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.corpus.passage import Passage
from app.corpus.sentences import sentence_spans
from app.models.reader import Reader
from graphs.calculation import may_calculate
from graphs.evidence import logistic
from graphs.nodes.grade import settles
from graphs.nodes.self_check import counted_otherwise, suspects_of
from graphs.reading import line
from graphs.run import Decision, Run
from graphs.state import State, shown_passages

RATHER_ANSWERS = 0.0
"""Log-odds from which a sentence, read by itself under its heading, is quoted."""

INSTEAD = "the model's own answer was not what the documents say; a sentence of them stands in its place"


async def quote(state: State, run: Run) -> dict[str, Any]:
    """Sets `answer` to a quotation, and clears the problem; leaves both where no sentence can be quoted.

    A small model copies a number wrongly, twice, or mixes two sentences into one that nobody wrote. What the
    reader alone would have accepted the passage for is then worth more than a refusal. Where the model was
    needed for the decision, an answer that was withdrawn stays so.
    """
    passages = shown_passages(state)
    question = state.standalone or state.question
    reader = run.resources.reader
    # What is to be calculated stands in no sentence.
    if reader is None or may_calculate(question) or not settles(run.resources.calibration, state, passages):
        return {}
    # Nor does what is asked for where the model could only count something else.
    if counted_otherwise(state, passages, question):
        return {}
    found = await asyncio.to_thread(best_sentence, passages, question, reader)
    if found is None:
        return {}
    sentence, certain = found
    run.decisions.append(
        Decision(
            step="quote",
            name="reader",
            value=logistic(certain),
            threshold=logistic(RATHER_ANSWERS),
            verdict="yes" if certain >= RATHER_ANSWERS else "no",
            signals={"reader": certain},
        )
    )
    if certain < RATHER_ANSWERS:
        return {}
    answer = f"“{sentence}”"
    if suspects_of(replace(state, answer=answer), passages, question, run.resources.orders):
        return {}
    run.notice(INSTEAD)
    return {"answer": answer, "problem": "", "grounded": state.evidence}


def best_sentence(passages: Sequence[Passage], question: str, reader: Reader) -> tuple[str, float] | None:
    """The sentence that answers most surely when it is read alone, with its log-odds. Blocking."""
    sentences = [
        replace(passage, text=passage.text[start:end])
        for passage in passages
        for start, end in sentence_spans(passage.text)
    ]
    if not sentences:
        return None
    odds = reader.odds(question, [line(sentence) for sentence in sentences]).tolist()
    best = max(range(len(odds)), key=odds.__getitem__)
    return " ".join(sentences[best].text.split()), odds[best]
