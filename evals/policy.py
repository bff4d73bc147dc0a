"""How evidence decides: the signals of questions, a policy over them, and what it would do.

The graph's own way up to its first answer or refusal, over many questions at once and without a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.signals import Record
from graphs.evidence import Calibration, logit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SIGNALS = ("grade", "coverage", "dense", "missing", "reader")
"""Columns, in order; the first and the last are log-odds."""
NEVER = -1.0
"""Evidence of a wider look that is not there: below every threshold."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Signals and truths of n questions, as columns."""

    suites: tuple[str, ...]
    kinds: tuple[str, ...]
    groups: npt.NDArray[np.int64]
    """Shape (n,). Questions of the same group must not judge each other."""
    narrow: Floats
    """Shape (n, signals), at the first look."""
    wide: Floats
    """The same at the wider look; NaN where there was nothing more to see."""
    best: Floats
    """Shape (n, 2): the reader's log-odds of the best passage found, at both looks; NaN where none read, or
    could tell of what that look shows."""
    holds_narrow: Flags
    """Shape (n,): whether what is shown at the first look holds the answer."""
    holds_wide: Flags
    """The same of the widest look there was: whether the question is to be answered at all."""

    def __len__(self) -> int:
        return len(self.suites)

    def take(self, positions: Sequence[int] | npt.NDArray[np.int64]) -> "Questions":
        """Those at some positions, in that order."""
        at = np.asarray(positions, dtype=np.int64)
        return Questions(
            suites=tuple(self.suites[i] for i in at),
            kinds=tuple(self.kinds[i] for i in at),
            groups=self.groups[at],
            narrow=self.narrow[at],
            wide=self.wide[at],
            best=self.best[at],
            holds_narrow=self.holds_narrow[at],
            holds_wide=self.holds_wide[at],
        )


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Evidence from which is answered after the first look and after the wider one; below, hopeless."""

    narrow: float
    wide: float
    hopeless: float


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What decides: weights of signals, and bars on the probability they make."""

    weights: Mapping[str, float]
    """Over "bias" and some of `SIGNALS`."""
    thresholds: Thresholds
    hopeless_coverage: float
    reader_no: float | None = None
    """See `Calibration.reader_no`; not fitted to a language model, which it knows nothing of."""
    reader_yes: float | None = None

    @classmethod
    def of(cls, calibration: Calibration) -> "Policy":
        """As the graph decides with a calibration."""
        return cls(
            weights=calibration.evidence_weights,
            thresholds=Thresholds(
                narrow=calibration.accept_narrow,
                wide=calibration.accept_wide,
                hopeless=calibration.hopeless,
            ),
            hopeless_coverage=calibration.hopeless_coverage,
            reader_no=calibration.reader_no,
            reader_yes=calibration.reader_yes,
        )


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What a policy does with n questions; columns of shape (n,)."""

    accepted: Flags
    widened: Flags
    evidence: Floats
    """At the last look that was taken; 0 where nothing bore on the question."""
    holds: Flags
    """Whether what was shown at that look holds the answer."""
    right: Flags
    """Answered from passages that hold the answer, or refused where no look would have."""

    def put(self, positions: npt.NDArray[np.int64], other: "Decisions") -> None:
        """Write those of some questions in their places."""
        for name in ("accepted", "widened", "evidence", "holds", "right"):
            getattr(self, name)[positions] = getattr(other, name)


def columns_of(
    records: Sequence[Record],
    suites: Sequence[str],
    groups: Sequence[int],
    *,
    looks: tuple[str, str],
    neutral: float = 0.0,
) -> Questions:
    """Questions from records that have at least the narrow look, the suite and the group of each.

    `neutral` is taken where the reader cannot tell (`Calibration.reader_neutral`); there it settles nothing.
    """
    narrow = [record["looks"][looks[0]] for record in records]
    wide = [record["looks"].get(looks[1]) for record in records]
    found = [bool((last or first)["holds"]) for first, last in zip(narrow, wide, strict=True)]
    return Questions(
        suites=tuple(suites),
        # Answerable, and not found: refusing it is right, and no merit of its kind.
        kinds=tuple(
            str(record["kind"]) + (", not found" if record["answerable"] and not there else "")
            for record, there in zip(records, found, strict=True)
        ),
        groups=np.array(groups, dtype=np.int64),
        narrow=np.array([_row(record, look, neutral) for record, look in zip(records, narrow, strict=True)]),
        wide=np.array([_row(record, look, neutral) for record, look in zip(records, wide, strict=True)]),
        best=np.array(
            [
                [_heard(record, first), _heard(record, last)]
                for record, first, last in zip(records, narrow, wide, strict=True)
            ]
        ),
        holds_narrow=np.array([bool(look["holds"]) for look in narrow]),
        holds_wide=np.array(found),
    )


def _row(record: Record, look: Mapping[str, float] | None, neutral: float) -> list[float]:
    if look is None:
        return [np.nan] * len(SIGNALS)
    reader = look.get("reader")
    return [
        logit(look["grade"]),
        record["coverage"],
        record["dense"],
        look["missing"],
        neutral if reader is None else reader,
    ]


def _heard(record: Record, look: Mapping[str, float] | None) -> float:
    if look is None or look.get("reader") is None or record.get("best") is None:
        return float("nan")
    return float(record["best"])


def evidence_of(weights: Mapping[str, float], rows: Floats) -> Floats:
    """Probabilities of shape (n,) from rows of shape (n, signals); NaN rows give NaN."""
    beta = np.array([weights.get(name, 0.0) for name in SIGNALS])
    # Bounded as a probability is: exp() of more would overflow, and say nothing else.
    return np.asarray(1 / (1 + np.exp(-np.clip(weights["bias"] + rows @ beta, -60, 60))))


def both_looks(policy: Policy, questions: Questions) -> tuple[Floats, Floats]:
    """Evidence at the first and at the wider look; where the reader alone decides, all or nothing."""
    coverage = questions.narrow[:, SIGNALS.index("coverage")]
    no, yes = by_reader(policy, questions)
    first = np.where(yes, 1.0, evidence_of(policy.weights, questions.narrow))
    first = np.where(no | (coverage < policy.hopeless_coverage), 0.0, first)
    wider = np.nan_to_num(evidence_of(policy.weights, questions.wide), nan=NEVER)
    # A number that the narrow look lacked may be there now, or a passage that the reader can tell of.
    no, yes = by_reader(policy, questions, wide=True)
    return first, np.where(yes, 1.0, np.where(no, 0.0, wider))


def by_reader(policy: Policy, questions: Questions, *, wide: bool = False) -> tuple[Flags, Flags]:
    """Which questions the reader alone refuses at a look, and which it accepts; NaN settles nothing."""
    rows = questions.wide if wide else questions.narrow
    best = questions.best[:, int(wide)]
    no, yes = np.zeros(len(questions), dtype=bool), np.zeros(len(questions), dtype=bool)
    if policy.reader_no is not None:
        no = best < policy.reader_no
    if policy.reader_yes is not None:
        shown, missing = rows[:, SIGNALS.index("reader")], rows[:, SIGNALS.index("missing")]
        yes = ~np.isnan(best) & ~no & (shown >= policy.reader_yes) & (missing == 0)
    return no, yes


def _told(policy: Policy, questions: Questions, values: Floats, *, wide: bool) -> Floats:
    """Evidence as the graph gives it: what the reader settles alone has the probability that it says."""
    no, yes = by_reader(policy, questions, wide=wide)
    shown = (questions.wide if wide else questions.narrow)[:, SIGNALS.index("reader")]
    odds = np.where(yes, shown, np.where(no, questions.best[:, int(wide)], 0.0))
    return np.where(yes | no, 1 / (1 + np.exp(-np.clip(odds, -60, 60))), values)


def decide(policy: Policy, questions: Questions) -> Decisions:
    """Simulate the graph up to its first answer or refusal; another search query is not simulated."""
    first, wider = both_looks(policy, questions)
    bars = policy.thresholds
    at_once = first >= bars.narrow
    more = wider > NEVER
    widened = ~at_once & (first >= bars.hopeless) & more
    accepted = at_once | (widened & (wider >= bars.wide))
    holds = np.where(widened, questions.holds_wide, questions.holds_narrow)
    return Decisions(
        accepted=accepted,
        widened=widened,
        evidence=np.where(
            widened, _told(policy, questions, wider, wide=True), _told(policy, questions, first, wide=False)
        ),
        holds=holds,
        right=np.where(accepted, holds, ~questions.holds_wide),
    )
