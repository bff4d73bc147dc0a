"""Which embedder a collection was made with, and how well that embedder knows Korean."""

import json
from dataclasses import asdict, dataclass

from app.corpus.store import Store
from app.errors import EmbedderMismatchError
from app.models.embedder import Embedder

_KEY = "manifest"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The embedder behind every vector of a collection."""

    spec: str
    fingerprint: str
    dimensions: int
    probe: float  # `korean_probe` when the index was made, 0..1


def read_manifest(store: Store) -> Manifest | None:
    """The collection's manifest; None before its first ingest."""
    text = store.get_meta(_KEY)
    return None if text is None else Manifest(**json.loads(text))


def write_manifest(store: Store, embedder: Embedder, probe: float) -> Manifest:
    """Note the embedder, inside the caller's transaction."""
    manifest = Manifest(
        spec=embedder.spec, fingerprint=embedder.fingerprint, dimensions=embedder.dimensions, probe=probe
    )
    store.set_meta(_KEY, json.dumps(asdict(manifest)))
    return manifest


def require_embedder(manifest: Manifest, embedder: Embedder, name: str) -> None:
    """Refuse vectors of another embedder: their cosines would be noise.

    Raises:
        EmbedderMismatchError: names both embedders and the command that re-embeds the collection.
    """
    if manifest.fingerprint == embedder.fingerprint and manifest.dimensions == embedder.dimensions:
        return
    made, given = f'"{manifest.spec}"', f'"{embedder.spec}"'
    if made == given:
        made, given = "another version of " + made, "the one installed now"
    raise EmbedderMismatchError(
        f'The collection "{name}" was made with the embedder {made}, not with {given}. '
        "Choose that embedder again, or embed the collection anew: mutda ingest PATH... --rebuild"
    )
