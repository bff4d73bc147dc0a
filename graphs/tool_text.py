"""Tool calls that a model wrote into its answer as text.

The graph offers its model no tools: the calculator and the web search are steps of its own, so that
models that cannot call tools answer as well as those that can. Some write a call all the same.
"""

import json
import re

_MARKED = re.compile(
    r"<(tool_call|function_call)>.*?(?:</\1>|$)|\[TOOL_CALLS\].*|<\|python_tag\|>.*", re.DOTALL
)
_FENCED = re.compile(r"```\w*\s*(\{.*?\}|\[.*?\])\s*(?:```|$)", re.DOTALL)
_ARGUMENTS = ("arguments", "parameters")


def without_calls(text: str) -> str:
    """The text without marked, fenced and bare tool calls; unchanged where there are none."""
    text = _MARKED.sub("", text)
    text = _FENCED.sub(lambda match: "" if is_call(match[1]) else match[0], text)
    bare = text.strip()
    return "" if is_call(bare) else text


def is_call(text: str) -> bool:
    """Whether a text is the JSON of one tool call or of several: a name and its arguments."""
    try:
        value = json.loads(text)
    except ValueError:
        return False
    calls = value if isinstance(value, list) else [value]
    return bool(calls) and all(
        isinstance(call, dict)
        and isinstance(call.get("name"), str)
        and any(isinstance(call.get(key), dict | str) for key in _ARGUMENTS)
        for call in calls
    )
