"""Have the model write the calculation, and the calculator do it."""

from decimal import Decimal
from itertools import chain
from typing import Any

from app.errors import CalculationError
from app.models.chat import choice_probability
from graphs.calculation import (
    below_nothing,
    grounded_operands,
    has_own_quantity,
    read_plan,
    surely_calculates,
    turned,
    unsupported,
    with_dates,
    with_scales,
    with_years,
    written,
)
from graphs.misreadings import leaves_out_the_asker, of_another_article, rows_of
from graphs.prefix import fitting, prompt
from graphs.reading import line
from graphs.results import as_share, in_money_for_another
from graphs.run import Run
from graphs.state import State, looks_up, shown_passages
from tools.calculator import Calculation
from tools.calculator import calculate as evaluate

PLAN_TOKENS = 96
SHARE_AT_MOST = 10
"""A quotient of more is hardly a share: per cent are asked for, and something else was divided."""


async def calculate(state: State, run: Run) -> dict[str, Any]:
    """Sets `calculation`, or `query` for a fact that is missing.

    Else clears `query`, and `arithmetic` too where the answer may still be written.

    Where nothing can be calculated from what is shown, more of what was found is shown first.
    """
    # Of what comes back with what it had looked up that was said before.
    if not looks_up(state) and not await is_needed(state, run):
        return {"arithmetic": False, "query": ""}
    planned = await _planned(state, run)
    if not planned.get("calculation") and await _is_widened(state, run):
        planned = await _planned(state, run) | {"shown": state.shown}
    given_up = not planned.get("calculation") and not planned.get("query")
    if given_up and has_own_quantity(state.question, _lines(state)):
        # What stands in the documents is of one, or of another number than the asker's.
        return planned | {"arithmetic": True}
    return planned


async def is_needed(state: State, run: Run) -> bool:
    """Whether the model says that there is something to calculate."""
    resources = run.resources
    gate = await run.ask(
        prompt(state, resources, resources.prompts.get("needs_calculation", state.language)),
        max_tokens=1,
        logprobs=True,
    )
    return choice_probability(gate) >= 0.5


async def _is_widened(state: State, run: Run) -> bool:
    """Show the wide look, as far as it fits the context; whether that is more than before."""
    before = state.shown
    state.shown = max(before, min(run.context.wide, len(state.found)))
    state.shown = max(before, await fitting(state, run.resources))
    return state.shown > before


async def _planned(state: State, run: Run) -> dict[str, Any]:
    """What comes of the model's plan over the shown passages."""
    resources = run.resources
    today = resources.today()
    instruction = resources.prompts.get("calculation", state.language, today=today.isoformat())
    reply = await run.ask(prompt(state, resources, instruction), max_tokens=PLAN_TOKENS)
    plan = read_plan(reply.text, truncated=reply.truncated)
    # Without the numbers that they are shown under, which are nothing to compute with.
    lines, question = _lines(state), state.standalone or state.question
    sources = [*lines, question]
    if plan.lookup:
        if _is_asked(state, run, plan.lookup) and not surely_calculates(question):
            # Nothing more can be looked up; as it may not have to be calculated it may still be written.
            return {"arithmetic": False, "query": ""}
        return {"query": plan.lookup, "lacking": plan.lookup, "rewrites": state.rewrites + 1}
    dated = [*sources, today.isoformat()]
    expression = with_scales(plan.expression, sources)
    expression = with_years(with_dates(expression, dated), sources, today.year)
    grounded = grounded_operands(expression, sources, today.year)
    if (
        not expression
        or unsupported(expression, dated)
        or not grounded
        or _is_misread(expression, question, lines, state)
    ):
        return {"arithmetic": False, "query": ""}
    try:
        result = evaluate(expression, today=today)
        value = _value(result)
        if value < 0 and (other := turned(expression, question)):
            result = evaluate(other, today=today)
        elif below_nothing(value, question):
            return {"arithmetic": False, "query": ""}
        elif value < SHARE_AT_MOST and (other := as_share(expression, question, sources)):
            result = evaluate(other, today=today)
    except CalculationError:
        # What the model wrote is no expression; it may still read the answer off the documents.
        return {"arithmetic": False, "query": ""}
    return {"calculation": written(result.expression, result.text), "query": ""}


def _value(result: Calculation) -> float | Decimal:
    """What it is as a number; 0 of a date."""
    return result.value if isinstance(result.value, int | float | Decimal) else 0


def _is_misread(expression: str, question: str, lines: list[str], state: State) -> bool:
    """Whether something speaks against an expression whose numbers all stand there."""
    own = state.question  # what the turn before brought along need not count any more
    if leaves_out_the_asker(expression, own, lines) or in_money_for_another(expression, question, lines):
        return True
    rows = [rows_of(passage["text"]) for passage in state.found]
    shown = chain.from_iterable(rows[: state.shown])
    return of_another_article(expression, question, list(chain.from_iterable(rows)), list(shown))


def _lines(state: State) -> list[str]:
    return [line(passage) for passage in shown_passages(state)]


def _is_asked(state: State, run: Run, lookup: str) -> bool:
    """Whether one's own documents were asked for it already, and nobody else may be."""
    return run.context.web_search == "off" and lookup in state.asked
