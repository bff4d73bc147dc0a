"""Check the answer: numbers, names and citations against the passages; where evidence is thin, one token."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.corpus.passage import Passage
from app.models.chat import choice_probability
from graphs.calculation import gives, may_calculate, sides
from graphs.counts import of_another_kind
from graphs.earlier import says_only
from graphs.evidence import groundedness
from graphs.grounding import (
    cite,
    cite_operands,
    contradicts,
    merely_agreed,
    repeats,
    stray_names,
    stray_numbers,
    support,
)
from graphs.nodes.generate import instruction
from graphs.numerals import in_digits
from graphs.orders import Orders, suspicion_of
from graphs.prefix import document_lines, further_turn, harmless, prompt
from graphs.run import BudgetEnd, Decision, Run
from graphs.state import State, own_words, shown_passages, turn_before
from tools.scales import plainly

ASKED_CHARS = 60
"""Of a question that the model is told it did not answer."""


async def self_check(state: State, run: Run) -> dict[str, Any]:
    """Sets `problem` when the answer does not stand, and `grounded`."""
    passages = shown_passages(state)
    question = state.standalone or state.question
    suspects = await asyncio.to_thread(suspects_of, state, passages, question, run.resources.orders)
    if suspects:
        run.notice(suspicion_of([passage for passage in passages if passage.id in suspects]))
        return without(state, suspects, look=run.context.look)
    if found := counted_otherwise(state, passages, question):
        # A second try may say another thing; a quotation would say this one.
        return {"problem": found, "grounded": 0.0, "verdict": "no"}
    if found := problem_of(state, passages, question):
        return {"problem": found, "grounded": 0.0}
    resources = run.resources
    if state.calculation or state.evidence >= resources.calibration.sure:
        return {"problem": "", "grounded": state.evidence}
    messages = further_turn(
        prompt(state, resources, instruction(state, resources.prompts)),
        state.answer,
        resources.prompts.get("check", state.language),
    )
    try:
        check = choice_probability(await run.ask(messages, max_tokens=1, logprobs=True))
    except BudgetEnd as end:
        # What needs no model has passed; an answer that stands in its passages is not thrown away.
        return {"problem": "", "grounded": state.evidence, "ended": str(end)}
    calibration = resources.calibration
    signals = {
        "grade": state.grade,
        "coverage": state.coverage,
        "dense": state.dense,
        "logprob": state.answer_logprob,
        "check": check,
        "support": support(state.answer, question, passages),
    }
    score = groundedness(calibration, **signals)
    bar = calibration.grounded if run.context.grounded is None else run.context.grounded
    verdict = "yes" if score >= bar else "no"
    run.decisions.append(
        Decision(
            step="self_check",
            name="grounded",
            value=score,
            threshold=bar,
            verdict=verdict,
            signals=signals,
        )
    )
    if verdict == "no":
        # Another try over the same passages cannot make up for evidence that is not there.
        return {"problem": "the documents do not say so", "grounded": score, "attempts": 2}
    return {"problem": "", "grounded": score}


def suspects_of(state: State, passages: Sequence[Passage], question: str, orders: Orders | None) -> set[str]:
    """Ids of the passages that gave an order, which the answer follows, in place of a fact. Blocking."""
    if orders is None:
        return set()
    if state.calculation:
        # Of the whole of it: an order may have stated the result.
        citations = cite_operands(state.calculation, question, passages)
    else:
        citations = cite(state.answer, question, passages)
    return orders.behind(state.answer, citations, passages)


def without(state: State, suspects: set[str], *, look: int) -> dict[str, Any]:
    """Throws the answer away, and these passages; whether the others hold one is to be graded anew."""
    if state.finished:
        # What an earlier part cites keeps its number.
        found = [
            passage | {"text": "", "reader": None} if passage["id"] in suspects else passage
            for passage in state.found
        ]
    else:
        found = [passage for passage in state.found if passage["id"] not in suspects]
    return {
        "found": found,
        "shown": min(max(state.shown, look), len(found)),
        "dense": max((passage["dense"] for passage in found), default=0.0),
        "suspects": [*state.suspects, *sorted(suspects)],
        "recheck": True,
        "arithmetic": may_calculate(state.standalone or state.question),
        "answer": "",
        "calculation": "",
        "problem": "",
        "attempts": 0,
        "verdict": "",
    }


def counted_otherwise(state: State, passages: Sequence[Passage], question: str) -> str:
    """What is wrong with an answer of "5명" where five rooms are named; empty when nothing is.

    What is asked for is not there, and something near it is.
    """
    if state.calculation:
        return ""
    known = "\n".join([*(f"{passage.heading}: {passage.text}" for passage in passages), question])
    others = of_another_kind(in_digits(state.answer, loose=False), in_digits(known))
    if not others:
        return ""
    return f"{', '.join(sorted(map(plainly, others)))} counts something else in the documents"


def problem_of(state: State, passages: list[Passage], question: str) -> str:
    """What is wrong with the answer as text, in words that the model is told; empty when nothing is."""
    sources = [*document_lines(state, state.shown).split("\n"), question, state.calculation]
    if state.calculation:
        result = sides(state.calculation)[1]
        if not gives(state.answer, result):
            return f"it must give the result of {state.calculation}"
    else:
        result = ""
    # A rounded result stands nowhere as it is.
    if stray := [
        number for number in stray_numbers(state.answer, sources) if not result or not gives(number, result)
    ]:
        return f"{', '.join(stray)} is not in the documents"
    if stray := stray_names(state.answer, sources):
        return f"{', '.join(stray)} is not in the documents"
    if state.calculation:
        return ""
    if repeats(state.answer, question):
        return "it only repeats the question"
    asked, told = turn_before(state)
    own = own_words(state)
    if asked and says_only(state.answer, own, asked, told):
        return f'it answers the question before, and not "{harmless(own[:ASKED_CHARS])}"'
    if agreed := merely_agreed(state.answer, question, passages):
        return f"{', '.join(agreed)} is in the question, and not what the documents say"
    if not cite(state.answer, question, passages):
        return "no sentence of the documents says so"
    if contradicts(state.answer, question, passages):
        return "the documents say the opposite"
    return ""
