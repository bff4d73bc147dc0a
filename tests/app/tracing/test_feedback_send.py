from pathlib import Path

import pytest
from stand_ins.chat_server import closed_port
from stand_ins.langfuse_server import PUBLIC_KEY, SECRET_KEY, LangfuseServer

from app.settings import load_settings
from app.tracing.feedback_send import FeedbackSendError, LangfuseScores

TRACE = "a1" * 16


def scores_at(url: str, **changes: str | float) -> LangfuseScores:
    values = {"public_key": PUBLIC_KEY, "secret_key": SECRET_KEY, "timeout_s": 60.0} | changes
    return LangfuseScores(url, **values)  # type: ignore[arg-type]


def test_a_score_arrives_as_one_object() -> None:
    with LangfuseServer() as server:
        scores_at(f"{server.url}/", environment="staging").score(TRACE, "user_feedback", 0.0, "틀림")
        assert server.posts == ["/api/public/scores"]
        assert server.scores == [
            {
                "id": f"{TRACE}-user_feedback",
                "traceId": TRACE,
                "name": "user_feedback",
                "value": 0.0,
                "dataType": "NUMERIC",
                "comment": "틀림",
                "environment": "staging",
            }
        ]


def test_a_second_score_has_the_id_of_the_first() -> None:
    with LangfuseServer() as server:
        for value in (0.0, 1.0):
            scores_at(server.url).score(TRACE, "user_feedback", value)
        assert len({score["id"] for score in server.scores}) == 1


def test_wrong_keys_are_said() -> None:
    with LangfuseServer() as server, pytest.raises(FeedbackSendError, match=r"refuses the keys \(401\)"):
        scores_at(server.url, secret_key="sk-lf-wrong").score(TRACE, "user_feedback", 1.0)


def test_a_failing_server_is_said() -> None:
    with (
        LangfuseServer(fault="500") as server,
        pytest.raises(FeedbackSendError, match=r"did not take .* \(500\)"),
    ):
        scores_at(server.url).score(TRACE, "user_feedback", 1.0)


def test_a_server_that_hangs_is_waited_for_a_while() -> None:
    with LangfuseServer(fault="hang") as server, pytest.raises(FeedbackSendError, match="timed out"):
        scores_at(server.url, timeout_s=0.3).score(TRACE, "user_feedback", 1.0)


def test_no_server_is_said() -> None:
    with pytest.raises(FeedbackSendError, match="cannot be reached"):
        scores_at(f"http://127.0.0.1:{closed_port()}").score(TRACE, "user_feedback", 1.0)


def test_the_settings_say_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert LangfuseScores.of(load_settings()) is None
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-1")
    assert LangfuseScores.of(load_settings()) is None
    monkeypatch.setenv("LANGFUSE_BASE_URL", "http://127.0.0.1:3000/")
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0")
    scores = LangfuseScores.of(load_settings())
    assert scores is not None
    assert scores.url == "http://127.0.0.1:3000"
    assert not scores.takes(TRACE)
    assert scores_at(scores.url).takes(TRACE)
