"""`python -m evals.scoreboard add|render|check|hold`: the figures of the READMEs from committed reports.

add REPORT.json [--name korquad] [--part report]   evals/reports/<name>.json from the report of a run
render                                             the READMEs' sections and docs/choices.md from them
check                                              fail when one of these is not what they give
hold REPORT.json [--name korquad]                  fail when a run is worse than its committed report
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from app.errors import MutdaError
from app.prompts import Language
from evals.board import board
from evals.choices import choices_page, read_choices
from evals.committed import RETRIEVAL
from evals.committed_file import read_committed, write_committed
from evals.committing import Label, commit, read_run
from evals.holding import Held, hold
from evals.identity import code_sha256
from evals.korquad import Part
from evals.recorded import ROOT
from evals.report import write_whole
from evals.suite_name import is_telling

READMES: dict[str, Language] = {"README.md": "ko", "README.en.md": "en"}
CHOICES_PAGE = "docs/choices.md"
BEGIN, END = "<!-- scoreboard:begin -->", "<!-- scoreboard:end -->"
RENDER = "python -m evals.scoreboard render"
STALE = WORSE = 1
_GIT_TIMEOUT_S = 20


class ScoreboardError(MutdaError):
    """A page has no place for the scoreboard."""


def put(text: str, section: str, page: str) -> str:
    """The page's text with the section between its markers. Raises ScoreboardError without them.

    A page without markers stays as it is while there is nothing to show.
    """
    begins, ends = text.count(BEGIN), text.count(END)
    if not begins and not ends and not section:
        return text
    if begins != 1 or ends != 1 or text.index(BEGIN) > text.index(END):
        raise ScoreboardError(f"{page} has no place for the scoreboard: put one line {BEGIN} and one {END}.")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{section}{END}{after}"


def pages(root: Path) -> dict[Path, str]:
    """What each page is to hold, by path. Raises MutdaError when a report, choice or page is wrong."""
    folder = root / "evals" / "reports"
    reports = read_committed(folder)
    made: dict[Path, str] = {}
    for name, language in READMES.items():
        made[root / name] = put(_read(root / name), board(reports, language), name)
    if choices := read_choices(folder / "choices.jsonl"):
        made[root / CHOICES_PAGE] = choices_page(choices)
    return made


def stale(root: Path) -> dict[Path, str]:
    """Of these, the pages that hold something else. Raises MutdaError as `pages` does."""
    return {path: text for path, text in pages(root).items() if not path.exists() or _read(path) != text}


def render(root: Path) -> list[Path]:
    """Write the pages that are stale; returns them. Raises MutdaError as `pages` does."""
    written = stale(root)
    for path, text in written.items():
        write_whole(path, text)
    return list(written)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ScoreboardError(f"{path} cannot be read: {reason}.") from None


def add(path: Path, root: Path, *, name: str | None = None, part: Part | None = None) -> list[str]:
    """Keep the report of a run below evals/reports; returns lines for the person. Raises MutdaError."""
    report = read_run(path)
    label = Label(
        name=name or default_name(report),
        part=part,
        revision=revision_of(str(report.get("code_sha256", "")), root),
    )
    committed, warning = commit(report, label)
    written = write_committed(committed, root / "evals" / "reports")
    lines = [f"{written}: {len(committed.questions)} answers. Show it in the READMEs: {RENDER}"]
    if not committed.revision:
        lines.append("No commit is known to hold the code that was measured: its hash alone is kept.")
    return [*lines, warning] if warning else lines


def held(path: Path, root: Path, *, name: str | None = None) -> tuple[list[str], Held]:
    """Hold the report of a run to the committed one of its name; returns lines too. Raises MutdaError."""
    report = read_run(path)
    name = name or default_name(report)
    run, _ = commit(report, Label(name=name, part=None, revision=""))
    committed = next((kept for kept in read_committed(root / "evals" / "reports") if kept.name == name), None)
    found = hold(run, committed)
    lines = [f"{name}: {len(run.questions)} answers, held to {found.to or 'nothing'}."]
    if committed is None:
        lines.append(
            f"No report of {name} is committed. Keep this one: python -m evals.scoreboard add {path}"
        )
    if found.not_the_same:
        lines.append(f"Not the same: {'; '.join(found.not_the_same)}")
    return [*lines, *(f"{name}: {line}" for line in found.worse)], found


def default_name(report: Mapping[str, Any]) -> str:
    """The name of the suite's file. Raises ScoreboardError for one that every built suite has."""
    stem = Path(str(report.get("suite", "")).replace("\\", "/")).stem
    if not is_telling(stem):
        raise ScoreboardError("The file of the suite does not say which one it is: name it with --name.")
    return f"{stem}{RETRIEVAL}" if "systems" in report else stem


def revision_of(code: str, root: Path) -> str:
    """The commit that is checked out, if its code has this hash (`evals.identity`); else empty."""
    git = shutil.which("git")
    if git is None or code != code_sha256():
        return ""
    try:
        changed = _output(git, root, "status", "--porcelain", "--", "app", "graphs", "tools")
        return "" if changed else _output(git, root, "rev-parse", "HEAD")
    except (OSError, subprocess.SubprocessError):
        return ""


def _output(git: str, root: Path, *words: str) -> str:
    command = [git, "-C", str(root), *words]
    done = subprocess.run(command, capture_output=True, timeout=_GIT_TIMEOUT_S, check=True)  # noqa: S603
    return done.stdout.decode("utf-8", errors="replace").strip()


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """The command; returns its exit code: 0, 1 for a stale page or a worse run, 2 for a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.scoreboard", description="The READMEs' figures, from committed reports."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help="keep the report of a run")
    adding.add_argument("report", type=Path, help="JSON of mutda eval run or mutda eval retrieval")
    adding.add_argument("--name", help="instead of the suite's: korquad, samples, ...")
    adding.add_argument(
        "--part", choices=get_args(Part), help="half of the questions, where the run does not tell"
    )
    commands.add_parser("render", help="write the READMEs' sections and docs/choices.md")
    commands.add_parser("check", help="fail when one of these is not what the reports give")
    holding = commands.add_parser("hold", help="fail when a run is worse than the committed report")
    holding.add_argument("report", type=Path, help="JSON of mutda eval run or mutda eval retrieval")
    holding.add_argument("--name", help="of the committed report, instead of the suite's")
    options = parser.parse_args(arguments)
    try:
        if options.command == "add":
            lines, code = add(options.report, root, name=options.name, part=options.part), 0
        elif options.command == "hold":
            lines, found = held(options.report, root, name=options.name)
            code = WORSE if found.worse else 0
        elif options.command == "render":
            written = [f"Written: {path}" for path in render(root)]
            lines, code = written or ["Nothing to change."], 0
        else:
            old = [path.relative_to(root).as_posix() for path in stale(root)]
            lines = [f"{', '.join(old)}: not what the reports give. Write anew with: {RENDER}"] if old else []
            code = STALE if old else 0
    except MutdaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for line in lines:
        print(line, file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())
