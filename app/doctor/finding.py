"""One line of `mutda doctor`: how a part is, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.errors import MutdaError, ServiceError

Level = Literal["ok", "warn", "fail"]
Blame = Literal["setting", "service"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was seen of one part."""

    name: str
    level: Level
    text: str
    todo: str = ""
    """What to do; empty where nothing is."""
    blame: Blame = "setting"
    """Of a failure: something here is not as it must be, or something outside does not answer."""


def ok(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(name=name, level="ok", text=text)


def warn(name: str, text: str, todo: str) -> Finding:
    """It works, and might not do what is wanted."""
    return Finding(name=name, level="warn", text=text, todo=todo)


def wrong(name: str, text: str, todo: str) -> Finding:
    """A setting, a file or a folder is not as it must be."""
    return Finding(name=name, level="fail", text=text, todo=todo)


def down(name: str, text: str, todo: str) -> Finding:
    """A service that the settings name does not do its part."""
    return Finding(name=name, level="fail", text=text, todo=todo, blame="service")


def told(name: str, error: MutdaError) -> Finding:
    """An error for a person as a finding: its line says what to do already."""
    blame: Blame = "service" if isinstance(error, ServiceError) else "setting"
    return Finding(name=name, level="fail", text=" ".join(str(error).split()), blame=blame)


def exit_code(findings: Iterable[Finding]) -> int:
    """2 where a setting is wrong, else 3 where a service fails, else 0."""
    blamed = {finding.blame for finding in findings if finding.level == "fail"}
    if "setting" in blamed:
        return MutdaError.exit_code
    return ServiceError.exit_code if blamed else 0
