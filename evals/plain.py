"""The baseline: retrieve four passages, call the model once, never refuse.

Everything else is the graph's: its model and engine, its search, its prompts and its limit of tokens.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from app.corpus.passage import Passage
from app.prompts import language_of
from graphs.nodes.generate import trimmed
from graphs.prefix import ANSWER_TOKENS, fitting, prompt
from graphs.resources import Resources
from graphs.state import Question, State

PASSAGES = 4


async def answer_plainly(question: Question, resources: Resources) -> dict[str, Any]:
    """The same keys that a run of the graph leaves: `result`, `found` and `shown`.

    A follow-up is searched for and asked together with the user's last question, which costs no call.
    Raises ModelError as the model does.
    """
    started = resources.monotonic()
    text = " ".join(question.question.split())
    asked = [turn["content"] for turn in question.history if turn["role"] == "user"]
    standalone = " ".join([*asked[-1:], text])
    found = await asyncio.to_thread(_search, standalone, question.given, resources)
    state = State(
        question=question.question,
        given=question.given,
        language=language_of(text),
        standalone=standalone,
        found=[asdict(passage) for passage in found],
        shown=len(found),
    )
    model = resources.model
    state.shown = await fitting(state, resources)
    reply = await model.call(
        prompt(state, resources, resources.prompts.get("answer", state.language)),
        max_tokens=ANSWER_TOKENS,
        timeout_s=resources.call_timeout_s,
    )
    result = {
        "question": question.question,
        "answer": trimmed(reply.text, truncated=reply.truncated),
        "refused": False,
        "reason": "",
        "citations": [],
        "route": ["retrieve", "generate"],
        "evidence": 0.0,
        "grounded": 0.0,
        "cost": {
            "llm_calls": 1,
            "prompt_tokens": reply.prompt_tokens,
            "cached_tokens": reply.cached_tokens,
            "output_tokens": reply.output_tokens,
            "searches": 0,
            "seconds": round(resources.monotonic() - started, 3),
        },
        "calculation": "",
        "notices": [],
        "model": model.spec,
        "embedder": resources.embedder,
        "collection": resources.collection,
        "trace_id": uuid4().hex,
    }
    return {"result": result, "found": state.found, "shown": state.shown}


def _search(query: str, given: Sequence[dict[str, str]] | None, resources: Resources) -> list[Passage]:
    if given is None:
        return resources.corpus.search(query, k=PASSAGES)
    corpus = resources.corpus_of(list(given))
    try:
        return corpus.search(query, k=PASSAGES)
    finally:
        corpus.close()
