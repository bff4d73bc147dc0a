"""Weights that `resolve_e5` finds, made of `E5Source`."""

from pathlib import Path
from typing import Any

from stand_ins.e5_source import E5Source

from app.models.weights.e5 import GGUF_FILENAME
from app.models.weights.e5_gguf import convert
from app.models.weights.local import sha256_of, write_record


def put_weights(cache: Path, **changes: Any) -> Path:
    """A model that `resolve_e5` finds: of the real width, with one layer and a hundred pieces."""
    cache.mkdir(parents=True, exist_ok=True)
    source, path = cache / "source.bin", cache / GGUF_FILENAME
    source.write_bytes(E5Source(**changes).data)
    convert(source, path)
    source.unlink()
    record(path)
    return path


def record(path: Path) -> None:
    status = path.stat()
    write_record(
        path.with_name(f"{path.name}.verified"),
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        sha256=sha256_of(path),
    )
