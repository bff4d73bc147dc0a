"""Committed reports: what a run measured, small enough for the repository and without anybody's text.

Made from the report of a run (`evals.committing`) and kept as evals/reports/<name>.json.
Questions, answers and passages are left out, because the licence of KorQuAD forbids altered copies; ids
and outcomes stay. A file of answers has the rows that `evals.compare` pairs, under the same names, so
that a later run can be compared with it: `mutda eval compare evals/reports/korquad.json NEW.json`.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from evals.changes import ALL
from evals.korquad import Part
from evals.measures import MEASURES, SHARES
from evals.metrics.refusal import balanced
from evals.metrics.standard_error import Estimate, share_error
from evals.runner import GRAPH
from evals.summary import Mark

MEDIAN_CALLS = "median calls"
RETRIEVAL = ".retrieval"
"""Ends the name of a report of the search alone."""
_TOLERANCE = 1e-3
"""Seconds of a row are rounded to milliseconds."""
_RECOUNTED = ("right", "contained", "refused", "calls", "seconds")
_NAMES = frozenset((*(measure.name for measure in MEASURES), MEDIAN_CALLS))

Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f\u2028\u2029|`<>]*$", max_length=300)]
"""Text that a table's cell can hold as it is."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,80}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]*$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT")]
Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Number(_Strict):
    """A figure with one standard error, measured over `n`."""

    value: float
    error: float | None = None
    """None of a single one."""
    n: Annotated[int, Field(ge=1)]

    def estimate(self) -> Estimate:
        """The same as the metrics have it."""
        return Estimate(self.value, self.error, self.n)

    def as_share(self) -> "Number":
        """The same with a share's error, which its value and `n` tell."""
        return Number(value=self.value, error=share_error(self.value, self.n), n=self.n)


class Times(_Strict):
    """Wall time of the graph against a baseline's: the median of the ratios of single questions."""

    answered: Number | None = None
    """Over answerable questions that the graph answered: a refusal is cheap and would flatter it."""
    unanswerable: Number | None = None
    """Over all questions without an answer."""


class Numbers(_Strict):
    """Figures of one system over some questions."""

    questions: Count
    errors: Count
    measures: dict[str, Number]
    """By the names of `evals.measures`, and the calls in the median; without what was not measured."""
    times: dict[str, Times] = {}
    """By baseline; of the graph alone."""

    def of(self, name: str) -> Number | None:
        """A measure as it is shown; None where it was not measured.

        A share's error comes from its value and its `n`, not from the file: older files have 0 for it
        where all questions or none were hits.
        """
        number = self.measures.get(name)
        if number is None:
            return None
        if name in SHARES:
            return number.as_share()
        return self._balanced(number) if name == "balanced" else number

    def _balanced(self, number: Number) -> Number:
        accept, refuse = self.of("false accept"), self.of("false refuse")
        if accept is None or refuse is None:
            return number
        both = balanced(accept.estimate(), refuse.estimate())
        return Number(value=number.value, error=both.error, n=number.n)


class SystemNumbers(_Strict):
    """Of one system, over all questions and by kind."""

    overall: Numbers
    kinds: dict[str, Numbers]


class Cost(_Strict):
    """What one answer cost."""

    llm_calls: Count
    prompt_tokens: Count
    cached_tokens: Count
    output_tokens: Count


class Result(_Strict):
    """What stays of an answer object."""

    evidence: float
    reason: Line
    """Of an ended budget; other reasons quote questions and are left out."""
    cost: Cost


class Row(_Strict):
    """What one system made of one question. Names and meanings as in the report of a run."""

    id: Line
    kind: Line
    system: Name
    answerable: bool
    answers: Count
    """How many gold answers there are."""
    mark: Mark
    refused: bool
    seconds: float
    error: bool
    result: Result | None
    contained: bool | None = None
    exact: bool | None = None
    f1: float | None = None
    recall_found: bool | None = None
    recall_shown: bool | None = None
    recall_at_4: float | None = None
    ndcg_at_8: float | None = None
    reciprocal_rank: float | None = None
    citations_stand: tuple[bool, ...] = ()
    citations_valid: tuple[bool, ...] = ()
    supported: bool | None = None
    obeyed: bool | None = None


class _Measured(_Strict):
    """What every committed report tells."""

    name: Name
    """Of the suite; something after a dot tells two reports of one suite apart."""
    part: Part | None
    """Half of the questions; None where nothing was fitted on the suite and it is asked whole."""
    suite: Line
    """Name of the file."""
    suite_sha256: Digest
    corpus_sha256: Digest
    date: Day
    embedder: Line
    embedder_fingerprint: Line = ""
    """Empty like the model's where the run did not tell it."""
    code_sha256: Digest
    revision: Digest
    """Commit that holds the code that was measured; empty where none was found to."""
    machine: dict[str, Line | int]
    versions: dict[str, Line]


