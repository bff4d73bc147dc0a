"""How high the gold passages stand in what was found, the first places counting most."""

import math
from collections.abc import Sequence


def ndcg_at(flags: Sequence[bool], gold: int, k: int) -> float:
    """Normalised discounted cumulative gain of the first `k`: 0..1, gains 1 or 0, discount log2(1 + rank).

    `flags` says of each place whether it is gold, of which there are `gold`. Järvelin and Kekäläinen,
    "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20 (2002), with the logarithm of rank + 1.
    """
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(gold, k) + 1))
    return sum(1 / math.log2(rank + 1) for rank, hit in enumerate(flags[:k], start=1) if hit) / best
