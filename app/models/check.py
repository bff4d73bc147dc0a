"""What is wrong with an Ollama model as installed, from what /api/show says of it. No model is called here.

The live calls are in `app.models.check_live`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.models.gguf_header import trained_tokens
from app.models.modelfile import parse_parameters, stop_line
from app.models.ollama_api import Shown

Level = Literal["error", "warning"]

NO_TEMPLATE = "{{ .Prompt }}"
"""What Ollama uses where neither the Modelfile nor the weights bring a template."""

NUM_PREDICT = 256

# <|im_end|>, </s>, [INST], <start_of_turn>: what chat formats use as tokens of their own.
_MARKER = re.compile(r"<\|[^|<>\s]{1,40}\|>|</?[a-z_]{1,20}>|\[/?(?:INST|SYS)\]|<</?SYS>>")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_INSTRUCT = re.compile(r"(?i)(?<![a-z])(instruct|chat|it|sft|dpo)(?![a-z])")
# A cue of plain text that begins a line, as "Human:".
_CUE = re.compile(r"(?m)^([A-Z][a-z]{2,11}|[가-힣]{1,6}):")
_TURN_ENDS = (
    "<|im_end|>",
    "<|eot_id|>",
    "</s>",
    "<end_of_turn>",
    "<|end|>",
    "<|endofturn|>",
    "[|endofturn|]",
)
# The name of the other side in formats that are plain text; ours is the one that answers.
_OWN_CUES = {"assistant", "answer", "response", "답", "답변", "응답"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, and the line that mends it."""

    level: Level
    what: str
    change: str
    """A line for the Modelfile, or a command or setting."""


def static_findings(shown: Shown, *, context_tokens: int) -> list[Finding]:
    """All that can be told without a call, the worst first.

    `context_tokens` is what the prompts of this project may take (MUTDA_CONTEXT_TOKENS). `shown` must have
    been asked for with `verbose` for its vocabulary; without it the checks of markers are left out.
    """
    if shown.capabilities and "completion" not in shown.capabilities:
        return [
            Finding(
                level="error",
                what="it gives no text: it is an embedding model",
                change=f"MUTDA_EMBEDDER=ollama:{shown.name}, and another model for MUTDA_MODEL",
            )
        ]
    parameters, stops = parse_parameters(shown.parameters)
    vocabulary = vocabulary_of(shown.info)
    found = [
        *_template(shown, vocabulary),
        *_stops(shown, stops, vocabulary),
        *_context(shown.info, parameters, context_tokens),
        *_bounds(parameters),
    ]
    return sorted(found, key=lambda finding: finding.level != "error")


def is_instruct(shown: Shown) -> bool:
    """Whether its names say that it was taught to take turns. /api/show leaves the chat template out."""
    names = [shown.name, *(str(shown.info.get(f"general.{key}", "")) for key in ("basename", "finetune"))]
    parent = str(shown.details.get("parent_model") or "")
    return any(_INSTRUCT.search(name) for name in [*names, parent])


def vocabulary_of(info: Mapping[str, Any]) -> frozenset[str]:
    """The tokens that text is searched for before it is split; empty where they were not asked for.

    Types 3 (control) and 4 (user defined) of ggml's docs/gguf.md. Many vocabularies have "</s>" as an
    ordinary piece of text too, which marks nothing.
    """
    tokens, types = info.get("tokenizer.ggml.tokens"), info.get("tokenizer.ggml.token_type")
    if not isinstance(tokens, list) or not isinstance(types, list):
        return frozenset()
    return frozenset(str(token) for token, kind in zip(tokens, types, strict=False) if kind in (3, 4))


def markers_in(text: str) -> list[str]:
    """Chat markers of a template or an answer, in order, each once; template actions are left out."""
    return list(dict.fromkeys(_MARKER.findall(_ACTION.sub("", text))))


