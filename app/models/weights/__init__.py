"""Model weights: where they are, where they come from, and whether they are the right ones."""

from app.models.weights.catalog import E5, EMBEDDED, Weights
from app.models.weights.download import fetch
from app.models.weights.e5 import e5_is_here, resolve_e5
from app.models.weights.local import local_path
from app.models.weights.resolve import resolve_gguf
from app.models.weights.source import OnProgress, Progress

__all__ = [
    "E5",
    "EMBEDDED",
    "OnProgress",
    "Progress",
    "Weights",
    "e5_is_here",
    "fetch",
    "local_path",
    "resolve_e5",
    "resolve_gguf",
]
