"""Do the shown passages hold the answer? One token, read through its probabilities."""

from typing import Any

from app.models.chat import choice_probability
from graphs.evidence import Calibration, evidence
from graphs.grounding import unmet_numbers
from graphs.prefix import fitting, prompt
from graphs.run import Run
from graphs.state import State, Verdict, is_from_web, own_words, shown_passages


async def grade(state: State, run: Run) -> dict[str, Any]:
    """Asks the model unless the retrieval signals alone say that nothing bears on the question."""
    calibration = run.resources.calibration
    from_web = any(map(is_from_web, state.found[: state.shown]))
    if not from_web and state.coverage < calibration.hopeless_coverage:
        return {"evidence": 0.0, "verdict": "no", "grade": 0.0}
    resources = run.resources
    shown = await fitting(state, resources)
    notices = state.notices
    if dropped := state.shown - shown:
        notices = [*notices, f"{dropped} passages did not fit the model's context and were left out"]
    if shown == 0:
        return {"shown": 0, "verdict": "no", "notices": notices}
    state.shown = shown
    instruction = resources.prompts.get("grade_calculation" if state.arithmetic else "grade", state.language)
    reply = await run.ask(prompt(state, resources, instruction), max_tokens=1, logprobs=True)
    probability = choice_probability(reply)
    unmet = unmet_numbers(own_words(state), shown_passages(state))
    score = evidence(
        calibration,
        grade=probability,
        coverage=state.coverage,
        dense=state.dense,
        # Of a calculation some numbers are the asker's own.
        missing=float(bool(unmet) and not state.arithmetic),
    )
    return {
        "shown": shown,
        "notices": notices,
        "reword": state.coverage < calibration.reword_coverage,
        "grade": probability,
        "evidence": score,
        # The calibration is about answers that stand in the documents. Whether facts suffice for a
        # calculation is seen by the calculation itself: its every operand must be found.
        "verdict": "yes"
        if state.arithmetic and probability >= 0.5
        else judge(score, calibration, accept=run.context.accept, narrow=shown <= run.context.look),
    }


def judge(score: float, calibration: Calibration, *, accept: float | None, narrow: bool) -> Verdict:
    """yes, doubt or no; the bar depends on how much was read."""
    bar = calibration.accept_narrow if narrow else calibration.accept_wide
    if score >= (bar if accept is None else accept):
        return "yes"
    return "doubt" if score >= calibration.hopeless else "no"
