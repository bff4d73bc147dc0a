"""The graph for Studio, `langgraph dev` and the API: built at import, opened at the first question."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from app.errors import MutdaError
from app.settings import Settings, load_settings
from graphs.open import open_resources
from graphs.rag import build
from graphs.resources import Resources
from graphs.tracing import tracing_to_come

Open = Callable[[Settings], AbstractAsyncContextManager[Resources]]


class ServedError(MutdaError, RuntimeError):
    """An error for a person, of a kind whose text the server passes on; of most it tells only the name."""


class Served:
    """Opens the resources once for all runs of an event loop, at the first question.

    They are closed in the loop that they were opened in, because their clients belong to it: a task
    holds them, and `asyncio.run` ends the tasks that are left. A server that a signal ends before
    that leaves them to the system, which loses nothing: the collection is only read.
    """

    def __init__(self, open_: Open = open_resources) -> None:
        self._open = open_
        self._held: dict[asyncio.AbstractEventLoop, tuple[asyncio.Future[Resources], asyncio.Task[None]]] = {}

    async def __call__(self) -> Resources:
        """The loop's one set of resources. Raises what `open_resources` raises; the next call tries again."""
        loop = asyncio.get_running_loop()
        if loop not in self._held:
            opened = loop.create_future()
            self._held[loop] = opened, loop.create_task(self._hold(loop, opened))
        # The question that came first may be cancelled; the others still wait for what it began.
        return await asyncio.shield(self._held[loop][0])

    async def _hold(self, loop: asyncio.AbstractEventLoop, opened: asyncio.Future[Resources]) -> None:
        try:
            async with self._open(await asyncio.to_thread(load_settings)) as resources:
                opened.set_result(resources)
                await asyncio.Event().wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)
        finally:
            opened.cancel()
            del self._held[loop]


def _told(error: MutdaError) -> ServedError:
    return ServedError(str(error))


_tracing = tracing_to_come(load_settings)
rag = build(Served(), told=_told, callbacks=_tracing.callbacks, trace_of=_tracing.identity.of)
