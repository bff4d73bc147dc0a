"""Collections and resources for one measurement: made of a folder, and removed after it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.corpus.ingest import ingest
from app.errors import MutdaError
from app.models.embedder import Embedder
from app.models.embedders import make_embedder
from app.settings import Settings
from graphs.open import open_resources
from graphs.resources import Resources


@contextmanager
def collection_of(corpus: Path, embedder: Embedder) -> Iterator[Path]:
    """The folder of a collection with the documents of `corpus`.

    Raises MutdaError when one of them cannot be read: numbers over fewer documents would be others.
    """
    if not corpus.is_dir():
        raise MutdaError(f"{corpus} is not a folder of documents.")
    with TemporaryDirectory(prefix="mutda-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "documents"
        report = ingest(folder, [corpus], embedder)
        for path, reason in report.failed:
            raise MutdaError(f"{path} cannot be measured over: {reason}")
        yield folder


@asynccontextmanager
async def resources_over(corpus: Path | None, settings: Settings) -> AsyncIterator[Resources]:
    """Open resources over the folder's documents, or over none; `settings.embedder` must be set.

    Raises what `collection_of` and `open_resources` raise.
    """
    async with AsyncExitStack() as stack:
        folder = None
        if corpus is not None:
            embedder = make_embedder(settings.embedder, cache_dir=settings.cache_dir)
            made = collection_of(corpus, embedder)
            folder = await asyncio.to_thread(stack.enter_context, made)
        opening = open_resources(settings, collection_dir=folder, need_collection=folder is not None)
        yield await stack.enter_async_context(opening)
