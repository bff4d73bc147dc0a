"""The Langfuse SDK as a transport: spans and scores go through it, and what arrived is counted.

Only spans made here are sent: the SDK is given a tracer provider of its own, so that neither the process's
other OpenTelemetry parts nor its sampling are touched. Nothing of it waits at the end of the process.
"""

import atexit
import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.tracing.langfuse_spans import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

CALL_TIMEOUT_S = 5
"""For one post with its retries."""
FLUSH_INTERVAL_S = 0.5
"""How long spans and scores are gathered for one post; the end of a command waits for the last of them."""
FLUSH_AT = 128
"""Spans that are posted at once."""

# Their complaints about a server are told by `Sender.complaint`, in one line.
_LOGGERS = (
    "langfuse",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.exporter.otlp.proto.http._common",
)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where Langfuse is, and the keys of a project there."""

    base_url: str
    public_key: str
    secret_key: str
    environment: str = ""
    release: str = ""


class Sender:
    """Makes spans and scores, and sends them behind everybody's back. For one thread, but for the counts.

    Opening it imports the SDK, which takes most of a second; nothing is reached before the first flush.
    """

    def __init__(self, access: Access) -> None:
        from langfuse import Langfuse
        from langfuse import __version__ as version
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        self._muted = _Muted()
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._muted)
        key = f"{access.public_key}:{access.secret_key}"
        exporter = OTLPSpanExporter(
            endpoint=f"{access.base_url.rstrip('/')}/api/public/otel/v1/traces",
            headers={
                "Authorization": f"Basic {base64.b64encode(key.encode()).decode()}",
                "x-langfuse-sdk-name": "python",
                "x-langfuse-sdk-version": version,
                "x-langfuse-public-key": access.public_key,
            },
            timeout=CALL_TIMEOUT_S,
            compression=Compression.Gzip,
            session=_session(access.base_url),
        )
        self._counted = _counted(exporter)
        self._ids = _ids()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource({"service.name": "mutda"}),
            shutdown_on_exit=False,
            id_generator=self._ids,
        )
        self._http = _http(access.base_url, self._scores_arrived)
        self._client = Langfuse(
            public_key=access.public_key,
            secret_key=access.secret_key,
            base_url=access.base_url.rstrip("/"),
            environment=access.environment or None,
            release=access.release or None,
            timeout=CALL_TIMEOUT_S,
            flush_at=FLUSH_AT,
            flush_interval=FLUSH_INTERVAL_S,
            sample_rate=1.0,
            httpx_client=self._http,
            tracer_provider=self._provider,
            span_exporter=self._counted,
            should_export_span=lambda span: True,  # noqa: ARG005 - the provider is this class's own
        )
        # It would wait at the end of the process for as long as a server hangs.
        atexit.unregister(self._client._resources.shutdown)  # type: ignore[union-attr]
        self._tracer = self._provider.get_tracer("mutda", access.release or None)
        self._access = access
        self.made = 0
        """Spans and scores so far."""
        self._scores_delivered = 0

    @property
    def delivered(self) -> int:
        """Of these, the ones that the server took."""
        return int(self._counted.delivered) + self._scores_delivered

    @property
    def complaint(self) -> str:
        """The last thing that went wrong, in the words of the library that met it; empty when nothing did."""
        return self._muted.last

    def begin(
        self,
        name: str,
        attributes: Attributes,
        *,
        trace_id: str,
        span_id: int,
        parent_id: int | None,
        at_ns: int,
    ) -> "Span":
        """Begin a span; `trace_id` is 32 hex digits, a span of no parent is the trace's root."""
        from opentelemetry import trace
        from opentelemetry.context import Context

        number = int(trace_id, 16)
        self._ids.trace_id, self._ids.span_id = number, span_id
        context = Context()
        if parent_id is not None:
            parent = trace.SpanContext(number, parent_id, is_remote=False, trace_flags=trace.TraceFlags(1))
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent), context)
        self.made += 1
        span: Any = self._tracer.start_span(name, context=context, attributes=attributes, start_time=at_ns)
        return span  # type: ignore[no-any-return]

    def end(self, span: "Span", attributes: Attributes, *, at_ns: int, error: str | None) -> None:
        """End a span; with `error` as failed. Its text must be masked already."""
        from opentelemetry.trace import Status, StatusCode

        span.set_attributes(attributes)
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(max(at_ns, span.start_time or 0))

    def score(
        self, trace_id: str, name: str, value: float | bool | str, *, comment: str | None = None
    ) -> None:
        """Score a trace; a later score of the same name replaces it."""
        self.made += 1
        create: Any = self._client.create_score  # its overloads tell texts and numbers apart by type
        create(
            name=name,
            value=value if isinstance(value, str) else float(value),
            trace_id=trace_id,
            score_id=f"{trace_id}-{name}",
            data_type={bool: "BOOLEAN", str: "CATEGORICAL"}.get(type(value), "NUMERIC"),
            comment=comment,
        )

    def flush(self) -> None:
        """Send what is there. Takes as long as the server does."""
        self._client.flush()

    def close(self) -> None:
        """End the SDK's threads, after a flush. Takes as long as the server does."""
        from langfuse._client.resource_manager import LangfuseResourceManager

        try:
            self._client.shutdown()
            self._provider.shutdown()
            self._http.close()
        finally:
            # The SDK keeps one client for each public key for ever.
            LangfuseResourceManager._instances.pop(self._access.public_key, None)
            for name in _LOGGERS:
                logging.getLogger(name).removeFilter(self._muted)

    def _scores_arrived(self, answer: Mapping[str, Any]) -> None:
        self._scores_delivered += len(answer.get("successes") or ())
        if errors := answer.get("errors"):
            self._muted.last = f"scores were refused ({errors[0].get('status', 'error')})"


class _Muted(logging.Filter):
    """Keeps the last warning instead of letting it be printed in the middle of an answer."""

    last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        self.last = " ".join(record.getMessage().split())[:300]
        return False


def _is_here(url: str) -> bool:
    """Whether a server is on this machine, where no proxy of the environment's leads."""
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _session(base_url: str) -> Any:
    import requests

    session = requests.Session()
    session.trust_env = not _is_here(base_url)
    return session


def _http(base_url: str, scores_arrived: Any) -> Any:
    import httpx

    def seen(response: httpx.Response) -> None:
        if not response.request.url.path.endswith("/ingestion"):
            return
        if response.status_code not in (200, 201, 207):
            return
        response.read()
        answer = response.json()
        if isinstance(answer, dict):
            scores_arrived(answer)

    return httpx.Client(
        timeout=CALL_TIMEOUT_S, trust_env=not _is_here(base_url), event_hooks={"response": [seen]}
    )


def _ids() -> Any:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Ids(IdGenerator):
        """Gives the ids that were laid out for the next span; one thread makes them all."""

        trace_id = span_id = 0

        def generate_trace_id(self) -> int:
            return self.trace_id

        def generate_span_id(self) -> int:
            return self.span_id

    return Ids()


def _counted(exporter: "SpanExporter") -> Any:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Counted(SpanExporter):
        """Counts the spans that the server took."""

        delivered = 0

        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            result = exporter.export(spans)
            if result is SpanExportResult.SUCCESS:
                self.delivered += len(spans)
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return exporter.force_flush(timeout_millis)

    return Counted()
