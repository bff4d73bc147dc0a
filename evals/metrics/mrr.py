"""At which place the first gold passage stands. Averaged over questions this is the MRR."""

from collections.abc import Sequence


def reciprocal_rank(flags: Sequence[bool]) -> float:
    """1 / place of the first gold passage, from 1; 0 where there is none.

    Voorhees, "The TREC-8 question answering track report" (1999).
    """
    return next((1 / rank for rank, hit in enumerate(flags, start=1) if hit), 0.0)
