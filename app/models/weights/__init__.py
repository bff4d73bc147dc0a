"""Model weights: where they are, where they come from, and whether they are the right ones."""

from app.models.weights.catalog import EMBEDDED, Weights
from app.models.weights.download import fetch
from app.models.weights.local import local_path
from app.models.weights.resolve import resolve_gguf
from app.models.weights.source import OnProgress, Progress

__all__ = ["EMBEDDED", "OnProgress", "Progress", "Weights", "fetch", "local_path", "resolve_gguf"]
