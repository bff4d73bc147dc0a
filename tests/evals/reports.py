"""Outcomes and whole reports made of them, for the tests of everything that reads a report."""

from collections.abc import Sequence
from typing import Any

from evals.report import as_json
from evals.runner import Outcome
from evals.suite import Case
from evals.summary import score, summarise, time_ratios

TEXT = "연차 휴가는 17일이다."
ABOUT: dict[str, Any] = {
    "suite": "suites/leave.jsonl", "suite_sha256": "5" * 64, "corpus": None, "corpus_sha256": "",
    "code_sha256": "c" * 64, "date": "2026-11-21T09:00:00+00:00", "model": "fake:", "model_family": "fake",
    "embedder": "toy:", "settings": {"baselines": [], "limit": None, "context": {"k": 8}},
    "machine": {"processor": "P", "cores": 2, "architecture": "x", "system": "Linux 6"},
    "versions": {"python": "3.11"}, "interrupted": False,
}  # fmt: skip


def outcome(
    case_id: str, *, kind: str = "leave", answerable: bool = True, system: str = "graph",
    question: str = "연차는 며칠인가요?", answer: str = "연차는 17일입니다. [1]", refused: bool = False,
    reason: str = "", evidence: float = 0.8, seconds: float = 1.25, error: str = "", heading: str = "규칙",
    source: str = "d/규칙.txt", golds: Sequence[str] = ("17일",), tokens: int = 500,
) -> Outcome:  # fmt: skip
    """What a system made of a question over one passage."""
    case = Case(
        id=case_id, question=question, answers=list(golds) if answerable else [], answerable=answerable,
        kind=kind, sources=["규칙.txt"] if answerable else [],
        history=[{"role": "user", "content": question}],  # type: ignore[list-item]
    )  # fmt: skip
    passage = {"source": source, "heading": heading, "start": 0, "end": len(TEXT), "text": TEXT, "score": 0.9}
    cited = {
        "n": 1,
        "source": source,
        "start": 0,
        "end": len(TEXT),
        "text": TEXT,
        "section": heading,
        "page": 3,
    }
    result = {
        "question": question, "answer": answer, "refused": refused, "reason": reason, "calculation": "",
        "citations": [] if refused or system != "graph" else [cited], "notices": [],
        "route": ["retrieve", "refuse" if refused else "generate"],
        "evidence": evidence if system == "graph" else 0.0, "grounded": 0.7,
        "cost": {
            "llm_calls": 3, "prompt_tokens": tokens + 400, "cached_tokens": 400, "output_tokens": 9,
            "searches": 0,
        },
    }  # fmt: skip
    return Outcome(
        case=case, system=system, result={} if error else result, found=[] if error else [passage],
        shown=1, seconds=seconds, error=error,
    )  # fmt: skip


def report_of(outcomes: Sequence[Outcome], **about: Any) -> dict[str, Any]:
    """The report of a run."""
    scores = [score(item) for item in outcomes]
    return as_json(outcomes, scores, summarise(outcomes, scores), time_ratios(outcomes), {**ABOUT, **about})
