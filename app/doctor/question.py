"""Loads the model and asks it something in Korean: only an answer shows that it answers."""

import asyncio
import time

from langchain_core.messages import HumanMessage

from app.doctor.finding import Finding, ok, warn
from app.models.open import choose_spec, open_model
from app.models.weights import resolve_gguf
from app.settings import Settings

NAME = "question"
QUESTION = "대한민국의 수도는 어디입니까? 한 문장으로 답하세요."
EXPECTED = "서울"
MAX_TOKENS = 32


def ask_the_model(settings: Settings) -> Finding:
    """Load it, verifying its checksum, and ask. Nothing is fetched. Raises what loading and asking raise."""
    return asyncio.run(_ask(settings))


async def _ask(settings: Settings) -> Finding:
    started = time.monotonic()
    spec = await choose_spec(settings)
    model = await open_model(
        settings, spec=spec, fetch=lambda name: resolve_gguf(name, settings.cache_dir, allow_fetch=False)
    )
    try:
        loaded = time.monotonic()
        reply = await model.call(
            [HumanMessage(QUESTION)], max_tokens=MAX_TOKENS, timeout_s=settings.call_timeout_s
        )
    finally:
        await model.aclose()
    answer = " ".join(reply.text.split())
    loading_s, asking_s = loaded - started, time.monotonic() - loaded
    text = f"{spec} opened in {loading_s:.1f} s, answered in {asking_s:.1f} s: “{answer}”"
    if EXPECTED not in answer:
        return warn(NAME, text, f"{EXPECTED} was expected: try another model")
    return ok(NAME, text)
