"""From settings to resources: the one place where the parts are chosen and opened."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from app.corpus.collection import Collection
from app.corpus.coverage import coverage
from app.corpus.embedding import choose_embedder
from app.corpus.passage import Passage
from app.errors import CorpusError
from app.models.chat import LanguageModel
from app.models.embedder import Embedder
from app.models.open import choose_spec, open_model
from app.models.probe import korean_probe
from app.models.reader import Reader, open_reader
from app.models.weights import Progress, resolve_gguf
from app.prompts import Prompts
from app.settings import Settings
from graphs.evidence import Calibration, load_calibration
from graphs.fingerprint import fingerprint_of
from graphs.orders import Orders
from graphs.resources import Corpus, Resources
from tools.web_search import web_search

SEARCH_DEADLINE_S = 15.0

OnProgress = Callable[[Progress], None]


class CollectionCorpus:
    """A collection as the graph asks for it."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def search(self, query: str, *, k: int) -> list[Passage]:
        """The best `k` passages by keywords and meaning together."""
        return self._collection.search(query, k=k)

    def coverage(self, question: str, passages: Sequence[Passage]) -> float:
        """See `app.corpus.coverage.coverage`."""
        return coverage(question, passages, self._collection.idf)

    def close(self) -> None:
        """Close the collection."""
        self._collection.close()


@asynccontextmanager
async def open_resources(
    settings: Settings,
    *,
    collection_dir: Path | None = None,
    need_collection: bool = True,
    on_progress: OnProgress | None = None,
) -> AsyncIterator[Resources]:
    """Open the model, the embedder and the collection; close them all at the end.

    `need_collection=False` opens an empty one in memory, for questions that bring their passages.
    Raises what the parts raise: SettingsError, CorpusError, DownloadError, ModelError.
    """
    folder = (collection_dir or settings.collection_dir) if need_collection else None
    embedder, collection = await asyncio.to_thread(_open_collection, settings, folder, on_progress)
    try:
        state = await asyncio.to_thread(collection.status)
        # Before the model is opened, which may be a gigabyte to fetch.
        if folder is not None and state.documents == 0:
            raise CorpusError(
                f'There is nothing in the collection "{settings.collection}" yet. '
                "Fill it from your documents: mutda ingest PATH..."
            )
        reader = await asyncio.to_thread(open_reader, settings)
        model = await open_model(
            settings,
            spec=await choose_spec(settings),
            fetch=lambda name: resolve_gguf(name, settings.cache_dir, progress=on_progress),
        )
        try:
            prompts = await asyncio.to_thread(Prompts.read, model.family)
            yield Resources(
                model=model,
                prompts=prompts,
                corpus=CollectionCorpus(collection),
                corpus_of=lambda passages: corpus_of(passages, embedder, state.probe),
                calibration=await asyncio.to_thread(_calibration, model, prompts, settings, reader),
                orders=_orders(reader) if settings.hold_orders else None,
                reader=reader,
                search=web_search(
                    settings.web_search,
                    settings.search_url or None,
                    settings.data_dir / "logs" / "web_search.jsonl",
                    SEARCH_DEADLINE_S,
                ),
                web_search=settings.web_search,
                call_timeout_s=settings.call_timeout_s,
                today=date.today,
                monotonic=time.monotonic,
                embedder=embedder.spec,
                collection=settings.collection,
                documents=state.documents,
            )
        finally:
            try:
                if reader is not None:
                    await asyncio.to_thread(reader.close)
            finally:
                await model.aclose()
    finally:
        await asyncio.to_thread(collection.close)


def _orders(reader: Reader | None) -> Orders:
    orders = Orders.packaged()
    return orders if reader is None else orders.advised_by(reader.order_odds)


def _calibration(
    model: LanguageModel, prompts: Prompts, settings: Settings, reader: Reader | None
) -> Calibration:
    fingerprint = fingerprint_of(model, prompts, settings.cache_dir, reader=reader)
    folder = settings.data_dir / "calibrations"
    return load_calibration(model.family, fingerprint, folder, has_reader=reader is not None)


def _open_collection(
    settings: Settings, folder: Path | None, on_progress: OnProgress | None
) -> tuple[Embedder, Collection]:
    embedder = choose_embedder(settings, folder, on_progress=on_progress).embedder
    if folder is None:
        return embedder, Collection.from_passages([], embedder)
    return embedder, Collection.open(folder, embedder)


def corpus_of(passages: list[dict[str, str]], embedder: Embedder, probe: float | None = None) -> Corpus:
    """A corpus in memory over the passages that a question brings."""
    return CollectionCorpus(
        Collection.from_passages(passages, embedder, probe=korean_probe(embedder) if probe is None else probe)
    )
