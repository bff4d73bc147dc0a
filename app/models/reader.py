"""What the graph asks of a reader: a small model that tells what a text is for.

Does a passage answer a question? Is a sentence an order to whoever answers?
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.models.weights import e5_is_here
from app.settings import Settings

OFF = "off: MUTDA_READER=false"
NOT_HERE = "not here, it needs the weights of e5: mutda models pull"


class Reader(Protocol):
    """Question and passages to log-odds. Safe to call from several threads at once."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the odds would: a calibration was fitted to them."""

    def odds(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float64]:
        """Shape (len(passages),): the log-odds that a passage, alone, answers the question.

        A passage comes with its heading before it, as it is shown to a language model. Raises
        ServiceError when the engine fails.
        """

    def order_odds(self, sentences: Sequence[str]) -> npt.NDArray[np.float64]:
        """Shape (len(sentences),): the log-odds that a sentence tells whoever answers what to do or say.

        Raises ServiceError when the engine fails.
        """

    def close(self) -> None:
        """Free its memory."""


def absence(settings: Settings) -> str:
    """Why there is no reader, and what to do; empty where there is one."""
    if not settings.reader:
        return OFF
    return "" if e5_is_here(settings.cache_dir) else NOT_HERE


def open_reader(settings: Settings) -> Reader | None:
    """The packaged reader, unless it is `absence`; loaded on first use.

    It is asked for orders only where these are held back.
    """
    if absence(settings):
        return None
    from app.models.e5_reader import ORDERS, E5Reader

    return E5Reader(cache_dir=settings.cache_dir, orders=ORDERS if settings.hold_orders else None)
