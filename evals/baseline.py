"""What the baselines share: the same search, and the same answer object as the graph's."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from app.corpus.passage import Passage
from app.models.chat import Reply
from graphs.resources import Resources
from graphs.state import Question

PASSAGES = 4


def standalone_of(question: Question) -> str:
    """A follow-up together with the user's last question, which costs no call."""
    asked = [turn["content"] for turn in question.history if turn["role"] == "user"]
    return " ".join(" ".join([*asked[-1:], question.question]).split())


async def passages_for(
    query: str, given: Sequence[dict[str, str]] | None, resources: Resources
) -> list[Passage]:
    """The best four, of the passages that the question brings if it does."""
    return await asyncio.to_thread(_search, query, given, resources)


def _search(query: str, given: Sequence[dict[str, str]] | None, resources: Resources) -> list[Passage]:
    with resources.searched(given) as corpus:
        return corpus.search(query, k=PASSAGES)


def answer_object(
    question: Question,
    resources: Resources,
    *,
    answer: str,
    route: list[str],
    calls: Sequence[Reply],
    seconds: float,
    refused: bool = False,
    reason: str = "",
) -> dict[str, Any]:
    """The object of the contract, for a system without citations and evidence."""
    return {
        "question": question.question,
        "answer": answer,
        "refused": refused,
        "reason": reason,
        "citations": [],
        "nearest": [],
        "route": route,
        "evidence": 0.0,
        "grounded": 0.0,
        "cost": {
            "llm_calls": len(calls),
            "prompt_tokens": sum(call.prompt_tokens for call in calls),
            "cached_tokens": sum(call.cached_tokens for call in calls),
            "output_tokens": sum(call.output_tokens for call in calls),
            "searches": 0,
            "seconds": round(seconds, 3),
        },
        "calculation": "",
        "notices": [],
        "model": resources.model.spec,
        "embedder": resources.embedder,
        "collection": resources.collection,
        "trace_id": uuid4().hex,
    }
