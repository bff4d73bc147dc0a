"""`python -m evals.overhead`: CPU time that the graph itself costs a question, with a scripted model.

The corpus is three passages in memory and the model answers at once, so that what is measured is
LangGraph, the nodes, the prompts, the checks and LangChain's streaming. Minimum and median over rounds,
because a busy machine only ever adds.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import date

from langchain_core.messages import BaseMessage

from app.corpus.passage import Passage
from app.models.fake import FakeModel, FakeReply
from app.prompts import Prompts
from graphs.context import Context
from graphs.evidence import load_calibration
from graphs.rag import build
from graphs.resources import Corpus, Resources
from graphs.state import Question

QUESTION = "연차 휴가 규정을 알려 주세요"
TEXTS = ("연차 휴가는 17일입니다. 신청은 3일 전까지 합니다.", "병가는 30일입니다.", "경조 휴가는 5일입니다.")


class _Fixed:
    def search(self, query: str, *, k: int) -> list[Passage]:
        return [
            Passage(id=str(n), source="a.txt", heading="휴가", text=text, dense=0.5)
            for n, text in enumerate(TEXTS)
        ][:k]

    def coverage(self, question: str, passages: Sequence[Passage]) -> float:
        return 0.6

    def close(self) -> None:
        return None


def _script(messages: Sequence[BaseMessage]) -> FakeReply:
    return (
        FakeReply(yes=0.9)
        if "yes or no" in str(messages[-1].content)
        else FakeReply(text="연차 휴가는 17일입니다.")
    )


async def measure(*, rounds: int, questions: int) -> list[float]:
    """CPU milliseconds a question, one figure a round."""
    corpus: Corpus = _Fixed()
    resources = Resources(
        model=FakeModel(_script), prompts=Prompts.read(), corpus=corpus, corpus_of=lambda given: corpus,
        calibration=load_calibration("fake"), search=None, web_search="off", call_timeout_s=10.0,
        today=date.today, monotonic=time.monotonic, embedder="none", collection="overhead", documents=1,
    )  # fmt: skip
    graph = build(resources)
    figures = []
    for _ in range(rounds + 1):
        started = time.process_time()
        for _ in range(questions):
            await graph.ainvoke(Question(question=QUESTION), context=Context())
        figures.append(1000 * (time.process_time() - started) / questions)
    return figures[1:]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.overhead", description="CPU a question of the graph alone."
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--questions", type=int, default=100)
    options = parser.parse_args()
    figures = asyncio.run(measure(rounds=options.rounds, questions=options.questions))
    print(
        f"{min(figures):.2f} ms CPU a question at best, "
        f"{statistics.median(figures):.2f} in the median of {len(figures)} rounds"
    )


if __name__ == "__main__":
    main()
