"""How the questions of a run are traced: as `mutda ask` does, and in Langfuse as an experiment too."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableConfig, RunnableLambda

from app.settings import Settings
from evals.langfuse_experiment import Experiment
from evals.suite import Case
from evals.systems import Baseline
from graphs.resources import Resources
from graphs.state import Question
from graphs.tracing import Tracing, open_tracing

ENVIRONMENT = "experiment"
"""Where the settings name none: a suite's questions are nobody's, and must not be counted as a user's."""
CLOSE_S = 10.0
"""What the end of a run waits for at most; a suite takes minutes, and its last traces are worth seconds."""
# Of an answer object; a baseline has none, and its zeros would be taken for scores.
_PROBABILITIES = ("evidence", "grounded")


@dataclass(frozen=True, kw_only=True)
class Traced:
    """One for a run of a suite."""

    tracing: Tracing
    suite: str
    """Its name."""
    session: str
    """The run of the suite."""
    experiment: Experiment | None

    @property
    def callbacks(self) -> list[BaseCallbackHandler]:
        """What watches each question; empty where nothing does."""
        return self.tracing.callbacks

    def config(self, case: Case, system: str) -> RunnableConfig:
        """Of the run that answers a question."""
        run_id = self.experiment.run_id(case, system) if self.experiment else uuid4()
        metadata = {
            "langfuse_session_id": self.session,
            "langfuse_tags": [self.suite, system],
            "question_id": case.id,
            **(self.experiment.marks(case, system) if self.experiment else {}),
        }
        return RunnableConfig(run_id=run_id, metadata=metadata)

    def answered(self, case: Case, system: str, scores: Mapping[str, float | bool]) -> None:
        """Hand over what came of a question. Waits for nothing."""
        if self.experiment is None or self.tracing.langfuse is None:
            return
        trace_id = self.experiment.run_id(case, system).hex
        for name, value in scores.items():
            self.tracing.langfuse.score(trace_id, name, value)
        self.experiment.answered(case, system)

    def trace_url(self, case: Case, system: str) -> str:
        """Where Langfuse shows a question's trace; empty where it does not."""
        return self.experiment.trace_url(case, system) if self.experiment else ""

    @property
    def links(self) -> dict[str, Any]:
        """Where Langfuse shows the dataset and its runs; empty where it does not."""
        return self.experiment.links if self.experiment else {}

    @property
    def lost(self) -> str:
        """One line on what Langfuse was not given; empty where it has everything."""
        told = (self.experiment.lost if self.experiment else "", self.tracing.lost)
        return " ".join(filter(None, told))


@asynccontextmanager
async def open_traced(
    settings: Settings,
    *,
    suite: str,
    cases: Sequence[Case],
    asked: Sequence[tuple[Case, str]],
    about: Mapping[str, Any],
    keep: bool,
) -> AsyncIterator[Traced]:
    """As the settings ask for; `keep` says whether the local store is filled too.

    `cases` are all of the suite, `asked` those that are to be asked, with who answers.
    """
    changes = {"trace": keep, "langfuse_environment": settings.langfuse_environment or ENVIRONMENT}
    settings = settings.model_copy(update=changes)
    async with open_tracing(settings, close_s=CLOSE_S) as tracing:
        experiment = None
        if tracing.langfuse:
            experiment = Experiment(settings, suite=suite, cases=cases, asked=asked, about=about)
            await experiment.begin()
        session = f"{suite} {about['date']}"
        try:
            yield Traced(tracing=tracing, suite=suite, session=session, experiment=experiment)
        finally:
            if experiment:
                await experiment.aclose()


def watched(
    name: str, answer: Baseline, callbacks: Sequence[BaseCallbackHandler]
) -> Callable[[Question, Resources, RunnableConfig], Awaitable[dict[str, Any]]]:
    """A baseline inside one run of its name, so that it has a trace as the graph has one."""

    async def watching(question: Question, resources: Resources, config: RunnableConfig) -> dict[str, Any]:
        state: dict[str, Any] = {}
        run_id = config["run_id"]
        trace_id = run_id.hex if run_id else ""

        async def answering(given: Question) -> dict[str, Any]:
            state.update(await answer(given, resources))
            state["result"]["trace_id"] = trace_id
            told = {key: value for key, value in state["result"].items() if key not in _PROBABILITIES}
            return state | {"result": told}

        run = RunnableLambda(answering, name=name)
        await run.ainvoke(question, config | {"callbacks": list(callbacks)})
        return state

    return watching
