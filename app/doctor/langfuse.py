"""Langfuse: variables, server, version, keys, clock, and a trace that goes the whole way."""

import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

from app.doctor.address import Answer, Unreachable, ask
from app.doctor.finding import Finding, down, ok, warn, wrong
from app.settings import Settings

NAME = "langfuse"
TRIED = "4.16.0"
OLDEST_MAJOR = 4
SKEW_S = 60.0
"""Far more than an answer takes; a trace would stand at the wrong time, and be looked for elsewhere."""
SHOWN_S = 5.0
POLL_S = 0.5


def look_at_langfuse(settings: Settings) -> Finding:
    """Nothing is contacted unless all three variables are set; then one trace is sent, named mutda-doctor."""
    values = {
        "LANGFUSE_PUBLIC_KEY": settings.langfuse_public_key,
        "LANGFUSE_SECRET_KEY": settings.langfuse_secret_key.get_secret_value(),
        "LANGFUSE_BASE_URL": settings.langfuse_base_url,
    }
    missing = [name for name, value in values.items() if not value]
    if len(missing) == len(values):
        return ok(NAME, "off: no LANGFUSE_ variable is set")
    if missing:
        there = "is" if len(missing) == 1 else "are"
        return wrong(NAME, f"off: {' and '.join(missing)} {there} not set", "set all three, or none")
    if find_spec("langfuse") is None:
        text = "off: the LANGFUSE_ variables are set, and its SDK is not installed"
        return wrong(NAME, text, f'"{sys.executable}" -m pip install langfuse')
    url = settings.langfuse_base_url.rstrip("/")
    try:
        return _look(url, (values["LANGFUSE_PUBLIC_KEY"], values["LANGFUSE_SECRET_KEY"]))
    except Unreachable as error:
        return down(NAME, f"{url} cannot be reached ({error})", "start it, or correct LANGFUSE_BASE_URL")


def _look(url: str, keys: tuple[str, str]) -> Finding:
    health = ask(f"{url}/api/public/health")
    told = health.json()
    version = str(told.get("version") or "")
    if health.status == 503:
        return down(NAME, f"{url} is not well ({health.status})", "see the logs of its web container")
    if health.status != 200 or not version:
        text = f"{url} does not answer as Langfuse does ({health.status})"
        return wrong(NAME, text, "LANGFUSE_BASE_URL is the server's root, such as http://127.0.0.1:3000")
    server = f"Langfuse {version} at {url}"
    projects = ask(f"{url}/api/public/projects", auth=keys)
    if projects.status in (401, 403):
        todo = "set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY as they stand in the project's settings"
        return wrong(NAME, f"{server} refuses the keys ({projects.status})", todo)
    if projects.status != 200:
        return down(NAME, f"{server} answers with {projects.status}", "see the logs of its web container")
    server += f", project {project_of(projects)}"
    skew_s = skew_of(health, datetime.now(UTC))
    if abs(skew_s) > SKEW_S:
        way = "ahead of" if skew_s > 0 else "behind"
        return warn(
            NAME, f"{server}: this clock is {abs(skew_s):.0f} s {way} its own", "set the clock of either"
        )
    return _traced(url, keys, server, version)


def _traced(url: str, keys: tuple[str, str], server: str, version: str) -> Finding:
    trace_id, post = a_trace(time.time_ns())
    headers = {"Content-Type": "application/x-protobuf", "x-langfuse-ingestion-version": "4"}
    sent = ask(f"{url}/api/public/otel/v1/traces", content=post, auth=keys, headers=headers)
    if sent.status >= 300:
        return down(NAME, f"{server} refuses traces ({sent.status})", "see the logs of its web container")
    trace = f"test trace {trace_id[:12]}"
    text = f"{server}: {trace} sent"
    if (major := version.lstrip("v").partition(".")[0]).isdigit() and int(major) < OLDEST_MAJOR:
        return warn(NAME, f"{text}; tried with {TRIED} only", f"update the server to {TRIED} or newer")
    shown_s = waited(lambda: is_shown(url, keys, trace_id), SHOWN_S, POLL_S)
    if shown_s is None:
        todo = "look for it there; if it stays away, see the logs of its worker"
        return warn(NAME, f"{text}, and not shown after {SHOWN_S:g} s", todo)
    return ok(NAME, f"{text} and shown after {shown_s:.1f} s")


def project_of(answer: Answer) -> str:
    """The name of the project that the keys belong to."""
    data = answer.json().get("data")
    first = data[0] if isinstance(data, list) and data else {}
    return str(first.get("name") or "?") if isinstance(first, dict) else "?"


def skew_of(answer: Answer, now: datetime) -> float:
    """Seconds that `now` is ahead of the server's Date header, which has whole seconds; 0 without one."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return 0.0
    return (now - theirs.replace(tzinfo=theirs.tzinfo or UTC)).total_seconds()


def a_trace(now_ns: int) -> tuple[str, bytes]:
    """An id, and an OTLP post of one empty span, without a word of any document.

    https://opentelemetry.io/docs/specs/otlp/, in protobuf as the SDK sends it. Its package brings the
    classes for it.
    """
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    trace_id = secrets.token_bytes(16)
    post = ExportTraceServiceRequest()
    traced = post.resource_spans.add()
    traced.resource.attributes.add(key="service.name").value.string_value = "mutda"
    scope = traced.scope_spans.add()
    scope.scope.name = "mutda"
    span = scope.spans.add(
        trace_id=trace_id,
        span_id=secrets.token_bytes(8),
        name="mutda-doctor",
        kind=1,
        start_time_unix_nano=now_ns,
        end_time_unix_nano=now_ns + 1_000_000,
    )
    for key, value in {"langfuse.trace.name": "mutda-doctor", "langfuse.environment": "doctor"}.items():
        span.attributes.add(key=key).value.string_value = value
    return trace_id.hex(), post.SerializeToString()


def is_shown(url: str, keys: tuple[str, str], trace_id: str) -> bool:
    """Whether the trace can be read already; the server's worker writes it some time after it was taken."""
    parameters = {"traceId": trace_id, "limit": "1"}
    answer = ask(f"{url}/api/public/v2/observations", parameters=parameters, auth=keys)
    return answer.status == 200 and bool(answer.json().get("data"))


def waited(shown: Callable[[], bool], within_s: float, poll_s: float) -> float | None:
    """Seconds until `shown`; None where it was not within `within_s`."""
    started = time.monotonic()
    while (passed_s := time.monotonic() - started) < within_s:
        if shown():
            return passed_s
        time.sleep(poll_s)
    return None
