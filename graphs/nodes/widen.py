"""Show the model more of what was found; the engine pays only for the passages that are added."""

from typing import Any

from graphs.run import Run
from graphs.state import State


async def widen(state: State, run: Run) -> dict[str, Any]:
    """From the first look to the wide one."""
    return {"shown": min(run.context.wide, len(state.found))}
