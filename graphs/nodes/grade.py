"""Do the shown passages hold the answer? One token, read through its probabilities."""

from collections.abc import Sequence
from typing import Any

from app.corpus.passage import Passage
from app.models.chat import choice_probability
from graphs.evidence import evidence
from graphs.grounding import unmet_numbers, unmet_topic
from graphs.prefix import fitting, prompt
from graphs.run import Decision, Run
from graphs.state import State, Verdict, is_from_web, own_words, shown_passages


async def grade(state: State, run: Run) -> dict[str, Any]:
    """Asks the model unless the retrieval signals alone say that nothing bears on the question."""
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
    instruction = resources.prompts.get("grade_calculation" if state.arithmetic else "grade", state.language)
    reply = await run.ask(prompt(state, resources, instruction), max_tokens=1, logprobs=True)
    probability = choice_probability(reply)
    signals = {
        "grade": probability,
        "coverage": state.coverage,
        "dense": state.dense,
        "missing": missing(state, shown_passages(state)),
    }
    score = evidence(calibration, **signals)
    if calibration.notice:
        run.notice(calibration.notice)
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
    return {
        "shown": shown,
        "notices": notices,
        "reword": state.coverage < calibration.reword_coverage,
        "grade": probability,
        "evidence": score,
        "verdict": verdict,
        "recheck": False,
    }


def missing(state: State, passages: Sequence[Passage]) -> float:
    """1 where the question names a number, or an elliptic follow-up a topic, that no passage does; else 0."""
    # Of a calculation some numbers are the asker's own.
    unmet = bool(unmet_numbers(own_words(state), passages)) and not state.arithmetic
    follows = state.standalone != own_words(state)
    return float(unmet or (follows and unmet_topic(state.question, passages)))


def judge(score: float, *, bar: float, hopeless: float) -> Verdict:
    """yes, doubt or no."""
    if score >= bar:
        return "yes"
    return "doubt" if score >= hopeless else "no"
