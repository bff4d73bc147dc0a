"""Does an answer hold a gold answer?"""

import re
import unicodedata
from collections.abc import Sequence

_MARK = re.compile(r"\[\d{1,3}\]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# A calculator's "3496800.0".
_EMPTY_FRACTION = re.compile(r"(?<=\d{4})\.0+(?!\d)")


def normalised(text: str) -> str:
    """NFKC, letter case folded, without citation marks and thousands commas; spaces stay."""
    text = unicodedata.normalize("NFKC", _MARK.sub(" ", text)).casefold()
    return _EMPTY_FRACTION.sub("", _THOUSANDS.sub("", text))


def holds(answer: str, gold: str) -> bool:
    """Whether `gold` stands in `answer`, whatever the spaces, and not inside a longer number.

    "8개월" is in "8 개월입니다" and not in "18개월"; "204,000" is in "204000원"; "8" is not in "8.9%".
    """
    characters = normalised(gold).strip()
    if not characters:
        return False
    pattern = ""
    for previous, character in zip(" " + characters, characters, strict=False):
        if character.isspace():
            continue
        # Two numbers with a space between them are not one number.
        joint = "" if previous.isdigit() and character.isdigit() else r"\s*"
        pattern += joint + re.escape(character)
    if characters[0].isdigit():
        pattern = r"(?<!\d)(?<!\d\.)" + pattern.removeprefix(r"\s*")
    if characters[-1].isdigit():
        pattern += r"(?!\d)(?!\.\d)"
    return re.search(pattern, normalised(answer)) is not None


def contained(answer: str, golds: Sequence[str]) -> bool:
    """Whether any of the gold answers stands in `answer`."""
    return any(holds(answer, gold) for gold in golds)
