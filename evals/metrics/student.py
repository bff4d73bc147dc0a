"""How far a mean of few values may be off: the quantiles of Student's t.

Student, "The probable error of a mean", Biometrika 6 (1908).
"""

import math
from functools import lru_cache

_HALVINGS = 60
"""Of the interval that holds the quantile: to the last digit of a float."""


def within(t: float, freedom: int) -> float:
    """Probability that Student's t of so many degrees of freedom, 1 or more, is between -t and t.

    The finite series for whole degrees: Abramowitz and Stegun, Handbook of Mathematical Functions (1964),
    26.7.3 (odd) and 26.7.4 (even).
    """
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for step in range(1 + odd, freedom, 2):
        total += term
        term *= cosine**2 * step / (step + 1)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


@lru_cache(maxsize=1024)
def quantile(freedom: int, *, inside: float = 0.95) -> float:
    """The t that `within` makes `inside` of: 12.7 for one degree of freedom, 1.96 for very many."""
    low, high = 0.0, 1.0
    while within(high, freedom) < inside:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, freedom) < inside else (low, middle)
    return (low + high) / 2
