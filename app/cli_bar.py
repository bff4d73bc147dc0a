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

    Of a report in bytes it reads done_bytes, total_bytes (0: unknown) and detail. One in documents has a bar
    for the files that are read and, since embedding takes far longer, one for the texts that are embedded:
    files_done, files_total, path, texts_done, texts_total.
    """
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
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
    tasks: dict[str, TaskID] = {}

    def show(name: str, done: int, total: int, detail: str) -> None:
        if not tasks:
            bar.start()
        if name not in tasks:
            tasks[name] = bar.add_task(name, total=total or None)
        description = plain(f"{name} {detail}")[:60]
        bar.update(tasks[name], completed=done, total=total or None, description=description)

    def report(progress: Any) -> None:
        if unit == "bytes":
            show(title, progress.done_bytes, progress.total_bytes, progress.detail)
            return
        if progress.files_total:
            show(title, progress.files_done, progress.files_total, Path(progress.path).name)
        if progress.texts_total:
            show("embed", progress.texts_done, progress.texts_total, "")

    try:
        yield report
    finally:
        bar.stop()
