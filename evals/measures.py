"""Every number of a report: its name, where it stands, which way is better, and what one question adds.

The tables, the reports and the comparison of two runs all go by this list.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evals.metrics.cost import ended_by_budget
from evals.metrics.standard_error import NOTHING, Estimate

Row = Mapping[str, Any]
"""One outcome as the report's file has it, under "questions"."""
Group = Literal["answers", "refusals", "retrieval", "citations", "cost"]


@dataclass(frozen=True)
class Measure:
    """One number."""

    name: str
    path: str
    """Where it stands in a summary, with dots."""
    korean: str
    group: Group
    better: Literal["higher", "lower", ""]
    """Empty where neither is."""
    of: Callable[[Row], float | None] | None = None
    """What one question adds to the mean; None where the question does not count. Without this function
    the number is one of a whole set of questions."""
    digits: int | None = None
    """Decimals; None for a share, printed as ".750"."""

    def estimate(self, summary: Mapping[str, Any]) -> Estimate:
        """The number in a summary of a report; of nothing where the report does not have it."""
        value: Any = summary
        for key in self.path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return Estimate(**value) if isinstance(value, Mapping) else NOTHING

    def shown(self, summary: Mapping[str, Any]) -> Estimate:
        """The number as a table shows it: nothing for a share right that only some questions tell.

        Of answerable questions without gold answers nobody knows. The others of such a suite have no answer,
        and the share right of those is that of refusals, under another name.
        """
        found = self.estimate(summary)
        return NOTHING if self.name == "right" and found.n < summary["questions"] else found


def _field(name: str) -> Callable[[Row], float | None]:
    return lambda row: None if row.get(name) is None else float(row[name])


def _right(row: Row) -> float | None:
    return float(row["mark"] == "right") if row["answers"] or not row["answerable"] else None


def graded(rows: Iterable[Row]) -> bool:
    """Whether each question can be told right from wrong: none is answerable and without gold answers."""
    return all(_right(row) is not None for row in rows)


def _false_accept(row: Row) -> float | None:
    return None if row["answerable"] else float(not row["refused"])


def _false_refuse(row: Row) -> float | None:
    return float(row["refused"]) if row["answerable"] else None


def _brier(row: Row) -> float | None:
    return None if row["error"] else float((row["result"]["evidence"] - row["answerable"]) ** 2)


def share_held(parts: Sequence[bool]) -> float | None:
    """Of one answer's citations, or of its cited parts; None without any. Each answer counts as one,
    however often it cites: questions are what a suite draws, and what its error is over."""
    return sum(parts) / len(parts) if parts else None


def _share_of(name: str) -> Callable[[Row], float | None]:
    return lambda row: share_held(row.get(name) or ())


def _cost(name: str) -> Callable[[Row], float | None]:
    return lambda row: None if row["error"] else float(row["result"]["cost"][name])


def _evaluated(row: Row) -> float | None:
    cost = None if row["error"] else row["result"]["cost"]
    return float(cost["prompt_tokens"] - cost["cached_tokens"]) if cost else None


def _seconds(row: Row) -> float | None:
    return None if row["error"] else float(row["seconds"])


def _budget_end(row: Row) -> float | None:
    return None if row["error"] else float(ended_by_budget(row["result"]))


