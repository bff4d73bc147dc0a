"""The journal of a run: each outcome on the disk when it comes, so that an interrupted run can carry on.

    {"about": {...}}                           what is measured: suite, model, settings
    {"id": ..., "system": ..., "result": ...}  one line for each outcome

The journal lies beside the report, grows by one line at a time (a report of a thousand questions would
take a second to write after each of them), and goes when the run is finished. A run that begins anew
keeps the one it finds, under its date. While a run goes on nobody else reads, moves or replaces its
journal: a lock beside it is held, which the system frees when the process dies.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

from filelock import FileLock, Timeout

from app.errors import MutdaError
from evals.aside import date_of, dated
from evals.identity import differences, run_code_sha256
from evals.report import ReportError, write_whole
from evals.runner import Outcome
from evals.suite import Case

_FIELDS = ("system", "result", "found", "shown", "seconds", "first_call_cached_tokens", "error", "trace_url")
_CODE = "run_code_sha256"


class ResumeError(MutdaError):
    """A run cannot be carried on; says why."""


def journal_path(report: Path) -> Path:
    """Where the journal of a report's run lies."""
    return report.with_name(f"{report.name}.unfinished.jsonl")


def keep_journal(report: Path) -> Path | None:
    """Move the journal of a report's run to a name with its date; None where there is none worth it.

    One without an answer is left, to be written over. Returns the report whose journal it is now:
    `--resume --json` with that name carries it on. Raises ReportError when it cannot be moved, ResumeError
    when its run is still going on.
    """
    path = journal_path(report)
    with _held(path):
        return _kept(path, report)


def _kept(path: Path, report: Path) -> Path | None:
    try:
        first, _, rest = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_kept(path, error) from None
    try:
        about = json.loads(first)["about"]
    except (ValueError, KeyError, TypeError):
        about = None
    if about is not None and not rest.strip():
        return None
    try:
        kept = dated(report, date_of(about, path), lambda new: new.exists() or journal_path(new).exists())
        path.rename(journal_path(kept))
    except OSError as error:
        raise _not_kept(path, error) from None
    return kept


def _not_kept(path: Path, error: OSError) -> ReportError:
    return ReportError(
        f"The interrupted run {path} cannot be kept under another name ({error.strerror}), "
        "and is not written over. Name another file with --json."
    )


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock of a journal for a moment. Raises what `_locked` does."""
    lock = _locked(path)
    try:
        yield
    finally:
        _free(lock)


def _locked(path: Path) -> FileLock:
    """The lock of a journal, held. Raises ResumeError when another run has it, ReportError when none can."""
    # Not the thread's own: a run opens its journal in one thread and ends it in another.
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ResumeError(
            f"Another run is writing {path}. Wait until it has ended, or name another file with --json."
        ) from None
    except OSError as error:
        raise ReportError(
            f"The journal {path} cannot be written ({error.strerror or error}). "
            "Name another file with --json."
        ) from None
    return lock


def _free(lock: FileLock) -> None:
    if not lock.is_locked:
        return
    # While it is held, so that nobody else's goes. Windows removes no open file: there it may stay.
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


def _with_code(about: Mapping[str, Any]) -> dict[str, Any]:
    """What is measured, and by which code of the evaluation: the baselines are a part of that."""
    return {**about, _CODE: run_code_sha256()}


class Journal:
    """The open journal of the run that is going on, and the right to it until that ends."""

    def __init__(self, path: Path, about: Mapping[str, Any], outcomes: Sequence[Outcome] = ()) -> None:
        """Begin one with what is known already.

        Raises ReportError when it cannot be written, ResumeError when it is that of a run still going on.
        """
        lines = [_line({"about": _with_code(about)}), *map(_outcome_line, outcomes)]
        self.path = path
        self._lock = _locked(path)
        try:
            write_whole(path, "".join(lines))
            self._file: IO[str] = path.open("a", encoding="utf-8", errors="replace")
        except BaseException:
            _free(self._lock)
            raise

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome: it is on the disk when this returns."""
        self._file.write(_outcome_line(outcome))
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """The report is written: the journal is no longer needed."""
        self._file.close()
        if self._lock.is_locked:
            self.path.unlink(missing_ok=True)
            _free(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self._file.close()
        if kind is not None:
            # Broken off: from here on somebody else may carry it on. Else it is held until `finish`.
            _free(self._lock)


def _outcome_line(outcome: Outcome) -> str:
    return _line({"id": outcome.case.id} | {name: getattr(outcome, name) for name in _FIELDS})


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def read_journal(path: Path, about: Mapping[str, Any], cases: Sequence[Case]) -> tuple[str, list[Outcome]]:
    """When the interrupted run began, and its outcomes; empty where there is no journal.

    A last line that was cut off is asked again, and so are the failures that ended the run. Raises
    ResumeError when it was another run (another suite, model, setting, or other code) or still goes on.
    """
    try:
        with _held(path):
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    except FileNotFoundError:
        return "", []
    except OSError as error:
        raise ResumeError(f"The interrupted run {path} cannot be read: {error.strerror}.") from None
    by_id = {case.id: case for case in cases}
    try:
        # One that does not tell the code of its run is of before it was told, and of other code.
        was = {_CODE: "", **json.loads(lines[0])["about"]}
        if changed := differences(was, json.loads(json.dumps(_with_code(about)))):
            raise ResumeError(
                f"The interrupted run was another one ({'; '.join(changed)}). "
                "Put that back, or run without --resume to begin anew."
            )
        kept = [json.loads(line) for line in lines[1:]]
        outcomes = [Outcome(case=by_id[row["id"]], **{name: row[name] for name in _FIELDS}) for row in kept]
        began = str(was["date"])
    except (ValueError, KeyError, IndexError, TypeError):
        raise ResumeError(
            f"The interrupted run {path} is damaged. Run without --resume to begin anew."
        ) from None
    while outcomes and outcomes[-1].error:
        outcomes.pop()
    return began, outcomes
