"""Is an answer a gold answer, character for character once normalised?"""

import re
import string
from collections.abc import Sequence

_CITATION = re.compile(r"\[\d{1,3}\]")
# As the script has them: a quotation mark or bracket parts words, other punctuation just goes.
_QUOTES = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """As the evaluation script of KorQuAD 1.0 (Lim, Kim and Lee 2019, arXiv:1909.07005) normalises.

    Quotation marks and brackets become spaces, letters lower case; ASCII punctuation is dropped and white
    space joined. Citation marks ("[1]"), which the script does not know, are taken out before.
    """
    text = _CITATION.sub(" ", text)
    return " ".join(text.translate(_QUOTES).lower().translate(_PUNCTUATION).split())


def exact_match(answer: str, golds: Sequence[str]) -> bool:
    """Whether `answer` is one of the gold answers, both normalised."""
    said = normalised(answer)
    return any(said == normalised(gold) for gold in golds)
