import re
from pathlib import Path

import pytest

from app.errors import MutdaError
from app.models import modelfile as module
from app.models.check import markers_in
from app.models.modelfile import (
    Modelfile,
    modelfile_names,
    parse_modelfile,
    parse_parameters,
    render_modelfile,
    shipped_modelfile,
)
from app.models.weights import EMBEDDED
from app.settings import Settings

NAMES = modelfile_names()
FOLDER = Path(module.__file__).parent / "modelfiles"


def shipped(name: str) -> Modelfile:
    modelfile = shipped_modelfile(name)
    assert modelfile is not None
    return modelfile


def test_the_models_that_are_promised_are_there() -> None:
    assert NAMES == ["eeve", "llama3-ko", "llama3-ko-instruct", "qwen-embedded"]
    assert shipped_modelfile("llama3-ko:latest") == shipped_modelfile("llama3-ko")
    assert shipped_modelfile("nothing") is None


@pytest.mark.parametrize("name", NAMES)
def test_each_is_bounded_and_says_where_it_is_from(name: str) -> None:
    modelfile, text = shipped(name), (FOLDER / f"{name}.modelfile").read_text(encoding="utf-8")
    assert modelfile.parameters == {
        "num_ctx": str(Settings.model_fields["context_tokens"].default),
        "num_predict": "256",
        "temperature": "0",
    }
    assert modelfile.stops and ".Messages" in modelfile.template
    assert re.search(r"Apache-2\.0|Llama 3 Community License", text) and re.search(r"\d GB|bytes", text)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "qwen-embedded"])
def test_each_can_be_had_from_the_hub(name: str) -> None:
    assert re.fullmatch(r"hf\.co/[\w-]+/[\w.-]+(:Q4_K_M)?", shipped(name).source)
    assert "q4_k_m" in shipped(name).source.lower()


def test_the_embedded_weights_are_the_file_of_the_catalog() -> None:
    assert shipped("qwen-embedded").source == f"./{EMBEDDED.filename}"


def test_the_base_model_is_sent_plain_text() -> None:
    modelfile = shipped("llama3-ko")
    assert markers_in(modelfile.template) == []
    assert modelfile.template.endswith("Answer:")
    # Of Llama 3's vocabulary, and none of Llama 2's.
    assert {"<|end_of_text|>", "<|eot_id|>"} <= set(modelfile.stops)
    assert not {"<s>", "</s>"} & set(modelfile.stops)
    assert {"\nQuestion:", "\n질문:"} <= set(modelfile.stops)


@pytest.mark.parametrize(
    ("name", "markers"),
    [
        ("llama3-ko-instruct", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]),
        ("qwen-embedded", ["<|im_start|>", "<|im_end|>"]),
        ("eeve", []),
    ],
)
def test_instruct_models_get_their_own_markers(name: str, markers: list[str]) -> None:
    assert markers_in(shipped(name).template) == markers


def test_what_a_request_holds() -> None:
    request = shipped("llama3-ko").request()
    assert set(request) == {"template", "parameters"}
    assert request["parameters"]["num_ctx"] == 4096 and request["parameters"]["temperature"] == 0
    assert "\n질문:" in request["parameters"]["stop"]
    assert shipped("eeve").request()["system"].startswith("A chat between")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_reads_the_same(name: str) -> None:
    assert parse_modelfile(render_modelfile(shipped(name))) == shipped(name)


def test_every_form_of_a_value() -> None:
    read = parse_modelfile(
        "# a comment\n"
        "from ./x.gguf\n\n"
        'Template """{{ .Prompt }}\r\nA: """\n'
        'PARAMETER stop "\nHuman:"\n'
        "PARAMETER stop </s>\n"
        "PARAMETER   top_p   0.9  \n"
        'SYSTEM "말투: \\n 그대로"\n'
        "LICENSE MIT\n"
    )
    assert read == Modelfile(
        source="./x.gguf",
        template="{{ .Prompt }}\nA: ",
        system="말투: \\n 그대로",
        parameters={"top_p": "0.9"},
        stops=("\nHuman:", "</s>"),
        license=("MIT",),
    )
    assert read.request()["parameters"] == {"top_p": 0.9, "stop": ["\nHuman:", "</s>"]}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("TEMPLATE x\n", "The Modelfile has no FROM line, which names the weights."),
        ("FROM x\nBEGIN y\n", "The Modelfile's line 2 begins with 'BEGIN': no instruction."),
        ('FROM x\nTEMPLATE """y\n', "The Modelfile's line 2 opens quotes that are never closed."),
        (
            "FROM x\nADAPTER y\n",
            "The Modelfile's line 2 holds ADAPTER, which is not supported here. Run: ollama create -f",
        ),
    ],
)
def test_what_cannot_be_meant(text: str, line: str) -> None:
    with pytest.raises(MutdaError) as caught:
        parse_modelfile(text)
    assert str(caught.value) == line


def test_a_value_that_no_modelfile_can_hold() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        render_modelfile(Modelfile(source="x", template='a"""b'))


def test_parameters_as_show_prints_them() -> None:
    text = (
        'stop                           "\\nHuman:"\n'
        'stop                           "<|im_end|>"\n'
        'stop                           "\\x1b\\a질문:"\n'
        "num_ctx                        4096\n"
        "temperature                    0"
    )
    parameters, stops = parse_parameters(text)
    assert parameters == {"num_ctx": "4096", "temperature": "0"}
    assert stops == ("\nHuman:", "<|im_end|>", "\x1b\x07질문:")
    assert parse_parameters("") == ({}, ())
