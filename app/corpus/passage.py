"""The values that travel through the corpus: a loaded document, its blocks, a chunk, a passage."""

from dataclasses import dataclass, field

SECTION_GAP = " > "
"""Between the headings of a path, where it is written on one line."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One structural piece of a document, in reading order.

    `start` and `end` are character offsets into `LoadedDocument.text`, and
    `text[start:end]` is the block. `section` is the path of headings above it,
    outermost first, each with its number as printed ("8.2.2.1 보증 범위").
    """

    kind: str  # "heading" | "paragraph" | "table"
    start: int
    end: int
    section: tuple[str, ...] = ()
    page: int | None = None  # 1-based; None where the format has no pages
    header: str | None = None  # tables: the header row, repeated in each chunk


@dataclass(frozen=True, kw_only=True)
class LoadedDocument:
    """What a loader returns: the whole text and the blocks that cut it."""

    title: str
    text: str
    blocks: tuple[Block, ...]
    loader: str
    notes: tuple[str, ...] = ()  # what a reader should know, e.g. bytes that were not cp949


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A piece of a document that fits a prompt. Offsets are into the document's text."""

    text: str
    title: str
    section: tuple[str, ...]
    page: int | None
    start: int
    end: int

    @property
    def heading(self) -> str:
        """Title and section path on one line, as shown to the model and indexed."""
        return SECTION_GAP.join(dict.fromkeys((self.title, *self.section)))


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A chunk found for a question, with where it stands and how well it scored."""

    id: str
    source: str
    heading: str
    section: str = ""
    page: int | None = None
    start: int = 0
    end: int = 0
    text: str
    score: float = 0.0  # fused, 0..1 within one search
    lexical: float = 0.0  # raw BM25, larger is better
    dense: float = 0.0  # cosine
    reader: float | None = None  # log-odds that it answers the question; None where no reader read it
    extra: dict[str, str] = field(default_factory=dict)
