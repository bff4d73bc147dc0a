"""`python -m evals.compare A.json B.json`: what changed between two reports, question by question.

Both of answers, or both of the search alone; or two systems of one report.
"""

import argparse
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.errors import MutdaError
from evals.changes import ALL, Change, Pair, changes_of
from evals.identity import differences
from evals.measures import MEASURES, ON_THIS_MACHINE, Row, number_text, text_of
from evals.metrics.standard_error import Estimate, Z, share_error
from evals.report import Report, of_search, read_either
from evals.runner import GRAPH, System
from evals.searched import NDCG, OPTIONS, chosen, place_measures, place_of

OF_KINDS = ("right", "F1", "seconds")
"""Measures that are printed for each kind too."""
Numbers = Mapping[str, Mapping[str, float | int]]
"""As a baseline keeps them, see `baseline_of`."""
_STYLE = {"better": "green", "worse": "red", "": ""}
_LOWER = frozenset(measure.name for measure in MEASURES if measure.better == "lower")
_AMOUNTS = frozenset(measure.name for measure in MEASURES if measure.digits is not None)
_ROUNDED = 1e-6
"""A baseline's file has so many decimals."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The second of two, against the first."""

    first: str
    second: str
    not_the_same: list[str]
    """Suite, model, settings and the like that differ: "model a → b"."""
    unpaired: int
    """Questions that only one of them was asked."""
    changes: list[Change]
    gained: list[str]
    """Ids of questions that are right now and were not before; of a search with both places."""
    lost: list[str]
    same: str = "same suite, model and settings"
    """What is told where nothing differs."""
    titles: tuple[str, str] = ("Right now", "Right no longer")
    """Of what is gained and lost."""
    of_kinds: Collection[str] = OF_KINDS
    """Measures that are printed for each kind."""
    note: str = ""
    """On what could not be compared."""

    def headline(self) -> str:
        """What is compared, in one line."""
        told = "; ".join(self.not_the_same) or self.same
        unpaired = f"; {self.unpaired} questions in only one of them are left out" if self.unpaired else ""
        return f"{self.second} against {self.first}: {told}{unpaired}"


