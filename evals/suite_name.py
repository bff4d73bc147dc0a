"""What a suite is called, in a file's name and in Langfuse: its file says it, or its folder with it."""

from pathlib import Path

_OF_EVERY_SUITE = frozenset({"", "suite"})
"""evals.korquad calls each suite that it builds so, in a folder of its own."""


def is_telling(stem: str) -> bool:
    """Whether the name of a suite's file says which suite it is."""
    return stem not in _OF_EVERY_SUITE


def short_name(suite: Path) -> str:
    """ "samples" of datasets/samples.jsonl, "korquad-suite" of korquad/suite.jsonl."""
    return suite.stem if is_telling(suite.stem) else "-".join(_parts(suite))


def full_name(suite: Path) -> str:
    """ "datasets/samples": for what suites of all folders and machines share.

    A checkout elsewhere has the same, which is wanted: it is the same suite.
    """
    return "/".join(_parts(suite))


def _parts(suite: Path) -> list[str]:
    # A link to the file lies in a folder of its own; one to the folder, as "latest", is that folder.
    folder = suite.parent.resolve().name
    return [folder, suite.stem] if folder else [suite.stem]
