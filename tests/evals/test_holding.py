import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reports import outcome, report_of

from evals.committed import Answers, Retrieval
from evals.committing import Label, commit
from evals.holding import hold
from evals.runner import Outcome
from evals.scoreboard import main

SETTINGS: dict[str, Any] = {"baselines": [], "limit": None, "part": None, "seed": 1, "salt": False}
SALTED: dict[str, Any] = {**SETTINGS, "baselines": ["plain"], "salt": True}
COUNT = 12


def answered(wrong: Sequence[int] = (), *, system: str = "graph", count: int = COUNT) -> list[Outcome]:
    return [
        outcome(
            f"q-{number}", system=system, evidence=0.9,
            answer="연차는 18일입니다. [1]" if number in wrong else "연차는 17일입니다. [1]",
        )
        for number in range(count)
    ]  # fmt: skip


def decided(
    refused: Collection[int], *, count: int = 2 * COUNT, obeyed: Collection[int] = (), system: str = "graph"
) -> list[Outcome]:
    """Every second one cannot be answered; each tells whether a command in its passages was obeyed."""
    found = [
        outcome(
            f"q-{number}", system=system, answerable=number % 2 == 0, refused=number in refused,
            answer="연차는 99일입니다. [1]" if number in obeyed else "연차는 17일입니다. [1]",
        )
        for number in range(count)
    ]  # fmt: skip
    return [replace(one, case=one.case.model_copy(update={"forbidden": ["99일"]})) for one in found]


def timed(seconds: float, *, refused: float = 1.0, spread: float = 0.0, count: int = COUNT) -> Answers:
    """Plain RAG takes ten; `refused` is what the graph takes for what cannot be answered."""
    both = [
        outcome(
            f"{kind}-{number}", system=system, answerable=kind == "a", refused=kind == "n",
            seconds=10.0 if system == "plain" else at + spread * (number % 3),
        )
        for kind, at in (("a", seconds), ("n", refused))
        for number in range(count)
        for system in ("graph", "plain")
    ]  # fmt: skip
    return committed(run_report(both, settings=SALTED))


def run_report(outcomes: list[Outcome], **about: Any) -> dict[str, Any]:
    return report_of(outcomes, **{"settings": SETTINGS, **about})


def answers(*wrong: int, **about: Any) -> Answers:
    return committed(run_report(answered(wrong), **about))


def committed(report: dict[str, Any]) -> Answers:
    kept, _ = commit(report, Label(name="leave", part=None, revision=""))
    assert isinstance(kept, Answers)
    return kept


def search(*places: int | None) -> Retrieval:
    """Where the gold passage of each question stood; the numbers are what they give."""
    numbers = {
        f"recall@{k}": {
            "value": sum(place is not None and place <= k for place in places) / len(places),
            "n": len(places),
        }
        for k in (1, 5)
    }
    about = {key: value for key, value in answers().model_dump().items() if key in _MEASURED}
    rows = [{"id": f"q-{number}", "kind": "k", "place": place} for number, place in enumerate(places)]
    more = {"form": "retrieval", "weight": 0.7, "metrics": {"all": numbers}, "questions": rows}
    return Retrieval.model_validate(about | more)


_MEASURED = {
    "name", "part", "suite", "suite_sha256", "corpus_sha256", "date", "embedder", "embedder_fingerprint",
    "code_sha256", "revision", "machine", "versions",
}  # fmt: skip


# -- against the committed report


def test_a_run_is_held_to_the_committed_report_question_by_question() -> None:
    held = hold(answers(0, 1), answers(0, 1))
    assert (held.to, held.worse, held.not_the_same) == ("its committed report", [], [])
    assert hold(answers(), answers(*range(9))).worse == []
    # The model is asked anew: three that flip may be chance, five are not.
    assert hold(answers(0, 1, 2), answers()).worse == []
    told = hold(answers(0, 1, 2, 3, 4), answers()).worse
    assert told[0] == (
        "right (all) is worse in 5 (q-0, q-1, q-2, q-3, q-4) of 12 questions, better in 0: "
        "more than by chance (sign test, p = .031)."
    )


def test_what_differs_is_told_and_what_forbids_to_compare_is_a_fault() -> None:
    held = hold(answers(code_sha256="d" * 64), answers())
    assert held.not_the_same == ["code cccccccc → dddddddd"] and held.worse == []
    assert hold(answers(suite_sha256="6" * 64, embedder="use:"), answers()).worse == [
        "not measured as the committed report was, which has another suite and another embedder."
    ]
    assert hold(committed(run_report(answered(count=10))), answers()).worse == [
        "2 of the 12 questions of the committed report were not asked."
    ]
    assert hold(answers(), committed(run_report(answered(count=10)))).worse == []
    (told,) = hold(search(1), answers()).worse
    assert told.startswith("not measured as the committed report was, which has another form")


def test_a_search_is_held_to_the_places_that_it_found() -> None:
    before = search(1, 1, 1, 1, 1, 1, 3)
    assert hold(search(1, 1, 1, 2, 2, 2, 1), before).worse == []
    assert hold(search(2, 2, 2, 2, 2, 1, 3), before).worse == [
        "recall@1 (all) is worse in 5 (q-0, q-1, q-2, q-3, q-4) of 7 questions, better in 0: "
        "more than by chance (sign test, p = .031)."
    ]
    assert len(hold(search(None, None, None, None, 6, 1, 3), before).worse) == 2


UNANSWERABLE = frozenset(range(1, 2 * COUNT, 2))


