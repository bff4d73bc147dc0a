"""Making, listing, checking and timing models against the real server."""

from pathlib import Path

import httpx
import pytest
from engines.ollama_server import OllamaServer
from stand_ins.tiny_safetensors import write_tiny_model

from app.errors import ModelError
from app.models.check import static_findings
from app.models.create_source import create_source
from app.models.listing import ollama_models
from app.models.modelfile import Modelfile, parse_parameters, shipped_modelfile
from app.models.ollama_api import Shown, ollama_client, show
from app.models.ollama_create import CreateProgress, Creation
from app.settings import Settings

pytestmark = pytest.mark.slow

COPIED = "{{- if .System }}\n<s>{{ .System }}</s>\n{{- end }}\n<s>Human:\n{{ .Prompt }}</s>\n<s>Assistant:\n"


async def create(
    ollama: OllamaServer, name: str, modelfile: Modelfile, source: str, quantize: str = ""
) -> list[str]:
    heard: list[CreateProgress] = []
    await Creation(
        url=ollama.url,
        name=name,
        modelfile=modelfile,
        source=create_source(source),
        quantize=quantize,
        on_progress=heard.append,
    ).run()
    return [progress.detail for progress in heard]


async def shown(ollama: OllamaServer, name: str) -> Shown:
    async with ollama_client(ollama.url, timeout_s=60) as client:
        return await show(client, name, verbose=True)


async def test_each_modelfile_is_taken_as_it_is(ollama: OllamaServer, tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path / "tiny")
    for name in ("llama3-ko", "llama3-ko-instruct", "eeve", "qwen-embedded"):
        modelfile = shipped_modelfile(name)
        assert modelfile is not None
        await create(ollama, f"made-{name}", modelfile, str(tiny))
        said = await shown(ollama, f"made-{name}")
        assert said.template == modelfile.template
        parameters, stops = parse_parameters(said.parameters)
        assert parameters == modelfile.parameters
        assert sorted(stops) == sorted(modelfile.stops)


TURNS = [("system", "S"), ("user", "Q1"), ("assistant", "A1"), ("user", "Q2")]


@pytest.mark.parametrize(
    ("name", "first", "rest"),
    [
        ("llama3-ko", "S\n\nQ1\n\nAnswer:", " A1\n\nQ2\n\nAnswer:"),
        (
            "llama3-ko-instruct",
            "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
            "Q1<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            "A1<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nQ2<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        ("eeve", "S\nHuman: Q1\nAssistant:\n", "A1\nHuman: Q2\nAssistant:\n"),
        (
            "qwen-embedded",
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\n",
            "A1<|im_end|>\n<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n",
        ),
    ],
)
async def test_what_the_server_makes_of_turns(
    name: str, first: str, rest: str, ollama: OllamaServer, tmp_path: Path
) -> None:
    """A further turn begins, byte for byte, with the turn before it: that part of the prompt is cached."""
    modelfile = shipped_modelfile(name)
    assert modelfile is not None
    await create(ollama, f"turns-{name}", modelfile, str(write_tiny_model(tmp_path / "tiny")))
    assert [rendered(ollama, f"turns-{name}", count) for count in (2, 4)] == [first, first + rest]


def rendered(ollama: OllamaServer, name: str, turns: int) -> str:
    """The prompt of the first `turns`, unsent."""
    body = {
        "model": name,
        "stream": False,
        "_debug_render_only": True,
        "messages": [{"role": role, "content": text} for role, text in TURNS[:turns]],
    }
    answer = httpx.post(f"{ollama.url}/api/chat", json=body, timeout=120, trust_env=False).json()
    if "_debug_info" not in answer:
        pytest.skip("this version of Ollama does not show the prompt that it makes")
    text: str = answer["_debug_info"]["rendered_template"]
    return text


async def test_safetensors_are_converted_and_quantised(ollama: OllamaServer, tmp_path: Path) -> None:
    source = str(write_tiny_model(tmp_path / "tiny", seed=2))
    heard = await create(ollama, "tiny-q4", Modelfile(source=source), source, "q4_K_M")
    assert "sending model.safetensors" in heard and "converting model" in heard
    assert any("quantizing" in detail for detail in heard) and heard[-1] == "success"
    assert (await shown(ollama, "tiny-q4")).details["quantization_level"] == "Q4_K_M"
    again = await create(ollama, "tiny-q4", Modelfile(source=source), source)
    assert not any(detail.startswith("sending") for detail in again)


async def test_what_the_server_refuses_is_said(ollama: OllamaServer, tmp_path: Path) -> None:
    source = str(write_tiny_model(tmp_path / "tiny"))
    await create(ollama, "tiny-f16", Modelfile(source=source), source)
    bad = Modelfile(source=source, template="{{ .Prompt")
    with pytest.raises(ModelError) as caught:
        await create(ollama, "tiny-bad", bad, source)
    assert str(caught.value).startswith(f"Ollama at {ollama.url} could not make tiny-bad: template")


async def test_the_copied_template_is_found_out(ollama: OllamaServer, tmp_path: Path) -> None:
    source = str(write_tiny_model(tmp_path / "tiny"))
    await create(ollama, "tiny-copied", Modelfile(source=source, template=COPIED, stops=("</s>",)), source)
    findings = static_findings(await shown(ollama, "tiny-copied"), context_tokens=4096)
    assert findings[0].what.startswith("the template writes <s> </s>")
    assert [finding.change for finding in findings[1:3]] == [
        'PARAMETER stop """\nHuman:"""',
        "MUTDA_CONTEXT_TOKENS=2048",
    ]


async def test_the_list_shows_what_the_server_has(ollama: OllamaServer, weights: Path) -> None:
    settings = Settings(ollama_url=ollama.url)
    by_spec = {model.spec: model for model in await ollama_models(settings, 1 << 34)}
    model = by_spec["ollama:llama3-ko"]
    assert model.quantization == "Q4_K_M" and model.trained_tokens == 32768 and model.fits
    # What the file holds, and the template beside it.
    assert model.size_bytes is not None and 0 <= model.size_bytes - weights.stat().st_size < 10_000
