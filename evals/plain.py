"""The baseline: retrieve four passages, call the model once.

It is not asked to refuse, and does only where the model says by itself that the documents do not tell.
Everything else is the graph's: its model and engine, its search, its prompts and its limit of tokens.
"""

from dataclasses import asdict
from typing import Any

from app.prompts import language_of
from evals.baseline import answer_object, passages_for, standalone_of
from evals.declined import declines
from graphs.nodes.generate import trimmed
from graphs.prefix import answer_tokens, fitting, prompt
from graphs.resources import Resources
from graphs.state import Question, State


async def answer_plainly(question: Question, resources: Resources) -> dict[str, Any]:
    """The same keys that a run of the graph leaves: `result`, `found` and `shown`.

    Raises ModelError as the model does.
    """
    started = resources.monotonic()
    standalone = standalone_of(question)
    found = await passages_for(standalone, question.given, resources)
    state = State(
        question=question.question,
        given=question.given,
        language=language_of(question.question),
        standalone=standalone,
        found=[asdict(passage) for passage in found],
        shown=len(found),
    )
    state.shown = await fitting(state, resources)
    reply = await resources.model.call(
        prompt(state, resources, resources.prompts.get("answer", state.language)),
        max_tokens=answer_tokens(question.question, resources.model.context_tokens),
        timeout_s=resources.call_timeout_s,
    )
    answer = trimmed(reply.text, truncated=reply.truncated)
    declined = declines(answer, question.question)
    result = answer_object(
        question,
        resources,
        answer=answer,
        route=["retrieve", "generate"],
        calls=[reply],
        seconds=resources.monotonic() - started,
        refused=declined,
        reason="the model says that the documents do not tell" if declined else "",
    )
    return {"result": result, "found": state.found, "shown": state.shown}
