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
_REFERENCE = re.compile(
    r"\b(?:that|this) (?:person|man|woman|company|product|film|book|place|city|country|team)\b"
    r"|\b(?P<possessive>his|her|their|its)\b|\b(?:he|she|they|it)\b"
    r"|(?<![가-힣])(?:그|이|해당) ?(?:사람|분|인물|회사|제품|영화|책|곳|작품|직원|부서)(?![가-힣]*들)"
    r"|(?<![가-힣])(?:그녀|그것|그)(?=의\s|는\s|가\s|를\s)",
    re.IGNORECASE,
)
_COPULA = re.compile(
    r"(?:이었습니다|였습니다|입니다|이다|이에요|예요|이며|이고|은|는|이|가|을|를|께서|에서)?[.!,]*$"
)


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
    """The later question with what it points back at put in its place; None when that cannot be told.

    What the first answer adds to its question is what the next one means: of "Nolan directed the film"
    after "Who directed the film?", "Nolan".
    """
    asked = {_bare(word) for word in question.split()}
    words = re.split(r"(?<=[.!?])\s", answer.strip(), maxsplit=1)[0].split()
    run: list[str] = []
    for word in words:
        if _bare(word) and _bare(word) not in asked:
            run.append(word)
        elif run:
            break
    if not run or len(run) > 5 or not (match := _REFERENCE.search(part)):
        return None
    name = " ".join([*run[:-1], _COPULA.sub("", run[-1])]).strip()
    if not name:
        return None
    suffix = "'s" if match["possessive"] else ""
    return f"{part[: match.start()]}{name}{suffix}{part[match.end() :]}"


def _bare(word: str) -> str:
    return _COPULA.sub("", word.strip("?.,!\"'")).casefold()
