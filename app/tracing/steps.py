"""What a node's update says for a reader: its decisions, the passages it found, and what else it set."""

from collections.abc import Mapping, Sequence
from typing import Any

_ELSEWHERE = frozenset({
    # Drawn in their own way, or totals that every node repeats.
    "found", "decisions", "result", "knobs", "route", "history", "finished", "trace_id", "messages",
    "llm_calls", "prompt_tokens", "cached_tokens", "output_tokens", "seconds",
})  # fmt: skip
_OF_A_PASSAGE = ("source", "heading", "section", "page", "score", "lexical", "dense", "reader", "text")
_PLAIN = (str, int, float, bool)


def said(update: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values that the node set, without empty ones."""
    return {
        key: value
        for key, value in update.items()
        if key not in _ELSEWHERE and value not in ("", None, [], {}) and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, _PLAIN) for item in value)
    return isinstance(value, _PLAIN)


def passages(update: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The found passages in reading order: where they stand, how they scored, their text."""
    found = update.get("found") or []
    return [
        {key: passage[key] for key in _OF_A_PASSAGE if passage.get(key) not in ("", None)}
        | _extra(passage.get("extra") or {})
        for passage in found
        if isinstance(passage, Mapping)
    ]


def _extra(extra: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"web": True} if extra.get("origin") == "web" else {}
    return told | ({"held_back": extra["held_back"]} if extra.get("held_back") else {})


def decisions(
    node: str, update: Mapping[str, Any], before: Sequence[Mapping[str, Any]], signals: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What the node decided: {"step", "name", "value", "threshold", "verdict", "signals"}.

    The list that nodes write themselves goes first; `before` is what it held before this node. Else the
    decisions are read off the update, without thresholds, with `signals` that earlier nodes left.
    """
    listed = update.get("decisions")
    if isinstance(listed, list):
        known = len(before)
        new = listed[known:] if list(listed[:known]) == list(before) else listed
        return [dict(decision) for decision in new if isinstance(decision, Mapping)]
    if node == "grade" and "verdict" in update and "evidence" in update:
        own = {"grade": update.get("grade")}
        return [_decision(node, "evidence", update["evidence"], update["verdict"], {**own, **signals})]
    if node == "self_check" and "grounded" in update:
        problem = update.get("problem")
        decided = _decision(node, "grounded", update["grounded"], "no" if problem else "yes", {})
        return [decided | ({"problem": problem} if problem else {})]
    return []


def _decision(step: str, name: str, value: float, verdict: str, signals: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": step,
        "name": name,
        "value": value,
        "threshold": None,
        "verdict": verdict,
        "signals": {key: number for key, number in signals.items() if isinstance(number, int | float)},
    }
