from traces import decision, passages, trace

from app.tracing.diff import NOISE, decision_text, number_text, part

OTHER = "b" * 32


def test_the_same_run_twice_differs_in_its_costs_alone() -> None:
    found = part(trace(seconds=4.0), trace(OTHER, seconds=6.5))
    assert found.same and found.step is None
    assert found.shared == ["retrieve", "grade", "generate"]
    assert found.costs[0] == ("seconds", 4.0, 6.5)
    assert [name for name, a, b in found.costs if a != b] == ["seconds"]


def test_other_passages_part_them_where_they_were_found() -> None:
    other = {"passages": passages("병가는 30일입니다.", "연차 휴가는 17일입니다.")}
    found = part(trace(), trace(OTHER, retrieve=other))
    assert (found.step, found.names) == (0, ("retrieve", "retrieve"))
    (difference,) = found.differences
    assert difference.what == "passages"
    assert difference.first.splitlines()[0].endswith("연차 휴가는 17일입니다.")
    assert difference.second.splitlines()[0].endswith("병가는 30일입니다.")


def test_another_decision_is_named_with_its_threshold() -> None:
    other = {"decisions": [decision(0.31, 0.48, "doubt")], "next": "widen"}
    found = part(trace(), trace(OTHER, grade=other))
    assert (found.step, found.shared) == (1, ["retrieve"])
    assert [(d.what, d.name, d.first, d.second) for d in found.differences] == [
        ("decision", "evidence", "0.83 ≥ 0.48 → yes", "0.31 < 0.48 → doubt"),
        ("next", "", "generate", "widen"),
    ]


def test_noise_is_no_parting() -> None:
    other = {"decisions": [decision(0.83 + NOISE / 2, 0.48, "yes")]}
    assert part(trace(), trace(OTHER, grade=other)).same


def test_another_prompt_is_shown_from_where_it_differs() -> None:
    found = part(trace(), trace(OTHER, prompt="문서: 연차 휴가는 25일입니다. 답이 있습니까?"))
    difference = found.differences[0]
    assert difference.what == "prompt"
    assert "17일" in difference.first and "25일" in difference.second


def test_a_run_that_stopped_early_parts_at_its_end() -> None:
    second = trace(OTHER)
    second.spans = [span for span in second.spans if span.name != "generate"]
    found = part(trace(), second)
    assert (found.step, found.names) == (2, ("generate", ""))
    assert found.differences[0].what == "step"


def test_an_error_parts_two_runs() -> None:
    second = trace(OTHER)
    (step,) = [span for span in second.spans if span.name == "generate"]
    step.status, step.error = "error", "ModelError: gone"
    (difference,) = part(trace(), second).differences
    assert (difference.what, difference.first, difference.second) == ("status", "done", "ModelError: gone")


def test_what_was_different_from_the_start_is_said_first() -> None:
    second = trace(OTHER)
    second.header.question, second.header.model = "병가는 며칠인가요?", "embedded:"
    second.runs[0].data["knobs"] = {"look": 4}
    found = part(trace(), second)
    assert not found.same and found.step is None
    assert [(d.what, d.name) for d in found.before] == [("question", ""), ("model", ""), ("setting", "look")]


def test_numbers_are_written_as_people_read_them() -> None:
    assert [number_text(value) for value in (0.834, 0.0031, 0.9971, 1.0, 0.0, 17, True, None, "x")] == [
        "0.83", "0.003", "0.997", "1.00", "0.00", "17", "True", "", "x",
    ]  # fmt: skip
    assert decision_text({}) == ""
    assert decision_text({"value": 0.5, "threshold": None, "verdict": "yes"}) == "0.50 → yes"
