"""Which ways questions took."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evals.metrics.standard_error import Estimate, share


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Whole ways, and the steps they are made of."""

    taken: dict[str, int]
    """Questions by route ("retrieve > generate"), the commonest first."""
    steps: dict[str, Estimate]
    """Share of questions that came by each step, in the order in which steps first come up."""


def routes(taken: Sequence[Sequence[str]]) -> Routes:
    """From the nodes that each question visited."""
    steps = dict.fromkeys(step for route in taken for step in route)
    return Routes(
        taken=dict(Counter(" > ".join(route) for route in taken).most_common()),
        steps={step: share([step in route for route in taken]) for step in steps},
    )
