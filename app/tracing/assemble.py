"""From LangChain's events to spans. Runs in the recorder's own thread, where there is time to be thorough."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from app.tracing import steps
from app.tracing.spans import Header, Kind, Span, Status

MAX_OPEN_RUNS = 1024
"""A run whose end is never told, because its task was dropped, must not be kept for ever."""
_MAX_ERROR_CHARS = 2000
_MAX_FIRST_TOKENS = 5
_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}
WITHHELD = "[withheld]"
"""In place of what could not be masked."""


class Mask(Protocol):
    """Takes out what must not be kept."""

    def text(self, text: str) -> str:
        """The text without it."""

    def value(self, value: Any) -> Any:
        """The same for every text inside plain JSON."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Something began. `given` is what it was given, as LangChain handed it over."""

    at_s: float
    run_id: UUID
    parent_id: UUID | None
    kind: Kind
    name: str
    metadata: Mapping[str, Any]
    given: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    """Of a root alone."""
    resumed: bool = False
    is_route: bool = False
    """A conditional edge: no span of its own, but it tells where its node went."""


@dataclass(frozen=True, kw_only=True)
class FirstToken:
    """A model's first token came."""

    at_s: float
    run_id: UUID


@dataclass(frozen=True, kw_only=True)
class End:
    """Something ended well, with `got`, or with an error, an interrupt or a cancellation."""

    at_s: float
    run_id: UUID
    got: Any = None
    status: Status = "done"
    error: str = ""
    interrupt: Any = None


Event = Start | FirstToken | End


@dataclass
class _Run:
    """A root that is under way, and what is open under it."""

    header: Header
    root: Span
    open: dict[UUID, Span] = field(default_factory=dict)
    decided: list[dict[str, Any]] = field(default_factory=list)
    signals: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False


