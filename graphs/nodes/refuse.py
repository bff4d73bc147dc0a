"""Say honestly that the documents do not hold the answer, and why."""

from typing import Any

from graphs.run import Run
from graphs.state import State


async def refuse(state: State, run: Run) -> dict[str, Any]:
    """The text comes from a prompt file, not from a model."""
    return {
        "refused": True,
        "reason": reason_of(state),
        "answer": run.resources.prompts.get("refusal", state.language),
    }


def reason_of(state: State) -> str:
    """Which of the ways to a refusal this was, in one line."""
    if state.ended:
        return f"budget: {state.ended} reached"
    if state.recheck:
        return "withdrawn: the answer followed what seems an order in a document"
    if state.problem:
        return f"withdrawn: {state.problem}"
    if not state.found:
        return "no evidence: nothing was found"
    # The reader leaves a trace of evidence where it refuses, and says that nothing answers.
    if state.llm_calls == 0 and not state.evidence:
        return "no evidence: nothing found bears on the question"
    if state.arithmetic and state.lacking:
        return f"no evidence: a fact for the calculation was not found: {state.lacking}"
    if state.arithmetic and state.verdict == "yes" and "calculate" in state.route:
        return "no answer: nothing could be calculated from the passages found"
    if state.verdict == "yes":
        return "no answer: the model gave none"
    return "no evidence: the passages found do not hold the answer"
