"""`mutda doctor`: is every part well, and what is to be done? Nothing heavy at the top."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.wording import plain

if TYPE_CHECKING:
    from app.doctor.finding import Finding

STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}
NAME_CHARS = 10


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also load the model and ask it a question in Korean.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every part, and say what to do about it.

    Only what the settings name is contacted, and no document leaves this machine. Ends with 2 where a
    setting is wrong, with 3 where a service fails, else with 0.
    """
    from dataclasses import asdict

    from rich.console import Console
    from rich.text import Text

    from app.doctor.examine import examine
    from app.doctor.finding import exit_code

    console = Console(highlight=False, soft_wrap=True)
    findings: list[Finding] = []
    for finding in examine(deep=deep):
        findings.append(finding)
        if not as_json:
            mark = Text(f"{finding.level:<4}", style=STYLES[finding.level])
            console.print(mark, Text(line_of(finding)))
    code = exit_code(findings)
    if as_json:
        found = {"exit_code": code, "checks": [asdict(finding) for finding in findings]}
        console.print(Text(plain(json.dumps(found, ensure_ascii=False, indent=2))))
    if code:
        raise typer.Exit(code)


def line_of(finding: "Finding") -> str:
    """Name, what was seen, and what to do, on one line."""
    todo = f" → {finding.todo}" if finding.todo else ""
    return plain(f"{finding.name:<{NAME_CHARS}}  {' '.join(finding.text.split())}{todo}")
