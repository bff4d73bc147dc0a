"""How fast a model is here: prompt and output tokens a second, time to the first token, cached against cold.

Every backend is timed from outside, by the clock of the client, so that the numbers compare: Ollama counts
cached tokens as evaluated, and the OpenAI protocol gives no durations at all.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from app.errors import ModelError
from app.models.chat import LanguageModel, Reply

RUNS = 3
OUTPUT_TOKENS = 64
TIME_LIMIT_S = 600.0

# About 600 tokens: what this project's prompts have (the median question of the samples).
_PASSAGE = (
    "연차 휴가는 근속 1년이 지난 직원에게 한 해 17일을 주며, 신청은 사흘 전까지 팀장에게 한다. "
    "출장비는 하루 45,000원이고 숙박비는 영수증대로 지급하며, 정산은 돌아온 날부터 7일 안에 한다. "
    "재택근무는 주 2일까지 할 수 있고 전날 오후 6시까지 알린다. 병가는 30일이며 진단서를 낸다. "
)
_PASSAGES = 4
_COUNT = "1부터 50까지의 수를 한글로 하나씩 모두 쓰세요."
_ONE_WORD = "Reply only yes."


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Several measurements of one thing."""

    min: float
    median: float
    max: float
    runs: int


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes, as far as the backend tells."""

    ours: int | None = None
    """What this process grew by: the embedded engine's whole cost, nothing of a server's."""
    server: int | None = None
    """What Ollama says that the model takes, all together."""
    gpu: int | None = None
    """Of this, on a graphics card."""


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """One model on this machine. A spread is None where nothing could be measured."""

    spec: str
    prompt_tokens: int
    """Of one cold prompt, as the backend counts."""
    load_s: float
    """The first call, one token: most of it loading the weights, if they were not loaded already."""
    prompt_tokens_per_s: Spread | None
    """Cold: prompt tokens over the time to the first token, which one output token is part of."""
    output_tokens_per_s: Spread | None
    """After the first token."""
    first_token_cold_s: Spread | None
    first_token_cached_s: Spread | None
    """The same prompt with another last sentence."""
    cached_share: float | None
    """cached over cold, of the medians: what a further step of one question costs."""
    memory: Memory
    cut_short: str = ""
    """Why there are fewer runs than asked for; empty where there are not."""
    at: str = ""
    """When, ISO 8601."""
    machine: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One call: seconds to the first token and to the last, and what the backend counted."""

    first_s: float
    total_s: float
    reply: Reply


def spread(values: Sequence[float]) -> Spread | None:
    """Minimum, median and maximum; None of nothing."""
    if not values:
        return None
    return Spread(min=min(values), median=statistics.median(values), max=max(values), runs=len(values))


def prompt_speed(sample: Sample) -> float | None:
    """Tokens/s of a cold prompt; None where the backend counts none, or says that it used its cache."""
    evaluated = sample.reply.prompt_tokens - sample.reply.cached_tokens
    if evaluated < sample.reply.prompt_tokens / 2 or evaluated <= 0 or sample.first_s <= 0:
        return None
    return evaluated / sample.first_s


def output_speed(sample: Sample) -> float | None:
    """Tokens/s after the first; None for an answer of fewer than four tokens, which tells nothing."""
    seconds = sample.total_s - sample.first_s
    if sample.reply.output_tokens < 4 or seconds <= 0:
        return None
    return (sample.reply.output_tokens - 1) / seconds


MemoryOf = Callable[[], Awaitable[Memory]]


async def bench(
    model: LanguageModel,
    *,
    runs: int = RUNS,
    timeout_s: float,
    time_limit_s: float = TIME_LIMIT_S,
    memory: MemoryOf | None = None,
) -> BenchResult:
    """Measure `model`: one call to load it, then `runs` times a cold prompt, the same cached, and an answer.

    Each call is bounded by `timeout_s`, the whole by about `time_limit_s` more: what was measured until then
    is given, and `cut_short` says so. Raises ModelError when the first calls fail already.
    """
    until = time.monotonic() + time_limit_s
    load = await _ask(model, [HumanMessage(_ONE_WORD)], 1, timeout_s)
    cold: list[Sample] = []
    cached: list[Sample] = []
    written: list[Sample] = []
    cut_short = ""
    for run in range(runs):
        if run and time.monotonic() > until:
            cut_short = f"{run} of {runs} runs in {time_limit_s:.0f} s"
            break
        # A prompt that begins with something new shares no prefix with any before it.
        salt = uuid4().hex
        try:
            cold.append(await _ask(model, _prompt(salt, _ONE_WORD), 1, timeout_s))
            cached.append(await _ask(model, _prompt(salt, f"{_ONE_WORD} {run}"), 1, timeout_s))
            written.append(await _ask(model, _prompt(salt, _COUNT), OUTPUT_TOKENS, timeout_s))
        except ModelError as error:
            if not cached:
                raise
            cut_short = str(error)
            break
    return BenchResult(
        spec=model.spec,
        prompt_tokens=cold[0].reply.prompt_tokens,
        load_s=load.total_s,
        prompt_tokens_per_s=spread([speed for sample in cold if (speed := prompt_speed(sample))]),
        output_tokens_per_s=spread([speed for sample in written if (speed := output_speed(sample))]),
        first_token_cold_s=(first_cold := spread([sample.first_s for sample in cold])),
        first_token_cached_s=(first_cached := spread([sample.first_s for sample in cached])),
        cached_share=first_cached.median / first_cold.median if first_cold and first_cached else None,
        memory=await memory() if memory else Memory(),
        cut_short=cut_short,
    )


def _prompt(salt: str, last: str) -> list[BaseMessage]:
    passages = "\n".join(f"[{number}] {_PASSAGE}" for number in range(1, _PASSAGES + 1))
    return [
        SystemMessage(f"{salt} You answer questions from documents."),
        HumanMessage(f"{passages}\n\n{last}"),
    ]


async def _ask(
    model: LanguageModel, messages: Sequence[BaseMessage], max_tokens: int, timeout_s: float
) -> Sample:
    first: list[float] = []
    started = time.monotonic()
    reply = await model.call(
        messages,
        max_tokens=max_tokens,
        timeout_s=timeout_s,
        on_text=lambda _: first.append(time.monotonic()) if not first else None,
    )
    ended = time.monotonic()
    # A token that is half a character is sent with the next: an answer may have no text at all.
    return Sample(first_s=(first[0] if first else ended) - started, total_s=ended - started, reply=reply)


async def memory_of(spec: str, *, ollama_url: str, before_bytes: int | None) -> Memory:
    """What the model of `spec` takes now. `before_bytes` is this process's memory before it was opened."""
    from app.models import ollama_api
    from app.models.memory import resident_bytes

    now = await asyncio.to_thread(resident_bytes)
    ours = max(0, now - before_bytes) if now is not None and before_bytes is not None else None
    kind, _, name = spec.partition(":")
    if kind == "embedded":
        return Memory(ours=ours)
    if kind != "ollama":
        return Memory()
    try:
        async with ollama_api.ollama_client(ollama_url) as client:
            running = await ollama_api.loaded(client)
    except ModelError:
        return Memory()
    for entry in running:
        if entry["name"] in (name, f"{name}:latest"):
            return Memory(server=entry.get("size"), gpu=entry.get("size_vram"))
    return Memory()
