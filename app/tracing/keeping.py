"""Where traces are kept on this machine by the settings, and what must not be kept."""

from collections.abc import Callable
from dataclasses import dataclass

from app.settings import Settings
from app.tracing.assemble import Mask
from app.tracing.store import TraceStore


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Where traces go, and what must not."""

    mask: Mask
    open_store: Callable[[], TraceStore] | None
    """None keeps nothing on disk."""


def keeping_of(settings: Settings) -> Keeping:
    """Where traces go by these settings. Raises SettingsError for a wrong pattern."""
    from app.tracing.masking import Masking

    folder = settings.data_dir / "traces"

    def open_store() -> TraceStore:
        return TraceStore.open(
            folder, max_bytes=int(settings.trace_max_mb * 1024 * 1024), max_days=settings.trace_max_days
        )

    return Keeping(mask=Masking(settings.mask_patterns), open_store=open_store if settings.trace else None)