def cues_in(template: str) -> list[str]:
    """Turns of plain text that a template begins lines with, such as "Human:"; not the model's own."""
    text = _MARKER.sub("", _ACTION.sub("\n", template))
    cues = [match[1] for match in _CUE.finditer(text)]
    return list(dict.fromkeys(f"{cue}:" for cue in cues if cue.lower() not in _OWN_CUES))


def _template(shown: Shown, vocabulary: Collection[str]) -> list[Finding]:
    found = []
    if shown.template.strip() in ("", NO_TEMPLATE) and is_instruct(shown):
        found.append(
            Finding(
                level="error",
                what="an instruct model without a template: it is sent bare text and does not know its turn",
                change='TEMPLATE """...""" in the format of the model\'s card, as app/models/modelfiles show',
            )
        )
    if vocabulary and (foreign := [m for m in markers_in(shown.template) if m not in vocabulary]):
        found.append(
            Finding(
                level="error",
                what=f"the template writes {' '.join(foreign)}, which are no markers in the model's "
                "vocabulary: they are read as letters and leak into answers",
                change='TEMPLATE """...""" in the format of the model\'s card, without them',
            )
        )
    return found


def _stops(shown: Shown, stops: Collection[str], vocabulary: Collection[str]) -> list[Finding]:
    found = []
    if vocabulary and (foreign := [s for s in stops if _MARKER.fullmatch(s) and s not in vocabulary]):
        found.append(
            Finding(
                level="warning",
                what=f"the stop strings {' '.join(foreign)} are no markers of the model's vocabulary: they "
                "can only cut an answer that imitates them, often before its first word",
                change="take out:\n" + "\n".join(map(stop_line, foreign)),
            )
        )
    # The engine itself stops at the token that the weights name as their end.
    ends = {_token(shown.info, key) for key in ("eos_token_id", "eot_token_id", "eom_token_id")}
    missing = [
        mark for mark in markers_in(shown.template) if mark in _TURN_ENDS and mark not in {*stops, *ends}
    ]
    # A stop string inside the cue does as well as the whole cue.
    missing += [
        f"\n{cue}"
        for cue in cues_in(shown.template)
        if not any(stop.strip() and stop.strip() in cue for stop in stops)
    ]
    if missing:
        found.append(
            Finding(
                level="error",
                what="stop strings are missing: when it has answered it goes on with the next turn",
                change="\n".join(map(stop_line, missing)),
            )
        )
    return found


def _context(info: Mapping[str, Any], parameters: Mapping[str, str], context_tokens: int) -> list[Finding]:
    found = []
    trained = trained_tokens(info)
    if trained is not None and trained < context_tokens:
        found.append(
            Finding(
                level="error",
                what=f"it was trained for {trained} tokens and is asked with up to {context_tokens}",
                change=f"MUTDA_CONTEXT_TOKENS={trained}",
            )
        )
    set_to = parameters.get("num_ctx", "")
    if set_to.isdigit() and int(set_to) < context_tokens:
        found.append(
            Finding(
                level="warning",
                what=f"num_ctx is {set_to}, and the prompts here take up to {context_tokens} tokens: "
                "other programs lose the beginning of theirs, and each change of num_ctx restarts the runner",
                change=f"PARAMETER num_ctx {context_tokens}",
            )
        )
    return found


def _bounds(parameters: Mapping[str, str]) -> list[Finding]:
    value = parameters.get("num_predict", "-1")
    if value.lstrip("-").isdigit() and int(value) > 0:
        return []
    return [
        Finding(
            level="warning",
            what="nothing bounds an answer of a caller that sends no num_predict",
            change=f"PARAMETER num_predict {NUM_PREDICT}",
        )
    ]


def _token(info: Mapping[str, Any], key: str) -> str:
    tokens, at = info.get("tokenizer.ggml.tokens"), info.get(f"tokenizer.ggml.{key}")
    if isinstance(tokens, list) and isinstance(at, int) and 0 <= at < len(tokens):
        return str(tokens[at])
    return ""
