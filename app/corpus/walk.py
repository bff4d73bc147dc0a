"""Paths as a user gives them to the files that are to be read."""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Listings = dict[str, frozenset[str]]
"""Names by folder."""


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file to read."""

    path: str  # absolute, as the folders spell it; links are not resolved: two names are two sources
    given: str  # from what the user wrote
    name: str  # as shown: below the name of the folder that was given


@dataclass(kw_only=True)
class Walk:
    """What lies under some paths."""

    roots: list[Path] = field(default_factory=list)  # what was given, absolute and as the folders spell it
    files: list[FoundFile] = field(default_factory=list)
    skipped: int = 0  # files in folders that no loader reads
    failed: list[tuple[str, str]] = field(default_factory=list)  # path, reason


def walk(paths: Sequence[Path], is_supported: Callable[[Path], bool], exclude: Iterable[Path] = ()) -> Walk:
    """Find the files, each once, in the order of their names.

    A file that is named itself is taken whatever its suffix. In folders, hidden names are passed over,
    and so are `exclude`d folders; a folder that symbolic links lead to again is read once.
    """
    found = Walk()
    seen_files: set[str] = set()
    seen_folders = {os.path.realpath(folder) for folder in exclude}
    listings: Listings = {}
    for given in paths:
        root = as_listed(given, listings)
        found.roots.append(root)
        try:
            kind = _kind(root)
        except OSError as error:
            reason = "there is no such file or folder" if _is_missing(error) else _unreadable(error)
            found.failed.append((_printable(str(given)), reason))
            continue
        if kind == "folder":
            candidates = _in_folder(root, given, is_supported, seen_folders, found)
        elif kind == "file":
            candidates = iter([FoundFile(path=str(root), given=str(given), name=_shown(root.name))])
        else:
            found.failed.append((_printable(str(given)), "it is not a file"))
            continue
        for file in candidates:
            if file.path in seen_files:
                continue
            seen_files.add(file.path)
            if _is_utf8(file.path):
                found.files.append(file)
            else:
                found.failed.append((_printable(file.given), "its name is not valid UTF-8; rename it"))
    return found


def _in_folder(
    root: Path, given: Path, is_supported: Callable[[Path], bool], seen_folders: set[str], found: Walk
) -> Iterator[FoundFile]:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen_folders:
            continue
        seen_folders.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            found.failed.append((_printable(str(folder)), _unreadable(error)))
            continue
        folders = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = Path(entry.path)
            try:
                kind = _kind(path)
            except OSError as error:
                if _is_missing(error):  # a link to nothing, or gone since
                    found.skipped += 1
                else:
                    found.failed.append((_printable(str(path)), _unreadable(error)))
                continue
            if kind == "folder":
                folders.append(path)
            elif kind == "other" or not is_supported(path):
                found.skipped += 1
            else:
                below = path.relative_to(root)
                yield FoundFile(
                    path=str(path),
                    given=str(given / below),
                    name=_shown((Path(root.name) / below).as_posix()),
                )
        waiting += reversed(folders)


def as_listed(path: Path, listings: Listings | None = None) -> Path:
    """The absolute path with each name as its folder lists it, where the disk takes other spellings too.

    Windows and macOS open `문서/A.TXT` as `문서/a.txt`, and in either form of Unicode: one file must not
    become two documents. A name that leads nowhere stays as it is. `listings` keeps what was read.
    """
    listings = {} if listings is None else listings
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links keep their names
    # Of a drive its letter; a server's name has no case either.
    found = Path(whole.anchor.upper() if len(whole.drive) == len("c:") else whole.anchor.lower())
    for name in whole.parts[1:]:
        folder = str(found)
        if folder not in listings:
            listings[folder] = _names_in(folder)
        if name in listings[folder] or not os.path.lexists(found / name):
            found /= name
        else:
            same = [other for other in listings[folder] if _folded(other) == _folded(name)]
            found /= same[0] if len(same) == 1 else name
    return found


def is_missing(path: Path) -> bool:
    """Whether there is surely nothing; False where nobody can look, such as in a locked folder."""
    try:
        path.stat()
    except OSError as error:
        return _is_missing(error)
    return False


def is_gone(path: str) -> bool:
    """Whether a stored path leads to nothing, or is another spelling of one that is stored now."""
    return is_missing(Path(path)) or str(as_listed(Path(path))) != path


def _kind(path: Path) -> Literal["folder", "file", "other"]:
    """Raises OSError where there is nothing, or nobody can look: pathlib's own questions do so for some."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "other"


def _is_missing(error: OSError) -> bool:
    return isinstance(error, FileNotFoundError | NotADirectoryError)


def _unreadable(error: OSError) -> str:
    return f"cannot be read ({error.strerror or error})"


def is_under(path: str, roots: Iterable[Path]) -> bool:
    """Whether an absolute path is one of the roots, as `as_listed` spells them, or lies below one.

    Under another spelling it does where its disk takes that for the same.
    """
    for root in roots:
        if Path(path).is_relative_to(root):
            return True
        alike = Path(_folded(path)).is_relative_to(_folded(str(root)))
        if alike and as_listed(Path(path)).is_relative_to(root):
            return True
    return False


def _names_in(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - their names are what is asked
    except OSError:  # one may be allowed to pass through a folder and not to list it
        return frozenset()


def _folded(name: str) -> str:
    return _shown(name).casefold()


def _shown(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
