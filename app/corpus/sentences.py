"""Sentence boundaries of Korean and English text."""

import re

# A sentence ends at its final mark with closing quotes, or at a line break. A full stop between
# digits or before a lower-case letter is part of a number, a date or an abbreviation.
_END = re.compile(r"(?:(?<![.!?。…])[.!?。…]+[\"'”’)\]]*(?=\s|$)(?!\s+[a-z]))|\n+")
# "2026. 3. 1.부터", as Korean offices write dates, and what follows on the line: "2026. 3. 1. 시행".
_INSIDE_DATE = re.compile(r"(?:\d|(?<!\d)\d{4}\. ?\d{1,2}\. ?\d{1,2})\.$")
_DATE_CHARS = 16
_ON_THE_LINE = re.compile(r"[ \t]+(?P<digit>\d)?(?=\S)")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences in `text`, in order, without the white space around them."""
    spans = []
    start = 0
    for match in [*_END.finditer(text), None]:
        end = match.end() if match else len(text)
        if match and match[0] == "." and _goes_on(text, end):
            continue
        piece = text[start:end]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            spans.append((left, start + len(piece.rstrip())))
        start = end
    return spans


def _goes_on(text: str, end: int) -> bool:
    """Whether the full stop before `end` stands inside a date, or between numbers."""
    before, after = _INSIDE_DATE.search(text[max(0, end - _DATE_CHARS) : end]), _ON_THE_LINE.match(text, end)
    return bool(before and after and (after["digit"] or len(before[0]) > len("0.")))
