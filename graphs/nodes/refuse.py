"""Say honestly that the documents do not hold the answer, and why."""

from typing import Any

from app.corpus.passage import Passage
from graphs.evidence import Calibration
from graphs.nodes.grade import odds_of
from graphs.orders import HELD_BACK
from graphs.run import Run
from graphs.state import State, is_from_web

NEAREST = 3
"""Places that are named at most."""
NEAR = 0.0
"""Log-odds from which the reader does not take a passage for one that cannot answer."""


async def refuse(state: State, run: Run) -> dict[str, Any]:
    """The text comes from a prompt file, not from a model."""
    return {
        "refused": True,
        "reason": reason_of(state),
        "answer": run.resources.prompts.get("refusal", state.language),
    }


def reason_of(state: State) -> str:
    """Which of the ways to a refusal this was, in one line."""
    if state.ended:
        return f"budget: {state.ended} reached"
    if state.recheck:
        return "withdrawn: the answer followed what seems an order in a document"
    if state.problem:
        return f"withdrawn: {state.problem}"
    if not state.found:
        return "no evidence: nothing was found"
    # The reader leaves a trace of evidence where it refuses, and says that nothing answers.
    if state.llm_calls == 0 and not state.evidence:
        return "no evidence: nothing found bears on the question"
    if state.arithmetic and state.lacking:
        return f"no evidence: a fact for the calculation was not found: {state.lacking}"
    if state.arithmetic and state.verdict == "yes" and "calculate" in state.route:
        return "no answer: nothing could be calculated from the passages found"
    if state.verdict == "yes":
        return "no answer: the model gave none"
    return "no evidence: the passages found do not hold the answer"


def nearest_of(state: State, calibration: Calibration) -> list[dict[str, Any]]:
    """Places in the documents where a person might look who was given no answer, the likeliest first.

    Places alone: their text passed none of the checks of an answer. Where the reader cannot tell, as of a
    calculation, what the model was shown is near, unless the evidence was hopeless.
    """
    own = [passage for passage in state.found if not is_from_web(passage) and not _is_held_back(passage)]
    if odds_of(state, [Passage(**passage) for passage in own]) is None:
        shown = {passage["id"] for passage in state.found[: state.shown]}
        near = [
            passage for passage in own if passage["id"] in shown and state.evidence >= calibration.hopeless
        ]
    else:
        read = [passage for passage in own if passage.get("reader") is not None and passage["reader"] >= NEAR]
        near = sorted(read, key=lambda passage: -passage["reader"])
    places: dict[tuple[Any, ...], dict[str, Any]] = {}
    for passage in near:
        if passage["id"] not in state.suspects:
            place = {key: passage[key] for key in ("source", "section", "page", "start", "end")}
            places.setdefault((place["source"], place["section"], place["page"]), place)
    return list(places.values())[:NEAREST]


def _is_held_back(passage: dict[str, Any]) -> bool:
    """Whether the heading itself seemed an order: the section says it too."""
    return HELD_BACK in passage["extra"] and not passage["heading"]
