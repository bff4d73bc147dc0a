"""A run of a suite in Langfuse: the suite as a dataset, each system's answers as an experiment over it.

Two ways lead there, and both are gone, as the SDK's own experiments do. Up to version 3 a server keeps
dataset runs, whose items name an item and a trace each; version 4 has none, and makes experiments of
attributes that every span of a trace carries (https://langfuse.com/integrations/native/opentelemetry,
"Experiments"). The experiment has the run's id where there is one, so that a server of both sees one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from app.settings import Settings
from app.tracing.langfuse_spans import is_sampled
from app.tracing.masking import Masking
from evals.langfuse_items import expected_of, item_id, item_of
from evals.langfuse_upload import Answer, Opened, Plan, Upload
from evals.suite import Case

BEGIN_S = 5.0
"""What the first question waits for at most: a server that is slower than that gets no experiment."""
CLOSE_S = 5.0
"""What the end of a run waits for at most."""


class Experiment:
    """One for a run: `begin` before the first question, `answered` after each, `aclose` at the end.

    A question waits for nothing; the run waits once, for the ids that its spans are to carry.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        suite: str,
        cases: Sequence[Case],
        asked: Sequence[tuple[Case, str]],
        about: Mapping[str, Any],
    ) -> None:
        """`cases` are the whole suite's, `asked` those that are still to be asked, with who answers.

        A run that is carried on has the same `about`, and goes on in the same experiments.
        """
        masking = Masking(settings.mask_patterns)
        self._settings = settings
        self._dataset = masking.text(suite)
        told = {name: about[name] for name in ("suite_sha256", "code_sha256", "model", "embedder")}
        self._about = masking.value(told)
        # Known beforehand, so that a run can be linked to a trace that is still to come.
        self._run_ids = {(case.id, system): uuid4() for case, system in asked}
        self._run_names = {
            system: masking.text(f"{system} · {about['model']} · {about['date']}") for _, system in asked
        }
        self._first: dict[str, Answer] = {}
        for case, system in asked:
            if system not in self._first and self._is_sent(case, system):
                self._first[system] = self._answer(case, system)
        plan = Plan(
            dataset=self._dataset,
            suite_sha256=str(about["suite_sha256"]),
            items=lambda: [item_of(self._dataset, case, masking) for case in cases],
            runs=self._run_names,
            first=tuple(self._first.values()),
            about=self._about,
        )
        self._upload = Upload(settings, plan)
        self._opened: Opened | None = None

    async def begin(self) -> None:
        """Open the dataset and a run for each system. Waits `BEGIN_S` at most and raises nothing."""
        if not self._first:
            return
        self._upload.start()
        if await asyncio.to_thread(self._upload.begun.wait, BEGIN_S):
            self._opened = self._upload.opened
        else:
            # With only a part of its answers an experiment would be a wrong one.
            self._upload.give_up()
            self._upload.problem = f"no answer within {BEGIN_S:g} s"

    def run_id(self, case: Case, system: str) -> UUID:
        """The run's that answers the question, and its trace's."""
        return self._run_ids[case.id, system]

    def marks(self, case: Case, system: str) -> dict[str, Any]:
        """For the metadata of that run: what makes its trace one of the experiment."""
        if self._opened is None or system not in self._opened.runs:
            return {}
        return {
            "langfuse_experiment": {
                "id": self._opened.runs[system],
                "name": self._run_names[system],
                "dataset_id": self._opened.dataset,
                "item_id": item_id(self._dataset, case.id),
                "expected_output": expected_of(case),
                "metadata": self._about,
            }
        }

    def answered(self, case: Case, system: str) -> None:
        """The question was put to the system, whatever came of it."""
        if self._opened is None or not self._opened.has_runs or not self._is_sent(case, system):
            return
        answer = self._answer(case, system)
        if answer != self._first[system]:
            self._upload.answered(answer)

    async def aclose(self, timeout_s: float = CLOSE_S) -> None:
        """Send what is left, within that time; what did not get through is in `lost`."""
        if self._opened:
            await asyncio.to_thread(self._upload.stop, timeout_s)

    @property
    def lost(self) -> str:
        """One line on what Langfuse was not given; empty where it has everything."""
        why = self._upload.problem
        if self._opened is None:
            return f"Langfuse has this run as no experiment ({why})." if why else ""
        missing = self._upload.missing
        return (
            f"Langfuse did not take {missing} parts of the dataset and its runs ({why})." if missing else ""
        )

    @property
    def links(self) -> dict[str, Any]:
        """Addresses of the dataset and, by system, of its runs; empty where there are none."""
        if self._opened is None:
            return {}
        dataset = f"{self._project_url(self._opened)}/datasets/{quote(self._opened.dataset, safe='')}"
        runs = {
            system: f"{dataset}/runs/{quote(run_id, safe='')}" for system, run_id in self._opened.runs.items()
        }
        return {"dataset": dataset, "runs": runs}

    def trace_url(self, case: Case, system: str) -> str:
        """Where a question's trace is shown; empty where it was not sent, or the project is not known."""
        if self._opened is None or not self._is_sent(case, system):
            return ""
        return f"{self._project_url(self._opened)}/traces/{self.run_id(case, system).hex}"

    def _project_url(self, opened: Opened) -> str:
        return f"{self._settings.langfuse_base_url.rstrip('/')}/project/{quote(opened.project, safe='')}"

    def _answer(self, case: Case, system: str) -> Answer:
        trace_id = self.run_id(case, system).hex
        return Answer(item_id=item_id(self._dataset, case.id), system=system, trace_id=trace_id)

    def _is_sent(self, case: Case, system: str) -> bool:
        return is_sampled(self.run_id(case, system).hex, self._settings.langfuse_sample_rate)
