"""Fakes at the boundary: a corpus in memory, a scripted model, a search engine, clocks."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from langchain_core.messages import BaseMessage

from app.corpus.passage import Passage
from app.models.fake import FakeModel, FakeReply
from app.prompts import Prompts
from graphs.evidence import Calibration
from graphs.resources import Resources
from tools.search_results import SearchResult

CALIBRATION = Calibration(
    family="fake",
    evidence_weights={"bias": 0.0, "grade": 1.0, "coverage": 0.0, "dense": 0.0},
    grounded_weights={
        "bias": 0.0,
        "grade": 0.0,
        "coverage": 0.0,
        "dense": 0.0,
        "logprob": 0.0,
        "check": 1.0,
        "support": 0.0,
    },  # fmt: skip
    accept_narrow=0.7,
    accept_wide=0.5,
    hopeless_coverage=0.05,
    hopeless=0.1,
    reword_coverage=1.1,
    sure=2.0,
    grounded=0.3,
)


def passage(number: int, text: str, *, heading: str = "취업규칙", source: str = "취업규칙.docx") -> Passage:
    """A passage of a made-up handbook."""
    return Passage(
        id=f"p{number}", source=source, heading=heading, section=heading, start=100 * number, end=100 * number + len(text),
        text=text, score=1.02 - 0.02 * number, dense=0.5,
    )  # fmt: skip


LEAVE = [
    passage(1, "연차 휴가는 17일입니다. 신청은 3일 전까지 합니다."),
    passage(2, "병가는 30일입니다."),
    passage(3, "경조 휴가는 5일입니다."),
    passage(4, "재택근무는 주 2일입니다."),
    passage(5, "출장비는 하루 45000원입니다."),
]


@dataclass
class FakeCorpus:
    """Finds what `pages` hold for a query; every other query finds `default`."""

    default: Sequence[Passage] = tuple(LEAVE)
    pages: dict[str, Sequence[Passage]] = field(default_factory=dict)
    covered: float = 0.6
    queries: list[str] = field(default_factory=list)

    def search(self, query: str, *, k: int) -> list[Passage]:
        self.queries.append(query)
        return list(self.pages.get(query, self.default))[:k]

    def coverage(self, question: str, passages: Sequence[Passage]) -> float:
        return self.covered

    def close(self) -> None:
        return None


@dataclass
class FakeSearch:
    """Answers each query from a table; a missing one finds nothing, an exception is raised."""

    pages: dict[str, list[SearchResult] | Exception] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)

    async def search(self, query: str, *, k: int = 5, consent: bool = False) -> list[SearchResult]:
        self.queries.append(query)
        found = self.pages.get(query, [])
        if isinstance(found, Exception):
            raise found
        return found[:k]


Step = str | float | FakeReply | Callable[[Sequence[BaseMessage]], FakeReply]

# A piece of each step's instruction, to tell the steps apart as the model does.
MARKS = {
    "needs_calculation": "Must numbers or dates be calculated",
    "calculation": "Which calculation answers the question",
    "rewrite": "Write one short search query",
    "check": "Is that answer explicitly stated",
    "grade_calculation": "every fact that is needed to calculate",
    "grade": "Do the documents contain the answer",
    "again": "was rejected",
    "answer": "Answer the question",
}


def step_of(messages: Sequence[BaseMessage]) -> str:
    """Which step sent this prompt."""
    last = str(messages[-1].content)
    return next(step for step, mark in MARKS.items() if mark in last)


class Script:
    """Replies by step: a number is the probability of yes, a list gives one reply after another."""

    def __init__(self, **steps: Step | list[Step]) -> None:
        defaults: dict[str, Step | list[Step]] = {
            "grade": 0.9, "grade_calculation": 0.9, "check": 0.9, "needs_calculation": 0.1,
            "answer": "연차 휴가는 17일입니다.", "again": "연차 휴가는 17일입니다.",
        }  # fmt: skip
        self._steps = {
            step: itertools.chain(reply, itertools.repeat(reply[-1]))
            if isinstance(reply, list)
            else itertools.repeat(reply)
            for step, reply in (defaults | steps).items()
        }
        self.seen: list[str] = []

    def __call__(self, messages: Sequence[BaseMessage]) -> FakeReply:
        step = step_of(messages)
        self.seen.append(step)
        reply = next(self._steps[step])
        if callable(reply):
            return reply(messages)
        if isinstance(reply, FakeReply):
            return reply
        return FakeReply(text=reply) if isinstance(reply, str) else FakeReply(yes=reply)


class Bounded(FakeModel):
    """Keeps how long each reply may be."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits: list[int] = []

    def options(self, *, max_tokens: int, logprobs: bool) -> dict[str, Any]:
        self.limits.append(max_tokens)
        return super().options(max_tokens=max_tokens, logprobs=logprobs)


class Ticks:
    """A monotonic clock that advances by `step_s` at each look."""

    def __init__(self, step_s: float = 0.0) -> None:
        self._now = 0.0
        self._step_s = step_s

    def __call__(self) -> float:
        self._now += self._step_s
        return self._now


def make_resources(script: Script | None = None, **changes: Any) -> Resources:
    """Resources over fakes; any field can be replaced."""
    values: dict[str, Any] = {
        "model": FakeModel(script or Script()),
        "prompts": Prompts.read("fake"),
        "corpus": FakeCorpus(),
        "corpus_of": lambda given: FakeCorpus(
            default=[
                passage(n, p["text"], heading=p["title"], source=p.get("source", p["title"]))
                for n, p in enumerate(given, 1)
            ]
        ),
        "calibration": CALIBRATION,
        "orders": None,
        "reader": None,
        "search": None,
        "web_search": "off",
        "call_timeout_s": 600.0,
        "today": lambda: date(2026, 11, 21),
        "monotonic": Ticks(),
        "embedder": "toy:",
        "collection": "test",
        "documents": 5,
    }
    return Resources(**(values | changes))
