"""The one prompt prefix that every step of a question shares.

System, passages, question, and last the step's own instruction: the engine evaluates the part
before the instruction once. Passages stand before the question, so that a wider look pays only for
the passages it adds and for the question.
"""

import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from graphs.requests import may_be_long
from graphs.resources import Resources
from graphs.state import State

ANSWER_TOKENS = 128
LONG_ANSWER_TOKENS = 288
"""Of an answer that lists or explains: a table of twelve lines takes some 200."""
TAIL_TOKENS = 96
"""Room for an instruction and for the further turn in which an answer is checked."""


# Marks that begin or end a turn in the chat formats of Qwen, Llama 3, Gemma, Llama 2 and Mistral: the
# engine takes them for its own wherever they stand. Tag characters are seen by a model and by nobody else.
_TURN_MARKS = re.compile(r"<(?=\|)|<(?=/?s>)|<(?=(?:start|end)_of_turn>)|<(?=</?SYS>>)|\[(?=/?INST\])")
_TAG_CHARACTERS = re.compile("[\U000e0000-\U000e007f]")


def harmless(text: str) -> str:
    """`text` as it can stand inside a turn: nothing in it ends the turn, and nothing in it is invisible."""
    return _TURN_MARKS.sub(lambda mark: f"{mark[0]} ", _TAG_CHARACTERS.sub("", text))


def document_lines(state: State, shown: int) -> str:
    """The first `shown` passages, one a line, numbered from 1 as citations are."""
    lines = []
    for number, passage in enumerate(state.found[:shown], start=1):
        text = " ".join(str(passage["text"]).split())
        heading = " ".join(str(passage["heading"]).split())
        lines.append(harmless(f"[{number}] {heading}: {text}"))
    return "\n".join(lines)


def prompt(
    state: State, resources: Resources, instruction: str, shown: int | None = None
) -> list[BaseMessage]:
    """System message, and a user message that ends with `instruction`."""
    frame = resources.prompts.get(
        "frame",
        state.language,
        documents=document_lines(state, state.shown if shown is None else shown),
        question=harmless(state.standalone or state.question),
    )
    return [
        SystemMessage(resources.prompts.get("system", state.language)),
        HumanMessage(f"{frame}\n\n{instruction}"),
    ]


def further_turn(messages: Sequence[BaseMessage], answer: str, instruction: str) -> list[BaseMessage]:
    """`messages`, the answer they got, and a question about it."""
    return [*messages, AIMessage(answer), HumanMessage(instruction)]


def answer_tokens(question: str, context_tokens: int) -> int:
    """How long the answer to a question, as it was asked, may be in a context of that size."""
    longest = max(ANSWER_TOKENS, min(LONG_ANSWER_TOKENS, context_tokens // 8))
    return longest if may_be_long(question) else ANSWER_TOKENS


async def fitting(state: State, resources: Resources) -> int:
    """How many of the shown passages fit the model's context; the last ones are dropped first."""
    model = resources.model
    room = model.context_tokens - answer_tokens(state.question, model.context_tokens) - TAIL_TOKENS
    shown = min(state.shown, len(state.found))
    while shown > 0 and await model.count_tokens(prompt(state, resources, "", shown)) > room:
        shown -= 1
    return shown
