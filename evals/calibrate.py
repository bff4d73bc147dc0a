"""Fit the evidence model of one language model to suites of questions, and keep it for that model.

Signals are gathered through the real retrieval and the real grader, then weights and thresholds are fitted
without a model. All figures are cross-validated: no question is judged by a fit that saw it or its file.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from app.errors import MutdaError
from app.settings import Settings, load_settings
from app.wording import plain
from evals.calibration_figures import figures
from evals.calibration_page import page
from evals.calibration_report import behind, policy_lines, risk_lines, tables, verdict
from evals.calibration_store import FOLDER, fitted_on, in_words, store
from evals.folds import FOLDS, cross_decide, fit_best, groups_of, require_enough
from evals.gathered import LOOKS, case_key
from evals.gathering import Asked, ChosenSuite, Gathering, choose_suites, gather
from evals.korquad import Part
from evals.measures import text_of
from evals.metrics.standard_error import Estimate
from evals.policy import Decisions, Policy, Questions, columns_of, decide
from evals.provenance import half_line
from evals.report import ReportError, write_whole
from evals.run import INTERRUPTED
from graphs.evidence import Calibration

UNASKED = {
    "calculation": "may need a calculation, which its operands decide",
    "several questions": "ask several things, which are answered apart",
    "nothing found": "found nothing, and are refused without a model",
    "too long": "bring passages that the model's context does not hold",
}


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions:
    """Which model, and on which questions."""

    suites: tuple[Path, ...]
    corpora: tuple[Path, ...] = ()
    """None, one for all, or one for each suite whose questions bring no passages, in order."""
    model: str | None = None
    part: Part | None = None
    limit: int | None = None
    """Of each suite."""
    seed: int = 1
    anew: bool = False
    """Gather again what was gathered before."""
    store_anyway: bool = False
    """Store what was fitted also where it is behind what is in use."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A policy for a model, and what it and the one before it decided."""

    policy: Policy
    """Fitted to all questions: what is stored, unless it is behind."""
    before: Decisions
    after: Decisions
    """Cross-validated."""
    figures: Mapping[str, Any]


def calibrate(options: CalibrateOptions, console: Console) -> int:
    """Gather, fit, print, store what is not behind; returns 0, or 130 after Ctrl-C.

    Raises MutdaError for a user's mistake and for too few questions, ServiceError when three questions in a
    row fail. What was gathered until then is kept: the same command carries on.
    """
    settings = load_settings(web_search="off", **({"model": options.model} if options.model else {}))
    suites = choose_suites(
        options.suites, options.corpora, part=options.part, limit=options.limit, seed=options.seed
    )
    for suite in suites if options.part else ():
        line = f"{suite.name}: {half_line(suite.half.counts(), 'en')}"
        console.print(plain(line), markup=False, soft_wrap=True)
    try:
        gathering = asyncio.run(gather(suites, settings, console, anew=options.anew))
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to carry on.", file=sys.stderr)
        return INTERRUPTED
    usable = [asked for asked in gathering.asked.values() if not asked.record["unasked"]]
    if not usable:
        raise MutdaError("No question is left to fit to: see --part, --limit and the suites themselves.")
    questions = questions_of(usable, gathering.calibration)
    for line in _left_out(gathering, questions):
        console.print(plain(line), markup=False)
    require_enough(questions)
    fitted = fit_and_judge(questions, gathering.calibration, seed=options.seed)
    for table in tables(fitted.figures):
        console.print(table)
    for line in _summary(fitted, questions, usable, gathering, settings.data_dir / FOLDER):
        console.print(plain(line), markup=False, soft_wrap=True)
    for line in _keep(fitted, usable, gathering, options, suites, settings):
        console.print(plain(line), markup=False, soft_wrap=True)
    return 0


def questions_of(usable: Sequence[Asked], in_use: Calibration) -> Questions:
    """Columns from what was asked of the model; a fit keeps what is taken where the reader cannot tell."""
    return columns_of(
        [asked.record for asked in usable],
        [asked.suite for asked in usable],
        groups_of([asked.record["rests_on"] for asked in usable]),
        looks=(str(LOOKS[0]), str(LOOKS[1])),
        neutral=in_use.reader_neutral,
    )


def fit_and_judge(questions: Questions, in_use: Calibration, *, seed: int) -> Fitted:
    """Fit to all questions; judge by fits that saw only other groups, the choice of signals included."""

    def fitting(seen: Questions) -> Policy:
        return fit_best(seen, Policy.of(in_use), seed=seed)

    before = decide(Policy.of(in_use), questions)
    after = cross_decide(questions, fitting, seed=seed)
    return Fitted(
        policy=fitting(questions), before=before, after=after, figures=figures(questions, before, after)
    )


