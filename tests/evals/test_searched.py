import copy
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.errors import MutdaError
from evals.committing import Label, commit
from evals.compare import Comparison, compare_files, compare_searches, main, show

COMMITTED = Path(__file__).parents[2] / "evals" / "reports" / "korquad_paraphrases.retrieval.json"
DEEP = 20
Places = list[int | None]
BEFORE: Places = [1] * 10 + [3] * 8 + [None] * 2
AFTER: Places = [1] * 9 + [2] + [1] * 7 + [3] + [9, None]
"""One is found later, seven become first, one is found at last."""


def system(places: Places, *, embedder: str = "e5:", weight: float = 0.7, **more: Any) -> dict[str, Any]:
    """As `evals.retrieval` writes it, of ten places; the second kind has the odd questions."""
    rows = [
        {
            "id": f"q-{number}", "kind": "odd" if number % 2 else "even", "question": "연차는?",
            "searched": ["연차는?"], "gold": 1, "by_answer": True, "place": place, "seconds": 0.01,
            "found": [{"source": "휴가.txt", "gold": rank == place} for rank in range(1, DEEP + 1)],
        }
        for number, place in enumerate(places)
    ]  # fmt: skip
    return {"embedder": embedder, "weight": weight, "own_weight": True, "questions": rows, **more}


def report(*systems: dict[str, Any], **about: Any) -> dict[str, Any]:
    return {
        "suite": "s.jsonl", "suite_sha256": "5" * 64, "corpus_sha256": "6" * 64, "code_sha256": "c" * 64,
        "date": "2026-11-21T09:00:00+00:00", "machine": {"cores": 2}, "versions": {"python": "3.11"},
        "k": [1, 4, 5, 8], "systems": list(systems), **about,
    }  # fmt: skip


def committed(whole: dict[str, Any]) -> dict[str, Any]:
    """What evals/reports would have of it."""
    estimate = {"value": 0.5, "error": 0.1, "n": 20}
    rows = whole["systems"][0]["questions"]
    recall = {
        str(k): estimate | {"value": sum((row["place"] or 99) <= k for row in rows) / len(rows)}
        for k in whole["k"]
    }
    numbers = {"recall": recall, "ndcg": estimate, "mrr": estimate}
    (only,) = whole["systems"]
    kept, _ = commit(
        whole | {"systems": [only | {"overall": numbers, "kinds": {}}]},
        Label(name="s.retrieval", part=None, revision=""),
    )
    return kept.model_dump()


def write(path: Path, value: dict[str, Any]) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def found(comparison: Comparison, kind: str = "all") -> dict[str, Any]:
    return {change.measure.name: change for change in comparison.changes if change.kind == kind}


def test_two_searches_are_paired_question_by_question() -> None:
    comparison = compare_searches(report(system(BEFORE)), report(system(AFTER)))
    changes = found(comparison)
    assert list(changes) == ["recall@1", "recall@4", "recall@5", "recall@8", "nDCG@10", "MRR@10"]
    first = changes["recall@1"]
    assert (first.difference.before, first.difference.after) == (0.5, 0.8)
    assert (first.won, first.lost, first.tied) == (7, 1, 12) and first.right_or_wrong
    # Seven of eight: the interval leaves zero out, and chance does as much in .070 of the cases.
    assert first.difference.interval is not None and first.difference.interval[0] > 0
    assert first.chance == pytest.approx(18 / 256) and first.verdict == ""
    assert changes["recall@8"].difference.value == 0
    ranks = changes["MRR@10"]
    assert ranks.difference.before == pytest.approx((10 + 8 / 3) / 20)
    assert ranks.difference.after == pytest.approx((16 + 1 / 2 + 1 / 3 + 1 / 9) / 20)
    assert (ranks.won, ranks.lost, ranks.tied) == (8, 1, 11) and ranks.verdict == "better"
    assert changes["nDCG@10"].difference.before == pytest.approx((10 + 8 / 2) / 20)
    assert changes["nDCG@10"].verdict == "better"
    assert list(found(comparison, "odd")) == list(changes)


def test_what_moved_is_told_with_its_places(capsys: pytest.CaptureFixture[str]) -> None:
    comparison = compare_searches(report(system(BEFORE)), report(system(AFTER)))
    assert comparison.gained == [*(f"q-{n} (3 → 1)" for n in range(10, 17)), "q-18 (- → 9)"]
    assert comparison.lost == ["q-9 (1 → 2)"]
    show(comparison, Console(width=100))
    out = capsys.readouterr().out
    assert out.startswith("B (e5:@0.7) against A (e5:@0.7): same suite, documents, embedder and weight\n")
    assert "Found earlier (8): q-10 (3 → 1), " in out and "Found later, or no longer (1): q-9 (1 → 2)" in out
    # All questions and both kinds.
    assert out.count("recall@1│") == 3 and "left out" not in out
    assert max(map(len, out.splitlines())) <= 100


def test_what_differs_is_told() -> None:
    comparison = compare_searches(
        report(system(BEFORE)), report(system(AFTER, embedder="use:", weight=0.4), corpus_sha256="7" * 64),
    )  # fmt: skip
    assert comparison.headline() == (
        "B (use:@0.4) against A (e5:@0.7): documents 66666666 → 77777777; embedder e5: → use:; weight 0.7 → 0.4"
    )


