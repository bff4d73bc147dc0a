"""Choices: what was tried to make answers better or cheaper, what it gave, and whether it stayed.

{"choice": ..., "tried": ..., "figure": "R@5", "before": ".36", "after": ".86", "n": 28, "suite": ...,
 "part": "fit", "kept": true, "date": "2026-11-21", "how": ...}

One line for each that was tried, of the same choice one after the other; what did not help stands there
too. `before` is without it, `after` with it, both as they were printed.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import MutdaError
from evals.korquad import Part

MAX_CHARS = 400
NOTHING = "–"
_FIGURE_CHARS = r"^[^\x00-\x1f\x7f\u2028\u2029]*\S[^\x00-\x1f\x7f\u2028\u2029]*$"
_SPECIAL = re.compile(r"[\\|<>*~\[\]]")
"""Would be markup or end a cell; backticks are meant."""
_PARTS = {"fit": "맞춤", "report": "보고", None: NOTHING}
_COLUMNS = ("해 본 것", "수치", "앞", "뒤", "n", "모음", "쪽", "결과", "날짜", "어떻게 쟀나")
_TITLE = """\
# 고른 것과 버린 것

답을 더 좋게, 더 싸게 하려고 해 보고 잰 것들입니다. 도움이 안 된 것도 적습니다. “앞”은 그것이
없을 때, “뒤”는 있을 때의 값이고, 재지 않았거나 값이 남아 있지 않은 칸은 –입니다. “쪽”은 질문을
둘로 나눈 것 가운데 어느 절반인지입니다. 고르는 데는 맞춤 쪽을 쓰고, README의 성적은 보고 쪽에서
잽니다. 날짜는 잰 날이고, 그것이 남아 있지 않으면 문서에 처음 적은 날입니다.

이 문서는 [choices.jsonl](../evals/reports/choices.jsonl)에서 `python -m evals.scoreboard render`로
만듭니다. 여기를 고치지 말고 그 파일에 한 줄을 더하세요. 자세한 이야기는
[문턱값](calibration.md)과 [검색](retrieval.md)에 있습니다.
"""

Words = Annotated[str, Field(pattern=_FIGURE_CHARS, max_length=MAX_CHARS)]


class ChoiceError(MutdaError):
    """The file of choices cannot be read; names the file and the line."""


class Choice(BaseModel):
    """Something that was tried."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    choice: Words
    """What was to be decided; lines of one choice stand together."""
    tried: Words
    figure: Words
    """Name of what was measured."""
    before: Words | None
    after: Words | None
    """As printed; None where no figure was kept."""
    n: Annotated[int, Field(ge=1)] | None
    """Questions; None where nobody wrote it down."""
    suite: Words | None
    part: Part | None
    kept: bool
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    """On which it was measured; for older ones, on which it was written down."""
    how: Words


def read_choices(path: Path) -> list[Choice]:
    """In the file's order; none where there is no file. Raises ChoiceError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ChoiceError(f"{path} cannot be read: {reason}.") from None
    choices: list[Choice] = []
    ended: set[str] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = Choice.model_validate_json(line)
        except ValidationError as error:
            item = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in item["loc"]) or "line"
            raise ChoiceError(
                f"{path}:{number}: {where}: {item['msg'][:1].lower()}{item['msg'][1:]}"
            ) from None
        if choices and choices[-1].choice != found.choice:
            ended.add(choices[-1].choice)
        if found.choice in ended:
            raise ChoiceError(
                f'{path}:{number}: put this line below the others of the choice "{found.choice}".'
            )
        choices.append(found)
    return choices


def choices_page(choices: Sequence[Choice]) -> str:
    """The document, in Korean: a table for each choice."""
    return "\n".join(_lines(choices))


def _lines(choices: Sequence[Choice]) -> Iterator[str]:
    yield _TITLE
    for name, group in groupby(choices, key=lambda choice: choice.choice):
        yield f"## {_escaped(name)}\n"
        yield f"| {' | '.join(_COLUMNS)} |"
        yield f"|{'---|' * len(_COLUMNS)}"
        for choice in group:
            yield _row(choice)
        yield ""


def _row(choice: Choice) -> str:
    cells = (
        choice.tried,
        choice.figure,
        choice.before or NOTHING,
        choice.after or NOTHING,
        NOTHING if choice.n is None else str(choice.n),
        choice.suite or NOTHING,
        _PARTS[choice.part],
        "씀" if choice.kept else "안 씀",
        choice.date,
        choice.how,
    )
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
