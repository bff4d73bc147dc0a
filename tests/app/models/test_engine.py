"""The embedded engine with the real weights: loading, answering, its key, its cache, its end."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from app.errors import ModelError
from app.models.chat import choice_probability, estimate_tokens
from app.models.embedded import EmbeddedModel
from app.models.openai import OpenAIModel
from app.models.weights import resolve_gguf
from app.settings import load_settings

ROOT = Path(__file__).parents[3]
CONTEXT_TOKENS = 1024
CALL_TIMEOUT_S = 240  # a busy machine is no failure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

DOCUMENT = """\
[1] 휴가 규정: 연차 휴가는 1년에 17일이며, 사흘 전까지 팀장에게 신청합니다. 남은 연차는 이듬해 2월까지 씁니다.
[2] 병가: 병가는 1년에 30일까지 쓸 수 있고, 이틀이 넘으면 진단서를 냅니다. 병가 중의 급여는 70%입니다.
[3] 출장비: 국내 출장비는 하루 45,000원이고, 숙박비는 영수증대로 지급합니다. 닷새 안에 정산해야 합니다.
[4] 재택근무: 재택근무는 한 주에 이틀까지 할 수 있으며, 전날 오후까지 알립니다. 회의가 있는 날은 출근합니다.
[5] 교육: 업무와 관련된 교육비는 한 해 120만 원까지 지급하고, 남은 금액은 이듬해로 넘기지 않습니다.
"""


def prompt(instruction: str) -> list[BaseMessage]:
    question = f"Documents:\n{DOCUMENT}\nQuestion: 연차 휴가는 1년에 며칠인가요?\n\n{instruction}"
    return [SystemMessage("You answer questions from documents."), HumanMessage(question)]


ANSWER = prompt("Answer the question briefly in Korean.")
GRADE = prompt("Do the documents contain the answer to the question? Reply only yes or no.")


@pytest.fixture(scope="module")
def weights() -> Path:
    """The embedded model's file, fetched on a machine that does not have it yet."""
    return resolve_gguf("", load_settings().cache_dir)


async def load(path: Path) -> EmbeddedModel:
    return await EmbeddedModel.load(
        path, spec="embedded:", context_tokens=CONTEXT_TOKENS, threads=0, timeout_s=CALL_TIMEOUT_S
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(weights: Path) -> AsyncIterator[EmbeddedModel]:
    opened = await load(weights)
    yield opened
    await opened.aclose()


async def test_it_answers_from_the_documents_and_later_steps_are_cheap(model: EmbeddedModel) -> None:
    first = await model.call(ANSWER, max_tokens=32, timeout_s=CALL_TIMEOUT_S, logprobs=True)
    assert "17일" in first.text
    assert first.first_token and all(logprob <= 0 for logprob in first.first_token.values())
    # A syllable that comes in pieces is streamed as one, with the figures of its last piece.
    assert 0 < len(first.logprobs) <= first.output_tokens
    evaluated = first.prompt_tokens - first.cached_tokens
    assert evaluated > 200

    second = await model.call(GRADE, max_tokens=1, timeout_s=CALL_TIMEOUT_S, logprobs=True)
    assert second.output_tokens == 1 and second.truncated
    assert second.prompt_tokens - second.cached_tokens < 0.15 * evaluated
    assert choice_probability(second) > 0.5


async def test_tokens_are_counted_as_the_engine_counts_them(model: EmbeddedModel) -> None:
    reply = await model.call(GRADE, max_tokens=1, timeout_s=CALL_TIMEOUT_S)
    assert len(DOCUMENT.encode()) > CONTEXT_TOKENS // 2  # or no exact count would be made
    assert await model.count_tokens(GRADE) == reply.prompt_tokens


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("가격표.csv", "cp949"), ("회의록_2026-03-12.txt", "utf-8"), ("복리후생_안내.md", "utf-8")],
)
async def test_the_estimate_is_never_below_the_truth(
    model: EmbeddedModel, name: str, encoding: str, samples: Path
) -> None:
    text = (samples / name).read_text(encoding=encoding)
    messages = [HumanMessage(text * (CONTEXT_TOKENS // len(text.encode()) + 1))]
    assert await model.count_tokens(messages) <= estimate_tokens(messages)


async def test_a_prompt_beyond_the_context_is_refused_and_not_cut(model: EmbeddedModel) -> None:
    with pytest.raises(ModelError, match=r"^The embedded engine answered 400: .*context"):
        await model.call([HumanMessage("가 나 다 라 " * 1000)], max_tokens=1, timeout_s=CALL_TIMEOUT_S)


async def test_another_program_without_the_key_is_refused(model: EmbeddedModel) -> None:
    stranger = OpenAIModel(
        spec="openai:embedded",
        name="embedded",
        base_url=model._url,
        api_key="guessed",
        context_tokens=CONTEXT_TOKENS,
        timeout_s=30,
    )
    with pytest.raises(ModelError) as caught:
        await stranger.call([HumanMessage("?")], max_tokens=1, timeout_s=30)
    await stranger.aclose()
    assert str(caught.value) == f"{model._url} refused the key. Set MUTDA_OPENAI_API_KEY."
    root = model._url.removesuffix("/v1")
    assert root.startswith("http://127.0.0.1:")
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for path in ("/v1/completions", "/completion", "/tokenize", "/apply-template", "/slots", "/props"):
            answer = await client.post(f"{root}{path}", json={"prompt": "?", "content": "?"})
            assert answer.status_code == 401, path


async def test_closing_frees_the_model(weights: Path) -> None:
    opened = await load(weights)
    url = opened._url.removesuffix("/v1")
    maps = Path("/proc/self/maps")
    before = maps.read_text().count(weights.name) if maps.exists() else 0
    await opened.aclose()
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/health")
    if maps.exists():
        assert maps.read_text().count(weights.name) < before


async def test_files_that_are_no_model_are_an_error_and_no_crash(weights: Path, tmp_path: Path) -> None:
    with weights.open("rb") as file:
        start = file.read(8 << 20)
    files = {
        "text.gguf": b"hello",
        "empty.gguf": b"",
        "garbage.gguf": b"GGUF" + bytes(range(256)) * 64,
        "cut.gguf": start,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    code = """
import sys
from pathlib import Path
from app.errors import ModelError
from app.models.engine import Engine
for name in sys.argv[1:]:
    try:
        Engine(Path(name), context_tokens=1024, threads=1)
    except ModelError as error:
        print(error)
"""
    done = subprocess.run(  # in a process of its own: a crash would end the whole test run
        [sys.executable, "-c", code, *files, "missing.gguf"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PATH": ""},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == len(files) + 1, done.stdout
    for name, line in zip([*files, "missing.gguf"], lines, strict=True):
        assert line.startswith(f"The engine could not load {name} (")
        assert line.endswith("). Is it a GGUF of a chat model, and is there enough free memory?")
