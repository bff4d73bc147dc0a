"""Questions that ask two things, the second about the answer of the first."""

import re

# "Who directed it, and what is that person's age?" / "감독은 누구이고, 그 사람의 나이는?"
_JOINT = re.compile(
    r"(?:,|;|\?)\s*and\s+(?=(?:who|what|when|where|which|how|why|in what)\b)"
    r"|\?\s+(?=\S)"
    r"|(?:(?<=이고)|(?<=이며)|(?<=인지)),?\s+(?=(?:그|이|해당)[가-힣\s])",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"누구|누가|언제|어디|무엇|무슨|뭐|뭔|몇|며칠|얼마|어떤|어느|어떻게|왜|\b(?:who|what|when|where|which|how|why)",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\b(?:that|this|their|his|her|its|they|he|she|it|those|these)\b|(?:^|\s)(?:그|그의|그녀|그것|이|해당)(?:\s|의|는|가|때|사람|분|회사|제품|날|해|곳|책|작품)",
    re.IGNORECASE,
)
MAX_PARTS = 3


def parts_of(question: str) -> list[str]:
    """The questions in their order, each with its mark; one part when the rest does not point back.

    Two questions that stand side by side are left together: a model answers them from one reading.
    """
    pieces = [piece.strip(" ,;") for piece in _JOINT.split(question)]
    pieces = [piece for piece in pieces if piece]
    several = 2 <= len(pieces) <= MAX_PARTS and all(_ASKS.search(piece) for piece in pieces)
    if not several or not all(_POINTS_BACK.search(piece) for piece in pieces[1:]):
        return [question]
    return [piece if piece.endswith(("?", ".")) else f"{piece}?" for piece in pieces]
