"""LangSmith's own variables, which LangChain obeys in every program."""

import os
from collections.abc import Mapping

from app.doctor.finding import Finding, ok, warn

NAME = "langsmith"
CLOUD = "https://api.smith.langchain.com"
# langsmith's own order: it reads the first of these that is set.
_SWITCHES = ("LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING", "LANGCHAIN_TRACING")
_ADDRESSES = ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT")


def look_at_langsmith(environment: Mapping[str, str] = os.environ) -> Finding:
    """Would questions, passages and answers go to LangSmith, without this project's settings having a say?"""
    switch = next((name for name in _SWITCHES if environment.get(name)), None)
    if switch is None or environment[switch].strip().casefold() != "true":
        return ok(NAME, "off")
    address = next((environment[name] for name in _ADDRESSES if environment.get(name)), CLOUD)
    return warn(
        NAME,
        f"{switch}=true in your shell: questions, passages and answers are sent to {address}, unmasked",
        f"if that is not wanted: unset {switch}",
    )
