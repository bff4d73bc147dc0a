"""Committed reports as files: one JSON each, a line for each question, so that a review sees what changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from app.errors import MutdaError
from evals.committed import Answers, Retrieval
from evals.report import write_whole

_FILE: TypeAdapter[Answers | Retrieval] = TypeAdapter(
    Annotated[Answers | Retrieval, Field(discriminator="form")]
)


class CommittedError(MutdaError):
    """A report cannot be committed, or a committed one cannot be read; names the file."""


def parse_committed(text: str | bytes, what: str) -> Answers | Retrieval:
    """What a file holds. Raises CommittedError, in one line that begins with `what`."""
    try:
        return _FILE.validate_json(text)
    except ValidationError as error:
        item = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in item["loc"])
        reason = item["msg"].removeprefix("Value error, ")
        told = f"{where}: {reason}" if where else reason
        raise CommittedError(f"{what} is not one that can be committed ({told}).") from None


def write_committed(report: Answers | Retrieval, folder: Path) -> Path:
    """Write it as `folder`/<name>.json, a line for each question. Raises ReportError when that fails."""
    values = report.model_dump(mode="json", exclude_unset=True)
    rows = values.pop("questions")
    metrics = values.pop("metrics")
    lines = [f" {_json(key)}: {_json(value)}" for key, value in values.items()]
    lines += [f' "metrics": {{\n{_lines(f"{_json(key)}: {_json(metrics[key])}" for key in metrics)}\n }}']
    lines += [f' "questions": [\n{_lines(map(_json, rows))}\n ]']
    path = folder / f"{report.name}.json"
    write_whole(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def _lines(items: Iterator[str]) -> str:
    return ",\n".join(f"  {item}" for item in items)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def read_committed(folder: Path) -> list[Answers | Retrieval]:
    """All of a folder, by name; none where there is no such folder. Raises CommittedError, with the file."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Answers | Retrieval:
    try:
        report = parse_committed(path.read_bytes(), str(path))
    except OSError as error:
        raise CommittedError(f"{path} cannot be read: {error.strerror}.") from None
    if report.name != path.stem:
        raise CommittedError(f'{path} is named "{report.name}" inside: give both one name.')
    return report
