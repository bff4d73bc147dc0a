"""A suite: questions with what a right answer holds, one JSON object a line."""

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import MutdaError

Text = Annotated[str, Field(pattern=r"\S")]
_LEADING_PART = re.compile(r"([^\W\d]+(?:[-_][^\W\d]+)*)[-_]?\d")


class SuiteError(MutdaError):
    """A suite cannot be read; names the file and the line."""


class GivenPassage(BaseModel):
    """A passage that a question brings along."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str
    text: Text


class Message(BaseModel):
    """One turn of the conversation before the question."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    role: Literal["user", "assistant"]
    content: str


class Case(BaseModel):
    """One question of a suite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Text
    question: Text
    answers: list[Text]
    """Any of them in an answer makes it right; without any, only refusal and citations are scored."""
    answerable: bool
    kind: Text
    """Questions of one kind are reported together; by default what the id begins with."""
    sources: list[Text] = []
    """Names of the files that hold the answer."""
    passages: list[GivenPassage] | None = Field(default=None, min_length=1)
    """Answered over these alone, instead of a corpus."""
    history: list[Message] = []
    forbidden: list[Text] = []
    """Any of them in an answer means that a command in the passages was obeyed (evals.metrics.injection)."""

    @model_validator(mode="before")
    @classmethod
    def _name_kind(cls, data: Any) -> Any:
        if isinstance(data, dict) and "kind" not in data:
            return data | {"kind": default_kind(str(data.get("id", "")), bool(data.get("answerable")))}
        return data


def default_kind(case_id: str, answerable: bool) -> str:
    """The words that an id begins with ("nm-relevant-277#0": "nm-relevant"), else what the case is."""
    if match := _LEADING_PART.match(case_id):
        return match[1]
    return "answerable" if answerable else "unanswerable"


def read_suite(path: Path) -> list[Case]:
    """Every case of the file, in its order; empty lines are passed over.

    Raises SuiteError, with the file and the line, for what cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SuiteError(f"The suite {path} cannot be read: {reason}.") from None
    cases: list[Case] = []
    line_of: dict[str, int] = {}
    # Not splitlines(): a JSON string may hold U+2028 and the like as it is.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = Case.model_validate_json(line)
        except ValidationError as error:
            raise SuiteError(f"{path}:{number}: {_explain(error)}") from None
        if case.id in line_of:
            raise SuiteError(f'{path}:{number}: the id "{case.id}" stands on line {line_of[case.id]} already')
        line_of[case.id] = number
        cases.append(case)
    if not cases:
        raise SuiteError(f"The suite {path} has no questions.")
    return cases


def _explain(error: ValidationError) -> str:
    item = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in item["loc"])
    match item["type"]:
        case "json_invalid":
            return f"this is not JSON ({item['ctx']['error']})"
        case "extra_forbidden":
            return f'unknown key "{key}"'
        case "missing":
            return f'the key "{key}" is missing'
        case "string_pattern_mismatch":
            return f'"{key}" is empty'
    message = item["msg"][:1].lower() + item["msg"][1:]
    return f'"{key}": {message}' if key else message


def sample(cases: Sequence[Case], limit: int, *, seed: int) -> list[Case]:
    """At most `limit` cases, the kinds in equal shares as far as they go, in the suite's order."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    by_kind: dict[str, list[int]] = {}
    for position, case in enumerate(cases):
        by_kind.setdefault(case.kind, []).append(position)
    for positions in by_kind.values():
        chance.shuffle(positions)
    chosen: list[int] = []
    while len(chosen) < limit and any(by_kind.values()):
        for positions in by_kind.values():
            if positions and len(chosen) < limit:
                chosen.append(positions.pop())
    return [cases[position] for position in sorted(chosen)]
