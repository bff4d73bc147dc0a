"""A suite: questions with what a right answer holds, one JSON object a line."""

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import MutdaError

Text = Annotated[str, Field(pattern=r"\S")]
# Words and then numbers alone: the letters that "a3f9c1" or "f81d4fae-7dec" begin with are no words.
_NUMBERED = re.compile(r"([^\W\d_]+(?:[-_][^\W\d_]+)*)[-_]\d+(?:[-_.:/#]\d+)*")


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
    """Any of them in an answer makes it right; without any, only refusal and citations are scored.

    None where the question is not answerable: what is right there is a refusal.
    """
    answerable: bool
    kind: Text
    """Questions of one kind are reported together; by default the words that the id numbers."""
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

    @model_validator(mode="after")
    def _answers_what_can_be(self) -> Self:
        if self.answers and not self.answerable:
            raise ValueError('"answers" must be empty where "answerable" is false: a refusal is right there')
        return self


def default_kind(case_id: str, answerable: bool) -> str:
    """The words that an id numbers ("nm-relevant-277#0": "nm-relevant"), else what the case is.

    An id of another form, as a UUID, says nothing of its kind.
    """
    if match := _NUMBERED.fullmatch(case_id):
        return match[1]
    return "answerable" if answerable else "unanswerable"


def read_suite(path: Path) -> list[Case]:
    """Every case of the file, in its order; empty lines are passed over, and a byte order mark.

    Raises SuiteError, with the file and the line, for what cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
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
        case "value_error":
            return str(item["ctx"]["error"])
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