def test_places_that_only_one_was_searched_for_count_as_not_found() -> None:
    deep = report(system([15, 2, 15]), k=[1, DEEP])
    comparison = compare_searches(deep, report(system([None, 15, 9])))
    assert list(found(comparison)) == ["recall@1", "recall@4", "recall@5", "recall@8", "nDCG@10", "MRR@10"]
    assert comparison.gained == ["q-2 (- → 9)"] and comparison.lost == ["q-1 (2 → -)"]
    assert compare_searches(deep, report(system([None, 15, 9]), k=[12])).lost == ["q-1 (2 → -)"]
    both = compare_searches(deep, report(system([None, 15, 9]), k=[DEEP]))
    assert list(found(both)) == ["recall@1", f"recall@{DEEP}", "nDCG@10", "MRR@10"]
    assert both.lost == ["q-0 (15 → -)", "q-1 (2 → 15)"]


def test_a_question_with_nothing_gold_adds_nothing() -> None:
    absent = report(system([1, None]))
    absent["systems"][0]["questions"][1]["gold"] = 0
    assert found(compare_searches(absent, copy.deepcopy(absent)))["nDCG@10"].difference.after == 0.5


# -- committed reports


def test_a_committed_report_is_compared_without_what_it_does_not_keep() -> None:
    before, after = report(system(BEFORE)), report(system(AFTER))
    comparison = compare_searches(committed(before), after)
    whole = found(compare_searches(before, after))
    kept = found(comparison)
    assert list(kept) == [name for name in whole if name != "nDCG@10"]
    assert all(kept[name].difference == whole[name].difference for name in kept)
    assert comparison.note == "nDCG@10 is left out: a committed report keeps the first place alone."
    assert comparison.headline() == (
        "B (e5:@0.7) against A (e5:@0.7): same suite, documents, embedder and weight"
    )


def test_the_report_of_this_repository_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = json.loads(COMMITTED.read_text(encoding="utf-8"))
    later = copy.deepcopy(kept)
    later["questions"][0]["place"] = 1
    assert main([str(COMMITTED), str(write(tmp_path / "b.json", later))]) == 0
    out = capsys.readouterr().out
    assert "recall@5" in out and "MRR@10" in out and "nDCG@10 is left out" in out
    assert f"Found earlier (1): {kept['questions'][0]['id']} (" in out


# -- which systems


def test_two_systems_of_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, both = system(BEFORE, weight=0.0), system(AFTER, weight=0.7)
    path = str(write(tmp_path / "r.json", report(words, both)))
    assert main([path]) == 0
    told = capsys.readouterr().out
    assert told.startswith("e5:@0.7 against e5:@0: same suite and documents\n") and "q-18 (- → 9)" in told
    # The same file again says the same.
    assert main([path, path]) == 0
    assert capsys.readouterr().out == told
    assert main([path, "--system-a", "e5:@0.7", "--system-b", "e5:@0"]) == 0
    assert capsys.readouterr().out.startswith("e5:@0 against e5:@0.7: ")
    assert main([path, "--system-a", "e5:@0", "--system-b", "e5:@0"]) == 2
    assert capsys.readouterr().err == (
        f"{path} is compared with itself: name another report, or two systems with --system-a and --system-b.\n"
    )


def test_a_system_is_named_by_its_embedder_where_that_is_enough() -> None:
    many = report(
        system(BEFORE, embedder="use:", weight=0.4), system(BEFORE, weight=0.0), system(AFTER, weight=0.7)
    )
    comparison = compare_searches(many, many, systems=("use:", "e5:@0.7"))
    assert comparison.headline() == "e5:@0.7 against use:@0.4: same suite and documents"
    one = report(system(BEFORE))
    with pytest.raises(
        MutdaError, match=r'^B has the systems "e5:@0", "e5:@0\.7": name one with --system-b\.$'
    ):
        compare_searches(one, many, systems=(None, "e5:"))
    with pytest.raises(MutdaError, match=r'^A has the systems "use:@0\.4", .*: name one with --system-a\.$'):
        compare_searches(many, many)
    with pytest.raises(MutdaError, match=r'^A has no system "graph", but "e5:@0\.7"\.$'):
        compare_searches(one, many, systems=("graph", "use:"))


# -- what cannot be compared


def test_another_suite_and_other_questions() -> None:
    one = report(system(BEFORE))
    with pytest.raises(MutdaError, match=r"^A and B are of different suites: measure both on one\.$"):
        compare_searches(one, report(system(AFTER), suite_sha256="0" * 64))
    other = report(system(AFTER))
    for row in other["systems"][0]["questions"]:
        row["id"] = f"other-{row['id']}"
    with pytest.raises(MutdaError, match=r"^A and B have no question in common\.$"):
        compare_searches(one, other)


def test_answers_are_not_compared_with_a_search(tmp_path: Path) -> None:
    search = write(tmp_path / "search.json", report(system(BEFORE)))
    answers = COMMITTED.with_name("korquad.json")
    for pair in ((search, answers), (answers, search)):
        with pytest.raises(MutdaError) as caught:
            compare_files(*pair, Console())
        assert str(caught.value) == f"{search} is a report of the search alone, and {answers} one of answers."
    with pytest.raises(MutdaError, match=r"korquad\.json is compared with itself: name another report"):
        compare_files(answers, None, Console())
