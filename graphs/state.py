"""What travels through the graph. Values are plain JSON, so that Studio can show and edit them."""

from dataclasses import dataclass, field
from typing import Any, Literal

# Pydantic draws Studio's form from these types, and takes typing's own TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict

from app.corpus.passage import Passage

Verdict = Literal["", "yes", "doubt", "no"]


class Turn(TypedDict):
    """One message of the conversation so far."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(kw_only=True)
class Question:
    """What a caller gives."""

    question: str
    """The user's own words."""
    history: list[Turn] = field(default_factory=list)
    """Earlier turns, oldest first; the graph appends each finished turn."""
    given: list[dict[str, str]] | None = None
    """Passages {"title", "text"} to answer over, instead of the collection."""


@dataclass(kw_only=True)
class State(Question):
    """What the nodes add."""

    question: str = ""
    """As in `Question`; empty where a caller gave none, which is refused and not an error."""
    trace_id: str = ""
    """Names this run in logs and traces."""
    language: Literal["ko", "en"] = "ko"
    """Of the question; chooses the prompts."""
    standalone: str = ""
    """The question with what it borrows from earlier turns."""
    parts: list[str] = field(default_factory=list)
    """Questions still to be answered after this one, where the user asked several in a row."""
    finished: list[dict[str, Any]] = field(default_factory=list)
    """Parts answered before this one: question, answer, citations and calculation."""
    query: str = ""
    """What is searched for next."""
    also: str = ""
    """The other reading of a question that may or may not follow the one before; empty once tried."""
    arithmetic: bool = False
    """The question's words allow that something must be calculated."""
    found: list[dict[str, Any]] = field(default_factory=list)
    """Passages in the order in which the model reads them (`app.corpus.passage.Passage` as dicts)."""
    shown: int = 0
    """How many of them are in the prompt."""
    coverage: float = 0.0
    """Largest share of the question's bigram weight that one found sentence covers."""
    dense: float = 0.0
    """Largest cosine between the question and a found passage."""
    grade: float = 0.5
    """The model's probability that the shown passages hold the answer, or the reader's where it decided."""
    evidence: float = 0.0
    """Calibrated probability that they do."""
    verdict: Verdict = ""
    """What the grade node decided."""
    reword: bool = False
    """The question's words were not found: other words might find the answer."""
    lacking: str = ""
    """The query for a fact that a calculation lacks, once it was asked for."""
    calculation: str = ""
    """`expression = value`, once the calculator ran."""
    answer: str = ""
    """The answer so far."""
    cut_off_tokens: int = 0
    """After how many it was cut off; 0 where it is whole."""
    answer_logprob: float = 0.0
    """Mean log-probability of the answer's tokens."""
    recheck: bool = False
    """An answer rested on what seems an order: it and the passage are gone; is there another?"""
    suspects: list[str] = field(default_factory=list)
    """Ids of passages that were thrown away with an answer that rested on them."""
    problem: str = ""
    """Why the answer so far was rejected; empty when it passed."""
    attempts: int = 0
    """Answers generated."""
    grounded: float = 0.0
    """Calibrated probability that the answer is what the passages say."""
    asked: list[str] = field(default_factory=list)
    """Queries that the corpus was searched for already."""
    asked_web: list[str] = field(default_factory=list)
    """Queries that the web was searched for already."""
    decisions: list[dict[str, Any]] = field(default_factory=list)
    """Every judgement so far, with the bar it was held against (`graphs.run.Decision` as dicts)."""
    notices: list[str] = field(default_factory=list)
    """What the user should know: dropped passages, a failed search."""
    ended: str = ""
    """The budget that ended, if one did."""
    refused: bool = False
    reason: str = ""
    route: list[str] = field(default_factory=list)
    """Nodes visited, in order."""
    knobs: dict[str, Any] = field(default_factory=dict)
    """The run's `Context`, with what the settings decide filled in; the routes go by it."""
    llm_calls: int = 0
    rewrites: int = 0
    searches: int = 0
    prompt_tokens: int = 0
    """Of all calls, cached ones included."""
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """Time spent in nodes; a pause for a person does not count."""
    result: dict[str, Any] = field(default_factory=dict)
    """The answer object of the contract, once the run is finished."""


def reader_decided(state: State) -> bool:
    """Whether the reader alone accepted what is shown: the model was not needed for that."""
    grades = [decision for decision in state.decisions if decision.get("step") == "grade"]
    return bool(grades) and grades[-1].get("name") == "reader" and grades[-1].get("verdict") == "yes"


def own_words(state: State) -> str:
    """What is asked now, without the question before that it is read beside."""
    asked = " ".join(state.question.split())
    return asked if state.standalone.endswith(asked) else state.standalone or asked


def turn_before(state: State) -> tuple[str, str]:
    """What a follow-up leans on: the question as it is read beside this one, and what was answered.

    Both empty for a question that stands alone.
    """
    asked = own_words(state)
    if state.standalone == asked:
        return "", ""
    told = [turn["content"] for turn in state.history[-1:] if turn["role"] == "assistant"]
    return state.standalone.removesuffix(asked), " ".join(told)


def looks_up(state: State) -> bool:
    """Whether what was searched for last is a fact that a calculation lacks."""
    return bool(state.lacking) and state.query == state.lacking


def is_from_web(passage: dict[str, Any]) -> bool:
    """Whether a found passage is a web search's result."""
    return bool(passage["extra"].get("origin") == "web")


def shown_passages(state: State) -> list[Passage]:
    """What the model reads, in its order."""
    return [Passage(**passage) for passage in state.found[: state.shown]]


def fresh(question: Question) -> dict[str, Any]:
    """Updates that clear what an earlier turn on the same thread left behind."""
    defaults = State(question=question.question)
    kept = {"question", "history", "given"}
    return {name: value for name, value in vars(defaults).items() if name not in kept}
