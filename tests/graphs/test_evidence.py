import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from app.settings import load_settings
from graphs.evidence import (
    Calibration,
    CalibrationError,
    evidence,
    load_calibration,
    logistic,
    logit,
    read_calibration,
    shipped_calibration,
    stored_form,
)
from graphs.fingerprint import Fingerprint, fingerprint_of
from graphs.open import open_resources

FINGERPRINT = Fingerprint(family="fake", spec="fake:", prompts_sha256="a" * 64)


def own(**changes: Any) -> Calibration:
    return replace(shipped_calibration("fake"), **({"family": "fake", "accept_narrow": 0.61} | changes))


def write(folder: Path, calibration: Calibration, fingerprint: Fingerprint = FINGERPRINT) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{fingerprint.name}.json"
    data = {"model": asdict(fingerprint), "calibration": stored_form(calibration)}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_log_odds_are_bounded_and_come_back() -> None:
    assert logistic(logit(0.3)) == pytest.approx(0.3)
    assert logit(1.0) == pytest.approx(-logit(0.0)) and logit(1.0) < 10


def test_signals_that_have_no_weight_do_not_count() -> None:
    grader = own(evidence_weights={"bias": -1.0, "grade": 2.0})
    one = evidence(grader, grade=0.8, coverage=0.1, dense=0.1, missing=1.0)
    assert one == evidence(grader, grade=0.8, coverage=0.9, dense=0.9, missing=0.0)
    assert one == pytest.approx(logistic(-1 + 2 * logit(0.8)))


# -- which calibration


def test_without_a_stored_one_it_is_the_shipped_one_of_the_family(tmp_path: Path) -> None:
    qwen = Fingerprint(family="qwen2.5-coder-1.5b-instruct-q4_k_m", spec="embedded:", prompts_sha256="a")
    for calibration in (
        load_calibration(qwen.family),
        load_calibration(qwen.family, qwen, tmp_path),
        load_calibration(qwen.family, qwen, tmp_path / "none"),
    ):
        assert calibration.family == "qwen2.5-coder-1.5b" and calibration.notice == ""
    assert load_calibration("else", replace(qwen, family="else"), tmp_path).family == "default"


def test_the_stored_one_of_this_very_model_comes_first(tmp_path: Path) -> None:
    write(tmp_path, own())
    found = load_calibration("fake", FINGERPRINT, tmp_path)
    assert found == own() and found.accept_narrow == 0.61
    for other in (
        replace(FINGERPRINT, spec="ollama:fake"),
        replace(FINGERPRINT, weights_bytes=7),
        replace(FINGERPRINT, family="fake-large"),
    ):
        found = load_calibration(other.family, other, tmp_path)
        assert (found.family, found.notice) == ("default", "")


def test_one_fitted_to_other_prompts_is_not_used_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, own())
    found = load_calibration("fake", replace(FINGERPRINT, prompts_sha256="b" * 64), tmp_path)
    assert found.family == "default" and found.accept_narrow != 0.61
    assert found.notice == (
        f"the calibration {path.name} was fitted to other prompts or another reader and is not used; "
        "fit it again: mutda calibrate --model fake: --suite FILE"
    )


def test_others_that_are_damaged_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, own())
    (tmp_path / "fake-000000000000.json").write_text("{", encoding="utf-8")
    (tmp_path / "fake-000000000000.signals.jsonl").write_text("x", encoding="utf-8")
    other = replace(FINGERPRINT, prompts_sha256="b")
    assert load_calibration("fake", other, tmp_path).notice
    assert load_calibration("fake", FINGERPRINT, tmp_path) == own()


# -- damaged files


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda data: "{", "it is not JSON"),
        (lambda data: "[]", "it is not a calibration"),
        (lambda data: "{}", "'calibration' is missing"),
        (lambda data: {**data, "calibration": {}}, "family: Field required"),
        (lambda data: {"calibration": data["calibration"]}, "'model' is missing"),
        (lambda data: {**data, "model": {"family": "x"}}, "it is not a calibration"),
        (lambda data: {**data, "model": {**data["model"], "spec": "ollama:x"}}, "it is of another model"),
        (lambda data: with_value(data, "accept_narrow", "much"), "accept_narrow: Input should be a valid number"),
        (lambda data: with_value(data, "hopeless", float("nan")), "a number is not finite"),
        (lambda data: with_value(data, "evidence_weights", {"grade": 1.0}), "a bias is missing"),
        (
            lambda data: with_value(data, "evidence_weights", {"bias": 0.0, "colour": 1.0}),
            "unknown signal colour",
        ),
        (
            lambda data: with_value(data, "evidence_weights", {"bias": 0.0, "grade": float("inf")}),
            "a number is not finite",
        ),
    ],
)  # fmt: skip
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, change: Any, fault: str) -> None:
    path = write(tmp_path, own())
    changed = change(json.loads(path.read_text(encoding="utf-8")))
    path.write_text(changed if isinstance(changed, str) else json.dumps(changed), encoding="utf-8")
    with pytest.raises(CalibrationError) as caught:
        load_calibration("fake", FINGERPRINT, tmp_path)
    line = str(caught.value)
    assert line.startswith(f"The calibration {path} cannot be used ({fault}") and "\n" not in line
    assert "mutda calibrate" in line and ".previous" in line


def with_value(data: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**data, "calibration": {**data["calibration"], name: value}}


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, own())
    data = with_value(json.loads(path.read_text(encoding="utf-8")), "humour", 1)
    path.write_text(json.dumps(data | {"figures": {}}), encoding="utf-8")
    assert read_calibration(path)[0] == own()


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, own())
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CalibrationError, match="it is not UTF-8"):
        load_calibration("fake", FINGERPRINT, tmp_path)


# -- opening


async def test_open_resources_take_the_stored_one(tmp_path: Path) -> None:
    settings = load_settings(model="fake:", embedder="toy:64", data_dir=tmp_path)
    async with open_resources(settings, need_collection=False) as resources:
        assert resources.calibration.family == "default"
        fingerprint = fingerprint_of(
            resources.model, resources.prompts, settings.cache_dir, reader=resources.reader
        )
    write(tmp_path / "calibrations", own(), fingerprint)
    async with open_resources(settings, need_collection=False) as resources:
        assert resources.calibration == own()
