"""A suite's questions as the items of a dataset: masked as traces are, with ids that stay."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from app.tracing.masking import Masking
from evals.suite import Case

_OF_A_SUITE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question."""

    id: str
    given: Any
    expected: Any
    metadata: Any
    """Plain JSON; a text where it could not be masked."""


def item_id(dataset: str, case_id: str) -> str:
    """The same for each run of a suite, and no other suite's: a server knows items by their id alone.

    A digest, because a case's id may be long, and may hold what is masked elsewhere.
    """
    return sha256(f"{dataset}\0{case_id}".encode()).hexdigest()[:32]


def is_of_a_suite(item: str) -> bool:
    """Whether an item's id is made as `item_id` makes them: what people add on the server has another."""
    return _OF_A_SUITE.fullmatch(item) is not None


def expected_of(case: Case) -> dict[str, Any]:
    """What a right answer holds; not masked."""
    told = case.model_dump(mode="json")
    return {key: told[key] for key in ("answerable", "answers", "sources", "forbidden")}


def item_of(dataset: str, case: Case, masking: Masking) -> Item:
    """What is asked, what a right answer holds, and the rest."""
    told = case.model_dump(mode="json")
    given = {key: told[key] for key in ("question", "history", "passages") if told[key]}
    return Item(
        id=item_id(dataset, case.id),
        given=masking.value(given),
        expected=masking.value(expected_of(case)),
        metadata=masking.value({"id": case.id, "kind": case.kind}),
    )


def items_sha256(items: Sequence[Item]) -> str:
    """Of everything that is sent, so that a dataset is sent again only where it would be another."""
    digest = sha256()
    for item in items:
        told = [item.id, item.given, item.expected, item.metadata]
        digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()
