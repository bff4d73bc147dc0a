"""What a measurement of retrieval shows: a table for each kind of question, a row for each way to search."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from evals.measures import number_text, text_of
from evals.metrics.standard_error import Estimate


def tables(report: Mapping[str, Any]) -> Iterator[Table]:
    """The numbers of a report of `evals.retrieval`, in a hundred columns."""
    systems = report["systems"]
    kinds = list(systems[0]["kinds"])
    for kind in kinds:
        yield _of_kind(kind, [(system, system["kinds"][kind]) for system in systems], report["k"])
    if len(kinds) > 1:
        yield _of_kind("all", [(system, system["overall"]) for system in systems], report["k"])
    yield _of_ingests(systems)


def _of_kind(
    kind: str, rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], ks: Sequence[int]
) -> Table:
    questions = rows[0][1]["questions"]
    table = _table(f"{escape(kind)}, {questions} questions: shares ± one standard error")
    columns = [f"recall@{k}" for k in ks]
    for name in ("weight", *columns, "nDCG@10", "MRR@10", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for system, numbers in rows:
        values = [*(numbers["recall"][str(k)] for k in ks), numbers["ndcg"], numbers["mrr"]]
        cells = [text_of(Estimate(**value)) for value in values]
        table.add_row(escape(system["embedder"]), _weight(system), *cells, _milliseconds(numbers["seconds"]))
    return table


def _of_ingests(systems: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Documents; a collection that was there already costs nothing")
    for name in ("Korean probe", "documents", "chunks", "texts embedded", "seconds", "texts/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for embedder in dict.fromkeys(system["embedder"] for system in systems):
        system = next(system for system in systems if system["embedder"] == embedder)
        made = system["ingest"]
        rate = made["texts_per_second"]
        table.add_row(
            escape(embedder),
            number_text(system["probe"]),
            str(made["documents"]),
            str(made["chunks"]),
            str(made["texts"]),
            f"{made['seconds']:.1f}",
            "-" if rate is None else f"{rate:.1f}",
        )
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", padding=0)
    table.add_column("embedder", overflow="fold")
    return table


def _weight(system: Mapping[str, Any]) -> str:
    return f"{system['weight']:.3g}"


def _milliseconds(seconds: Mapping[str, Any]) -> str:
    return text_of(
        Estimate(
            seconds["value"] * 1000,
            None if seconds["error"] is None else seconds["error"] * 1000,
            seconds["n"],
        ),
        1,
    )