def calibration_of(policy: Policy, in_use: Calibration, *, family: str, fitted_on: str) -> Calibration:
    """The calibration in use with the fitted evidence; groundedness is not fitted here."""
    return replace(
        in_use,
        family=family,
        evidence_weights=dict(policy.weights),
        accept_narrow=policy.thresholds.narrow,
        accept_wide=policy.thresholds.wide,
        hopeless=policy.thresholds.hopeless,
        fitted_on=fitted_on,
        notice="",
    )


def _left_out(gathering: Gathering, questions: Questions) -> Iterator[str]:
    reasons = Counter(asked.record["unasked"] for asked in gathering.asked.values())
    for reason, words in UNASKED.items():
        if reasons[reason]:
            yield f"Left out: {reasons[reason]} questions that {words}."
    if gathering.failed:
        yield f"Left out: {gathering.failed} questions that failed. Run the same command again to ask them."
    if missed := sum(kind.endswith(", not found") for kind in questions.kinds):
        yield f"Of {missed} answerable questions no look holds the answer: refusing them counts as right."
    unsure = [
        asked
        for asked in gathering.asked.values()
        if any(not look["sure"] for look in asked.record["looks"].values())
    ]
    if unsure:
        yield (
            f"The model's server gave no log-probabilities for {len(unsure)} questions: "
            "their grade is yes, no or a half, and the calibration is as coarse."
        )


def _summary(
    fitted: Fitted, questions: Questions, usable: Sequence[Asked], gathering: Gathering, folder: Path
) -> Iterator[str]:
    yield from risk_lines(fitted.figures)
    yield verdict(fitted.figures)
    yield from policy_lines(fitted.policy)
    yield f"Before: the calibration in use, fitted on {gathering.calibration.fitted_on or 'nothing told'}"
    if gathering.calibration.notice:
        yield f"Of your own, {gathering.calibration.notice.partition('; ')[0]}."
    fitted_before = fitted_on(folder, gathering.fingerprint)
    if both := sum(fitted_before is not None and fitted_before.saw(a.case, a.key) for a in usable):
        yield f"It was fitted on {both} of these {len(questions)} questions: its figures here are flattered."
    folds = min(FOLDS, len(set(questions.groups.tolist())))
    yield (
        f"After: {folds}-fold cross-validation; questions over the same file or passages stay in one fold. "
        "A further search in other words, and the check of the answer, are not simulated."
    )


def _keep(
    fitted: Fitted,
    usable: Sequence[Asked],
    gathering: Gathering,
    options: CalibrateOptions,
    suites: Sequence[ChosenSuite],
    settings: Settings,
) -> Iterator[str]:
    """Store the calibration, unless it is behind, and write the report; says where, and how to go back."""
    keeps = options.store_anyway or not behind(fitted.figures)
    kinds = {suite.name: Counter(a.case.kind for a in usable if a.suite == suite.name) for suite in suites}
    counts = [(suite.name, suite.sha256, dict(kinds[suite.name])) for suite in suites]
    fingerprint, in_use = gathering.fingerprint, gathering.calibration
    calibration = calibration_of(
        fitted.policy,
        in_use,
        family=fingerprint.family,
        fitted_on=in_words(counts, part=options.part, accuracy=_accuracy(fitted.figures)),
    )
    date = datetime.now(UTC).isoformat(timespec="seconds")
    report = settings.data_dir / "reports" / f"{fingerprint.name}.calibration.html"
    text = page(
        fitted.figures,
        fitted.before,
        fitted.after,
        spec=fingerprint.spec,
        before_on=in_use.fitted_on,
        after_on=calibration.fitted_on,
        date=date,
        policy="\n".join(policy_lines(fitted.policy)),
        stored=keeps,
    )
    about = {
        "suites": [{"name": name, "sha256": digest, "kinds": of_kind} for name, digest, of_kind in counts],
        "part": options.part,
        "limit": options.limit,
        "seed": options.seed,
        "embedder": gathering.embedder,
        "keys": sorted(asked.key for asked in usable),
        "cases": sorted({case_key(asked.case) for asked in usable}),
    }
    if keeps:
        stored = store(
            settings.data_dir / FOLDER,
            calibration,
            fingerprint,
            questions=about,
            figures=fitted.figures,
            date=date,
        )
        yield f"Stored: {stored.path}"
        yield stored.way_back()
    else:
        yield "Not stored: the one before stays in use. To store this one all the same, add --store-anyway."
    try:
        write_whole(report, text)
    except ReportError:
        same = "; the calibration is stored all the same" if keeps else ""
        yield f"The report {report} cannot be written{same}."
    else:
        yield f"Report: {report}"


def _accuracy(found: Mapping[str, Any]) -> str:
    shares = ", ".join(
        f"{suite} {text_of(Estimate(**rows['']['after']))}" for suite, rows in found["balanced"].items()
    )
    return f"Balanced accuracy in cross-validation by file: {shares}"
