"""How every command reads its settings and writes to the terminal. Nothing heavy at the top."""

from typing import TYPE_CHECKING

from app.wording import plain

if TYPE_CHECKING:
    from rich.console import Console

    from app.settings import Settings


def read_settings() -> "Settings":
    """As the environment and .env have them. Raises SettingsError."""
    from app.settings import load_settings

    return load_settings()


def open_console(*, to_stderr: bool = False) -> "Console":
    """Whole lines, which the terminal itself wraps."""
    from rich.console import Console

    return Console(stderr=to_stderr, highlight=False, soft_wrap=True)


def print_line(console: "Console", text: str, style: str = "") -> None:
    """One line, without what a terminal would obey."""
    from rich.text import Text

    console.print(Text(plain(text), style=style))
