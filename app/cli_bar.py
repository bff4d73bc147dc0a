"""Progress bars on stderr, for commands that make a person wait. Nothing heavy at the top."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from app.cli_terminal import open_console
from app.wording import plain


@contextmanager
def progress_bar(title: str, *, unit: Literal["bytes", "documents"]) -> Iterator[Callable[[Any], None]]:
    """A bar that appears with the first report, at a terminal only; gives the function to report to.

    Of a report in bytes it reads done_bytes, total_bytes (0: unknown) and detail; of one in documents
    files_done, files_total and path.
    """
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    console = open_console(to_stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        count,
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    task = None

    def report(progress: Any) -> None:
        nonlocal task
        if unit == "bytes":
            done, total, detail = progress.done_bytes, progress.total_bytes, progress.detail
        else:
            done, total, detail = progress.files_done, progress.files_total, Path(progress.path).name
        if task is None:
            bar.start()
            task = bar.add_task(title, total=total or None)
        bar.update(task, completed=done, total=total or None, description=plain(f"{title} {detail}")[:60])

    try:
        yield report
    finally:
        bar.stop()
