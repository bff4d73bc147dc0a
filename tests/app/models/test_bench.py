import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from stand_ins.ollama_server import Model, OllamaStandIn

from app.errors import ModelError
from app.models.bench import Memory, Sample, Spread, bench, memory_of, output_speed, prompt_speed, spread
from app.models.bench_file import bench_path, read_bench, save_bench, saved_speeds
from app.models.chat import Reply
from app.models.fake import FakeModel, FakeReply


def sample(first_s: float, total_s: float, *, prompt: int = 600, cached: int = 0, output: int = 65) -> Sample:
    reply = Reply(text="", prompt_tokens=prompt, cached_tokens=cached, output_tokens=output)
    return Sample(first_s=first_s, total_s=total_s, reply=reply)


def test_speeds() -> None:
    assert prompt_speed(sample(6, 8)) == 100
    assert prompt_speed(sample(6, 8, cached=60)) == 90
    assert output_speed(sample(6, 8)) == 32


def test_what_would_say_nothing_is_left_out() -> None:
    assert prompt_speed(sample(0.3, 1, cached=590)) is None
    assert prompt_speed(sample(6, 8, prompt=0)) is None
    assert output_speed(sample(6, 8, output=3)) is None
    assert output_speed(sample(8, 8)) is None


def test_spreads() -> None:
    assert spread([3.0, 1.0, 2.5]) == Spread(min=1.0, median=2.5, max=3.0, runs=3)
    assert spread([]) is None


async def test_a_model_is_measured() -> None:
    def reply(messages: object) -> FakeReply:
        return FakeReply(text="하나 둘 셋 넷 다섯")

    model = FakeModel(reply)
    result = await bench(model, runs=2, timeout_s=30, memory=lambda: memory("x"))
    prompts = [[str(message.content) for message in prompt] for prompt in model.fake.prompts]
    assert len(prompts) == 7
    # One to load; then twice a new beginning, the same beginning, the same again with something to write.
    assert len({prompt[0] for prompt in prompts[1:]}) == 2
    assert prompts[1][0] == prompts[2][0] == prompts[3][0] != prompts[4][0]
    assert prompts[1][1][:-20] == prompts[2][1][: len(prompts[1][1]) - 20]
    assert result.prompt_tokens > 400 and result.cut_short == "" and result.memory == Memory(ours=1)
    for measured in (result.first_token_cold_s, result.first_token_cached_s, result.output_tokens_per_s):
        assert measured is not None and measured.runs == 2 and measured.min <= measured.median <= measured.max
    assert json.loads(json.dumps(result.as_json()))["memory"]["ours"] == 1


async def memory(_: str) -> Memory:
    return Memory(ours=1)


class Ticking(FakeModel):
    """Half a second passes before each of nine tokens, on a clock of its own."""

    now_s = 0.0

    async def call(self, messages: Sequence[BaseMessage], **options: Any) -> Reply:
        for _ in range(9):
            self.now_s += 0.5
            options["on_text"]("가")
        return Reply(text="가" * 9, prompt_tokens=600, cached_tokens=0, output_tokens=9)


async def test_the_time_to_the_first_token_is_that_of_the_first_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Ticking(lambda _: FakeReply())
    monkeypatch.setattr("app.models.bench.time", SimpleNamespace(monotonic=lambda: model.now_s))
    result = await bench(model, runs=3, timeout_s=30)
    assert result.first_token_cold_s == Spread(min=0.5, median=0.5, max=0.5, runs=3)
    assert result.output_tokens_per_s == Spread(min=2.0, median=2.0, max=2.0, runs=3)


async def test_it_is_bounded_and_says_so() -> None:
    model = FakeModel(lambda _: FakeReply(text="하나 둘 셋 넷 다섯"))
    result = await bench(model, runs=5, timeout_s=30, time_limit_s=0)
    assert result.cut_short == "1 of 5 runs in 0 s"
    assert result.first_token_cold_s is not None and result.first_token_cold_s.runs == 1


async def test_a_model_that_fails_in_the_middle_leaves_what_was_measured() -> None:
    calls = 0

    def reply(messages: object) -> FakeReply:
        nonlocal calls
        if (calls := calls + 1) > 5:
            raise ModelError("It stopped.")
        return FakeReply(text="하나 둘 셋 넷 다섯")

    result = await bench(Raising(reply), runs=3, timeout_s=30)
    assert result.cut_short == "It stopped."
    assert result.output_tokens_per_s is not None and result.output_tokens_per_s.runs == 1


async def test_a_model_that_fails_at_once_is_an_error() -> None:
    def reply(messages: object) -> FakeReply:
        raise ModelError("It is not there.")

    with pytest.raises(ModelError, match="It is not there"):
        await bench(Raising(reply), runs=3, timeout_s=30)


class Raising(FakeModel):
    """A script may raise an error of the service."""

    def explain(self, error: Exception) -> str | None:
        return str(error) if isinstance(error, ModelError) else None


async def test_memory_of_an_ollama_model() -> None:
    with OllamaStandIn(models={"m:latest": Model()}, loaded=["m"]) as server:
        found = await memory_of("ollama:m", ollama_url=server.url, before_bytes=1)
        assert found == Memory(server=6_000_000_000, gpu=0)
        assert await memory_of("ollama:other", ollama_url=server.url, before_bytes=1) == Memory()
    assert await memory_of("ollama:m", ollama_url=server.url, before_bytes=1) == Memory()


async def test_memory_of_the_embedded_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.memory.resident_bytes", lambda: 1500)
    assert await memory_of("embedded:", ollama_url="", before_bytes=500) == Memory(ours=1000)
    assert await memory_of("embedded:", ollama_url="", before_bytes=None) == Memory()
    assert await memory_of("openai:x", ollama_url="", before_bytes=500) == Memory()


def test_measurements_are_kept_beside_those_of_other_models(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert read_bench(folder) == {} and saved_speeds(folder) == {}
    speeds = {"prompt_tokens_per_s": {"median": 90.0}, "output_tokens_per_s": None}
    assert save_bench(folder, {"embedded:": speeds}) == bench_path(folder)
    save_bench(folder, {"ollama:m": {}})
    assert saved_speeds(folder) == {"embedded:": (90.0, None), "ollama:m": (None, None)}
    assert [path.name for path in folder.iterdir()] == ["bench.json"]


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    bench_path(tmp_path).write_text('{"results": [')
    assert read_bench(tmp_path) == {}
    save_bench(tmp_path, {"a": {}})
    assert read_bench(tmp_path) == {"a": {}}