class Assembler:
    """Takes events in their order; gives the spans and headers that changed since it was last asked."""

    def __init__(self, mask: Mask, *, earlier: Callable[[str], Header | None] | None = None) -> None:
        self._mask = mask
        self._earlier = earlier
        self._runs: dict[UUID, _Run] = {}
        self._of: dict[UUID, _Run] = {}
        self._routes: dict[UUID, Span] = {}
        self._spans: dict[tuple[str, str], Span] = {}
        self._headers: dict[str, Header] = {}

    def take(self) -> tuple[list[Header], list[Span]]:
        """What changed, oldest first; to be called after each batch of events."""
        headers, spans = list(self._headers.values()), list(self._spans.values())
        self._headers, self._spans = {}, {}
        return headers, spans

    def feed(self, event: Event) -> Span | None:
        """Take in one event. Returns the span that it ended, if it did."""
        if isinstance(event, Start):
            self._start(event)
            return None
        run = self._of.get(event.run_id)
        span = run.open.get(event.run_id) if run else None
        if run is None or span is None:
            self._route_ended(event)
            return None
        if isinstance(event, FirstToken):
            span.first_token_s = event.at_s
            return None
        self._end(run, span, event)
        return span

    # -- beginnings

    def _start(self, event: Start) -> None:
        if event.parent_id is None:
            run = self._begin(event)
        elif (found := self._of.get(event.parent_id)) is None:
            return  # its root's beginning was dropped
        else:
            run = found
        parent = run.open.get(event.parent_id) if event.parent_id else None
        if parent is None and event.parent_id:
            parent = self._routes.get(event.parent_id)
        if event.is_route:
            if parent is not None:
                self._routes[event.run_id] = parent
                self._of[event.run_id] = run
            return
        span = run.root if event.parent_id is None else self._child(run, event, parent)
        run.open[event.run_id] = span
        self._of[event.run_id] = run
        self._changed(run, span)

    def _begin(self, event: Start) -> _Run:
        if len(self._runs) >= MAX_OPEN_RUNS:
            self._forget(next(iter(self._runs)))
        trace_id = event.trace_id
        header = None
        if event.resumed:
            header = self._headers.get(trace_id) or (self._earlier(trace_id) if self._earlier else None)
        if header is None:
            thread = event.metadata.get("thread_id")
            header = Header(
                id=trace_id,
                name=event.name,
                thread_id=None if thread is None else self._text(str(thread)),
                started_s=event.at_s,
            )
        header.status, header.ended_s = "unfinished", None
        root = Span(
            trace_id=trace_id,
            id=event.run_id.hex,
            parent_id=None,
            kind="run",
            name=event.name,
            started_s=event.at_s,
            data={"resumed": True} if event.resumed else {},
        )
        if question := _question(event.given):
            root.data["question"] = header.question = self._text(question)
        run = self._runs[event.run_id] = _Run(header=header, root=root)
        return run

    def _child(self, run: _Run, event: Start, parent: Span | None) -> Span:
        span = Span(
            trace_id=run.header.id,
            id=event.run_id.hex,
            parent_id=(parent or run.root).id,
            kind=event.kind,
            name=event.name,
            step=event.metadata.get("langgraph_step") if event.kind == "step" else None,
            started_s=event.at_s,
        )
        if event.kind == "step":
            run.header.route.append(event.name)
        elif event.kind == "model":
            span.data = {
                "model": _model_name(event),
                "messages": [
                    {"role": _ROLES.get(message.type, message.type), "text": self._text(_content(message))}
                    for message in event.given
                ],
            }
            if limit := event.options.get("max_tokens") or event.options.get("num_predict"):
                span.data["max_tokens"] = limit
            run.header.model = run.header.model or span.data["model"]
        elif event.given is not None:
            span.data = {"input": self._value(_plain(event.given))}
        return span

    # -- ends

    def _end(self, run: _Run, span: Span, event: End) -> None:
        span.ended_s, span.status = event.at_s, event.status
        span.error = self._text(event.error[:_MAX_ERROR_CHARS]) if event.error else ""
        if event.interrupt is not None:
            span.data["interrupt"] = self._value(_plain(event.interrupt))
        if event.status == "interrupted":
            run.interrupted = True
        if span.kind == "model":
            self._model_ended(run, span, event.got)
        elif span.kind == "step" and isinstance(event.got, Mapping):
            self._step_ended(run, span, event.got)
        elif span.kind == "run":
            self._run_ended(run, span, event)
        elif event.got is not None:
            span.data["output"] = self._value(_plain(event.got))
        if span.kind != "run":
            run.open.pop(UUID(span.id), None)
            self._of.pop(UUID(span.id), None)
        self._changed(run, span)

    def _step_ended(self, run: _Run, span: Span, update: Mapping[str, Any]) -> None:
        run.signals |= {key: update[key] for key in ("coverage", "dense") if key in update}
        decided = steps.decisions(span.name, update, run.decided, run.signals)
        if isinstance(update.get("decisions"), list):
            run.decided = [dict(decision) for decision in update["decisions"]]
        kept: dict[str, Any] = {"update": steps.said(update)}
        if decided:
            kept["decisions"] = decided
        if found := steps.passages(update):
            kept["passages"] = found
        span.data |= self._value(kept)
        if "knobs" not in run.root.data and update.get("knobs"):
            run.root.data["knobs"] = self._value(dict(update["knobs"]))
        if isinstance(update.get("result"), Mapping):
            # The root's own end may never come: what is answered is known from here on.
            self._answered(run, update["result"])

    def _model_ended(self, run: _Run, span: Span, got: Any) -> None:
        message = _message(got)
        if message is None:
            return
        usage = getattr(message, "usage_metadata", None) or {}
        span.data |= {
            "text": self._text(_content(message)),
            "prompt_tokens": usage.get("input_tokens", 0),
            "cached_tokens": (usage.get("input_token_details") or {}).get("cache_read", 0) or 0,
            "output_tokens": usage.get("output_tokens", 0),
        }
        if first := _first_token(message):
            span.data["first_token"] = {
                self._text(token): round(probability, 4) for token, probability in first.items()
            }
        header = run.header
        header.calls += 1
        header.prompt_tokens += span.data["prompt_tokens"]
        header.cached_tokens += span.data["cached_tokens"]
        header.output_tokens += span.data["output_tokens"]

    def _run_ended(self, run: _Run, root: Span, event: End) -> None:
        if run.interrupted and root.status == "done":
            root.status = "interrupted"
        if isinstance(event.got, Mapping):
            if isinstance(event.got.get("result"), Mapping) and root.status == "done":
                self._answered(run, event.got["result"])
            if not run.header.route and (found := steps.passages(event.got)):
                root.data |= self._value({"passages": found, "update": steps.said(event.got)})
        # What was left open under it was cut off with it.
        for span in run.open.values():
            if span.ended_s is None:
                span.ended_s, span.status = event.at_s, root.status if root.status != "done" else "cancelled"
                self._changed(run, span)
        run.header.status, run.header.ended_s = root.status, event.at_s
        run.header.working_s += root.seconds or 0.0
        self._forget(UUID(root.id))

    def _answered(self, run: _Run, result: Mapping[str, Any]) -> None:
        if not result or run.root.data.get("result"):
            return
        kept = self._value(dict(result))
        run.root.data["result"] = kept
        run.header.answer = str(kept.get("answer", ""))
        run.header.refused = bool(kept.get("refused"))
        if not run.header.route:
            run.header.route = [str(step) for step in kept.get("route", [])]
        run.header.model = str(kept.get("model") or run.header.model)
        run.header.question = run.header.question or str(kept.get("question", ""))

    def _route_ended(self, event: FirstToken | End) -> None:
        self._of.pop(event.run_id, None)
        step = self._routes.pop(event.run_id, None)
        if step is not None and isinstance(event, End) and isinstance(event.got, str):
            step.data["next"] = event.got

    def _forget(self, root: UUID) -> None:
        run = self._runs.pop(root)
        for run_id in run.open:
            self._of.pop(run_id, None)
        run.open.clear()

    def _changed(self, run: _Run, span: Span) -> None:
        self._spans[span.trace_id, span.id] = span
        self._headers[run.header.id] = run.header

    # -- masking

    def _text(self, text: str) -> str:
        try:
            return self._mask.text(text)
        except Exception:
            return WITHHELD

    def _value(self, value: Any) -> Any:
        try:
            return self._mask.value(value)
        except Exception:
            return {"withheld": WITHHELD} if isinstance(value, Mapping) else WITHHELD


