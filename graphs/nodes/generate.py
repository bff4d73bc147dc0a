"""Answer from the shown passages; the only step whose tokens are streamed."""

from typing import Any

from app.corpus.passage import Passage
from app.prompts import load, render
from graphs.grounding import repair
from graphs.prefix import ANSWER_TOKENS, prompt
from graphs.run import Run
from graphs.state import State


async def generate(state: State, run: Run) -> dict[str, Any]:
    """Sets `answer`, with misspelt names mended; a second attempt is told what was wrong."""
    model = run.resources.model
    reply = await run.ask(
        prompt(state, model, instruction(state, model.family)), max_tokens=ANSWER_TOKENS, logprobs=True, silent=False
    )
    text = trimmed(reply.text, truncated=reply.truncated)
    passages = [Passage(**passage) for passage in state.found[: state.shown]]
    mean = sum(reply.logprobs) / len(reply.logprobs) if reply.logprobs else 0.0
    return {
        "answer": text if state.calculation else repair(text, passages),
        "answer_logprob": mean,
        "attempts": state.attempts + 1,
        "problem": "",
    }


def instruction(state: State, family: str) -> str:
    """What is asked this time."""
    if state.problem:
        again = load("answer_again", state.language, family)
        return render(again, answer=state.answer, problem=state.problem)
    if state.calculation:
        return render(load("answer_calculation", state.language, family), calculation=state.calculation)
    return load("answer", state.language, family)


def trimmed(text: str, *, truncated: bool) -> str:
    """The text without a cut-off last sentence, where a whole one stands before it."""
    text = text.strip()
    if not truncated:
        return text
    end = max(text.rfind(mark) for mark in ("다.", ". ", ".\n", "!", "?", "\n"))
    return text[: end + 2].strip() if end > 0 else text
