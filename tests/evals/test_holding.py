import json
from collections.abc import Sequence
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
COUNT = 12


def answered(wrong: Sequence[int] = (), *, system: str = "graph", count: int = COUNT) -> list[Outcome]:
    return [
        outcome(
            f"q-{number}", system=system, evidence=0.9,
            answer="연차는 18일입니다. [1]" if number in wrong else "연차는 17일입니다. [1]",
        )
        for number in range(count)
    ]  # fmt: skip


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


# -- where none is committed


def test_without_one_a_run_is_held_to_the_plain_rag_that_answered_beside_it() -> None:
    salted = {**SETTINGS, "baselines": ["plain"], "salt": True}

    def beside(*wrong: int) -> Answers:
        both = [*answered(wrong), *answered(system="plain")]
        return committed(run_report(both, settings=salted))

    held = hold(beside(0, 1), None)
    assert (held.to, held.worse) == ("plain RAG", [])
    (told,) = hold(beside(*range(6)), None).worse
    assert told.startswith("right (all) is worse in 6 ")


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