def _question(given: Any) -> str:
    question = given.get("question") if isinstance(given, Mapping) else getattr(given, "question", "")
    return question if isinstance(question, str) else ""


def _content(message: Any) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    parts = [part if isinstance(part, str) else str(part.get("text", "")) for part in content]
    return "".join(parts)


def _model_name(event: Start) -> str:
    for name in (
        event.metadata.get("ls_model_name"),
        event.options.get("model"),
        event.options.get("model_name"),
        event.options.get("_type"),
    ):
        if name:
            return str(name)
    return event.name


def _message(got: Any) -> Any:
    generations: Sequence[Sequence[Any]] = getattr(got, "generations", None) or []
    if not generations or not generations[0]:
        return None
    return getattr(generations[0][0], "message", None)


def _first_token(message: Any) -> dict[str, float]:
    """The likeliest first tokens with their probabilities; for the shapes see `app.models.chat`."""
    raw = message.response_metadata.get("logprobs")
    if isinstance(raw, Mapping):
        raw = raw.get("content")
    try:
        top = (raw[0].get("top_logprobs") if raw else None) or []
        likely = sorted(((item["token"], math.exp(item["logprob"])) for item in top), key=lambda it: -it[1])
    except (AttributeError, KeyError, TypeError, OverflowError):
        return {}
    return dict(likely[:_MAX_FIRST_TOKENS])


def _plain(value: Any, depth: int = 6) -> Any:
    """The value as plain JSON; what is none becomes its text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if depth and isinstance(value, Mapping):
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value]
    return str(value)[:_MAX_ERROR_CHARS]
