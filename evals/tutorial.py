"""The baseline that tutorials teach: a JSON grader for each passage, two graders of the answer, rewriting.

The shape is that of the self-correcting RAG graphs of LangGraph's own tutorials (after Self-RAG, Asai et
al. 2023, arXiv:2310.11511, and Corrective RAG, Yan et al. 2024, arXiv:2401.15884): each passage is graded
alone, the answer is graded for being grounded and for being useful, and the question is rewritten where
that fails. What those leave open is bounded here: three rewritings, and one more generation for each. Model,
engine, passages, limits of tokens and the answer's prompt are the graph's own.
"""

import json
import re
from dataclasses import asdict
from typing import Any, Literal

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from app.corpus.passage import Passage
from app.models.chat import Reply
from app.prompts import Language, language_of
from evals.baseline import answer_object, passages_for, standalone_of
from evals.declined import declines
from graphs.nodes.generate import trimmed
from graphs.nodes.rewrite import clean_query
from graphs.prefix import answer_tokens, document_lines, fitting, prompt
from graphs.resources import Resources
from graphs.state import Question, State

MAX_REWRITES = 3
GRADE_TOKENS = 24
QUERY_TOKENS = 64

_RELEVANT = (
    "You are a grader who decides whether a document is relevant to a question. It need not be a strict "
    "test: the goal is to leave out what has nothing to do with the question. Reply with JSON that has one "
    'key, "score", whose value is "yes" or "no", and nothing else.'
)
_GROUNDED = (
    "You are a grader who decides whether an answer is supported by a set of facts. Reply with JSON that has "
    'one key, "score", whose value is "yes" or "no", and nothing else.'
)
_USEFUL = (
    "You are a grader who decides whether an answer is useful to resolve a question. Reply with JSON that "
    'has one key, "score", whose value is "yes" or "no", and nothing else.'
)
_REWRITE = (
    "You rewrite a question into a better version for search in documents. Keep its language and its "
    "meaning. Reply with the question alone."
)
_SCORE = re.compile(r'"?score"?\s*:\s*"?(yes|no)', re.IGNORECASE)


async def answer_by_tutorial(question: Question, resources: Resources) -> dict[str, Any]:
    """The same keys that a run of the graph leaves: `result`, `found` and `shown`.

    Raises ModelError as the model does.
    """
    return await _Tutorial(question, resources).run()


class _Tutorial:
    """One question on its way through the loop."""

    def __init__(self, question: Question, resources: Resources) -> None:
        self.question = question
        self.resources = resources
        self.standalone = standalone_of(question)
        self.language: Language = language_of(question.question)
        self.calls: list[Reply] = []
        self.route: list[str] = []
        self.state = State(question=question.question)

    async def run(self) -> dict[str, Any]:
        started = self.resources.monotonic()
        answer, reason = "", ""
        query = self.standalone
        for rewrites in range(MAX_REWRITES + 1):
            if rewrites:
                query = await self._rewrite(query)
            answer, reason = await self._attempt(query)
            if not reason:
                break
        if not reason and declines(answer, self.question.question):
            reason = "the model says that the documents do not tell"
        refused = bool(reason)
        if refused:
            answer = self.resources.prompts.get("refusal", self.language)
        result = answer_object(
            self.question,
            self.resources,
            answer=answer,
            route=self.route,
            calls=self.calls,
            seconds=self.resources.monotonic() - started,
            refused=refused,
            reason=reason,
        )
        return {"result": result, "found": self.state.found, "shown": self.state.shown}

    async def _attempt(self, query: str) -> tuple[str, str]:
        """An answer, and why it does not stand; empty where it does."""
        self.route += ["retrieve", "grade_documents"]
        found = await passages_for(query, self.question.given, self.resources)
        kept = [passage for passage in found if await self._is_relevant(passage)]
        self.state = State(
            question=self.question.question,
            language=self.language,
            standalone=self.standalone,
            found=[asdict(passage) for passage in kept],
            shown=len(kept),
        )
        self.state.shown = await fitting(self.state, self.resources)
        if not self.state.shown:
            return "", "no passage is relevant"
        answer = ""
        for _ in range(2):
            self.route += ["generate", "grade_generation"]
            reply = await self._call(
                prompt(self.state, self.resources, self.resources.prompts.get("answer", self.language)),
                answer_tokens(self.question.question, self.resources.model.context_tokens),
            )
            answer = trimmed(reply.text, truncated=reply.truncated)
            facts = document_lines(self.state, self.state.shown)
            if await self._scores_yes(_GROUNDED, f"Facts:\n{facts}\n\nAnswer: {answer}"):
                break
        else:
            return answer, "the answer is not grounded"
        if await self._scores_yes(_USEFUL, f"Question: {self.standalone}\n\nAnswer: {answer}"):
            return answer, ""
        return answer, "the answer is not useful"

    async def _is_relevant(self, passage: Passage) -> bool:
        text = f"{passage.heading}: {' '.join(passage.text.split())}"
        return await self._scores_yes(_RELEVANT, f"Document: {text}\n\nQuestion: {self.standalone}")

    async def _rewrite(self, query: str) -> str:
        self.route.append("transform_query")
        reply = await self._call([SystemMessage(_REWRITE), HumanMessage(f"Question: {query}")], QUERY_TOKENS)
        return clean_query(reply.text) or query

    async def _scores_yes(self, system: str, user: str) -> bool:
        reply = await self._call([SystemMessage(system), HumanMessage(user)], GRADE_TOKENS)
        return score_in(reply.text) == "yes"

    async def _call(self, messages: list[BaseMessage], max_tokens: int) -> Reply:
        reply = await self.resources.model.call(
            messages, max_tokens=max_tokens, timeout_s=self.resources.call_timeout_s
        )
        self.calls.append(reply)
        return reply


def score_in(text: str) -> Literal["yes", "no"]:
    """The grader's score. What is no such JSON is searched for its key, and is a no without one."""
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1])["score"] if 0 <= start < end else ""
    except (ValueError, KeyError, TypeError):
        value = ""
    match = _SCORE.search(text)
    said = str(value or (match[1] if match else "")).strip().casefold()
    return "yes" if said == "yes" else "no"
