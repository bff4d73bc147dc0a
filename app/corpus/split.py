"""A document to chunks: blocks under one heading are packed, long ones are cut at the ends of sentences.

Every chunk is a slice of the document's text, so a citation can point at the very characters. What a chunk
needs to be understood alone is either in its section path or in its text:

- Headings are carried in `Chunk.section`, and a chunk's text begins below them.
- Short neighbours, such as articles of a line or two, share a chunk under the section they have in
  common. Their headings lie between them in the document, and so in the slice.
- Rows of tables already carry their columns' names (`load.table`) and are never cut, unless one alone is
  too long.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest

from app.corpus.passage import Block, Chunk, LoadedDocument

TARGET_CHARS = 260
MAX_CHARS = 400
_SHORT_SHARE = 0.4
"""A section shorter than this share of the target is joined with its neighbour."""
_SCRAP_SHARE = 0.25
"""A lead-in or a rest shorter than this share of the target may push a chunk over it, up to the maximum."""

# The end of a sentence: a mark and white space, or a Korean ending, a mark and the next sentence without a
# space ("했다.그리고"). Not after a digit ("3. 1.") nor after a single letter ("가. ", "A. ").
_SENTENCE_END = re.compile(
    r"(?<![\d\s.!?。！？…])(?<!\s[가-힣A-Za-z])[.!?。！？…]++[\"'”’」』)\]]*+(?=\s)"
    r"|[다요죠까][.?!](?=[가-힣“‘(])|[。！？]|\n"
)
_CELL_GAP = " · "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A block to cut, its section, and where the heading of that section begins."""

    block: Block
    top: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A stretch of text that becomes a chunk, perhaps with others. Offsets into the document's text."""

    start: int
    end: int
    top: int
    section: tuple[str, ...]
    page: int | None
    is_whole: bool = False  # all the text of its section and page

    @property
    def length(self) -> int:
        return self.end - self.start


def split(
    document: LoadedDocument, *, target_chars: int = TARGET_CHARS, max_chars: int = MAX_CHARS
) -> list[Chunk]:
    """Cut a document into chunks of about `target_chars` and never more than `max_chars` characters.

    `chunk.text == document.text[chunk.start:chunk.end]` for every chunk. Chunks do not overlap, keep the
    document's order, and together hold everything but headings, which are in their sections.

    Raises:
        ValueError: the target is not between 1 and the maximum.
    """
    if not 0 < target_chars <= max_chars:
        raise ValueError(
            f"target_chars must be in 1..max_chars, not {target_chars} with max_chars {max_chars}"
        )
    text = document.text
    pieces: list[_Piece] = []
    for _, group in groupby(_parts(document), key=lambda part: (part.block.section, part.block.page)):
        cut = [
            _Piece(start=start, end=end, top=part.top, section=part.block.section, page=part.block.page)
            for part in group
            for start, end in _cut(text, part.block, target_chars, max_chars)
        ]
        packed = _pack(cut, target_chars, max_chars)
        pieces.extend(replace(piece, is_whole=len(packed) == 1) for piece in packed)
    return [
        Chunk(
            text=text[piece.start : piece.end],
            title=document.title,
            section=piece.section,
            page=piece.page,
            start=piece.start,
            end=piece.end,
        )
        for piece in _join_short(pieces, target_chars)
    ]


def _parts(document: LoadedDocument) -> Iterator[_Part]:
    """The blocks whose text goes into chunks. A heading with nothing under it does, as text of its parent."""
    tops: dict[tuple[str, ...], int] = {}
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        if block.kind == "heading" and following is not None and len(following.section) > len(block.section):
            tops[following.section] = block.start
        else:
            yield _Part(block=block, top=tops.get(block.section, block.start))


def _cut(text: str, block: Block, target_chars: int, max_chars: int) -> Iterator[tuple[int, int]]:
    """A block as stretches that fit: itself, its rows, its sentences, or runs of words."""
    start, end = block.start, block.end
    if block.kind == "table":
        for row_start, row_end in _lines(text, start, end):
            yield from _fit(text, row_start, row_end, target_chars, max_chars, gap=_CELL_GAP)
        return
    if end - start > max_chars:
        for match in _SENTENCE_END.finditer(text, start, end):
            yield from _fit(text, start, match.end(), target_chars, max_chars)
            start = match.end()
    yield from _fit(text, start, end, target_chars, max_chars)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _fit(
    text: str, start: int, end: int, target_chars: int, max_chars: int, *, gap: str = " "
) -> Iterator[tuple[int, int]]:
    """A stretch without the white space around it; cut at a gap, else a space, if it is too long."""
    while True:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if end - start <= max_chars:
            if end > start:
                yield start, end
            return
        limit = start + target_chars
        cut = text.rfind(gap, start + 1, limit + 1)
        if cut < 0:
            cut = text.rfind(" ", start + 1, limit + 1)
        if cut < 0:  # a run without spaces, such as a long address or Japanese
            cut = limit
        stop = cut
        while text[stop - 1].isspace():
            stop -= 1
        yield start, stop
        start = cut


def _pack(pieces: Sequence[_Piece], target_chars: int, max_chars: int) -> list[_Piece]:
    """Pieces of one section and page in runs of about the target. Scraps go beyond it, up to the maximum."""
    scrap_chars = _SCRAP_SHARE * target_chars
    packed: list[_Piece] = []
    for piece in pieces:
        if packed:
            last = packed[-1]
            length = piece.end - last.start
            is_scrap = min(last.length, piece.length) < scrap_chars
            # A scrap in the middle may still find room in the run that follows; a rest at the end may not.
            if length <= target_chars or (
                is_scrap and length <= max_chars and (last.length < scrap_chars or piece is pieces[-1])
            ):
                packed[-1] = replace(last, end=piece.end)
                continue
        packed.append(piece)
    return packed


def _join_short(pieces: Sequence[_Piece], target_chars: int) -> list[_Piece]:
    """Short sections under one parent as one piece. It begins at the first one's heading and so holds all."""
    short_chars = _SHORT_SHARE * target_chars
    joined: list[_Piece] = []
    parent: tuple[str, ...] | None = (
        None  # what the last of `joined` stands under, once it holds two sections
    )
    is_open = False  # whether the last of `joined` may take one more
    for piece in pieces:
        is_short = piece.is_whole and piece.length < short_chars
        if is_open and is_short and joined[-1].page == piece.page:
            last = joined[-1]
            common = _common_parent(last.section, piece.section) if parent is None else parent
            if common is not None and piece.section in (common, (*common, *piece.section[-1:])):
                start = last.start if parent is not None or last.section == common else last.top
                if piece.end - start <= target_chars:
                    joined[-1] = replace(last, start=start, end=piece.end, section=common)
                    parent = common
                    continue
        joined.append(piece)
        parent, is_open = None, is_short
    return joined


def _common_parent(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...] | None:
    """The section two neighbours may share: their parent, or the one that is the other's parent."""
    if a == b or (b and b[:-1] == a):
        return a
    if a and a[:-1] in (b, b[:-1]):
        return a[:-1]
    return None
