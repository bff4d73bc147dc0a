"""Writes small PDFs by hand: Korean text in a font that is not embedded, lines, and a picture."""

from collections.abc import Sequence

PAGE_WIDTH_PT = 595
PAGE_HEIGHT_PT = 842


def text(x: float, y: float, words: str, size_pt: float = 10) -> str:
    """Draws text from (x, y), in points from the lower left. Every Korean glyph is as wide as it is high."""
    return f"BT /F1 {size_pt} Tf {x} {y} Td <{words.encode('utf-16-be').hex()}> Tj ET\n"


def line(x0: float, y0: float, x1: float, y1: float) -> str:
    """Draws a straight line."""
    return f"{x0} {y0} m {x1} {y1} l S\n"


def grid(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Draws the lines of a table."""
    return "".join(
        [*(line(xs[0], y, xs[-1], y) for y in ys), *(line(x, min(ys), x, max(ys)) for x in xs)],
    )


def image() -> str:
    """Draws a picture over the whole page, as a scanner does."""
    return f"q {PAGE_WIDTH_PT} 0 0 {PAGE_HEIGHT_PT} 0 0 cm /Im1 Do Q\n"


def write(pages: Sequence[str], *, title: str = "", encrypted: bool = False) -> bytes:
    """A PDF with these pages, each what the functions above give, joined."""
    count = len(pages)
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(count))
    objects: dict[int, bytes] = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        3: (
            b"<< /Type /Font /Subtype /Type0 /BaseFont /HYSMyeongJo-Medium /Encoding /UniKS-UTF16-H"
            b" /DescendantFonts [4 0 R] >>"
        ),
        4: (
            b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HYSMyeongJo-Medium /DW 1000"
            b" /FontDescriptor 5 0 R"
            b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Korea1) /Supplement 1 >> >>"
        ),
        5: (
            b"<< /Type /FontDescriptor /FontName /HYSMyeongJo-Medium /Flags 6 /FontBBox [0 -120 1000 880]"
            b" /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 80 >>"
        ),
        6: _stream(
            b"\x80",
            b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8",
        ),
        7: f"<< /Title <feff{title.encode('utf-16-be').hex()}> >>".encode(),
    }
    if encrypted:
        # Keys that fit no password: readers stop at asking for one.
        objects[8] = (
            b"<< /Filter /Standard /V 1 /R 2 /P -44 /O <" + b"41" * 32 + b"> /U <" + b"42" * 32 + b"> >>"
        )
    for number, content in enumerate(pages):
        objects[10 + 2 * number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE_WIDTH_PT} {PAGE_HEIGHT_PT}]"
            f" /Resources << /Font << /F1 3 0 R >> /XObject << /Im1 6 0 R >> >>"
            f" /Contents {11 + 2 * number} 0 R >>"
        ).encode()
        objects[11 + 2 * number] = _stream(content.encode("ascii"))
    result = bytearray(b"%PDF-1.7\n")
    offsets: dict[int, int] = {}
    for number, body in objects.items():
        offsets[number] = len(result)
        result += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(result)
    size = max(objects) + 1
    result += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        result += b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n"
    extra = b" /Encrypt 8 0 R /ID [<00> <00>]" if encrypted else b""
    result += b"trailer\n<< /Size %d /Root 1 0 R /Info 7 0 R%s >>\nstartxref\n%d\n%%%%EOF" % (
        size,
        extra,
        start,
    )
    return bytes(result)


def _stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)
