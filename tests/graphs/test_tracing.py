"""The answer, the local store and Langfuse know a run by one id."""

import asyncio
import time
from pathlib import Path

import pytest
from fakes import make_resources
from stand_ins.langfuse_server import LangfuseServer

import app.tracing.langfuse
import app.tracing.recorder
import graphs.tracing
from app.settings import Settings, load_settings
from app.tracing.store import TraceStore
from graphs.rag import build
from graphs.tracing import open_tracing, tracing_to_come

QUESTION = "연차 휴가 규정을 알려 주세요"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path)


def to(server: LangfuseServer, settings: Settings) -> Settings:
    return settings.model_copy(
        update=load_settings(
            langfuse_public_key=server.public_key,
            langfuse_secret_key=server.secret_key,
            langfuse_base_url=server.url,
        ).model_dump(include={"langfuse_public_key", "langfuse_secret_key", "langfuse_base_url"})
    )


def kept(settings: Settings, name: str = "last") -> str:
    store = TraceStore.open_to_read(settings.data_dir / "traces")
    try:
        return (store.last() if name == "last" else store.find(name)).header.id
    finally:
        store.close()


async def test_one_id_for_the_answer_the_store_and_langfuse(settings: Settings) -> None:
    with LangfuseServer() as server:
        async with open_tracing(to(server, settings), close_s=60) as tracing:
            graph = build(make_resources(), callbacks=tracing.callbacks, trace_of=tracing.identity.of)
            first = await graph.ainvoke({"question": QUESTION})
            second = await graph.ainvoke({"question": QUESTION})
        assert tracing.lost == ""
        ids = [state["result"]["trace_id"] for state in (first, second)]
        assert set(server.traces()) == set(ids) and len(set(ids)) == 2
        assert kept(settings) == ids[1] and kept(settings, ids[0]) == ids[0]


async def test_a_question_that_is_not_traced_has_an_id_all_the_same(settings: Settings) -> None:
    off = settings.model_copy(update={"trace": False})
    async with open_tracing(off) as tracing:
        assert tracing.callbacks == []
        graph = build(make_resources(), callbacks=tracing.callbacks, trace_of=tracing.identity.of)
        state = await graph.ainvoke({"question": QUESTION})
    assert len(state["result"]["trace_id"]) == 32
    assert not (off.data_dir / "traces").exists()


def test_the_end_of_a_process_waits_two_seconds_at_most() -> None:
    # The tests' own waits are longer (patience.py); this is what docs/tracing.md promises.
    assert (
        graphs.tracing.CLOSE_S == app.tracing.recorder.CLOSE_S == app.tracing.langfuse.EXIT_TIMEOUT_S == 2.0
    )


async def test_a_server_that_hangs_costs_what_was_said_at_the_end_and_is_named(settings: Settings) -> None:
    with LangfuseServer(fault="hang", public_key="pk-lf-hang") as server:
        async with open_tracing(to(server, settings), close_s=1) as tracing:
            graph = build(make_resources(), callbacks=tracing.callbacks, trace_of=tracing.identity.of)
            # Who waits for the server waits for a minute with each post.
            started = time.monotonic()
            state = await graph.ainvoke({"question": QUESTION})
            assert time.monotonic() - started < 50
            assert tracing.recorder
            assert await asyncio.to_thread(tracing.recorder.flush)
            left = time.monotonic()
        assert time.monotonic() - left < 50
        assert "Langfuse" in tracing.lost
        assert kept(settings) == state["result"]["trace_id"]


async def test_settings_that_come_later_are_read_at_the_first_question(settings: Settings) -> None:
    loads: list[int] = []

    def load() -> Settings:
        loads.append(1)
        return settings

    tracing = tracing_to_come(load)
    graph = build(make_resources(), callbacks=tracing.callbacks, trace_of=tracing.identity.of)
    assert loads == []
    state = await graph.ainvoke({"question": QUESTION})
    await tracing.aclose()
    assert loads and kept(settings) == state["result"]["trace_id"]
