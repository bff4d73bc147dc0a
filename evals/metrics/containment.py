"""Does an answer hold a gold answer?"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

_MARK = re.compile(r"\[\d{1,3}\]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# A calculator's "3496800.0".
_EMPTY_FRACTION = re.compile(r"(?<=\d{4})\.0+(?!\d)")
# Hyphen, minus and en dash are one sign; so are the slashes of "½" and of a division.
_ONE_SIGN = str.maketrans("‐−–⁄∕", "---//")
# Latin, Greek and Cyrillic, whose words end with their letters; to a Korean word particles are glued.
_LETTER = "a-zà-öø-ɏͰ-ԯḀ-ỿ"
_YEAR = r"(?:1\d|20)\d\d"
_NUMBER = re.compile(
    # "2024. 3. 5.", "2024-03-05", "3-5-2024", "2024-03"
    rf"{_YEAR}\. ?\d{{1,2}}\. ?\d{{1,2}}(?!\d)"
    rf"|(?:{_YEAR}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}-\d{{1,2}}-{_YEAR}|{_YEAR}-(?:0[1-9]|1[0-2]))(?![\d-])"
    # "-5", "-$5", "$-5"; neither a range's end ("3-5", "3일-5일") nor a list's item ("- 5")
    r"|(?:(?<![^\s(\[{<=:,~|*`\"'“‘$€£¥₩])-[$€£¥₩]?)?"
    # ".5"
    r"(?:(?<![^\s(\[=~-])\.)?"
    # "3/4", "1 3/4", "2024/3/5"; "3.7/4.5" is a mark out of another, and both are numbers
    r"(?:(?:\d{1,3} )?\d+(?:/\d+)+(?!\.?\d)"
    # "3.5"
    r"|\d+(?:\.\d+)*)"
)


def normalised(text: str) -> str:
    """NFKC, letter case folded, without citation marks and thousands commas; spaces stay."""
    text = unicodedata.normalize("NFKC", _MARK.sub(" ", text)).casefold().translate(_ONE_SIGN)
    return _EMPTY_FRACTION.sub("", _THOUSANDS.sub("", text))


def holds(answer: str, gold: str) -> bool:
    """Whether `gold` stands in `answer`, whatever the spaces, and not inside a longer word or number.

    "8개월" is in "8 개월입니다" and not in "18개월"; "204,000" is in "204000원"; "8" is not in "8.9%", nor in
    "-8", "3/8" and "2026-11-8". "AI" is in "AI는" and not in "again".
    """
    wanted = normalised(gold).strip()
    if not wanted:
        return False
    text = normalised(answer)
    found = list(_spans(_pattern(wanted), text))
    numbers = [match.span() for match in _NUMBER.finditer(text)] if found else []
    return any(_is_whole(span, numbers) for span in found)


def _pattern(wanted: str) -> re.Pattern[str]:
    """Finds the normalised gold answer where no letter goes on at either end."""
    pattern = ""
    for position, (previous, character) in enumerate(zip(" " + wanted, wanted, strict=False)):
        if character.isspace():
            continue
        # Two numbers with a space between them are not one number, nor is a list's dash a minus.
        glued = character.isdigit() and (previous.isdigit() or (previous == "-" and position == 1))
        pattern += ("" if glued else r"\s*") + re.escape(character)
    pattern = pattern.removeprefix(r"\s*")
    if re.match(f"[{_LETTER}]", wanted):
        pattern = f"(?<![{_LETTER}])" + pattern
    elif wanted[0] == "-":
        pattern = rf"(?<![{_LETTER}\d])" + pattern
    if re.match(f"[{_LETTER}]", wanted[-1]):
        # "5 m" is not in "5 m²".
        pattern += rf"(?![{_LETTER}\d])"
    return re.compile(pattern)


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every place, those that overlap too."""
    match = pattern.search(text)
    while match:
        yield match.span()
        match = pattern.search(text, match.start() + 1)


def _is_whole(span: tuple[int, int], numbers: Sequence[tuple[int, int]]) -> bool:
    """Whether neither end lies inside one of the numbers."""
    return not any(first < end < last for first, last in numbers for end in span)


def contained(answer: str, golds: Sequence[str]) -> bool:
    """Whether any of the gold answers stands in `answer`."""
    return any(holds(answer, gold) for gold in golds)
