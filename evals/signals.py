"""What the graph would see on each question, gathered without deciding anything.

For a narrow and a wide look: the grader's probability, whether the question names something that no
passage holds, and whether the passages do hold the answer. Thresholds and weights are then fitted, and
whole policies simulated, without a model.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal

from app.corpus.passage import Passage
from app.models.chat import choice_probability
from evals.metrics.containment import contained
from evals.metrics.recall import file_name
from evals.suite import Case
from graphs.context import Context
from graphs.grounding import support
from graphs.marks import without_marks
from graphs.nodes.generate import spelt
from graphs.nodes.grade import missing, odds_of
from graphs.nodes.prepare import prepare
from graphs.nodes.retrieve import retrieve
from graphs.nodes.self_check import problem_of
from graphs.prefix import answer_tokens, fitting, further_turn, prompt
from graphs.reading import best_odds
from graphs.resources import Resources
from graphs.run import Run
from graphs.state import State, Turn, shown_passages

Record = Mapping[str, Any]
"""What is kept of one question; plain JSON."""
Unasked = Literal["", "calculation", "several questions", "nothing found", "too long"]
"""Why a question says nothing about evidence: it is decided in another way."""


async def signals_of(
    case: Case, resources: Resources, *, looks: Sequence[int] = (2, 4), answers: bool = False
) -> dict[str, Any]:
    """One record: the case's id, kind and truth, and under "looks" the signals of each look.

    A wider look that would show no more is left out. With `answers` the model also answers and checks at
    each look, which takes most of the time. Raises what the model raises.
    """
    # With a bar of its own nothing is settled early: bars are tried on what the reader says of all passages.
    context = Context(
        k=max(8, *looks), look=looks[0], wide=looks[-1], max_llm_calls=50, max_seconds=3600, accept=1.0
    )
    history: list[Turn] = [{"role": turn.role, "content": turn.content} for turn in case.history]
    given = [passage.model_dump() for passage in case.passages] if case.passages else None
    state = State(question=case.question, given=given, history=history)

    def run() -> Run:
        return Run(state=state, resources=resources, context=context, started=resources.monotonic())

    state = State(**{**vars(state), **await prepare(state, run())})
    state = State(**{**vars(state), **await retrieve(state, run())})
    record: dict[str, Any] = {
        "id": case.id,
        "kind": case.kind,
        "answerable": case.answerable,
        "question": case.question,
        "unasked": _unasked(state),
        "coverage": state.coverage,
        "dense": state.dense,
        "rests_on": rests_on(case, state.found),
        "best": best_odds(state.found),
        "looks": {},
    }
    if record["unasked"]:
        return record
    seen = 0
    for look in looks:
        state = State(**{**vars(state), "shown": min(look, len(state.found))})
        state.shown = await fitting(state, resources)
        if state.shown <= seen:
            break
        seen = state.shown
        record["looks"][str(look)] = await _look(case, state, run(), answers=answers)
    return record if seen else record | {"unasked": "too long"}


def _unasked(state: State) -> Unasked:
    if state.arithmetic:
        return "calculation"
    if state.parts:
        return "several questions"
    return "" if state.found else "nothing found"


def rests_on(case: Case, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a question shares with others that are not to judge it: its files, or the passages it brings.

    Where no file is named, as for a question without an answer, that of the best passage found.
    """
    if case.passages is not None:
        return sorted(sha256(passage.text.encode()).hexdigest()[:16] for passage in case.passages)
    files = case.sources or [str(passage["source"]) for passage in found[:1]]
    return sorted({file_name(name) for name in files})


def holds(case: Case, passages: Sequence[Passage]) -> bool:
    """Whether these passages hold what answers the question.

    Over a corpus: whether one of the files that the question names, or of any where it names none, holds a
    gold answer. Of passages that a question brings, and without gold answers, the suite's word counts.
    """
    if not case.answerable or case.passages is not None:
        return case.answerable
    files = {file_name(name) for name in case.sources}
    there = [passage for passage in passages if not files or file_name(passage.source) in files]
    if not case.answers:
        return bool(there)
    return any(contained(f"{passage.heading}\n{passage.text}", case.answers) for passage in there)


async def _look(case: Case, state: State, run: Run, *, answers: bool) -> dict[str, Any]:
    resources = run.resources
    passages = shown_passages(state)
    graded = await run.ask(
        prompt(state, resources, resources.prompts.get("grade", state.language)), max_tokens=1, logprobs=True
    )
    signals = {
        "shown": state.shown,
        "grade": choice_probability(graded),
        "missing": missing(state, passages),
        "reader": odds_of(state, passages),
        "holds": holds(case, passages),
        "sure": bool(graded.first_token),
        "prompt_tokens": graded.prompt_tokens,
        "passages": [passage.heading for passage in passages],
    }
    return signals | (await _answered(case, state, run, passages) if answers else {})


async def _answered(case: Case, state: State, run: Run, passages: Sequence[Passage]) -> dict[str, Any]:
    prompts = run.resources.prompts
    messages = prompt(state, run.resources, prompts.get("answer", state.language))
    limit = answer_tokens(case.question, run.resources.model.context_tokens)
    reply = await run.ask(messages, max_tokens=limit, logprobs=True)
    answer = spelt(without_marks(reply.text.strip(), passages), state)
    turn = further_turn(messages, answer, prompts.get("check", state.language))
    checked = await run.ask(turn, max_tokens=1, logprobs=True)
    answered = State(**{**vars(state), "answer": answer})
    return {
        "answer": answer,
        "repaired": answer != reply.text.strip(),
        "logprob": sum(reply.logprobs) / len(reply.logprobs) if reply.logprobs else 0.0,
        "min_logprob": min(reply.logprobs, default=0.0),
        "tokens": len(reply.logprobs),
        "check": choice_probability(checked),
        "support": support(answer, case.question, passages),
        "problem": problem_of(answered, list(passages), case.question) if answer else "empty",
        "right": contained(answer, case.answers) if case.answers else None,
    }
