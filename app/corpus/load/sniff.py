"""What a file is, judged by its bytes. The name only decides between kinds of plain text."""

import io
import re
import zipfile
from pathlib import Path

from app.corpus.load.encoding import decode, plausibility
from app.errors import LoadError

FORMAT_NAMES = {
    "text": "plain text", "markdown": "Markdown", "html": "HTML", "csv": "CSV", "pdf": "PDF",
    "docx": "Word (DOCX)",
    "hwp": "Hangul word processor (HWP)", "hwpx": "Hangul word processor (HWPX)",
    "doc": "old Word (DOC)", "xls": "old Excel (XLS)",
    "ppt": "old PowerPoint (PPT)", "ole": "old Office (OLE)",
    "xlsx": "Excel (XLSX)", "pptx": "PowerPoint (PPTX)", "odf": "OpenDocument", "epub": "EPUB", "rtf": "RTF",
    "mhtml": "web archive (MHTML)", "image": "image", "zip": "ZIP archive", "archive": "compressed archive",
    "media": "sound or video", "binary": "binary",
}  # fmt: skip
"""Formats by the name `sniff` gives them, as a person calls them."""

TYPICAL_SUFFIXES = {
    ".hwp": "hwp", ".hwpx": "hwpx", ".doc": "doc", ".xls": "xls", ".ppt": "ppt", ".xlsx": "xlsx",
    ".xlsm": "xlsx", ".pptx": "pptx", ".odt": "odf", ".ods": "odf", ".odp": "odf", ".epub": "epub",
    ".rtf": "rtf", ".mht": "mhtml", ".mhtml": "mhtml", ".png": "image", ".jpg": "image", ".jpeg": "image",
    ".tif": "image", ".tiff": "image", ".bmp": "image", ".gif": "image", ".webp": "image",
}  # fmt: skip
"""Suffixes of documents that have no loader yet, so that a walk over a folder can say what it left out."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image"), (b"\xff\xd8\xff", "image"), (b"GIF87a", "image"), (b"GIF89a", "image"),
    (b"II*\0", "image"), (b"MM\0*", "image"), (b"{\\rtf", "rtf"), (b"HWP Document File", "hwp"),
    (b"7z\xbc\xaf\x27\x1c", "archive"), (b"Rar!\x1a\x07", "archive"), (b"\x1f\x8b", "archive"),
    (b"\xfd7zXZ\0", "archive"), (b"\x28\xb5\x2f\xfd", "archive"), (b"ID3\x03", "media"),
    (b"ID3\x04", "media"), (b"OggS\0", "media"), (b"fLaC\0", "media"), (b"\x7fELF", "binary"),
    (b"MZ\x90\0", "binary"), (b"SQLite format 3\0", "binary"),
)  # fmt: skip
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Names of streams as an OLE directory holds them, the most telling first.
_OLE_STREAMS = (
    ("HwpSummaryInformation", "hwp"), ("WordDocument", "doc"), ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"), ("Book", "xls"),
)  # fmt: skip
_TEXT_SUFFIXES = {
    ".md": "markdown", ".markdown": "markdown", ".mdown": "markdown", ".csv": "csv", ".tsv": "csv",
    ".html": "html", ".htm": "html", ".xhtml": "html",
}  # fmt: skip
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*|<!--(?>.*?-->)\s*)*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
_HEAD_BYTES = 8192


def sniff(data: bytes, path: Path) -> str:
    """The name of the format, a key of `FORMAT_NAMES`.

    Raises:
        LoadError: the file is locked with a password, or a broken archive.
    """
    # A PDF may have up to 1 KiB before its mark (ISO 32000-1, H.3.4.1).
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(_OLE):
        return _sniff_ole(data, path)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_zip(data, path)
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return "image" if data[8:12] == b"WEBP" else "media"
    if data[:3] == b"\0\0\0" and data[4:8] == b"ftyp":
        return "image" if data[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "media"
    if data[:2] == b"BM" and len(data) > 14 and int.from_bytes(data[2:6], "little") == len(data):
        return "image"
    return _sniff_text(data, path)


def _sniff_ole(data: bytes, path: Path) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise LoadError(f"{path.name}: the document has a password. Save a copy without one and load that.")
    for stream, name in _OLE_STREAMS:
        if stream.encode("utf-16-le") in data:
            return name
    return "ole"


def _sniff_zip(data: bytes, path: Path) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            kind = (
                archive.read("mimetype")[:200].decode("ascii", "replace")
                if _small(archive, "mimetype")
                else ""
            )
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError) as error:
        raise LoadError(
            f"{path.name}: the file is damaged or was not copied whole ({one_of(error)})."
        ) from error
    if "hwp" in kind or "Contents/content.hpf" in names:
        return "hwpx"
    if kind.startswith("application/vnd.oasis.opendocument"):
        return "odf"
    if kind.startswith("application/epub"):
        return "epub"
    if any(name.startswith("word/document") and name.endswith(".xml") for name in names):
        return "docx"
    if any(name.startswith("xl/workbook") for name in names):
        return "xlsx"
    if "ppt/presentation.xml" in names:
        return "pptx"
    return "zip"


def _small(archive: zipfile.ZipFile, name: str) -> bool:
    return name in archive.namelist() and archive.getinfo(name).file_size <= 1024


def one_of(error: BaseException) -> str:
    """A foreign error as one short clause."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def _sniff_text(data: bytes, path: Path) -> str:
    # The head of a UTF-8 file may end inside a character; decode() takes that for damage, so cut at a
    # newline where there is one.
    head = data[:_HEAD_BYTES]
    if len(data) > _HEAD_BYTES and b"\0" not in head:
        head = head[: head.rfind(b"\n") + 1] or head
    text = decode(head).text
    odd = sum(
        1
        for character in text
        if character == "\ufffd" or (character < " " and character not in "\t\n\r\f\v\x1a")
    )
    if odd > 0.1 * len(text) or plausibility(text[:4096]) < 0:
        return "binary"
    if _HTML.match(text):
        return "html"
    if re.match(r"(?:From: .*\n)?MIME-Version: ", text) and "multipart/related" in text:
        return "mhtml"
    return _TEXT_SUFFIXES.get(path.suffix.lower(), "text")
