"""The graph for Studio, `langgraph dev` and the API: built at import, opened at the first question."""

import asyncio
import atexit
from contextlib import AsyncExitStack

from app.settings import load_settings
from graphs.open import open_resources
from graphs.rag import build
from graphs.resources import Resources


class Served:
    """Opens the resources once in a process, whoever asks first; the process's end closes them."""

    def __init__(self) -> None:
        self._resources: Resources | None = None
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __call__(self) -> Resources:
        """The one set of resources. Raises what `open_resources` raises; the next call tries again."""
        if self._resources is None:
            async with self._opening:
                if self._resources is None:
                    settings = await asyncio.to_thread(load_settings)
                    self._resources = await self._stack.enter_async_context(open_resources(settings))
                    atexit.register(self._close)
        return self._resources

    def _close(self) -> None:
        asyncio.run(self._stack.aclose())


rag = build(Served())
