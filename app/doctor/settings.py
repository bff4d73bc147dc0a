"""Settings and .env: names that nothing reads, and keys that others can."""

import difflib
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.doctor.finding import Finding, ok, warn
from app.settings import Settings, variable

NAME = "settings"
ENV_FILE = Path(".env")
PREFIX = "MUTDA_"


def look_at_settings(settings: Settings) -> Finding:
    """The settings could be read; is there something in them that has no effect, or that is exposed?"""
    in_file = _read_env_file()
    names = {name.upper() for name in (*os.environ, *in_file) if name.upper().startswith(PREFIX)}
    where = f"{len(names)} set, {'with' if ENV_FILE.is_file() else 'without'} a .env in {Path.cwd()}"
    known = [variable(field) for field in type(settings).model_fields]
    if unknown := sorted(names - set(known)):
        return warn(NAME, f"{', '.join(unknown)}: no setting has this name", meant(unknown, known))
    if exposed(in_file):
        return warn(NAME, f"{ENV_FILE} holds keys that others on this machine can read", "chmod 600 .env")
    return ok(NAME, where)


def _read_env_file() -> Mapping[str, str | None]:
    from dotenv import dotenv_values

    return dotenv_values(ENV_FILE) if ENV_FILE.is_file() else {}


def meant(unknown: Sequence[str], known: Sequence[str]) -> str:
    """What was probably meant by names that no setting has; a slip of the pen would go unnoticed."""
    # Without what all of them begin with, which would make any two alike.
    ours = [name.removeprefix(PREFIX) for name in known if name.startswith(PREFIX)]
    near = [
        f"{PREFIX}{match}"
        for name in unknown
        for match in difflib.get_close_matches(name.removeprefix(PREFIX), ours, n=1)
    ]
    return f"did you mean {', '.join(near)}?" if near else "see .env.example for all of them"


def exposed(in_file: Mapping[str, str | None]) -> bool:
    """Whether .env holds a key and is not for its owner alone."""
    has_key = any(value for name, value in in_file.items() if name.upper().endswith("_KEY"))
    if not has_key or sys.platform == "win32":
        return False
    return bool(stat.S_IMODE(ENV_FILE.stat().st_mode) & 0o077)
