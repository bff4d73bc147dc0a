"""The gate itself: what was measured once does not get worse (evals/baselines)."""

from pathlib import Path

import pytest

from app.models.weights import e5_is_here
from app.settings import load_settings
from evals.baseline_file import BASELINES, LIVE, baseline_path, read_baseline, shortfalls, unmeasured
from evals.gate import live, replay, retrieval
from evals.recorded import RECORDINGS

WEIGHTS = load_settings().cache_dir  # before the tests are left without the settings of who runs them
RECORDED = sorted(RECORDINGS.glob("*.jsonl"))
NOTHING = pytest.param(
    None,
    marks=pytest.mark.skip(
        "nothing is recorded: python -m evals.recording evals/datasets/samples.jsonl --corpus samples"
    ),
)
NO_LIVE = "no baseline of the embedded model: python -m evals.gate --model embedded: --write"
NO_WEIGHTS = "the weights of e5 are not here: mutda models pull"


def test_the_search() -> None:
    assert shortfalls(retrieval()) == []


@pytest.mark.parametrize("path", RECORDED or [NOTHING], ids=lambda path: getattr(path, "stem", "none"))
def test_a_recorded_suite(path: Path) -> None:
    assert shortfalls(replay(path)) == []


def test_no_baseline_is_left_unmeasured() -> None:
    assert unmeasured(["retrieval", *(path.stem for path in RECORDED)]) == []


@pytest.mark.parametrize("name", ["retrieval", *(path.stem for path in RECORDED)])
def test_a_baseline_tells_what_became_of_each_question(name: str) -> None:
    baseline = read_baseline(baseline_path(name))
    assert baseline is not None and len(baseline["questions"]) == baseline["n"]


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.skipif(not list(BASELINES.glob(f"{LIVE}*.json")), reason=NO_LIVE)
@pytest.mark.skipif(not e5_is_here(WEIGHTS), reason=NO_WEIGHTS)
def test_a_few_questions_on_the_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTDA_CACHE_DIR", str(WEIGHTS))
    assert shortfalls(live("embedded:")) == []