class Answers(_Measured):
    """A run of a suite."""

    form: Literal["answers"]
    model: Line
    model_family: Line
    model_fingerprint: Line = ""
    settings: dict[str, JsonValue]
    metrics: dict[str, SystemNumbers]
    questions: Annotated[list[Row], Field(min_length=1)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if GRAPH not in self.metrics:
            raise ValueError(f'it has no system "{GRAPH}"')
        rows = [row.model_dump() for row in self.questions]
        for system, kind, numbers in self._parts():
            place = f"{system} ({kind or ALL})"
            if unknown := set(numbers.measures) - _NAMES:
                raise ValueError(f'there is no measure "{min(unknown)}"')
            for name in sorted(SHARES & set(numbers.measures)):
                if not 0 <= numbers.measures[name].value <= 1:
                    raise ValueError(f'"{name}" of {place} is no share')
            group = [row for row in rows if kind in ("", row["kind"])]
            if numbers.questions != sum(row["system"] == system for row in group):
                raise ValueError(f"{place} has another number of questions")
            for name, same in _recount(numbers, group, system):
                if not same:
                    raise ValueError(f'"{name}" of {place} is not what its questions give')
        return self

    def _parts(self) -> Iterator[tuple[str, str, Numbers]]:
        for system, summary in self.metrics.items():
            yield system, "", summary.overall
            for kind, numbers in summary.kinds.items():
                yield system, kind, numbers


class Place(_Strict):
    """Where the first gold passage of a question stood."""

    id: Line
    kind: Line
    place: Annotated[int, Field(ge=1)] | None
    """From 1; None where none was found."""

    def within(self, k: int) -> float:
        """1 when it stood among the first `k`, else 0."""
        return float(self.place is not None and self.place <= k)


class Retrieval(_Measured):
    """A run of the search alone."""

    form: Literal["retrieval"]
    weight: float
    """The dense leg's share, 0..1."""
    metrics: dict[str, dict[str, Number]]
    """By kind, "all" for all of them: "recall@5", "nDCG@10", "MRR@10"."""
    questions: Annotated[list[Place], Field(min_length=1)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for kind, numbers in self.metrics.items():
            rows = [row for row in self.questions if kind in (ALL, row.kind)]
            for name, number in numbers.items():
                measure, _, k = name.partition("@")
                if measure == "recall" and not _is_mean(number, [row.within(int(k)) for row in rows]):
                    raise ValueError(f'"{name}" ({kind}) is not what its questions give')
        return self


def calls_of(rows: Sequence[Mapping[str, Any]], system: str) -> list[int]:
    """Model calls of each answer of a system; `rows` as a report has them."""
    return [row["result"]["cost"]["llm_calls"] for row in rows if row["system"] == system and row["result"]]


def ratios_of(rows: Sequence[Mapping[str, Any]], baseline: str) -> dict[str, list[float]]:
    """The graph's wall time against a baseline's of each question, by the names of `Times`."""
    other = {row["id"]: row["seconds"] for row in rows if row["system"] == baseline and not row["error"]}
    ratios: dict[str, list[float]] = {side: [] for side in Times.model_fields}
    for row in rows:
        theirs = other.get(row["id"])
        if row["system"] != GRAPH or row["error"] or not theirs:
            continue
        if not row["answerable"]:
            ratios["unanswerable"].append(row["seconds"] / theirs)
        elif not row["refused"]:
            ratios["answered"].append(row["seconds"] / theirs)
    return ratios


def _recount(numbers: Numbers, rows: Sequence[Mapping[str, Any]], system: str) -> Iterator[tuple[str, bool]]:
    """Names of figures, and whether each is what the rows give."""
    for measure in MEASURES:
        if measure.name in _RECOUNTED and measure.of is not None:
            values = [measure.of(row) for row in rows if row["system"] == system]
            known = [value for value in values if value is not None]
            yield measure.name, _is_mean(numbers.measures.get(measure.name), known)
    yield MEDIAN_CALLS, _is_median(numbers.measures.get(MEDIAN_CALLS), calls_of(rows, system))
    for baseline, times in numbers.times.items():
        for side, ratios in ratios_of(rows, baseline).items():
            yield f"time against {baseline}", _is_median(getattr(times, side), ratios)


def _is_median(number: Number | None, values: Sequence[float]) -> bool:
    return _is_mean(number, [median(values)] * len(values) if values else [])


def _is_mean(number: Number | None, values: Sequence[float]) -> bool:
    if number is None or not values:
        return number is None and not values
    return number.n == len(values) and abs(number.value - fmean(values)) <= _TOLERANCE
