"""What else can answer a suite's questions, by name: baselines over the same search and model."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, cast

from app.errors import MutdaError
from graphs.resources import Resources
from graphs.state import Question

Baseline = Callable[[Question, Resources], Awaitable[dict[str, Any]]]
"""Returns the keys that a run of the graph leaves: `result`, `found` and `shown`; raises ServiceError."""

BASELINES = {
    "plain": ("evals.plain", "answer_plainly"),
    "tutorial": ("evals.tutorial", "answer_by_tutorial"),
}
"""Module and function; imported when one is asked for."""


def baseline(name: str) -> Baseline:
    """The function. Raises MutdaError for a name that is none."""
    if name not in BASELINES:
        raise MutdaError(f'There is no baseline "{name}". There are: {", ".join(BASELINES)}.')
    module, function = BASELINES[name]
    return cast(Baseline, getattr(import_module(module), function))