MEASURES = (
    Measure("right", "right", "맞음", "answers", "higher", _right),
    Measure("contained", "contained", "정답 포함", "answers", "higher", _field("contained")),
    Measure("exact match", "exact", "완전 일치", "answers", "higher", _field("exact")),
    Measure("F1", "f1", "글자 F1", "answers", "higher", _field("f1")),
    Measure("refused", "refused", "거절", "answers", "", _field("refused")),
    Measure("false accept", "refusals.false_accept", "잘못 답함", "refusals", "lower", _false_accept),
    Measure("false refuse", "refusals.false_refuse", "잘못 거절", "refusals", "lower", _false_refuse),
    Measure("balanced", "refusals.balanced_accuracy", "균형 정확도", "refusals", "higher"),
    Measure("AUC", "evidence_auc", "근거 확률의 AUC", "refusals", "higher"),
    Measure("ECE", "calibration_error", "보정 오차", "refusals", "lower"),
    Measure("Brier", "brier", "브라이어 점수", "refusals", "lower", _brier),
    Measure("found", "recall_found", "찾음", "retrieval", "higher", _field("recall_found")),
    Measure("shown", "recall_shown", "모델에 보임", "retrieval", "higher", _field("recall_shown")),
    Measure("recall@4", "recall_at_4", "재현율", "retrieval", "higher", _field("recall_at_4")),
    Measure("nDCG@8", "ndcg_at_8", "순위 점수", "retrieval", "higher", _field("ndcg_at_8")),
    Measure("MRR", "mrr", "역순위 평균", "retrieval", "higher", _field("reciprocal_rank")),
    Measure(
        "cites", "citations_stand", "인용 위치 맞음", "citations", "higher", _share_of("citations_stand")
    ),
    Measure("valid", "citations_valid", "인용이 뒷받침", "citations", "higher", _share_of("citations_valid")),
    Measure("support", "supported", "답 전체를 뒷받침", "citations", "higher", _field("supported")),
    Measure("obeyed", "obeyed", "명령에 따름", "citations", "lower", _field("obeyed")),
    Measure("calls", "costs.calls", "모델 호출", "cost", "lower", _cost("llm_calls"), 1),
    Measure("read", "costs.evaluated_tokens", "읽은 토큰", "cost", "lower", _evaluated, 0),
    Measure("cached", "costs.cached_tokens", "캐시 토큰", "cost", "", _cost("cached_tokens"), 0),
    Measure("written", "costs.output_tokens", "쓴 토큰", "cost", "lower", _cost("output_tokens"), 0),
    Measure("seconds", "costs.seconds", "초", "cost", "lower", _seconds, 2),
    Measure("median s", "costs.median_seconds", "초의 중앙값", "cost", "lower", None, 2),
    Measure("budget ends", "costs.budget_ends", "예산이 끝남", "cost", "lower", _budget_end),
)
ON_THIS_MACHINE = frozenset({"seconds", "median s"})
"""Another machine has others."""
SHARES = frozenset(
    (
        *("right", "contained", "exact match", "refused", "false accept", "false refuse"),
        *("found", "shown", "cites", "valid", "support", "obeyed", "budget ends"),
    )
)
"""From 0 to 1. A question adds a hit or a miss, and the value and `n` tell the error. To "cites" and "valid"
an answer of several parts may add what lies between: their error, told so, is rather too wide."""
BY_EVIDENCE = frozenset({"AUC", "ECE", "Brier"})
"""Of systems that give a probability; a baseline does not."""
GROUPS: dict[Group, tuple[str, str]] = {
    "answers": ("Answers", "답"),
    "refusals": ("Refusals", "거절"),
    "retrieval": ("Retrieval", "검색"),
    "citations": ("Citations and commands", "인용과 명령"),
    "cost": ("Cost of one question", "질문 하나의 비용"),
}
"""Titles in English and Korean."""
UNGRADED = "정답을 적어 두지 않은 질문이 있는 줄에는 맞은 비율(right)을 알 수 없어 줄표를 넣었습니다."
"""Beside tables of a suite that is not `graded`; in Korean, as the reports are."""


def measures_of(group: Group) -> list[Measure]:
    """Of one group, in order."""
    return [measure for measure in MEASURES if measure.group == group]


def measured(metrics: Mapping[str, Any], group: Group) -> list[Measure]:
    """Those of a group that any system of a report has."""
    return [
        measure
        for measure in measures_of(group)
        if any(measure.estimate(summary["overall"]).n for summary in metrics.values())
    ]


def text_of(estimate: Estimate, digits: int | None = None) -> str:
    """ ".750±.217" for a share, "4.4±0.3" with a number of decimals; a dash where nothing was measured."""
    if estimate.value is None:
        return "-"
    value = number_text(estimate.value, digits)
    return value if estimate.error is None else f"{value}±{number_text(estimate.error, digits)}"


def number_text(value: float, digits: int | None = None) -> str:
    """A share without its leading zero, another number with so many decimals."""
    if digits is not None:
        return f"{value:.{digits}f}"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:.3f}"
