"""Files to documents: find out what a file is, and let that format's loader read it.

To read one more format: write one module with `load(data, path)` (see `base.Loader`) and add its line to
`FORMATS`. `sniff` already knows most formats by name, also those without a loader.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from app.corpus.load.base import Loader
from app.corpus.load.sniff import FORMAT_NAMES, TYPICAL_SUFFIXES, sniff
from app.corpus.passage import LoadedDocument
from app.errors import LoadError

__all__ = [
    "FORMATS",
    "MAX_SIZE_BYTES",
    "SUPPORTED_SUFFIXES",
    "Format",
    "is_supported",
    "load",
    "unread_format",
]

MAX_SIZE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Format:
    """A format that can be read: its usual suffixes, and the module that reads it."""

    suffixes: tuple[str, ...]
    module: str

    def loader(self) -> Loader:
        """The loader. Its module, and the library it stands on, are imported only now."""
        return cast(Loader, import_module(self.module))


FORMATS: Mapping[str, Format] = {
    "text": Format((".txt", ".text", ".log"), "app.corpus.load.text"),
    "markdown": Format((".md", ".markdown", ".mdown"), "app.corpus.load.markdown"),
    "html": Format((".html", ".htm", ".xhtml"), "app.corpus.load.html"),
    "csv": Format((".csv", ".tsv"), "app.corpus.load.csv"),
    "docx": Format((".docx", ".docm"), "app.corpus.load.docx"),
    "pdf": Format((".pdf",), "app.corpus.load.pdf"),
}
"""Every format that can be read, by the name `sniff` gives it."""

SUPPORTED_SUFFIXES = frozenset(suffix for entry in FORMATS.values() for suffix in entry.suffixes)


def is_supported(path: Path) -> bool:
    """Whether a walk over a folder should try this file. Judged by the name; `load` judges the bytes."""
    # "~$" are the lock files that Word leaves beside an open document.
    return path.suffix.lower() in SUPPORTED_SUFFIXES and not path.name.startswith((".", "~$"))


def unread_format(path: Path) -> str | None:
    """The format's name if this looks like a document that cannot be read yet, to say it was left out."""
    name = TYPICAL_SUFFIXES.get(path.suffix.lower())
    return FORMAT_NAMES[name] if name is not None and name not in FORMATS else None


def load(path: Path, *, max_size_bytes: int = MAX_SIZE_BYTES) -> LoadedDocument:
    """Read one file as text with its structure.

    Raises:
        LoadError: the file is missing, too large, damaged, locked, of a format that has no loader, or
            holds no text. The message is one line and begins with the file's name.
    """
    data = _read(path, max_size_bytes)
    name = sniff(data, path)
    entry = FORMATS.get(name)
    if entry is None:
        raise LoadError(f"{path.name}: {FORMAT_NAMES[name]} files are not read by this version yet.")
    document = entry.loader().load(data, path)
    # A document without text would be found by nothing and would look loaded.
    if not any(character.isalnum() for character in document.text):
        raise LoadError(f"{path.name}: there is no text in the file.")
    return document


def _read(path: Path, max_size_bytes: int) -> bytes:
    try:
        if not path.exists():
            raise LoadError(f"{path.name}: there is no such file.")
        if not path.is_file():
            raise LoadError(f"{path.name}: not a file.")
        with path.open("rb") as file:
            data = file.read(max_size_bytes + 1)
    except OSError as error:
        raise LoadError(f"{path.name}: cannot be read ({error.strerror or error}).") from error
    if len(data) > max_size_bytes:
        raise LoadError(
            f"{path.name}: larger than {max_size_bytes / 2**20:,.0f} MiB, the most that is loaded."
        )
    if not data.strip():
        raise LoadError(f"{path.name}: the file is empty.")
    return data
