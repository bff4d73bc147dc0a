"""Do the shown passages hold the answer? One token, read through its probabilities."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from app.corpus.passage import Passage
from app.models.chat import choice_probability
from app.models.reader import Reader
from app.prompts import language_of
from graphs.calculation import may_calculate, surely_calculates
from graphs.evidence import Calibration, evidence, logistic
from graphs.grounding import unmet_numbers, unmet_topic
from graphs.nodes.calculate import is_needed
from graphs.prefix import fitting, prompt
from graphs.reading import all_read, best_odds, line, read, reread
from graphs.requests import names_several
from graphs.run import BudgetEnd, Decision, Run
from graphs.state import State, Verdict, is_from_web, own_words, shown_passages

FAR_BEHIND = 1.0
"""Log-odds below the best of what is shown from which a passage is left out. Of 151 office questions of the
fitting halves that the reader accepted, 32 were shown two passages where it was 2, 18 at 1 and 14 at .5; of
the 141 whose answer stands in a passage it was among those shown 141, 140 and 140 times."""


WRITTEN = 3.5
"""Log-odds from which what might be calculated is taken to be written: "정가의 몇 배", "몇 % 할인". Of 70
questions over the office documents on the fitting halves it takes 3 of 18 whose answer is written, 1 of 40
that must be calculated, and none of 12 that cannot be."""


async def grade(state: State, run: Run) -> dict[str, Any]:
    """Asks the model unless retrieval or the reader alone settle it.

    A question that only sounds like a calculation ("연차와 월차의 차이", "남은 연차") is graded as any other
    where the facts for one are not there.
    """
    graded = await _graded(state, run)
    if graded["verdict"] == "yes" or not graded.get("evidence") or not _is_last_look(state, run):
        return graded
    try:
        if await is_needed(state, run):
            return graded
        state.arithmetic = False
        again = await _graded(state, run)
    except BudgetEnd:
        # What was found out before it stands.
        return graded
    return graded | again | {"arithmetic": False, "notices": graded["notices"]}


def _is_last_look(state: State, run: Run) -> bool:
    """Whether no more of what was found can be shown for a calculation, of which nothing was looked up."""
    fresh = state.arithmetic and not state.rewrites and not state.searches
    return fresh and 0 < state.shown >= min(run.context.wide, len(state.found))


async def _graded(state: State, run: Run) -> dict[str, Any]:
    calibration = run.resources.calibration
    from_web = any(map(is_from_web, state.found[: state.shown]))
    if not from_web and state.coverage < calibration.hopeless_coverage:
        return {"evidence": 0.0, "verdict": "no", "grade": 0.0, "recheck": False}
    resources = run.resources
    shown = await fitting(state, resources)
    notices = state.notices
    if dropped := state.shown - shown:
        notices = [*notices, f"{dropped} passages did not fit the model's context and were left out"]
    if shown == 0:
        return {"shown": 0, "verdict": "no", "notices": notices, "recheck": False}
    state.shown = shown
    reading: dict[str, Any] = {}
    if dropped:
        # Else a wider look would be tried again and again.
        state.found = state.found[:shown]
        reading["found"] = state.found
    reader = resources.reader
    if reader and not all_read(state.found) and not settles(calibration, state, shown_passages(state)):
        state.found = await asyncio.to_thread(_read_whole, state, reader)
        reading["found"] = state.found
    passages = shown_passages(state)
    if run.context.accept is None and is_written(calibration, state, passages):
        state.arithmetic = False
        reading["arithmetic"] = False
    unmet = missing(state, passages)
    odds = odds_of(state, passages)
    if calibration.notice:
        run.notice(calibration.notice)
    best = best_odds(state.found) if all_read(state.found) else None
    settled = by_reader(calibration, state, best=best, shown=odds, missing=unmet)
    if settled and run.context.accept is None:
        run.decisions.append(settled)
        return reading | {
            "shown": worth_showing(state) if settled.verdict == "yes" else shown,
            "notices": notices,
            "reword": state.coverage < calibration.reword_coverage,
            "grade": settled.value,
            "evidence": settled.value,
            "verdict": settled.verdict,
            "recheck": False,
        }
    instruction = resources.prompts.get("grade_calculation" if state.arithmetic else "grade", state.language)
    reply = await run.ask(prompt(state, resources, instruction), max_tokens=1, logprobs=True)
    probability = choice_probability(reply)
    signals = {
        "grade": probability,
        "coverage": state.coverage,
        "dense": state.dense,
        "missing": unmet,
    }
    if odds is not None:
        signals["reader"] = odds
    score = evidence(calibration, **signals)
    narrow = shown <= run.context.look
    bar = calibration.accept_narrow if narrow else calibration.accept_wide
    if run.context.accept is not None:
        bar = run.context.accept
    # The calibration is about answers that stand in the documents. Whether facts suffice for a
    # calculation is seen by the calculation itself: its every operand must be found.
    computable = state.arithmetic and probability >= 0.5
    verdict = "yes" if computable else judge(score, bar=bar, hopeless=calibration.hopeless)
    run.decisions.append(
        Decision(
            step="grade",
            name="evidence",
            value=score,
            threshold=bar,
            verdict=verdict,
            signals=signals,
        )
    )
    return reading | {
        "shown": shown,
        "notices": notices,
        "reword": state.coverage < calibration.reword_coverage,
        "grade": probability,
        "evidence": score,
        "verdict": verdict,
        "recheck": False,
    }


def odds_of(state: State, passages: Sequence[Passage]) -> float | None:
    """The reader's best log-odds of these passages; None where it read none of them, or cannot tell.

    What may be calculated it cannot: the facts for it are seldom all in one passage, and the reader reads one
    at a time. Nor passages that are all in another language than the question: it was not taught that.
    """
    if state.arithmetic or all(language_of(passage.text) != state.language for passage in passages):
        return None
    return max((passage.reader for passage in passages if passage.reader is not None), default=None)


def missing(state: State, passages: Sequence[Passage]) -> float:
    """1 where the question names a number, or an elliptic follow-up a topic, that no passage does; else 0."""
    # Of a calculation some numbers are the asker's own.
    unmet = bool(unmet_numbers(own_words(state), passages)) and not state.arithmetic
    follows = state.standalone != own_words(state)
    return float(unmet or (follows and unmet_topic(state.question, passages)))


def by_reader(
    calibration: Calibration, state: State, *, best: float | None, shown: float | None, missing: float
) -> Decision | None:
    """What the reader decides without the model, if it is sure: it refuses by the best of all that was found,
    and accepts by the best of what is shown. Without a `best`, where not all was read, it does not refuse.

    Where it cannot tell (`odds_of`) the model is asked. Where the model saw nothing to calculate, the reader
    may still know the passage that says it. A follow-up is read beside the question before, as the reader was
    trained to: of 212 that a passage answers it accepted 87 and refused 25, and of 45 that none does it
    accepted 5 (docs/reader.md).
    """
    if shown is None:
        return None

    def decision(odds: float, bar: float, verdict: Verdict) -> Decision:
        return Decision(
            step="grade",
            name="reader",
            value=logistic(odds),
            threshold=logistic(bar),
            verdict=verdict,
            signals={"reader": odds, "missing": missing},
        )

    sums = may_calculate(state.standalone or state.question)
    if calibration.reader_no is not None and best is not None and best < calibration.reader_no and not sums:
        return decision(best, calibration.reader_no, "no")
    if calibration.reader_yes is not None and shown >= calibration.reader_yes and not missing:
        return decision(shown, calibration.reader_yes, "yes")
    return None


def is_written(calibration: Calibration, state: State, passages: Sequence[Passage]) -> bool:
    """Whether what might have to be calculated stands in a passage, as the reader sees it."""
    # What was looked up for a calculation is a part of it.
    texts = [line(passage) for passage in passages]
    if not state.arithmetic or state.rewrites or surely_calculates(state.standalone or state.question, texts):
        return False
    plainly = replace(state, arithmetic=False)
    odds = odds_of(plainly, passages)
    return odds is not None and odds >= WRITTEN and settles(calibration, plainly, passages)


def settles(calibration: Calibration, state: State, passages: Sequence[Passage]) -> bool:
    """Whether the reader alone accepts what these passages say, were they the ones that are shown."""
    unmet = missing(state, passages)
    decision = by_reader(calibration, state, best=None, shown=odds_of(state, passages), missing=unmet)
    return decision is not None and decision.verdict == "yes"


def _read_whole(state: State, reader: Reader) -> list[dict[str, Any]]:
    """What was found with the odds of all; what is shown stays in its place, for the model may know it."""
    passages = [Passage(**passage) for passage in state.found]
    question = state.standalone or state.question
    head = reread(passages[: state.shown], question, reader)
    return [asdict(passage) for passage in (*head, *read(passages[state.shown :], question, reader))]


def worth_showing(state: State) -> int:
    """How many of the shown passages the model needs beside one that answers for sure.

    The last ones are left out that rather do not answer, that are far behind the best, or that the reader did
    not read any more: what stands before them was enough. But a passage may be there for a number that the
    question names, and who asks for several things or a whole topic may need all that has to do with it.
    """
    shown = state.shown
    odds = [passage.get("reader") for passage in state.found[:shown]]
    best = max((each for each in odds if each is not None), default=0.0)
    bar = 0.0 if names_several(state.standalone or state.question) else max(0.0, best - FAR_BEHIND)
    while shown > 1:
        last = odds[shown - 1]
        if (last is not None and last >= bar) or (
            missing(state, [Passage(**passage) for passage in state.found[: shown - 1]])
        ):
            break
        shown -= 1
    return shown


def judge(score: float, *, bar: float, hopeless: float) -> Verdict:
    """yes, doubt or no."""
    if score >= bar:
        return "yes"
    return "doubt" if score >= hopeless else "no"
