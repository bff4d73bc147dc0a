"""From LangChain's events to spans. Runs in the recorder's own thread, where there is time to be thorough."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from app.tracing import steps
from app.tracing.events import Began, Ended, Event, FirstToken
from app.tracing.readings import (
    KINDS,
    documents_of,
    error_text,
    first_tokens,
    generation_of,
    interrupt_of,
    model_of,
    name_of,
    plain,
    question_of,
    role_of,
    status_of,
    text_of,
)
from app.tracing.spans import Header, Span

MAX_OPEN_RUNS = 1024
"""A run whose end is never told, because its task was dropped, must not be kept for ever."""
WITHHELD = "[withheld]"
"""In place of what could not be masked."""


class Mask(Protocol):
    """Takes out what must not be kept."""

    def text(self, text: str) -> str:
        """The text without it."""

    def value(self, value: Any) -> Any:
        """The same for every text inside plain JSON."""


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
        if isinstance(event, Began):
            self._began(event)
            return None
        run = self._of.get(event.run_id)
        span = run.open.get(event.run_id) if run else None
        if run is None or span is None:
            self._route_ended(event)
            return None
        if isinstance(event, FirstToken):
            span.first_token_s = event.at_ns / 1e9
            return None
        self._ended(run, span, event)
        return span

    # -- beginnings

    def _began(self, event: Began) -> None:
        if event.parent_id is None:
            if event.kind != "run":
                return  # a lone call is nobody's question
            run = self._begin(event)
        elif (found := self._of.get(event.parent_id)) is None:
            return  # its root's beginning was dropped
        else:
            run = found
        parent = run.open.get(event.parent_id) if event.parent_id else None
        if parent is None and event.parent_id:
            parent = self._routes.get(event.parent_id)
        if event.kind == "route":
            if parent is not None:
                self._routes[event.run_id] = parent
                self._of[event.run_id] = run
            return
        span = run.root if event.parent_id is None else self._child(run, event, parent)
        run.open[event.run_id] = span
        self._of[event.run_id] = run
        self._changed(run, span)

    def _begin(self, event: Began) -> _Run:
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
                name=name_of(event),
                thread_id=None if thread is None else self._text(str(thread)),
                started_s=event.at_ns / 1e9,
            )
        header.status, header.ended_s = "unfinished", None
        root = Span(
            trace_id=trace_id,
            id=event.run_id.hex,
            parent_id=None,
            kind="run",
            name=name_of(event),
            started_s=event.at_ns / 1e9,
            data={"resumed": True} if event.resumed else {},
        )
        if question := question_of(event.given):
            root.data["question"] = header.question = self._text(question)
        run = self._runs[event.run_id] = _Run(header=header, root=root)
        return run

    def _child(self, run: _Run, event: Began, parent: Span | None) -> Span:
        span = Span(
            trace_id=run.header.id,
            id=event.run_id.hex,
            parent_id=(parent or run.root).id,
            kind=KINDS[event.kind],
            name=name_of(event),
            step=event.metadata.get("langgraph_step") if event.kind == "step" else None,
            started_s=event.at_ns / 1e9,
        )
        if event.kind == "step":
            run.header.route.append(span.name)
        elif event.kind == "model":
            span.data = {
                "model": model_of(event),
                "messages": [
                    {"role": role_of(message), "text": self._text(text_of(message))}
                    for message in event.given
                ],
            }
            if limit := event.options.get("max_tokens") or event.options.get("num_predict"):
                span.data["max_tokens"] = limit
            run.header.model = run.header.model or span.data["model"]
        elif event.kind in ("tool", "retriever") and event.given is not None:
            span.data = {"input": self._value(plain(event.given))}
        return span

    # -- ends

    def _ended(self, run: _Run, span: Span, event: Ended) -> None:
        span.ended_s, span.status = event.at_ns / 1e9, status_of(event.error)
        if event.error is not None and span.status == "error":
            span.error = self._text(error_text(event.error))
        elif event.error is not None and span.status == "interrupted":
            run.interrupted = True
            if (interrupt := interrupt_of(event.error)) is not None:
                span.data["interrupt"] = self._value(plain(interrupt))
        if span.kind == "model":
            self._model_ended(run, span, event.got)
        elif span.kind == "step" and isinstance(event.got, Mapping):
            self._step_ended(run, span, event.got)
        elif span.kind == "run":
            self._run_ended(run, span, event)
        elif event.got is not None:
            got = documents_of(event.got) if span.kind == "search" else event.got
            span.data["output"] = self._value(plain(got))
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
        generation = generation_of(got)
        if generation is None:
            return
        message = getattr(generation, "message", None)
        usage = getattr(message, "usage_metadata", None) or {}
        span.data |= {
            "text": self._text(text_of(generation.text if message is None else message)),
            "prompt_tokens": usage.get("input_tokens", 0),
            "cached_tokens": (usage.get("input_token_details") or {}).get("cache_read", 0) or 0,
            "output_tokens": usage.get("output_tokens", 0),
        }
        if first := first_tokens(message):
            span.data["first_token"] = {
                self._text(token): round(probability, 4) for token, probability in first.items()
            }
        header = run.header
        header.calls += 1
        header.prompt_tokens += span.data["prompt_tokens"]
        header.cached_tokens += span.data["cached_tokens"]
        header.output_tokens += span.data["output_tokens"]

    def _run_ended(self, run: _Run, root: Span, event: Ended) -> None:
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
                span.ended_s = root.ended_s
                span.status = root.status if root.status != "done" else "cancelled"
                self._changed(run, span)
        run.header.status, run.header.ended_s = root.status, root.ended_s
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

    def _route_ended(self, event: FirstToken | Ended) -> None:
        self._of.pop(event.run_id, None)
        step = self._routes.pop(event.run_id, None)
        if step is not None and isinstance(event, Ended) and isinstance(event.got, str):
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
