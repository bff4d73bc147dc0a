"""How many characters an answer has in common with a gold answer."""

from collections import Counter
from collections.abc import Sequence

from evals.metrics.exact_match import normalised


def f1(answer: str, golds: Sequence[str]) -> float:
    """The best F1 over characters against any gold answer, 0..1, as KorQuAD 1.0's script counts.

    Characters are a bag without spaces: their order does not matter. A sentence around a right answer
    costs precision, so that short answers score higher than polite ones.
    """
    said = Counter(normalised(answer).replace(" ", ""))
    return max((_overlap(said, Counter(normalised(gold).replace(" ", ""))) for gold in golds), default=0.0)


def _overlap(said: Counter[str], gold: Counter[str]) -> float:
    same = (said & gold).total()
    if not same:
        return 0.0
    precision, recall = same / said.total(), same / gold.total()
    return 2 * precision * recall / (precision + recall)
