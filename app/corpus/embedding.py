"""Which embedder a collection is searched or filled with, and bringing it to this machine."""

from dataclasses import dataclass
from pathlib import Path

from app.corpus.manifest import read_manifest
from app.corpus.schema import STORE_NAME
from app.corpus.store import Store
from app.errors import CorpusError, DownloadError, SettingsError
from app.models.embedder import Embedder
from app.models.embedders import E5_SPECS, default_embedder_spec, make_embedder
from app.models.weights import OnProgress, resolve_e5
from app.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """An embedder, not loaded yet, and why it is not the usual one."""

    embedder: Embedder
    notice: str = ""


def choose_embedder(
    settings: Settings,
    collection_dir: Path | None = None,
    *,
    allow_fetch: bool = True,
    on_progress: OnProgress | None = None,
) -> Chosen:
    """The embedder of the settings; where they name none, the collection's own, else the best that runs here.

    The best is `default_embedder_spec`'s, and "e5:" before "use:" where its weights can be fetched, which is
    tried if `allow_fetch`. A collection that was made with "e5:" or "e5:base" cannot do without.

    Raises:
        SettingsError, MissingExtraError: as `make_embedder`.
        DownloadError, ChecksumError: the embedder that is needed cannot be fetched.
    """
    needed = settings.embedder or made_with(collection_dir)
    spec = needed or default_embedder_spec(settings.cache_dir)
    notice = ""
    if allow_fetch and (spec in E5_SPECS or (spec == "use:" and not needed)):
        try:
            resolve_e5(settings.cache_dir, allow_fetch=True, progress=on_progress)
            spec = needed or "e5:"
        except DownloadError as error:
            if needed:
                raise
            notice = f"The embedder {spec} is used, which finds less. {error}"
    try:
        embedder = make_embedder(
            spec,
            cache_dir=settings.cache_dir,
            ollama_url=settings.ollama_url,
            timeout_s=settings.call_timeout_s,
        )
    except SettingsError as error:
        raise SettingsError(f"MUTDA_EMBEDDER: {error}") from None
    return Chosen(embedder=embedder, notice=notice)


def made_with(collection_dir: Path | None) -> str:
    """The embedder's spec in the collection's manifest; empty where there is none that can be read."""
    path = collection_dir and collection_dir / STORE_NAME
    if not path or not path.is_file():
        return ""
    try:
        store = Store.to_read(path)
    except CorpusError:  # whoever opens the collection says what is wrong with it
        return ""
    try:
        manifest = read_manifest(store)
    finally:
        store.close()
    return manifest.spec if manifest else ""
