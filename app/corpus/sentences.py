"""Sentence boundaries of Korean and English text."""

import re

# A sentence ends at its final mark with closing quotes, or at a line break. A full stop between
# digits or before a lower-case letter is part of a number, a date or an abbreviation.
_END = re.compile(r"(?:(?<![.!?。…])[.!?。…]+[\"'”’)\]]*(?=\s|$)(?!\s+[a-z]))|\n+")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences in `text`, in order, without the white space around them."""
    spans = []
    start = 0
    for match in [*_END.finditer(text), None]:
        end = match.end() if match else len(text)
        piece = text[start:end]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            spans.append((left, start + len(piece.rstrip())))
        start = end
    return spans
