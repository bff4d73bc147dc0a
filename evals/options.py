"""What a run is to measure, and how a command line says it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import ValidationError

from app.errors import MutdaError
from evals.korquad import Part
from evals.runner import GRAPH
from evals.systems import BASELINES
from graphs.context import Context

KNOBS = tuple(name for name in Context.model_fields if name != "web_search")
"""That a run may set; what may be searched outside is said by --search."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    suite: Path
    corpus: Path | None = None
    """Folder to ingest and search."""
    model: str | None = None
    """Model spec, instead of MUTDA_MODEL."""
    embedder: str | None = None
    """Embedder spec, instead of MUTDA_EMBEDDER."""
    knobs: tuple[str, ...] = ()
    """NAME=VALUE of `graphs.context.Context`, as "look=3"."""
    baselines: tuple[str, ...] = ()
    """Names of baselines that answer too, or the file of an earlier report to compare with."""
    limit: int | None = None
    part: Part | None = None
    seed: int = 1
    json: Path | None = None
    """File for the report; its Markdown and HTML lie beside it."""
    salt: bool = True
    """Keep systems from profiting from each other's prompts."""
    resume: bool = False
    search: str = ""
    """Address of a SearXNG that the graph may search; empty: it searches nothing outside."""
    trace: bool = False
    """Keep each question's trace on this machine too."""

    @property
    def systems(self) -> tuple[str, ...]:
        """The graph and the baselines that answer."""
        return (GRAPH, *(name for name in self.baselines if name in BASELINES))

    @property
    def earlier(self) -> list[Path]:
        """Reports to compare with."""
        return [Path(name) for name in self.baselines if name not in BASELINES]

    @property
    def context(self) -> Context:
        """The knobs of each question. Raises MutdaError for a name or a value that is none."""
        values: dict[str, str] = {}
        for knob in self.knobs:
            name, sign, value = knob.partition("=")
            if not sign or name not in KNOBS:
                raise MutdaError(f"--set {knob}: expected NAME=VALUE with one of {', '.join(KNOBS)}.")
            values[name] = value
        try:
            return Context.model_validate({**values, "web_search": self.web_search})
        except ValidationError as error:
            item = error.errors(include_url=False)[0]
            name = str(item["loc"][0])
            message = item["msg"][:1].lower() + item["msg"][1:]
            raise MutdaError(f"--set {name}={values[name]}: {message}.") from None

    @property
    def web_search(self) -> Literal["off", "on"]:
        """An address that was named for it is the consent."""
        return "on" if self.search else "off"

    @property
    def salted(self) -> bool:
        """With one system there is nothing to keep apart."""
        return self.salt and len(self.systems) > 1


def parse(arguments: Sequence[str] | None = None) -> Options:
    """From the words of a command line; exits as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.run", description="Put the questions of a suite to the agent and score it."
    )
    parser.add_argument("suite", type=Path, help="a suite, one JSON object a line")
    parser.add_argument(
        "--corpus", type=Path, help="folder to ingest and search; needed unless questions bring passages"
    )
    parser.add_argument("--model", help="model spec, instead of MUTDA_MODEL")
    parser.add_argument("--embedder", help="embedder spec, instead of MUTDA_EMBEDDER")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"a knob of each question, as look=3; may be repeated: {', '.join(KNOBS)}",
    )
    parser.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar=f"{'|'.join(BASELINES)}|FILE",
        help="answer in another way too, turn by turn, or compare with an earlier report; may be repeated",
    )
    parser.add_argument("--limit", type=_positive, help="ask at most so many, the kinds in equal shares")
    parser.add_argument(
        "--part",
        choices=get_args(Part),
        help="only this half of the questions; nothing of a half is shared with the other (evals.halves)",
    )
    parser.add_argument("--seed", type=int, default=1, help="chooses the questions of --limit (1)")
    parser.add_argument("--json", type=Path, help="file for the report, instead of one in the data folder")
    parser.add_argument("--resume", action="store_true", help="carry on a run that was interrupted")
    parser.add_argument(
        "--no-salt", action="store_true", help="let a system profit from the prompt of the one before it"
    )
    parser.add_argument(
        "--search",
        default="",
        metavar="URL",
        help="SearXNG that questions may be looked up with; without it nothing leaves this machine",
    )
    parser.add_argument(
        "--trace", action="store_true", help="keep a trace of each question, for `mutda trace`"
    )
    given = vars(parser.parse_args(arguments))
    salt, baselines = not given.pop("no_salt"), tuple(dict.fromkeys(given.pop("baseline")))
    return Options(salt=salt, baselines=baselines, knobs=tuple(given.pop("set")), **given)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value
