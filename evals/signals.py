"""What the graph would see on each question, gathered without deciding anything.

For a narrow and a wide look: the grader's probability, the answer, its log-probabilities, the check's
probability. Thresholds and weights are then fitted, and whole policies simulated, without a model.
"""

from collections.abc import Sequence
from typing import Any

from app.models.chat import choice_probability
from evals.metrics.containment import contained
from evals.suite import Case
from graphs.context import Context
from graphs.grounding import repair, support
from graphs.nodes.prepare import prepare
from graphs.nodes.retrieve import retrieve
from graphs.nodes.self_check import problem_of
from graphs.prefix import ANSWER_TOKENS, further_turn, prompt
from graphs.resources import Resources
from graphs.run import Run
from graphs.state import State, Turn, shown_passages


async def signals_of(case: Case, resources: Resources, *, looks: Sequence[int] = (2, 4)) -> dict[str, Any]:
    """One record: the case's id, kind and truth, and under "looks" the signals of each look."""
    context = Context(k=8, max_llm_calls=50, max_seconds=3600)
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
        "coverage": state.coverage,
        "dense": state.dense,
        "scores": [
            {name: passage[name] for name in ("score", "lexical", "dense")} for passage in state.found
        ],
        "looks": {},
    }
    for look in looks:
        if look != looks[0] and look > len(state.found) and state.shown == len(state.found):
            continue
        state = State(**{**vars(state), "shown": min(look, len(state.found))})
        record["looks"][look] = await _look(case, state, run())
    return record


async def _look(case: Case, state: State, run: Run) -> dict[str, Any]:
    resources = run.resources
    prompts = resources.prompts
    passages = shown_passages(state)
    graded = await run.ask(
        prompt(state, resources, prompts.get("grade", state.language)), max_tokens=1, logprobs=True
    )
    messages = prompt(state, resources, prompts.get("answer", state.language))
    reply = await run.ask(messages, max_tokens=ANSWER_TOKENS, logprobs=True)
    answer = repair(reply.text.strip(), passages)
    turn = further_turn(messages, answer, prompts.get("check", state.language))
    checked = await run.ask(turn, max_tokens=1, logprobs=True)
    answered = State(**{**vars(state), "answer": answer})
    return {
        "shown": state.shown,
        "grade": choice_probability(graded),
        "prompt_tokens": graded.prompt_tokens,
        "answer": answer,
        "repaired": answer != reply.text.strip(),
        "logprob": sum(reply.logprobs) / len(reply.logprobs) if reply.logprobs else 0.0,
        "min_logprob": min(reply.logprobs, default=0.0),
        "tokens": len(reply.logprobs),
        "check": choice_probability(checked),
        "support": support(answer, case.question, passages),
        "problem": problem_of(answered, passages, case.question) if answer else "empty",
        "right": contained(answer, case.answers) if case.answers else None,
        "passages": [passage.heading for passage in passages],
    }
