"""Errors a person can act on.

    MutdaError                 one line: what happened and what to do; exit code 2
    ├── SettingsError          a setting has the wrong value
    ├── MissingExtraError      an optional part is not installed
    ├── CorpusError            files, collections, indexes
    │   ├── LoadError          one file could not be read
    │   ├── LockedError        another ingest holds the collection
    │   └── EmbedderMismatchError
    ├── TraceError             traces cannot be read or kept
    ├── CalculationError       an expression the calculator does not take
    └── ServiceError           something outside this process; exit code 3
        ├── DownloadError      weights could not be fetched
        ├── ChecksumError      weights arrived, but they are not the right ones
        ├── ModelError         a model cannot be reached or does not answer
        └── SearchError        web search cannot be reached or does not answer

Everything else is a bug and keeps its traceback.
"""

import sys
from pathlib import Path


class MutdaError(Exception):
    """A message for the user, on one line, in their terms."""

    exit_code = 2


class SettingsError(MutdaError):
    """A setting has the wrong value."""


def install_command(extra: str) -> str:
    """What adds an optional part to this very installation: from the checkout, where it runs from one."""
    root = Path(__file__).parents[1]
    source = f'-e "{root}[{extra}]"' if (root / "pyproject.toml").is_file() else f'"mutda[{extra}]"'
    return f'"{sys.executable}" -m pip install {source}'


class MissingExtraError(MutdaError):
    """An optional part is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra part. Install it with: {install_command(extra)}")


class CorpusError(MutdaError):
    """Files, collections or indexes are not as they must be."""


class LoadError(CorpusError):
    """One file could not be read."""


class LockedError(CorpusError):
    """Another process is writing to the collection."""


class EmbedderMismatchError(CorpusError):
    """The collection was made with another embedder."""


class TraceError(MutdaError):
    """Traces cannot be read or kept, or there is none that is meant."""


class CalculationError(MutdaError):
    """An expression the calculator does not take."""


class ServiceError(MutdaError):
    """Something outside this process did not answer."""

    exit_code = 3


class DownloadError(ServiceError):
    """Weights could not be fetched."""


class ChecksumError(ServiceError):
    """Weights arrived but are not the expected ones."""


class ModelError(ServiceError):
    """A model cannot be reached, or did not answer as it must."""


class SearchError(ServiceError):
    """Web search cannot be reached, or did not answer as it must."""
