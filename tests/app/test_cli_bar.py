from io import StringIO

import pytest
from rich.console import Console

from app import cli_bar
from app.corpus.report import Progress


def test_one_large_file_has_a_bar_that_goes_on_while_it_is_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    written = StringIO()
    terminal = Console(file=written, force_terminal=True, width=100)
    monkeypatch.setattr(cli_bar, "open_console", lambda to_stderr: terminal)
    with cli_bar.progress_bar("ingest", unit="documents") as tell:
        for done in (0, 320, 1800):
            tell(
                Progress(
                    files_done=1, files_total=1, texts_done=done, texts_total=1800, path="/문서/규정집.pdf"
                )
            )
    shown = written.getvalue()
    assert "ingest 규정집.pdf" in shown and "1/1" in shown
    assert "embed" in shown and "1800/1800" in shown


def test_embedding_anew_has_a_bar_with_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    written = StringIO()
    terminal = Console(file=written, force_terminal=True, width=100)
    monkeypatch.setattr(cli_bar, "open_console", lambda to_stderr: terminal)
    with cli_bar.progress_bar("ingest", unit="documents") as tell:
        tell(Progress(files_done=0, files_total=0, texts_done=12, texts_total=48, path=""))
    assert "12/48" in written.getvalue() and "ingest" not in written.getvalue()


def test_nothing_is_drawn_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    written = StringIO()
    monkeypatch.setattr(cli_bar, "open_console", lambda to_stderr: Console(file=written))
    with cli_bar.progress_bar("ingest", unit="documents") as tell:
        tell(Progress(files_done=1, files_total=2, texts_done=0, texts_total=9, path="a.md"))
    assert written.getvalue() == ""
