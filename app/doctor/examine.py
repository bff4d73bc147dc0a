"""Looks at every part, side by side, each for a few seconds at most."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.doctor.finding import Finding, told, warn
from app.errors import MutdaError, SettingsError
from app.settings import Settings, load_settings

QUICK_S = 8.0
EMBEDDER_S = 20.0
"""sentence-transformers alone takes 10 s to import on a small machine."""
LANGFUSE_S = 15.0
"""Three questions, a trace, and a wait until that trace can be read."""
WEB_SEARCH_S = 20.0
LOADING_S = 120.0


@dataclass(frozen=True)
class Check:
    """One part to look at. `look` may block; it runs in a thread of its own."""

    name: str
    look: Callable[[], Finding]
    within_s: float = QUICK_S


def examine(*, deep: bool = False) -> Iterator[Finding]:
    """Findings in a fixed order, each as soon as it is there.

    With `deep`, the model is loaded and asked a question, after all else. Without settings only what
    needs none is looked at.
    """
    from app.doctor.langsmith import look_at_langsmith
    from app.doctor.machine import look_at_machine

    machine, langsmith = Check("python", look_at_machine), Check("langsmith", look_at_langsmith)
    try:
        settings = load_settings()
    except SettingsError as error:
        yield told("settings", error)
        yield from looked([machine, langsmith])
        return
    yield from looked([machine, *checks(settings), langsmith])
    # Later: loading weights holds the interpreter, and the others would seem slow.
    yield from looked(_heavy(settings))
    if deep:
        yield from looked([_deep(settings)])


def checks(settings: Settings) -> list[Check]:
    """What is looked at first, in the order in which it is said."""
    from app.doctor.folders import look_at_cache_folder, look_at_data_folder
    from app.doctor.langfuse import look_at_langfuse
    from app.doctor.model import look_at_model
    from app.doctor.ollama import look_at_ollama
    from app.doctor.settings import look_at_settings
    from app.doctor.traces import look_at_traces
    from app.doctor.web_search import look_at_web_search

    def check(name: str, look: Callable[[Settings], Finding], within_s: float = QUICK_S) -> Check:
        return Check(name, lambda: look(settings), within_s)

    return [
        check("settings", look_at_settings),
        check("data", look_at_data_folder),
        check("cache", look_at_cache_folder),
        check("model", look_at_model),
        check("ollama", look_at_ollama),
        check("web search", look_at_web_search, WEB_SEARCH_S),
        check("traces", look_at_traces),
        check("langfuse", look_at_langfuse, LANGFUSE_S),
    ]


def _heavy(settings: Settings) -> list[Check]:
    from app.doctor.collection import look_at_collection
    from app.doctor.embedder import look_at_embedder
    from app.doctor.reader import look_at_reader

    return [
        Check("embedder", lambda: look_at_embedder(settings), EMBEDDER_S),
        Check("reader", lambda: look_at_reader(settings), EMBEDDER_S),
        Check("collection", lambda: look_at_collection(settings), EMBEDDER_S),
    ]


def _deep(settings: Settings) -> Check:
    from app.doctor.question import ask_the_model

    return Check("question", lambda: ask_the_model(settings), LOADING_S + settings.call_timeout_s)


def looked(checks: Sequence[Check]) -> Iterator[Finding]:
    """Run them at once and give what they find, in their order.

    One that takes too long is left behind and said to have: its thread ends with the process. An error
    for a person becomes a finding, any other is raised.
    """
    started = time.monotonic()
    results = [_begun(check) for check in checks]
    for check, result in zip(checks, results, strict=True):
        left_s = check.within_s - (time.monotonic() - started)
        try:
            found = result.get(timeout=max(left_s, 0.01))
        except queue.Empty:
            yield warn(
                check.name,
                f"not known: nothing came in {check.within_s:g} s",
                "run it again on a quiet machine",
            )
            continue
        if isinstance(found, Finding):
            yield found
        elif isinstance(found, MutdaError):
            yield told(check.name, found)
        else:
            raise found


def _begun(check: Check) -> "queue.SimpleQueue[Finding | Exception]":
    result: queue.SimpleQueue[Finding | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            result.put(check.look())
        except Exception as error:
            result.put(error)

    threading.Thread(target=run, name=f"doctor {check.name}", daemon=True).start()
    return result
