"""Two short calls that show how a model answers: one Korean question, one word with log-probabilities."""

from collections import Counter
from dataclasses import dataclass

from langchain_core.messages import HumanMessage, SystemMessage

from app.models.chat import LanguageModel, Reply
from app.models.check import Finding, markers_in

QUESTION = "대한민국의 수도는 어디인가요? 한 문장으로 답하세요."
ANSWER_TOKENS = 64
_GRADE = (
    "Document: 연차 휴가는 17일입니다.\n"
    "Does the document say how many days of leave there are? Reply only yes or no."
)
_SYSTEM = "You answer questions."


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How a model answered the Korean question."""

    question: str
    answer: str
    seconds: float
    """From sending to the last token, loading the model included."""
    truncated: bool


async def ask_korean(model: LanguageModel, *, timeout_s: float) -> Trial:
    """Ask one question. Raises ModelError."""
    reply = await model.call(
        [SystemMessage(_SYSTEM), HumanMessage(QUESTION)], max_tokens=ANSWER_TOKENS, timeout_s=timeout_s
    )
    return Trial(
        question=QUESTION, answer=reply.text.strip(), seconds=reply.seconds, truncated=reply.truncated
    )


async def live_findings(model: LanguageModel, *, timeout_s: float) -> tuple[Trial, list[Finding]]:
    """The answer to the Korean question, and what is wrong with it and with a grader's one word.

    Raises ModelError.
    """
    trial = await ask_korean(model, timeout_s=timeout_s)
    graded = await model.call(
        [SystemMessage(_SYSTEM), HumanMessage(_GRADE)], max_tokens=1, timeout_s=timeout_s, logprobs=True
    )
    return trial, [*answer_findings(trial), *grade_findings(graded)]


def answer_findings(trial: Trial) -> list[Finding]:
    """What is wrong with an answer: blank, leaking markers, endless, repeating itself, not Korean."""
    found = []
    if not trial.answer:
        return [
            Finding(
                level="error",
                what="it answers a plain Korean question with nothing: a stop string cuts the first word, or "
                "the template is of another model",
                change="TEMPLATE and PARAMETER stop as the model's card says",
            )
        ]
    if leaked := markers_in(trial.answer):
        found.append(
            Finding(
                level="error",
                what=f"its answer shows {' '.join(leaked)}",
                change="\n".join(f'PARAMETER stop "{marker}"' for marker in leaked),
            )
        )
    if trial.truncated:
        endless = "repeats itself without end" if repeats(trial.answer) else "does not stop by itself"
        found.append(
            Finding(
                level="error" if repeats(trial.answer) else "warning",
                what=f"asked for one sentence, it wrote {ANSWER_TOKENS} tokens and {endless}",
                change="PARAMETER stop with what it writes after its answer, and PARAMETER num_predict 256",
            )
        )
    if not any("가" <= character <= "힣" for character in trial.answer):
        found.append(
            Finding(
                level="warning",
                what="it does not answer a Korean question in Korean",
                change="another model: mutda models create llama3-ko",
            )
        )
    return found


def grade_findings(reply: Reply) -> list[Finding]:
    """What keeps a grader from reading its one word."""
    if not reply.first_token:
        return [
            Finding(
                level="error",
                what="no log-probabilities: graders see only the sampled word, and their "
                "thresholds mean nothing",
                change="Ollama 0.12.11 or later",
            )
        ]
    words = {token.strip().casefold() for token in reply.first_token}
    if not words & {"yes", "no"}:
        return [
            Finding(
                level="error",
                what="neither yes nor no is among its likeliest words when it is asked for one of them",
                change="a TEMPLATE that ends where the answer begins, or an instruct model",
            )
        ]
    return []


def repeats(text: str, length: int = 8, times: int = 4) -> bool:
    """Does some piece of `length` characters come `times` times or more?"""
    squeezed = "".join(text.split())
    pieces = Counter(squeezed[at : at + length] for at in range(max(0, len(squeezed) - length + 1)))
    return bool(pieces) and max(pieces.values()) >= times
