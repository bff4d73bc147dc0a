"""Questions that ask two things, the second about the answer of the first."""

import re

from graphs.names import name_in
from graphs.naming import Kind

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
_REFERENCE = re.compile(
    r"\b(?:that|this) (?:person|man|woman|company|product|film|book|place|city|country|team)\b"
    r"|\b(?P<possessive>his|her|their|its)\b|\b(?:he|she|they|it)\b"
    r"|(?<![가-힣])(?:그|이|해당) ?(?:사람|분|인물|회사|제품|영화|책|곳|작품|직원|부서)(?![가-힣]*들)"
    r"|(?<![가-힣])(?:그녀|그것|그)(?=의\s|는\s|가\s|를\s)",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"\b(?:person|man|woman|his|her|he|she)$|(?:사람|분|인물|직원|그녀)$|^그$", re.IGNORECASE
)
_PLACE = re.compile(r"(?:place|city|country|곳)$", re.IGNORECASE)


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


def refer(part: str, question: str, answer: str) -> str | None:
    """The later question with the name it points back at in its place; None when that cannot be told.

    Who is meant is the one that the answer names and the first question does not: of "The film was directed
    by Nolan" after "Who directed the film?", "Nolan".
    """
    match = _REFERENCE.search(part)
    if not match:
        return None
    kind: Kind = "person" if _PERSON.search(match[0]) else "place" if _PLACE.search(match[0]) else "thing"
    name = name_in(answer, question, kind)
    if not name:
        return None
    suffix = "'s" if match["possessive"] else ""
    return f"{part[: match.start()]}{name}{suffix}{part[match.end() :]}"
