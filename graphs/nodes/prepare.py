"""Read the question: its language, what it borrows from earlier turns, whether it may need arithmetic."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from langchain_core.messages import HumanMessage, SystemMessage

from app.corpus.bigrams import bigrams
from app.prompts import Language, language_of
from graphs.calculation import may_calculate
from graphs.parts import parts_of
from graphs.run import BudgetEnd, Run
from graphs.state import State, Turn, fresh

MAX_QUESTION_CHARS = 2000
MAX_TURNS = 4
REWRITE_TOKENS = 80


async def prepare(state: State, run: Run) -> dict[str, Any]:
    """Clears what an earlier turn left, and makes a follow-up stand alone."""
    cleared = fresh(state)
    run.state = replace(state, **cleared)
    question = " ".join(state.question.split())[:MAX_QUESTION_CHARS]
    language = language_of(question)
    first, *parts = parts_of(question)
    standalone = first
    if state.history and question:
        standalone = await standalone_of(state.history[-MAX_TURNS:], first, language, run)
    return cleared | {
        "trace_id": uuid4().hex,
        "language": language,
        "standalone": standalone,
        "parts": parts,
        "query": standalone,
        "arithmetic": may_calculate(standalone),
    }


async def standalone_of(history: list[Turn], question: str, language: Language, run: Run) -> str:
    """`question` with what it borrows from `history`; one short model call."""
    talk = "\n".join(f"{turn['role']}: {' '.join(turn['content'].split())[:300]}" for turn in history)
    prompts = run.resources.prompts
    instruction = prompts.get("standalone", language, history=talk, question=question)
    last_question = next((turn["content"] for turn in reversed(history) if turn["role"] == "user"), "")
    joined = f"{' '.join(last_question.split())} {question}".strip()
    try:
        reply = await run.ask(
            [SystemMessage(prompts.get("system", language)), HumanMessage(instruction)],
            max_tokens=REWRITE_TOKENS,
        )
    except BudgetEnd:
        return joined
    return choose_standalone(reply.text, question=question, talk=talk, joined=joined)


def choose_standalone(rewritten: str, *, question: str, talk: str, joined: str) -> str:
    """The model's rewriting when it keeps the question and invents nothing, else both questions together."""
    line = rewritten.strip().splitlines()[0].strip("\"' ") if rewritten.strip() else ""
    said, asked, known = set(bigrams(line)), set(bigrams(question)), set(bigrams(f"{talk} {question}"))
    keeps = len(said & asked) >= 0.5 * len(asked)
    invents = len(said - known) > 0.35 * len(said)
    return line if line and keeps and not invents else joined