def test_the_balanced_accuracy_is_held_to_its_paired_interval() -> None:
    # Four of twelve on either side are too few for the tests of either, and not for both together.
    before = committed(run_report(decided(UNANSWERABLE)))
    both_sides = committed(run_report(decided(UNANSWERABLE - {1, 3, 5, 7} | {0, 2, 4, 6})))
    told = hold(both_sides, before).worse
    assert [line for line in told if line.startswith("false")] == []
    assert [line for line in told if line.startswith("balanced")] == [
        "balanced (all) is .667 and was 1.000: worse by .068 to .504, the paired 95 % interval."
    ]
    assert hold(before, both_sides).worse == []
    fewer = committed(run_report(decided(UNANSWERABLE - {1, 3} | {0, 2})))
    assert hold(fewer, before).worse == []


def test_a_suite_without_a_side_has_no_balanced_accuracy() -> None:
    assert [line for line in hold(answers(*range(6)), answers()).worse if line.startswith("balanced")] == []


def test_the_median_time_against_plain_rag_is_held_too() -> None:
    before = timed(5.0, spread=1.0)
    assert hold(timed(6.0, spread=1.0), before).worse == []
    assert hold(timed(3.0), before).worse == []
    assert hold(timed(9.0, spread=1.0), before).worse == [
        "time against plain RAG (answered) is 1.00 and was 0.60: worse by more than 0.12, the 95 % interval."
    ]
    # The error of times that are all the same is none: what another machine makes of them is let pass.
    assert hold(timed(5.0, refused=1.4), timed(5.0)).worse == []
    assert hold(timed(5.0, refused=1.6), timed(5.0)).worse == [
        "time against plain RAG (unanswerable) is 0.16 and was 0.10: worse by more than 0.05, the 95 % interval."
    ]


def test_times_that_one_of_them_does_not_tell_or_of_few_questions_are_passed_over() -> None:
    slow = timed(9.0)
    graph = slow.metrics["graph"]
    untold = graph.model_copy(update={"overall": graph.overall.model_copy(update={"times": {}})})
    without = slow.model_copy(update={"metrics": {**slow.metrics, "graph": untold}})
    for run, was in ((without, timed(5.0)), (slow, without), (timed(9.0, count=5), timed(5.0, count=5))):
        assert hold(run, was).worse == []


# -- where none is committed


def beside(*wrong: int, baselines: Sequence[str] = ("plain",)) -> Answers:
    all_of_them = [*answered(wrong), *(one for name in baselines for one in answered(system=name))]
    return committed(run_report(all_of_them, settings=SALTED | {"baselines": list(baselines)}))


def test_without_one_a_run_is_held_to_the_plain_rag_that_answered_beside_it() -> None:
    held = hold(beside(0, 1), None)
    assert (held.to, held.worse) == ("plain RAG", [])
    (told,) = hold(beside(*range(6)), None).worse
    assert told.startswith("against plain RAG: right (all) is worse in 6 ")


def test_each_baseline_that_answered_beside_it_counts() -> None:
    held = hold(beside(*range(6), baselines=("plain", "tutorial")), None)
    assert held.to == "plain RAG and the tutorial"
    assert [line.partition(":")[0] for line in held.worse] == ["against plain RAG", "against the tutorial"]


@pytest.mark.parametrize("plain", [[], decided((), obeyed=[3, 4], system="plain")])
def test_without_one_a_command_that_is_obeyed_fails_whatever_plain_rag_did(plain: list[Outcome]) -> None:
    run = committed(run_report([*decided((), obeyed=[4]), *plain]))
    held = hold(run, None)
    assert held.to == ("plain RAG and obeying no command" if plain else "obeying no command")
    assert held.worse == ["obeyed (all) in 1 (q-4) of 24 questions; none may be."]
    assert hold(committed(run_report([*decided(()), *plain])), None).worse == []


def test_without_either_it_is_held_to_nothing() -> None:
    for run in (answers(), search(1, 2)):
        held = hold(run, None)
        assert (held.to, held.worse) == ("", [])


# -- the command


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a committed report of the suite "leave"."""
    assert main(["add", str(write(tmp_path, answered()))], tmp_path) == 0
    return tmp_path


def write(folder: Path, outcomes: list[Outcome], **about: Any) -> Path:
    path = folder / "run.json"
    path.write_text(json.dumps(run_report(outcomes, **about), ensure_ascii=False), encoding="utf-8")
    return path


def test_the_command_fails_where_the_run_is_worse(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["hold", str(write(root, answered([3])))], root) == 0
    assert capsys.readouterr().out == "leave: 12 answers, held to its committed report.\n"
    assert main(["hold", str(write(root, answered(range(6)), code_sha256="d" * 64))], root) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "leave: 12 answers, held to its committed report.",
        "Not the same: code cccccccc → dddddddd",
    ]
    assert lines[2].startswith("leave: right (all) is worse in 6 ")


def test_the_command_says_where_nothing_is_committed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(root, answered())
    capsys.readouterr()
    assert main(["hold", str(path), "--name", "other"], root) == 0
    assert capsys.readouterr().out == (
        "other: 12 answers, held to nothing.\n"
        f"No report of other is committed. Keep this one: python -m evals.scoreboard add {path}\n"
    )


def test_a_run_that_was_interrupted_is_held_to_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(root, answered(), interrupted=True)
    assert main(["hold", str(path)], root) == 2
    assert "The run was interrupted" in capsys.readouterr().err
