"""How far a run is, and how long it will still take: a line that stays below the others on a terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from statistics import fmean
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evals.runner import System


class Bar:
    """The line. Where the console is no terminal it shows nothing."""

    def __init__(self, console: Console, planned: Iterable[System], *, done: Iterable[System] = ()) -> None:
        """`planned` and `done` name a system for each outcome, one by one."""
        self._left = Counter(planned)
        total = self._left.total()
        self._left -= Counter(done)
        self._spent: dict[System, list[float]] = {}
        # Once a second: drawing takes time from the model that is being measured.
        self._bar = Progress(
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            refresh_per_second=1,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total, completed=total - self._left.total())

    def advance(self, system: System, seconds: float) -> None:
        """One more outcome, after `seconds` of wall time."""
        self._left[system] -= 1
        self._spent.setdefault(system, []).append(seconds)
        self._bar.update(self._task, advance=1, description=time_left(self._spent, self._left))

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def time_left(spent: Mapping[System, list[float]], left: Mapping[System, int]) -> str:
    """ "0:12:30 left": what is left of each system at that system's own mean; empty before the first.

    A system that has not answered yet is taken to be as slow as the others.
    """
    known = {system: fmean(seconds) for system, seconds in spent.items() if seconds}
    if not known:
        return ""
    usual = fmean(known.values())
    seconds = sum(count * known.get(system, usual) for system, count in left.items())
    return f"{timedelta(seconds=round(seconds))} left"
