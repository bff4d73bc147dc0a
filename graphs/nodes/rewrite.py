"""Read the question in its other way, or ask the model what to search for instead."""

from typing import Any

from graphs.calculation import may_calculate
from graphs.prefix import prompt
from graphs.reading import unread
from graphs.run import Run
from graphs.state import State

QUERY_TOKENS = 32
MAX_QUERY_CHARS = 200


async def rewrite(state: State, run: Run) -> dict[str, Any]:
    """A new query; empty or already used ones are seen by the route.

    The other reading costs no call, and little to judge: what it finds is among the passages already. It
    counts as a rewriting, for a question that is refused in both has been read often enough.
    """
    if state.also:
        return {
            "standalone": state.also,
            "query": state.also,
            "found": unread(state.found),
            "also": "",
            "rewrites": state.rewrites + 1,
            "arithmetic": may_calculate(state.also),
        }
    instruction = run.resources.prompts.get("rewrite", state.language)
    reply = await run.ask(prompt(state, run.resources, instruction), max_tokens=QUERY_TOKENS)
    return {"query": clean_query(reply.text), "rewrites": state.rewrites + 1}


def clean_query(text: str) -> str:
    """The first line without quotes, labels and list marks."""
    lines = [line.strip() for line in text.replace("`", "").splitlines() if line.strip()]
    line = lines[0] if lines else ""
    head, colon, rest = line.partition(":")
    if colon and head.strip().casefold() in ("query", "search query", "search", "검색어"):
        line = rest
    return " ".join(line.strip("\"'- ").split())[:MAX_QUERY_CHARS]
