"""What Langfuse is shown of each event: names, types, inputs, outputs, usage. All text is masked here."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.tracing.events import Began, Ended, is_cancelled, is_interrupt
from app.tracing.masking import Masking
from app.tracing.price import Price
from app.tracing.readings import role_of
from app.tracing.steps import passages, said

Attributes = dict[str, str | bool | int | float | Sequence[str]]

MAX_SESSION_CHARS = 200
"""Of a session's and a user's id: what is longer, the server drops without a word."""
MAX_ERROR_CHARS = 4000
MAX_TEXT_CHARS = 100_000
"""Of one input or output: a server refuses a post of some megabytes as a whole."""

# Langfuse's names for what a step does; see its documentation, "observation types".
_TYPES = {
    "run": "agent",
    "chain": "chain",
    "model": "generation",
    "tool": "tool",
    "retriever": "retriever",
}
_STEP_TYPES = {
    "retrieve": "retriever",
    "web_search": "retriever",
    "calculate": "tool",
    "grade": "evaluator",
    "self_check": "evaluator",
}
# Of the state, what a step goes by; its prompts are at its model calls.
_READ = ("question", "standalone", "query", "shown", "problem", "calculation", "answer")
_LIMITS = ("max_llm_calls", "max_seconds", "max_rewrites", "max_searches")
_OPTIONS = (
    "temperature", "top_p", "top_k", "seed", "max_tokens", "max_completion_tokens", "num_predict", "num_ctx",
    "logprobs", "top_logprobs", "stop",
)  # fmt: skip
_NOT_TOLD = ("langgraph_", "langfuse_", "ls_", "lc_", "checkpoint", "__pregel", "thread_id", "run_id")


@dataclass(kw_only=True)
class Marks:
    """What every span of a trace carries."""

    attributes: Attributes
    trace_id: str
    decided: dict[str, Any] = field(default_factory=dict)
    """The knobs of the run, once a step told them."""


def span_id(run_id: UUID) -> int:
    """The id of a run's span; the same in every process, so that a resumed run finds its trace's root."""
    return int.from_bytes(hashlib.blake2b(run_id.bytes, digest_size=8).digest(), "big") or 1


def is_sampled(trace_id: str, rate: float) -> bool:
    """Whether a trace is among the share `rate` that is sent: one decision for its runs and scores.

    By a digest: the ids are UUIDs of version 7, whose bits are not all random.
    """
    digest = hashlib.blake2b(trace_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < rate * 2**64


class Drawing:
    """Turns events into attributes in Langfuse's names, masked."""

    def __init__(
        self, masking: Masking, *, environment: str, release: str, price: Price | None = None
    ) -> None:
        self._masking = masking
        self._price = price
        self._fixed: Attributes = {"langfuse.release": release, "langfuse.version": release}
        if environment:
            self._fixed["langfuse.environment"] = environment

    def marks(self, began: Began) -> Marks:
        """Session, user, tags, name, release and environment, from a run's own configuration."""
        metadata = began.metadata
        marks: Attributes = dict(self._fixed)
        session = metadata.get("langfuse_session_id") or metadata.get("thread_id")
        user = metadata.get("langfuse_user_id") or metadata.get("user_id")
        name = metadata.get("langfuse_trace_name") or began.name or "run"
        tags = metadata.get("langfuse_tags")
        tags = list(tags) if isinstance(tags, list | tuple | set) else [tags] if tags else []
        for key, value in (("session.id", session), ("user.id", user), ("langfuse.trace.name", name)):
            if value:
                marks[key] = self._text(str(value))[:MAX_SESSION_CHARS]
        if tags := [*tags, *(tag for tag in began.tags if ":" not in tag)]:
            marks["langfuse.trace.tags"] = list(
                dict.fromkeys(self._text(str(tag))[:MAX_SESSION_CHARS] for tag in tags)
            )
        if isinstance(experiment := metadata.get("langfuse_experiment"), Mapping):
            marks |= self._experiment(experiment, began.trace_id)
        return Marks(attributes=marks, trace_id=began.trace_id)

    def name(self, began: Began) -> str:
        """The span's name."""
        return self._text(_name(began))[:MAX_SESSION_CHARS]

    def began(self, began: Began, marks: Marks) -> Attributes:
        """What is known when a span begins."""
        kind = _STEP_TYPES.get(began.name, "span") if began.kind == "step" else _TYPES[began.kind]
        attributes: Attributes = {**marks.attributes, "langfuse.observation.type": kind}
        metadata: dict[str, Any] = {
            key: began.metadata[key] for key in ("langgraph_node", "langgraph_step") if key in began.metadata
        }
        if began.kind == "run":
            metadata |= {key: value for key, value in began.metadata.items() if not key.startswith(_NOT_TOLD)}
            if began.resumed:
                metadata["resumed"] = True
            if isinstance(experiment := began.metadata.get("langfuse_experiment"), Mapping):
                expected = self._json(experiment["expected_output"])
                attributes["langfuse.experiment.item.expected_output"] = expected
        if began.kind == "model":
            attributes["langfuse.observation.model.name"] = self._text(_model(began))
            if options := {key: began.options[key] for key in _OPTIONS if began.options.get(key) is not None}:
                attributes["langfuse.observation.model.parameters"] = self._json(options)
            if provider := began.metadata.get("ls_provider"):
                metadata["provider"] = provider
        given = self._given(began)
        if given not in (None, "", {}, []):
            attributes["langfuse.observation.input"] = self._json(given)
        return attributes | self._metadata(metadata)

    def first_token(self, at_ns: int) -> Attributes:
        """When a model began to answer; a JSON text, as the SDK writes it."""
        at = datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")
        return {"langfuse.observation.completion_start_time": json.dumps(at)}

    def ended(self, began: Began, ended: Ended, marks: Marks) -> Attributes:
        """What is known when a span ends well."""
        if began.kind == "model":
            return self._model_ended(ended.got)
        if began.kind == "retriever":
            return self._output([_document(document) for document in ended.got or ()])
        if began.kind == "step" and isinstance(ended.got, Mapping):
            return self._step_ended(ended.got, marks)
        if began.kind == "run" and isinstance(ended.got, Mapping):
            return self._run_ended(ended.got, marks)
        return self._output(getattr(ended.got, "content", ended.got))

    def failed(self, error: BaseException) -> tuple[Attributes, str]:
        """What is known when a span ends otherwise, and what to say; nothing to say of a pause."""
        if is_interrupt(error):
            values = [getattr(item, "value", item) for item in (error.args[0] if error.args else ()) or ()]
            told: Attributes = {
                "langfuse.observation.level": "DEFAULT",
                "langfuse.observation.status_message": "waits for a person",
            }
            return told | self._output({"interrupt": values}), ""
        if is_cancelled(error):
            said = type(error).__name__
            return {
                "langfuse.observation.level": "WARNING",
                "langfuse.observation.status_message": said,
            }, said
        said = self._text(f"{type(error).__name__}: {error}")[:MAX_ERROR_CHARS]
        return {"langfuse.observation.level": "ERROR", "langfuse.observation.status_message": said}, said

    def next_step(self, step: str) -> Attributes:
        """Where a step's decision led."""
        return self._metadata({"next": step})

    def score_text(self, text: str) -> str:
        """A comment or a category, masked."""
        return self._text(text)

    # -- parts

    def _experiment(self, told: Mapping[str, Any], trace_id: str) -> Attributes:
        """What makes a trace one of an experiment's: servers of version 4 read it from every span."""
        attributes: Attributes = {
            "langfuse.experiment.id": str(told["id"]),
            "langfuse.experiment.name": self._text(str(told["name"]))[:MAX_SESSION_CHARS],
            "langfuse.experiment.dataset.id": str(told["dataset_id"]),
            "langfuse.experiment.item.id": str(told["item_id"]),
            "langfuse.experiment.item.root_observation_id": f"{span_id(UUID(hex=trace_id)):016x}",
        }
        metadata = self._masking.value(told["metadata"])
        for key, value in metadata.items() if isinstance(metadata, Mapping) else ():
            attributes[f"langfuse.experiment.metadata.{key}"] = str(value)[:MAX_SESSION_CHARS]
        return attributes

    def _given(self, began: Began) -> Any:
        given = began.given
        if began.kind == "model":
            return [_message(message) for message in given]
        if began.kind == "step":
            state = given if isinstance(given, Mapping) else getattr(given, "__dict__", {})
            read = {key: state[key] for key in _READ if state.get(key)}
            return read or (given if not state else None)
        if began.kind == "run" and began.resumed:
            return {"resume": getattr(given, "resume", None)}
        return given

    def _step_ended(self, update: Mapping[str, Any], marks: Marks) -> Attributes:
        if isinstance(update.get("knobs"), Mapping):
            marks.decided = dict(update["knobs"])
        told = said(update)
        if found := passages(update):
            scores: dict[str, Any] = {key: told[key] for key in ("coverage", "dense", "shown") if key in told}
            return self._output(found) | self._metadata(scores)
        if not told:
            told = {"result": update["result"]} if "result" in update else {}
        if isinstance(update.get("decisions"), list):
            told["decisions"] = update["decisions"]
        return self._output(told)

    def _run_ended(self, got: Mapping[str, Any], marks: Marks) -> Attributes:
        result = got.get("result")
        if not isinstance(result, Mapping) or not result:
            if "route" not in got:  # another graph than the project's own
                return self._output(got)
            return self._metadata({"route": got.get("route")})
        knobs = got.get("knobs") or marks.decided
        metadata = {
            "route": result.get("route"),
            "cost": result.get("cost"),
            "budget": {key: knobs[key] for key in _LIMITS if key in knobs},
            "knobs": {key: value for key, value in knobs.items() if key not in _LIMITS},
            "ended": got.get("ended") or None,
            **{
                key: result.get(key)
                for key in ("evidence", "grounded", "refused", "reason", "model", "embedder", "collection")
            },
        }
        told = {key: result[key] for key in ("answer", "refused", "reason", "citations") if key in result}
        return self._output(told) | self._metadata(metadata)

    def _model_ended(self, got: Any) -> Attributes:
        rows = getattr(got, "generations", None) or [[]]
        if not rows[0]:
            return {}
        message = getattr(rows[0][0], "message", None)
        if message is None:
            return self._output(getattr(rows[0][0], "text", ""))
        attributes = self._output(_message(message))
        if usage := _usage(message):
            attributes["langfuse.observation.usage_details"] = json.dumps(usage)
            if self._price:
                attributes["langfuse.observation.cost_details"] = json.dumps(self._price.of(usage))
        metadata = message.response_metadata
        if name := metadata.get("model_name") or metadata.get("model"):
            attributes["langfuse.observation.model.name"] = self._text(str(name))
        reason = metadata.get("finish_reason") or metadata.get("done_reason")
        return attributes | self._metadata({"finish_reason": reason} if reason else {})

    def _output(self, value: Any) -> Attributes:
        return {} if value in (None, "") else {"langfuse.observation.output": self._json(value)}

    def _metadata(self, metadata: Mapping[str, Any]) -> Attributes:
        attributes: Attributes = {}
        for key, value in metadata.items():
            if value is None:
                continue
            masked = self._masking.value({key: value})
            if not isinstance(masked, dict):
                attributes["langfuse.observation.metadata"] = str(masked)
                continue
            for name, item in masked.items():
                plain = isinstance(item, str | bool | int)
                attributes[f"langfuse.observation.metadata.{name}"] = (
                    item if plain else json.dumps(item, ensure_ascii=False)
                )
        return attributes

    def _text(self, text: str) -> str:
        return self._masking.text(text)

    def _json(self, value: Any) -> str:
        masked = self._masking.value(value)
        text = masked if isinstance(masked, str) else json.dumps(masked, ensure_ascii=False)
        return text if len(text) <= MAX_TEXT_CHARS else f"{text[:MAX_TEXT_CHARS]}… [{len(text)} characters]"


