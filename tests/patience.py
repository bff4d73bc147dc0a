"""How long a test waits for a server of its own: longer than users wait, for a machine may stand still.

The waits below are those of somebody at a keyboard, a few seconds each. Where a test expects an answer, a
machine that is slow for that long must not make it fail; a test of a wait itself sets it short again.
"""

from collections.abc import Callable
from typing import Any

import pytest

PATIENCE_S = 60.0


def be_patient(patch: pytest.MonkeyPatch) -> None:
    """Set every such wait to `PATIENCE_S`.

    Raises AttributeError or AssertionError where the product no longer has one, or a longer one: users do not
    wait that long.
    """
    import app.corpus.schema
    import app.doctor.collection
    import app.doctor.examine
    import app.doctor.ollama
    import app.doctor.web_search
    import app.models.listing
    import app.models.ollama
    import app.models.ollama_api
    import app.models.openai
    import app.models.server_context
    import app.models.weights.child
    import app.models.weights.download
    import app.models.weights.resolve
    import app.tracing.feedback_store
    import app.tracing.langfuse_client
    import app.tracing.store
    import evals.langfuse_experiment
    import evals.scoreboard
    import evals.traced
    import graphs.open
    import graphs.tracing
    from app.doctor.address import ask
    from app.doctor.examine import Check
    from app.models.ollama_tags import installed_models
    from app.tracing.feedback_send import LangfuseScores
    from app.tracing.langfuse import LangfuseTracing
    from app.tracing.recorder import Recorder
    from evals.langfuse_datasets import LangfuseDatasets
    from tools.calculator import calculate

    for module, name in (
        (app.corpus.schema, "_BUSY_TIMEOUT_S"),
        (app.doctor.collection, "READING_S"),
        (app.doctor.examine, "QUICK_S"),
        (app.doctor.examine, "EMBEDDER_S"),
        (app.doctor.examine, "LANGFUSE_S"),
        (app.doctor.examine, "WEB_SEARCH_S"),
        (app.doctor.ollama, "TIMEOUT_S"),
        (app.doctor.web_search, "DEADLINE_S"),
        (app.models.listing, "_TIMEOUT_S"),
        (app.models.ollama, "CONNECT_S"),
        (app.models.ollama_api, "CONNECT_S"),
        (app.models.openai, "CONNECT_S"),
        (app.models.server_context, "_TIMEOUT_S"),
        (app.models.weights.child, "GRACE_S"),
        (app.models.weights.download, "PROBE_S"),
        (app.models.weights.download, "ONLY_SOURCE_PROBE_S"),
        (app.models.weights.resolve, "ONLY_SOURCE_PROBE_S"),
        (app.tracing.feedback_store, "_BUSY_TIMEOUT_S"),
        (app.tracing.langfuse_client, "CALL_TIMEOUT_S"),
        (app.tracing.store, "_BUSY_TIMEOUT_S"),
        (evals.langfuse_experiment, "BEGIN_S"),
        (evals.scoreboard, "_GIT_TIMEOUT_S"),
        (evals.traced, "CLOSE_S"),
        (graphs.open, "SEARCH_DEADLINE_S"),
    ):
        assert getattr(module, name) < PATIENCE_S, name
        patch.setattr(module, name, PATIENCE_S)
    for function, name in (
        (ask, "timeout_s"),
        (installed_models, "timeout_s"),
        (app.models.ollama_api.ollama_client, "timeout_s"),
        (LangfuseScores.__init__, "timeout_s"),
        (LangfuseDatasets.__init__, "timeout_s"),
        (calculate, "timeout_s"),
        (graphs.tracing.open_tracing.__wrapped__, "close_s"),  # type: ignore[attr-defined]
    ):
        set_default(patch, function, name, PATIENCE_S)
    for method in (
        Recorder.flush,
        Recorder.close,
        LangfuseTracing.close,
        graphs.tracing.Tracing.aclose,
        evals.langfuse_experiment.Experiment.aclose,
        Check.__init__,
    ):
        assert isinstance(method.__defaults__, tuple) and len(method.__defaults__) == 1
        assert method.__defaults__[0] < PATIENCE_S, method
        patch.setattr(method, "__defaults__", (PATIENCE_S,))


def set_default(patch: pytest.MonkeyPatch, function: Callable[..., Any], name: str, value: float) -> None:
    """Change what a keyword-only parameter is where it is not given."""
    assert function.__kwdefaults__ and name in function.__kwdefaults__, f"{function} has no default {name}"
    assert function.__kwdefaults__[name] < value, name
    patch.setitem(function.__kwdefaults__, name, value)
