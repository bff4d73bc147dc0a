"""Answer from the shown passages; the only step whose tokens are streamed."""

import re
from dataclasses import replace
from typing import Any

from app.corpus.sentences import sentence_spans
from app.models.chat import Reply
from app.prompts import Prompts
from graphs.earlier import without_earlier
from graphs.marks import LIST_MARK, without_marks
from graphs.prefix import answer_tokens, prompt
from graphs.results import stated
from graphs.run import Run
from graphs.spelling import repair
from graphs.state import State, own_words, shown_passages, turn_before
from graphs.tool_text import without_calls

_WHOLE = re.compile(r"[.!?。…][\"'”’)\]]*$")
_LIST_MARK = re.compile(rf"{LIST_MARK}|[-*•]")

EMPTY = "it was empty"
"""The problem of an answer without a word, as the model is told."""


async def generate(state: State, run: Run) -> dict[str, Any]:
    """Sets `answer`, with misspelt names mended; a second attempt is told what was wrong.

    A calculation's result whose unit is plain is the answer, and the model is not asked; nor is it again
    where it does not repeat the result. An empty answer is asked for once more, and stays empty where the
    model has none.
    """
    resources = run.resources
    attempt = {"attempts": state.attempts + 1, "problem": "", "cut_off_tokens": 0}
    said = _result(state)
    if not said and not (state.problem and state.calculation):
        reply = await _answered(state, run)
        if not reply.text and not state.calculation:
            reply = await _answered(replace(state, problem=EMPTY), run)
        if reply.text or not state.calculation:
            mean = sum(reply.logprobs) / len(reply.logprobs) if reply.logprobs else 0.0
            answer = newly_said(spelt(reply.text, state), state)
            most = _most_tokens(state, run) if reply.truncated else 0
            return attempt | {"answer": answer, "answer_logprob": mean, "cut_off_tokens": most}
    text = resources.prompts.get("calculated", state.language, calculation=said or state.calculation)
    return attempt | {"answer": text, "answer_logprob": 0.0}


def _result(state: State) -> str:
    """What the calculation gives, with its unit; empty without one, or where its unit is not plain."""
    if not state.calculation:
        return ""
    texts = [passage.text for passage in shown_passages(state)]
    return stated(state.calculation, state.standalone or state.question, texts)


async def _answered(state: State, run: Run) -> Reply:
    """One answer, without a tool call or marks that were written into it and without a cut-off end.

    It is truncated where that end was left out.
    """
    resources = run.resources
    reply = await run.ask(
        prompt(state, resources, instruction(state, resources.prompts)),
        max_tokens=_most_tokens(state, run),
        logprobs=True,
        silent=False,
    )
    spoken = without_calls(reply.text)
    if spoken != reply.text:
        run.notice("the model wrote a tool call into its answer; it was left out")
    whole = trimmed(spoken, truncated=reply.truncated)
    is_cut = reply.truncated and whole != spoken.strip()
    return replace(reply, text=without_marks(whole, shown_passages(state)), truncated=is_cut)


def _most_tokens(state: State, run: Run) -> int:
    return answer_tokens(state.question, run.resources.model.context_tokens)


def spelt(text: str, state: State) -> str:
    """An answer with its misspelt names mended; a calculation's is left alone."""
    asked = f"{state.question}\n{state.standalone}"
    return text if state.calculation else repair(text, asked, shown_passages(state))


def newly_said(text: str, state: State) -> str:
    """A follow-up's answer without what it says again of the turn before; a calculation's is left alone."""
    asked, told = turn_before(state)
    if not asked or state.calculation:
        return text
    return without_earlier(text, own_words(state), asked, told)


def instruction(state: State, prompts: Prompts) -> str:
    """What is asked this time."""
    if state.problem:
        return prompts.get("answer_again", state.language, answer=state.answer, problem=state.problem)
    if state.calculation:
        return prompts.get("answer_calculation", state.language, calculation=state.calculation)
    return prompts.get("answer", state.language)


def trimmed(text: str, *, truncated: bool) -> str:
    """The text without a cut-off end: its whole sentences and lines, or what a list names before the cut.

    Where the sentence that was cut off is most of the text, as a long enumeration is, it is kept up to its
    last comma, with an ellipsis.
    """
    text = text.strip()
    if not truncated or not text:
        return text
    spans = sentence_spans(text)
    if not _WHOLE.search(text):
        spans.pop()
    while spans and _LIST_MARK.fullmatch(text[slice(*spans[-1])]):
        spans.pop()
    whole = text[: spans[-1][1]] if spans else ""
    comma = text.rfind(", ")
    if comma >= len(text) / 2 > len(whole):
        return f"{text[:comma]} …"
    return whole or text
