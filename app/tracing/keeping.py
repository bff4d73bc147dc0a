"""Where traces are kept on this machine by the settings, and what must not be kept."""

from collections.abc import Callable
from dataclasses import dataclass

from app.errors import MutdaError
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


def recall_from(settings: Settings) -> Callable[[str], str | None]:
    """For `TraceIdentity`: the kept trace of a thread whose run waits for a person, also after a restart.

    It reads the store, about a millisecond, and is asked only when a thread is resumed that this process
    did not interrupt.
    """

    def recall(thread_id: str) -> str | None:
        try:
            if keeping_of(settings).mask.text(thread_id) != thread_id:
                return None  # two addresses have one mask: it could be another person's thread
            store = TraceStore.open_to_read(settings.data_dir / "traces")
            try:
                return store.interrupted(thread_id)
            finally:
                store.close()
        except MutdaError:
            return None

    return recall
