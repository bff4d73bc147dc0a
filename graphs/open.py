"""From settings to resources: the one place where the parts are chosen and opened."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.models.open import choose_spec, open_model
from app.settings import Settings
from graphs.evidence import load_calibration
from graphs.resources import Corpus, Resources

if TYPE_CHECKING:
    from app.models.weights import Progress

SEARCH_DEADLINE_S = 15.0

OnProgress = Callable[["Progress"], None]


@asynccontextmanager
async def open_resources(
    settings: Settings, *, corpus_dir: Path | None = None, on_progress: OnProgress | None = None
) -> AsyncIterator[Resources]:
    """Open the model, the embedder and the collection; close them all at the end.

    Raises what their parts raise: SettingsError, CorpusError, DownloadError, ModelError.
    """
    import asyncio

    from app.corpus.collection import Collection
    from app.models.embedders import default_embedder_spec, make_embedder
    from app.models.weights import resolve_gguf
    from tools.web_search import web_search

    embedder_spec = settings.embedder or default_embedder_spec()
    embedder = make_embedder(embedder_spec, cache_dir=settings.cache_dir, ollama_url=settings.ollama_url)
    folder = corpus_dir or settings.collection_dir
    collection = await asyncio.to_thread(Collection.open, folder, embedder)
    try:
        spec = await choose_spec(settings)
        model = await open_model(
            settings,
            spec=spec,
            fetch=lambda name: resolve_gguf(name, settings.cache_dir, progress=on_progress),
        )
        try:
            yield Resources(
                model=model,
                corpus=collection,
                corpus_of=lambda passages: corpus_of(passages, embedder),
                calibration=load_calibration(model.family),
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
                embedder=embedder_spec,
                collection=settings.collection,
                documents=collection.status().documents,
            )
        finally:
            await model.aclose()
    finally:
        await asyncio.to_thread(collection.close)


def corpus_of(passages: list[dict[str, str]], embedder: "object") -> Corpus:
    """A corpus in memory over the passages that a question brings."""
    from app.corpus.collection import Collection

    return Collection.from_passages(passages, embedder)
