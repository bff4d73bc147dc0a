"""What a trace is made of: spans with a parent, a beginning, an end and what they held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

Kind = Literal["run", "step", "model", "tool", "search", "chain"]
"""A run of the graph, a node of it, a model call, a tool, a retriever of LangChain's, anything else."""
Status = Literal["unfinished", "done", "error", "interrupted", "cancelled"]


@dataclass(kw_only=True)
class Span:
    """One thing that took time. What `data` holds depends on its kind; all of it is masked, plain JSON.

    run    question, result (the answer object), knobs, resumed
    step   update (scalars the node set), next, decisions, passages, shown, interrupt
    model  messages [{role: system | user | assistant, text}], text, prompt_tokens, cached_tokens,
           output_tokens, first_token {token: probability}, model, max_tokens
    tool, search  input, output
    """

    trace_id: str
    id: str
    parent_id: str | None
    kind: Kind
    name: str
    step: int | None = None
    """LangGraph's number of the step."""
    started_s: float
    """Seconds since the epoch, as all times here."""
    ended_s: float | None = None
    first_token_s: float | None = None
    """When a model's first token came: until then it read its prompt."""
    status: Status = "unfinished"
    error: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it is not finished. Never negative, whatever the clock did."""
        return None if self.ended_s is None else max(0.0, self.ended_s - self.started_s)


@dataclass(kw_only=True)
class Header:
    """A trace on one line."""

    id: str
    name: str
    """Of the graph, or of the system that stands in its place."""
    thread_id: str | None
    started_s: float
    ended_s: float | None = None
    status: Status = "unfinished"
    question: str = ""
    answer: str = ""
    refused: bool = False
    calls: int = 0
    prompt_tokens: int = 0
    """Cached ones included."""
    cached_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    route: list[str] = field(default_factory=list)
    """Steps that were begun, in order."""
    working_s: float = 0.0
    """Time in finished runs; a pause for a person does not count."""

    @property
    def evaluated_tokens(self) -> int:
        """Tokens of prompts that the engine had to read."""
        return self.prompt_tokens - self.cached_tokens


@dataclass(kw_only=True)
class Trace:
    """A whole trace: its header, and its spans in order of their beginning."""

    header: Header
    spans: list[Span]

    @property
    def runs(self) -> list[Span]:
        """The runs; more than one where a pause was taken up again."""
        return [span for span in self.spans if span.kind == "run"]

    @property
    def steps(self) -> list[Span]:
        """The nodes that ran, in order; where there is no graph, the runs."""
        steps = [span for span in self.spans if span.kind == "step"]
        return steps or self.runs

    @property
    def calls(self) -> list[Span]:
        """The model calls, in order."""
        return [span for span in self.spans if span.kind == "model"]

    @property
    def result(self) -> Mapping[str, Any]:
        """The answer object; empty where no run came to one."""
        return next((run.data["result"] for run in reversed(self.runs) if run.data.get("result")), {})

    def under(self, span: Span) -> Iterator[Span]:
        """The spans right under this one."""
        return (child for child in self.spans if child.parent_id == span.id)

    def calls_under(self, span: Span) -> list[Span]:
        """The model calls of a step, at any depth."""
        found: list[Span] = []
        for child in self.under(span):
            found += [child] if child.kind == "model" else self.calls_under(child)
        return found


class Timeline:
    """Where a moment lies in a trace's working time: pauses for a person are left out."""

    def __init__(self, trace: Trace) -> None:
        self._spells: list[tuple[float, float, float]] = []
        """Start and end of each run, and the working time before it."""
        self.seconds = 0.0
        """All working time; of a run that did not finish, until the last thing it is known to have done."""
        for run in trace.runs:
            under = [run, *(span for span in trace.spans if run.started_s <= span.started_s)]
            last_s = max(max(span.started_s, span.ended_s or 0.0) for span in under)
            ended_s = max(run.started_s, run.ended_s or last_s)
            self._spells.append((run.started_s, ended_s, self.seconds))
            self.seconds += ended_s - run.started_s

    def at(self, moment_s: float) -> float:
        """Seconds of work before `moment_s` (seconds since the epoch)."""
        for started_s, ended_s, before_s in reversed(self._spells):
            if moment_s >= started_s:
                return before_s + min(moment_s, ended_s) - started_s
        return 0.0

    def end(self, span: Span) -> float:
        """Where the span ends; one that is unfinished lasts until the end."""
        return self.seconds if span.ended_s is None else self.at(span.ended_s)


def prompt_text(call: Span) -> str:
    """All messages of a model call as one text, each under its role."""
    return "\n\n".join(f"[{message['role']}]\n{message['text']}" for message in call.data["messages"])


def shared_chars(before: str, after: str) -> int:
    """How many characters two texts begin with in common."""
    # Halving: comparing slices is done in C, and prompts share thousands of characters.
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def shared_with_previous(calls: Sequence[Span]) -> list[int]:
    """For each model call, how many characters of its prompt the call before it began with too."""
    texts = [prompt_text(call) for call in calls]
    return [0, *(shared_chars(before, after) for before, after in pairwise(texts))][: len(texts)]