def compare(
    a: Report,
    b: Report,
    *,
    systems: tuple[System, System] = (GRAPH, GRAPH),
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """The second report against the first; `systems` says which one of each.

    One report given twice, with two systems, compares those. Raises MutdaError when a report has no
    answers of its system, or the two no question in common.
    """
    rows_a, rows_b = _rows(a, systems[0], names[0]), _rows(b, systems[1], names[1])
    pairs = _paired(rows_a, rows_b, names)
    one = a is b
    return Comparison(
        first=systems[0] if one else f"{names[0]} ({systems[0]})",
        second=systems[1] if one else f"{names[1]} ({systems[1]})",
        not_the_same=[] if one else differences(a, b),
        unpaired=len(rows_a) + len(rows_b) - 2 * len(pairs),
        changes=changes_of(pairs),
        gained=[after["id"] for before, after in pairs if _is_right(after) and not _is_right(before)],
        lost=[after["id"] for before, after in pairs if _is_right(before) and not _is_right(after)],
    )


def _rows(report: Report, system: System, name: str) -> dict[str, Row]:
    rows = {row["id"]: row for row in report["questions"] if row["system"] == system}
    if not rows:
        raise MutdaError(f'{name} has no answers of "{system}".')
    return rows


def _paired(a: Mapping[str, Row], b: Mapping[str, Row], names: tuple[str, str]) -> list[Pair]:
    """By id, in the first's order."""
    pairs = [(row, b[case_id]) for case_id, row in a.items() if case_id in b]
    if not pairs:
        raise MutdaError(f"{names[0]} and {names[1]} have no question in common.")
    return pairs


def _is_right(row: Row) -> bool:
    return bool(row["mark"] == "right")


def compare_searches(
    a: Report,
    b: Report,
    *,
    systems: tuple[str | None, str | None] = (None, None),
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """The same of two reports of the search alone; `systems` as `evals.searched.chosen` takes them.

    Raises MutdaError when they are of two suites, or it is not clear which systems are meant.
    """
    if a["suite_sha256"] != b["suite_sha256"]:
        raise MutdaError(f"{names[0]} and {names[1]} are of different suites: measure both on one.")
    before, after = chosen(a, b, systems, names)
    one = a is b
    if one and before.name == after.name:
        raise _with_itself(names[0])
    pairs = _paired(before.questions, after.questions, names)
    # A report that was searched deeper knows of places that the other one cannot have.
    reach = min(before.reach, after.reach)
    measures = place_measures(sorted(k for k in before.ks | after.ks if k <= reach))
    changes = changes_of(pairs, measures)
    has_ndcg = any(change.measure.name == NDCG for change in changes)
    return Comparison(
        first=before.name if one else f"{names[0]} ({before.name})",
        second=after.name if one else f"{names[1]} ({after.name})",
        not_the_same=[] if one else differences(before.about, after.about),
        unpaired=len(before.questions) + len(after.questions) - 2 * len(pairs),
        changes=changes,
        gained=[_moved(was, now, reach) for was, now in pairs if _rank(now, reach) < _rank(was, reach)],
        lost=[_moved(was, now, reach) for was, now in pairs if _rank(now, reach) > _rank(was, reach)],
        same="same suite and documents" if one else "same suite, documents, embedder and weight",
        titles=("Found earlier", "Found later, or no longer"),
        of_kinds=[measure.name for measure in measures],
        note="" if has_ndcg else f"{NDCG} is left out: a committed report keeps the first place alone.",
    )


def _rank(row: Row, reach: int) -> float:
    place = place_of(row, reach)
    return math.inf if place is None else place


def _moved(before: Row, after: Row, reach: int) -> str:
    """ "q-1 (- → 2)"; a dash where nothing gold was found."""
    was, now = (place_of(row, reach) or "-" for row in (before, after))
    return f"{after['id']} ({was} → {now})"


def _with_itself(name: str) -> MutdaError:
    return MutdaError(
        f"{name} is compared with itself: name another report, or two systems with {' and '.join(OPTIONS)}."
    )


def show(comparison: Comparison, console: Console) -> None:
    """Print it: a table over all questions, a few measures by kind, and the questions that flipped."""
    console.print(comparison.headline(), markup=False)
    if comparison.note:
        console.print(comparison.note, markup=False)
    overall = [change for change in comparison.changes if change.kind == ALL]
    kinds = [
        change
        for change in comparison.changes
        if change.kind != ALL and change.measure.name in comparison.of_kinds
    ]
    for title, changes in (("All questions", overall), ("By kind", kinds)):
        if changes:
            console.print(_table(title, changes))
    for title, ids in zip(comparison.titles, (comparison.gained, comparison.lost), strict=True):
        console.print(f"{title} ({len(ids)}): {', '.join(ids) or '-'}", markup=False)


def _table(title: str, changes: Sequence[Change]) -> Table:
    table = Table(title=f"{title}: difference with its 95 % interval", title_justify="left", padding=0)
    table.add_column("kind", overflow="fold")
    table.add_column("measure", no_wrap=True)
    for name in ("n", "before", "after", "difference", "95 %", "won", "lost", "tied", "sign p", "verdict"):
        table.add_column(name, justify="right", no_wrap=True)
    for change in changes:
        digits, found, style = change.measure.digits, change.difference, _STYLE[change.verdict]
        counted = change.chance is not None
        table.add_row(
            escape(change.kind),
            change.measure.name,
            str(found.n),
            number_text(found.before, digits),
            number_text(found.after, digits),
            signed(found.value, digits),
            interval_text(change) or "-",
            *(str(count) if counted else "-" for count in (change.won, change.lost, change.tied)),
            "-" if change.chance is None else number_text(change.chance),
            f"[{style}]{change.verdict}[/]" if style else "",
        )
    return table


def signed(value: float, digits: int | None) -> str:
    """A difference with its sign."""
    return f"{'+' if value >= 0 else '-'}{number_text(abs(value), digits)}"


def interval_text(change: Change) -> str:
    """ "-.120 .. +.310"; empty without an interval."""
    if change.difference.interval is None:
        return ""
    return " .. ".join(signed(end, change.measure.digits) for end in change.difference.interval)


def baseline_of(report: Report) -> dict[str, dict[str, float | int]]:
    """The graph's numbers as a gate keeps them: {"right/followup": {"mean", "standard_error", "n"}, ...}.

    The kind after the slash is "all" for all questions. Without those that depend on the machine.
    """
    return {
        f"{name}/{kind}": number_of(found)
        for (name, kind), found in _estimates(report).items()
        if found.value is not None and name not in ON_THIS_MACHINE
    }


def number_of(found: Estimate) -> dict[str, float | int]:
    """An estimate as a baseline keeps it; it must have a value."""
    assert found.value is not None
    return {"mean": found.value, "standard_error": found.error or 0.0, "n": found.n}


def falls_short(report: Report, baseline: Numbers) -> list[str]:
    """One line for each number of the baseline (`baseline_of`) that the report is worse in, or lacks."""
    return short_of(baseline_of(report), baseline)


def short_of(now: Numbers, baseline: Numbers) -> list[str]:
    """One line for each number of the baseline that `now` is worse in, or lacks.

    Worse means by more than the 95 % interval of the difference, 1.96 times the root of both standard
    errors squared: as if the questions were others each time, which is lenient where they are the same
    (`evals.setbacks` compares those one by one).
    A number that no measure is named after is better the higher it is.
    """
    lines: list[str] = []
    for key, was in baseline.items():
        name, _, kind = key.partition("/")
        found = now.get(key)
        if found is None:
            lines.append(f"{name} ({kind}) was not measured; the baseline has {was['mean']:.3f}.")
            continue
        loss = (found["mean"] - was["mean"]) * (1 if name in _LOWER else -1)
        margin = Z * math.hypot(error_of(name, was), error_of(name, found))
        if loss > margin + _ROUNDED:
            told = text_of(Estimate(found["mean"], error_of(name, found), int(found["n"])), 3)
            lines.append(
                f"{name} ({kind}) is {told}, worse than the baseline's {was['mean']:.3f} by more than "
                f"{margin:.3f}."
            )
    return lines


def error_of(name: str, number: Mapping[str, float | int]) -> float:
    """The standard error of a number of a baseline; of a share `share_error`, at least.

    Baselines that are older have the plain error, which is 0 for a share of 0 or 1: one question of sixteen
    that flips would be too much. Zeros and ones alone vary as much as a mean of 0 to 1 allows: that tells a
    share from a mean of F1 or of places.
    """
    mean, error, n = number["mean"], number["standard_error"], int(number["n"])
    if name in _AMOUNTS or not 0 <= mean <= 1 or error < 0.999 * math.sqrt(mean * (1 - mean) / n):
        return error
    return max(error, share_error(mean, n))


def _estimates(report: Report) -> dict[tuple[str, str], Estimate]:
    summary = report["metrics"].get(GRAPH)
    if summary is None:
        return {}
    kinds = {ALL: summary["overall"], **summary["kinds"]}
    return {
        (measure.name, kind): measure.estimate(numbers)
        for kind, numbers in kinds.items()
        for measure in MEASURES
        if measure.better
    }


def compare_files(
    a: Path, b: Path | None, console: Console, *, systems: tuple[str | None, str | None] = (None, None)
) -> None:
    """Print the comparison of two reports' files; without the second, of two systems of the first.

    A system that is not named is the graph, or a search's only one. Raises MutdaError for what cannot be
    compared.
    """
    first = read_either(a)
    second = first if b is None or a.resolve() == b.resolve() else read_either(b)
    names = (str(a), str(b or a))
    if of_search(first) != of_search(second):
        search, answers = names if of_search(first) else names[::-1]
        raise MutdaError(f"{search} is a report of the search alone, and {answers} one of answers.")
    if of_search(first):
        comparison = compare_searches(first, second, systems=systems, names=names)
    else:
        chosen_systems = (systems[0] or GRAPH, systems[1] or GRAPH)
        if b is None and len(set(chosen_systems)) == 1:
            raise _with_itself(names[0])
        comparison = compare(first, second, systems=chosen_systems, names=names)
    show(comparison, console)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 2 for a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.compare", description="Say what changed from one report to another."
    )
    parser.add_argument("a", type=Path, help="the report before")
    parser.add_argument("b", type=Path, nargs="?", help="the report after; without it, two systems of A")
    for option, which in zip(OPTIONS, ("first", "second"), strict=True):
        parser.add_argument(option, help=f"which system of the {which} ({GRAPH}, or a search's only one)")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    try:
        compare_files(options.a, options.b, console, systems=(options.system_a, options.system_b))
    except MutdaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
