"""What a name found in an answer is described with, whatever its language."""

from dataclasses import dataclass
from typing import Literal

MARKS = "\"'“”‘’「」『』《》〈〉<>()[]*_.,;:!?…"
"""What stands around words and is no part of them."""
HELD = "\N{WORD JOINER}"
"""Between the words of a quoted title, so that they stay one."""
Kind = Literal["person", "place", "thing"]


@dataclass(frozen=True)
class Candidate:
    """What may be the name that is asked for."""

    name: str
    weight: int
    """How sure its place in the sentence makes it; negative where it is one of several."""
