"""Where a run goes next: pure functions of the state and the knobs."""

from typing import Literal

from graphs.context import Context
from graphs.state import State, reader_decided


def web_query(state: State) -> str:
    """What the web would be searched for next; empty when all that there is to ask was asked."""
    candidates = (state.query, state.standalone, state.question)
    return next((query for query in candidates if query and query not in state.asked_web), "")


def _may_search(state: State, context: Context) -> bool:
    allowed = context.web_search in ("ask", "on") and state.searches < context.max_searches
    return allowed and bool(web_query(state))


def after_grade(
    state: State, context: Context
) -> Literal["calculate", "generate", "widen", "rewrite", "web_search", "refuse"]:
    """Answer when the evidence carries it; else look wider, ask differently, look outside, or refuse."""
    if state.ended:
        return "refuse"
    if state.verdict == "yes":
        return "calculate" if state.arithmetic and not state.calculation else "generate"
    # The facts of a calculation may stand apart: that two passages lack one is no reason to refuse.
    unsure = state.verdict == "doubt" or (state.arithmetic and state.shown > 0 and state.evidence > 0)
    if unsure and state.shown < min(context.wide, len(state.found)):
        return "widen"
    if state.rewrites < context.max_rewrites and (state.also or (state.verdict == "doubt" and state.reword)):
        return "rewrite"
    return "web_search" if _may_search(state, context) else "refuse"


def after_next_part(state: State, context: Context) -> Literal["retrieve", "web_search", "refuse"]:
    """Search where the part before was found."""
    return after_rewrite(state, context)


def after_rewrite(state: State, context: Context) -> Literal["retrieve", "web_search", "refuse"]:
    """Search where the last search was, unless the new query is one that was searched for already."""
    if state.ended:
        return "refuse"
    if state.searches and _may_search(state, context) and state.query not in state.asked_web:
        return "web_search"
    if state.query and state.query not in state.asked:
        return "retrieve"
    return "web_search" if _may_search(state, context) else "refuse"


def after_retrieve(state: State, context: Context) -> Literal["grade", "web_search", "refuse"]:
    """Nothing found at all needs no model to be refused."""
    if state.found:
        return "grade"
    return "web_search" if _may_search(state, context) else "refuse"


def after_web_search(state: State, context: Context) -> Literal["grade", "refuse"]:
    """Read what came back, if anything did."""
    return "grade" if state.shown and not state.ended else "refuse"


def after_calculate(
    state: State, context: Context
) -> Literal["generate", "grade", "retrieve", "web_search", "refuse"]:
    """Answer with the result or look for the fact it lacks; what is not computed must be found written."""
    if state.ended:
        return "refuse"
    if state.calculation:
        return "generate"
    if not state.arithmetic:
        return "grade"
    if not state.query:
        return "refuse"
    outside = _may_search(state, context) and state.query not in state.asked_web
    inside = state.query not in state.asked
    if outside:
        # What may stand in one's own documents is asked there, unless the facts before came from outside.
        return "retrieve" if inside and not state.searches else "web_search"
    return "retrieve" if inside and state.rewrites <= context.max_rewrites else "refuse"


def after_generate(state: State, context: Context) -> Literal["self_check", "quote", "refuse"]:
    """An empty answer is no answer."""
    if state.answer:
        return "self_check"
    return "quote" if _may_quote(state) else "refuse"


def _may_try_again(state: State) -> bool:
    return state.attempts < 2 and not state.ended


def _may_quote(state: State) -> bool:
    """Whether a sentence may stand in place of an answer that does not; it is looked for once."""
    return reader_decided(state) and state.verdict == "yes" and _may_try_again(state)


def after_quote(state: State, context: Context) -> Literal["finish", "next_part", "generate", "refuse"]:
    """A quotation is given; where none was found the model tries once more with the reason."""
    if state.answer and not state.problem:
        return "next_part" if state.parts else "finish"
    return "generate" if state.answer and _may_try_again(state) else "refuse"


def after_self_check(
    state: State, context: Context
) -> Literal["finish", "next_part", "generate", "grade", "web_search", "quote", "refuse"]:
    """Give the answer or go on to the next question; else quote, try again, or withdraw it."""
    if state.recheck:
        if state.ended:
            return "refuse"
        return "grade" if state.shown else after_retrieve(state, context)
    if not state.problem:
        return "next_part" if state.parts and not state.ended else "finish"
    if not _may_try_again(state):
        return "refuse"
    return "quote" if _may_quote(state) else "generate"
