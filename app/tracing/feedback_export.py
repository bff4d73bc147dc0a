"""Feedback as data to train on, in the formats of TRL: https://huggingface.co/docs/trl/dataset_formats

    dpo   preference, conversational, with an explicit prompt:
          {"prompt": [messages], "chosen": [message], "rejected": [message]}
    sft   language modelling, conversational: {"messages": [messages]}

A message is {"role", "content"}.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.tracing.rating import Feedback, Message

# Put there by the program after the answer was written: no model is to learn them.
_MARKS = re.compile(r"(?:[ \t]*\[\d+\])+[ \t]*$", re.MULTILINE)


@dataclass
class Export:
    """The lines of a data set, and how many ratings gave none, by why."""

    lines: list[dict[str, list[Message]]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def jsonl(self) -> str:
        """A JSON object on each line."""
        return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in self.lines)


def preferences(feedback: Sequence[Feedback]) -> Export:
    """Pairs for DPO from ratings that hold now, oldest first.

    Rejected is an answer that was rated down; chosen is the person's correction of it, or else the answer
    rated up last that was written from the same prompt to the same question.
    """
    export, used = Export(), set[int]()
    better: dict[tuple[Any, ...], Feedback] = {
        _origin(rating): rating for rating in feedback if rating.rating == "up" and rating.prompt
    }
    for rating in feedback:
        if rating.rating == "up":
            continue
        if problem := _unusable(rating):
            export.left_out[problem] += 1
            continue
        other = None if rating.correction else better.get(_origin(rating))
        chosen = _said(rating.correction or (other.answer if other else ""))
        rejected = _said(rating.answer)
        if not chosen:
            export.left_out["rated down, without a correction or an answer rated up to the same prompt"] += 1
        elif chosen == rejected:
            export.left_out["the correction says what the answer says"] += 1
        elif (line := _pair(rating, chosen, rejected)) in export.lines:
            export.left_out["the same pair as another"] += 1
        else:
            export.lines.append(line)
            used |= {other.id} if other else set()
    unpaired = [rating for rating in feedback if rating.rating == "up" and rating.id not in used]
    if unpaired:
        export.left_out["rated up, without an answer rated down to the same prompt"] += len(unpaired)
    return export


def examples(feedback: Sequence[Feedback]) -> Export:
    """Conversations for supervised fine-tuning: answers that were rated up, and corrections of others."""
    export = Export()
    for rating in feedback:
        answer = _said(rating.answer if rating.rating == "up" else rating.correction)
        if problem := _unusable(rating):
            export.left_out[problem] += 1
        elif not answer:
            export.left_out["rated down, without a correction"] += 1
        elif (line := {"messages": [*rating.prompt, _assistant(answer)]}) in export.lines:
            export.left_out["the same conversation as another"] += 1
        else:
            export.lines.append(line)
    return export


def _unusable(rating: Feedback) -> str:
    return "" if rating.prompt else f"no prompt: {rating.lacking or 'none was kept'}"


def _origin(rating: Feedback) -> tuple[Any, ...]:
    """What must be the same of two answers that are compared."""
    prompt = tuple((message["role"], message["content"]) for message in rating.prompt)
    return " ".join(rating.question.split()), prompt


def _said(answer: str) -> str:
    return _MARKS.sub("", answer).strip()


def _assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def _pair(rating: Feedback, chosen: str, rejected: str) -> dict[str, list[Message]]:
    return {
        "prompt": list(rating.prompt),
        "chosen": [_assistant(chosen)],
        "rejected": [_assistant(rejected)],
    }
