"""The local trace store: on or off, how full, and whether it can be read."""

from app.doctor.finding import Finding, ok, warn
from app.settings import Settings
from app.tracing.store import STORE_NAME, TraceStore

NAME = "traces"


def look_at_traces(settings: Settings) -> Finding:
    """Raises TraceError for a file that cannot be read."""
    bounds = f"at most {settings.trace_max_mb} MB and {settings.trace_max_days} days"
    folder = settings.data_dir / "traces"
    size_bytes = sum(path.stat().st_size for path in folder.glob(f"{STORE_NAME}*") if path.is_file())
    if not (folder / STORE_NAME).is_file():
        return ok(NAME, f"{'on' if settings.trace else 'off'}: none yet in {folder}, {bounds}")
    store = TraceStore.open_to_read(folder)
    try:
        newest = store.headers(1)
        kept = store.last().header.id[:12] if newest else "none"
    finally:
        store.close()
    text = (
        f"{'on' if settings.trace else 'off'}: {size_bytes / 1e6:.1f} MB in {folder}, {bounds}; last {kept}"
    )
    # The store looks at its bounds when something is written.
    if size_bytes > settings.trace_max_mb * 1e6 * 1.1:
        return warn(NAME, f"{text}: over its bound", "it is pruned when the next question is traced")
    return ok(NAME, text)