def _model(began: Began) -> str:
    names = (
        began.metadata.get("ls_model_name"),
        *(began.options.get(key) for key in ("model", "model_name")),
    )
    return str(next((name for name in names if name), _name(began)))


def _name(began: Began) -> str:
    """Its own name, or its class's, which Langfuse groups calls by."""
    if began.name or began.kind not in ("model", "retriever", "tool"):
        return began.name or began.kind
    if began.kind == "tool":
        return str(began.component.get("name") or began.kind)
    return str((began.component.get("id") or ["model"])[-1])


def _message(message: Any) -> Any:
    if isinstance(message, str):
        return message
    told = {"role": role_of(message), "content": message.content}
    if calls := getattr(message, "tool_calls", None):
        told["tool_calls"] = [{"name": call.get("name"), "args": call.get("args")} for call in calls]
    return told


def _usage(message: Any) -> dict[str, int]:
    """Tokens by kind. Langfuse adds the kinds up, so that cached ones are taken out of the input."""
    usage = getattr(message, "usage_metadata", None)
    if not usage:
        return {}
    read, written = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
    return {
        "input": max(read - cached, 0),
        "input_cache_read": cached,
        "output": written,
        "total": read + written,
    }


def _document(document: Any) -> Any:
    text = getattr(document, "page_content", None)
    return document if text is None else {"text": text, "metadata": getattr(document, "metadata", {})}
