"""Answer from the shown passages; the only step whose tokens are streamed."""

from typing import Any

from app.prompts import Prompts
from graphs.grounding import repair
from graphs.prefix import ANSWER_TOKENS, prompt
from graphs.run import Run
from graphs.state import State, shown_passages


async def generate(state: State, run: Run) -> dict[str, Any]:
    """Sets `answer`, with misspelt names mended; a second attempt is told what was wrong.

    A model that does not repeat the calculator's result is not asked again: the result is the answer.
    """
    resources = run.resources
    if state.problem and state.calculation:
        text = resources.prompts.get("calculated", state.language, calculation=state.calculation)
        return {"answer": text, "answer_logprob": 0.0, "attempts": state.attempts + 1, "problem": ""}
    reply = await run.ask(
        prompt(state, resources, instruction(state, resources.prompts)),
        max_tokens=ANSWER_TOKENS,
        logprobs=True,
        silent=False,
    )
    text = trimmed(reply.text, truncated=reply.truncated)
    passages = shown_passages(state)
    mean = sum(reply.logprobs) / len(reply.logprobs) if reply.logprobs else 0.0
    return {
        "answer": text if state.calculation else repair(text, passages),
        "answer_logprob": mean,
        "attempts": state.attempts + 1,
        "problem": "",
    }


def instruction(state: State, prompts: Prompts) -> str:
    """What is asked this time."""
    if state.problem:
        return prompts.get("answer_again", state.language, answer=state.answer, problem=state.problem)
    if state.calculation:
        return prompts.get("answer_calculation", state.language, calculation=state.calculation)
    return prompts.get("answer", state.language)


def trimmed(text: str, *, truncated: bool) -> str:
    """The text without a cut-off last sentence, where a whole one stands before it."""
    text = text.strip()
    if not truncated:
        return text
    end = max(text.rfind(mark) for mark in ("다.", ". ", ".\n", "!", "?", "\n"))
    return text[: end + 2].strip() if end > 0 else text
