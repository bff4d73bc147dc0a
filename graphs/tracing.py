"""What watches the graph: the local trace store and Langfuse, which know a run by one id."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from langchain_core.callbacks import BaseCallbackHandler

from app.settings import Settings
from app.tracing.events import EventHandler
from app.tracing.identity import TraceIdentity
from app.tracing.keeping import keeping_of
from app.tracing.langfuse import LangfuseTracing, langfuse_tracing
from app.tracing.masking import Masking
from app.tracing.recorder import OnSpan, Recorder, local_recorder

CLOSE_S = 2.0
"""What leaving may wait for traces to be written and sent."""


@dataclass(frozen=True, kw_only=True)
class Tracing:
    """Handed to `graphs.rag.build`: `callbacks`, and `trace_of` of the identity."""

    identity: TraceIdentity
    recorder: Recorder | None
    langfuse: LangfuseTracing | None

    @cached_property
    def callbacks(self) -> list[BaseCallbackHandler]:
        """To be attached once, at graph level: one handler for all that listen; empty where nobody does."""
        sinks = [part.put for part in (self.recorder, self.langfuse) if part]
        return [EventHandler(self.identity, sinks)] if sinks else []

    async def aclose(self, timeout_s: float = CLOSE_S) -> None:
        """Write and send what is left, side by side; what did not get through is in `lost`."""
        closers = [part.close for part in (self.recorder, self.langfuse) if part]
        await asyncio.gather(*(asyncio.to_thread(close, timeout_s) for close in closers))

    @property
    def lost(self) -> str:
        """One line about what Langfuse was not given; empty where it has everything."""
        return self.langfuse.undelivered if self.langfuse else ""


def tracing_for(settings: Settings, *, on_span: OnSpan | None = None) -> Tracing:
    """As the settings ask for; to be closed with `aclose`. Raises SettingsError."""
    return Tracing(
        identity=TraceIdentity(),
        recorder=local_recorder(settings, on_span=on_span),
        langfuse=langfuse_tracing(settings, Masking(settings.mask_patterns)),
    )


@asynccontextmanager
async def open_tracing(
    settings: Settings, *, on_span: OnSpan | None = None, close_s: float = CLOSE_S
) -> AsyncIterator[Tracing]:
    """As the settings ask for; `on_span` is told of each step as it ends. Leaving waits `close_s` at most.

    Raises SettingsError.
    """
    tracing = tracing_for(settings, on_span=on_span)
    try:
        yield tracing
    finally:
        await tracing.aclose(close_s)


def tracing_to_come(load: Callable[[], Settings]) -> Tracing:
    """For a server that draws its graph before it reads its settings: they are read at the first event,
    in the tracing's own threads, and what they switch off then costs nothing."""

    def settings_and_masking() -> tuple[Settings, Masking]:
        settings = load()
        return settings, Masking(settings.mask_patterns)

    return Tracing(
        identity=TraceIdentity(),
        recorder=Recorder(lambda: keeping_of(load())),
        langfuse=LangfuseTracing(settings_and_masking),
    )
