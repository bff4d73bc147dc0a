"""Where two runs parted: the first step that was not the same, and what was different in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from app.tracing.spans import Header, Span, Trace, prompt_text, shared_chars

NOISE = 0.005
"""Two probabilities that are closer than this are the same: batches are summed in another order each time."""
_CONTEXT_CHARS = 60

What = Literal[
    "question", "setting", "model", "step", "set", "passages", "prompt", "text", "decision", "status", "next"
]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that was not the same. `first` and `second` are texts, "" where there was none."""

    what: What
    name: str
    """Of the setting, the decision or the value; empty where `what` says it all."""
    first: str
    second: str


@dataclass(frozen=True, kw_only=True)
class Parting:
    """How two traces differ."""

    before: list[Difference]
    """Questions, settings and models: what was different from the start."""
    step: int | None
    """The first step that differs, counted from 0; None where all steps are the same."""
    names: tuple[str, str]
    """That step's name in both; "" where a run had ended by then."""
    differences: list[Difference]
    """In that step, in the order in which they came about."""
    shared: list[str]
    """The steps before it."""
    costs: list[tuple[str, float, float]]
    """Name, first and second: seconds, calls, evaluated_tokens, cached_tokens, output_tokens."""

    @property
    def same(self) -> bool:
        """Whether nothing but the costs differs."""
        return not self.before and self.step is None


def part(first: Trace, second: Trace) -> Parting:
    """Compare two traces step by step. Numbers that differ by less than `NOISE` are taken for equal."""
    shared: list[str] = []
    at, names, differences = None, ("", ""), []
    for number, (a, b) in enumerate(zip_longest(first.steps, second.steps)):
        found = list(_between(first, a, second, b))
        if found:
            at, names, differences = number, (a.name if a else "", b.name if b else ""), found
            break
        shared.append(a.name)
    return Parting(
        before=list(_from_the_start(first, second)),
        step=at,
        names=names,
        differences=differences,
        shared=shared,
        costs=_costs(first.header, second.header),
    )


def _from_the_start(first: Trace, second: Trace) -> Iterator[Difference]:
    if first.header.question != second.header.question:
        yield _told("question", "", first.header.question, second.header.question)
    if first.header.model != second.header.model:
        yield _told("model", "", first.header.model, second.header.model)
    yield from _named("setting", _knobs(first), _knobs(second))


def _knobs(trace: Trace) -> dict[str, Any]:
    knobs: dict[str, Any] = next((run.data["knobs"] for run in trace.runs if run.data.get("knobs")), {})
    return knobs


def _between(first: Trace, a: Span | None, second: Trace, b: Span | None) -> Iterator[Difference]:
    if a is None or b is None or a.name != b.name:
        yield _told("step", "", a.name if a else "", b.name if b else "")
        return
    if (before := _read(a)) != (after := _read(b)):
        yield _told("passages", "", "\n".join(before), "\n".join(after))
    for one, other in zip_longest(first.calls_under(a), second.calls_under(b)):
        yield from _between_calls(one, other)
    yield from _between_decisions(a, b)
    told = _told_by_decisions(a) | _told_by_decisions(b)
    yield from _named(
        "set", _without(a.data.get("update", {}), told), _without(b.data.get("update", {}), told)
    )
    if a.status != b.status:
        yield _told("status", "", a.error or a.status, b.error or b.status)
    if a.data.get("next") != b.data.get("next"):
        yield _told("next", "", a.data.get("next", ""), b.data.get("next", ""))


def _read(step: Span) -> list[str]:
    """The passages in their order, by where they stand and how they begin."""
    return [
        " · ".join(
            str(passage[key]) for key in ("source", "section", "page") if passage.get(key) not in ("", None)
        )
        + f": {' '.join(str(passage.get('text', '')).split())[:_CONTEXT_CHARS]}"
        for passage in step.data.get("passages", [])
    ]


def _between_calls(one: Span | None, other: Span | None) -> Iterator[Difference]:
    if one is None or other is None:
        made, missing = "1", ""
        yield _told("prompt", "", made if one else missing, made if other else missing)
        return
    before, after = prompt_text(one), prompt_text(other)
    if before != after:
        start = max(0, shared_chars(before, after) - _CONTEXT_CHARS // 3)
        yield _told("prompt", "", _excerpt(before, start), _excerpt(after, start))
    if one.data.get("text", "") != other.data.get("text", ""):
        yield _told("text", "", one.data.get("text", ""), other.data.get("text", ""))


def _excerpt(text: str, start: int) -> str:
    end = start + 2 * _CONTEXT_CHARS
    piece = " ".join(text[start:end].split())
    return ("… " if start else "") + piece + (" …" if end < len(text) else "")


def _between_decisions(a: Span, b: Span) -> Iterator[Difference]:
    keys = ("verdict", "value", "threshold")
    none: dict[str, Any] = {}
    one: dict[str, Any]
    other: dict[str, Any]
    for one, other in zip_longest(a.data.get("decisions", []), b.data.get("decisions", []), fillvalue=none):
        if any(not _alike(one.get(key), other.get(key)) for key in keys):
            name = str(one.get("name") or other.get("name") or "")
            yield _told("decision", name, decision_text(one), decision_text(other))
        yield from _named("decision", one.get("signals", {}), other.get("signals", {}))


def decision_text(decision: Mapping[str, Any]) -> str:
    """E.g. "0.83 ≥ 0.48 → yes"; "" for none."""
    if not decision:
        return ""
    value, threshold = decision.get("value"), decision.get("threshold")
    text = number_text(value)
    if isinstance(value, int | float) and isinstance(threshold, int | float):
        text += f" {'≥' if value >= threshold else '<'} {number_text(threshold)}"
    verdict = decision.get("verdict")
    return f"{text} → {verdict}" if verdict not in ("", None) else text


def number_text(value: Any) -> str:
    """A value as people read it: a probability with two digits, three where two would show 0 or 1."""
    if isinstance(value, bool) or not isinstance(value, float):
        return "" if value is None else str(value)
    digits = 3 if 0 < abs(value) < 0.01 or 0.99 < value < 1 else 2
    return f"{value:.{digits}f}"


def _told_by_decisions(step: Span) -> set[str]:
    """Values that a step's decisions name already."""
    decisions = step.data.get("decisions", [])
    names = {
        str(name) for decision in decisions for name in (decision.get("name"), *decision.get("signals", {}))
    }
    return names | {"verdict"} if names else set()


def _without(values: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _named(what: What, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*first, *second]):
        if not _alike(first.get(name), second.get(name)):
            yield _told(what, name, first.get(name), second.get(name))


def _alike(first: Any, second: Any) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) < NOISE
    return bool(first == second)


def _told(what: What, name: str, first: Any, second: Any) -> Difference:
    return Difference(what=what, name=name, first=_text(first), second=_text(second))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return number_text(value)


def _costs(first: Header, second: Header) -> list[tuple[str, float, float]]:
    return [
        (name, getattr(first, field), getattr(second, field))
        for name, field in (
            ("seconds", "working_s"),
            ("calls", "calls"),
            ("evaluated_tokens", "evaluated_tokens"),
            ("cached_tokens", "cached_tokens"),
            ("output_tokens", "output_tokens"),
        )
    ]
