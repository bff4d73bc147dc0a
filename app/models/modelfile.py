"""Ollama's Modelfiles: the ones that come with this project, read, written, and turned into a request."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from app.errors import MutdaError

_FOLDER = "modelfiles"
_SUFFIX = ".modelfile"
_LISTS = {"stop"}
_SINGLE = {"from", "template", "system"}
_REPEATED = {"license", "adapter", "message"}


@dataclass(frozen=True, kw_only=True)
class Modelfile:
    """What a Modelfile says. Parameters keep their text; `stop` is the one that may come several times."""

    source: str
    """What FROM names: a model, an hf.co reference or a path."""
    template: str = ""
    system: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    stops: tuple[str, ...] = ()
    license: tuple[str, ...] = ()

    def request(self) -> dict[str, Any]:
        """The parts of a POST /api/create that do not name the weights.

        The server takes numbers as numbers where its own client reads them from text.
        """
        parameters: dict[str, Any] = {name: _typed(value) for name, value in self.parameters.items()}
        if self.stops:
            parameters["stop"] = list(self.stops)
        parts = {
            "template": self.template,
            "system": self.system,
            "parameters": parameters,
            "license": list(self.license),
        }
        return {name: part for name, part in parts.items() if part}


def modelfile_names() -> list[str]:
    """Names of the Modelfiles that come with this project."""
    entries = files("app.models").joinpath(_FOLDER).iterdir()
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX))


def shipped_modelfile(name: str) -> Modelfile | None:
    """The Modelfile of that name, with or without a tag; None when none comes with this project."""
    base = name.partition(":")[0]
    if base not in modelfile_names():
        return None
    text = files("app.models").joinpath(_FOLDER, base + _SUFFIX).read_text(encoding="utf-8")
    return parse_modelfile(text)


def parse_modelfile(text: str) -> Modelfile:
    """Read a Modelfile. Raises MutdaError, one line, naming the line that cannot be meant.

    The rules are those of Ollama's parser (parser/parser.go, v0.24.0): instructions in any letter case,
    a # where an instruction could begin is a comment, a value is the rest of the line or stands in " or
    three of them, over lines then, and has no escapes.
    """
    found: dict[str, str] = {}
    parameters: dict[str, str] = {}
    stops: list[str] = []
    licenses: list[str] = []
    lines = iter(enumerate(text.splitlines(keepends=True), start=1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        instruction, _, rest = line.strip("\r\n").lstrip().partition(" ")
        instruction = instruction.lower()
        if instruction not in _SINGLE | _REPEATED | {"parameter"}:
            raise MutdaError(
                f"The Modelfile's line {number} begins with {instruction.upper()!r}: no instruction."
            )
        name = ""
        if instruction == "parameter":
            name, _, rest = rest.lstrip().partition(" ")
        value = rest.lstrip()
        while not _closed(value):
            _, more = next(lines, (0, ""))
            if not more:
                raise MutdaError(f"The Modelfile's line {number} opens quotes that are never closed.")
            # The newline that ended the line before belongs to the value.
            value = f"{value}\n{more.rstrip(chr(10)).rstrip(chr(13))}"
        value = _unquoted(value)
        if instruction in _SINGLE:
            found[instruction] = value
        elif instruction == "license":
            licenses.append(value)
        elif name in _LISTS:
            stops.append(value)
        elif instruction == "parameter":
            parameters[name] = value
        else:
            raise MutdaError(
                f"The Modelfile's line {number} holds {instruction.upper()}, which is not supported here. "
                "Run: ollama create -f"
            )
    if "from" not in found:
        raise MutdaError("The Modelfile has no FROM line, which names the weights.")
    return Modelfile(
        source=found["from"],
        template=found.get("template", ""),
        system=found.get("system", ""),
        parameters=parameters,
        stops=tuple(stops),
        license=tuple(licenses),
    )


def render_modelfile(modelfile: Modelfile) -> str:
    """A text that `parse_modelfile` and Ollama read as the same. Raises ValueError for a value with three
    quotation marks in it, which no Modelfile can hold."""
    lines = [f"FROM {modelfile.source}"]
    if modelfile.template:
        lines.append(f"TEMPLATE {_quoted(modelfile.template)}")
    if modelfile.system:
        lines.append(f"SYSTEM {_quoted(modelfile.system)}")
    lines += [stop_line(stop) for stop in modelfile.stops]
    lines += [f"PARAMETER {name} {value}" for name, value in modelfile.parameters.items()]
    lines += [f"LICENSE {_quoted(text)}" for text in modelfile.license]
    return "\n".join(lines) + "\n"


def stop_line(stop: str) -> str:
    """The line that adds a stop string."""
    return f"PARAMETER stop {_quoted(stop)}"


def parse_parameters(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Parameters and stop strings from the `parameters` of /api/show: `name   value` lines, Go-quoted."""
    parameters: dict[str, str] = {}
    stops: list[str] = []
    for line in text.splitlines():
        name, _, raw = line.strip().partition(" ")
        value = raw.strip()
        if value.startswith('"'):
            try:
                value = str(json.loads(_json_escapes(value), strict=False))
            except ValueError:
                value = value.strip('"')
        if name in _LISTS:
            stops.append(value)
        elif name:
            parameters[name] = value
    return parameters, tuple(stops)


def _json_escapes(quoted: str) -> str:
    """Go's escapes that JSON lacks: \\a, \\v, \\xNN."""
    quoted = quoted.replace("\\a", "\\u0007").replace("\\v", "\\u000b")
    return re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", quoted)


def _closed(value: str) -> bool:
    if value.startswith('"""'):
        return len(value) >= 6 and value.rstrip(" \t").endswith('"""')
    if value.startswith('"'):
        return len(value) >= 2 and value.rstrip(" \t").endswith('"')
    return True


def _unquoted(value: str) -> str:
    value = value.rstrip(" \t")
    for mark in ('"""', '"'):
        if value.startswith(mark):
            return value[len(mark) : -len(mark)]
    return value


def _quoted(value: str) -> str:
    if '"""' in value or value.endswith('"'):
        raise ValueError(f"{value!r} cannot be written into a Modelfile")
    mark = '"""' if "\n" in value or '"' in value else '"'
    return f"{mark}{value}{mark}"


def _typed(value: str) -> int | float | bool | str:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
