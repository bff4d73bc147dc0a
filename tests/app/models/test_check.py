from dataclasses import replace
from typing import Any

import pytest
from stand_ins.ollama_server import LLAMA3, TOKEN_TYPES, TOKENS, Model, OllamaStandIn

from app.errors import ModelError
from app.models.chat import Reply
from app.models.check import Finding, cues_in, is_instruct, markers_in, static_findings, vocabulary_of
from app.models.check_live import Trial, answer_findings, grade_findings, live_findings, repeats
from app.models.modelfile import shipped_modelfile
from app.models.ollama import OllamaModel
from app.models.ollama_api import Shown, ollama_client, show

BOUNDED = 'num_predict    256\nnum_ctx    4096\nstop    "<|eot_id|>"'
TURNS = "<|start_header_id|>{{ .Role }}{{ .Prompt }}<|eot_id|>"
COPIED = "{{- if .System }}\n<s>{{ .System }}</s>\n{{- end }}\n<s>Human:\n{{ .Prompt }}</s>\n<s>Assistant:\n"


def shown(**changes: Any) -> Shown:
    info = LLAMA3 | {"tokenizer.ggml.tokens": list(TOKENS), "tokenizer.ggml.token_type": list(TOKEN_TYPES)}
    return replace(
        Shown(
            name="m", template=TURNS, system="", parameters=BOUNDED, info=info, capabilities=("completion",)
        ),
        **changes,
    )


def found(said: Shown, *, context_tokens: int = 4096) -> list[tuple[str, str]]:
    return [(f.level, f.change) for f in static_findings(said, context_tokens=context_tokens)]


def test_nothing_is_wrong() -> None:
    assert found(shown()) == []


def test_the_template_that_is_copied_around() -> None:
    findings = static_findings(
        shown(template=COPIED, parameters=BOUNDED.replace("<|eot_id|>", "</s>")), context_tokens=4096
    )
    assert [(f.level, f.change) for f in findings] == [
        ("error", 'TEMPLATE """...""" in the format of the model\'s card, without them'),
        ("error", 'PARAMETER stop """\nHuman:"""'),
        ("warning", 'take out:\nPARAMETER stop "</s>"'),
    ]
    # "</s>" is a piece of text in this vocabulary, and marks nothing.
    assert findings[0].what.startswith("the template writes <s> </s>, which are no markers")


def test_an_instruct_model_without_a_template() -> None:
    change = 'TEMPLATE """...""" in the format of the model\'s card, as app/models/modelfiles show'
    assert found(shown(name="llama3-instruct", template="{{ .Prompt }}")) == [("error", change)]
    assert found(shown(name="llama3-ko", template="{{ .Prompt }}")) == []


@pytest.mark.parametrize(
    ("name", "finetune", "instruct"),
    [
        ("llama3-ko", "", False),
        ("llama3-ko-instruct", "", True),
        ("gemma-2-9b-it:q4", "", True),
        ("digital-model", "", False),
        ("mine", "Instruct-GGUF", True),
    ],
)
def test_what_was_taught_to_take_turns(name: str, finetune: str, instruct: bool) -> None:
    assert is_instruct(shown(name=name, info={"general.finetune": finetune})) is instruct


def test_a_turn_that_nothing_ends() -> None:
    assert found(shown(parameters="num_predict 256")) == [("error", 'PARAMETER stop "<|eot_id|>"')]
    # Unless the weights themselves name it as their end.
    info = shown().info | {"tokenizer.ggml.eot_token_id": TOKENS.index("<|eot_id|>")}
    assert found(shown(parameters="num_predict 256", info=info)) == []


def test_contexts() -> None:
    assert found(shown(parameters=BOUNDED.replace("4096", "2048"))) == [("warning", "PARAMETER num_ctx 4096")]
    assert found(shown(), context_tokens=16384)[0] == ("error", "MUTDA_CONTEXT_TOKENS=8192")


@pytest.mark.parametrize("line", ["", "num_predict -1", "num_predict -2"])
def test_answers_without_a_bound(line: str) -> None:
    assert found(shown(parameters=f'{line}\nstop "<|eot_id|>"')) == [("warning", "PARAMETER num_predict 256")]


def test_an_embedding_model() -> None:
    (finding,) = static_findings(shown(capabilities=("embedding",)), context_tokens=4096)
    assert finding.level == "error" and finding.change.startswith("MUTDA_EMBEDDER=ollama:m")


def test_without_the_vocabulary_markers_are_left_alone() -> None:
    assert vocabulary_of(LLAMA3) == frozenset()
    assert found(shown(template=COPIED, info=LLAMA3, parameters=BOUNDED)) == [
        ("error", 'PARAMETER stop "</s>"\nPARAMETER stop """\nHuman:"""')
    ]


def test_markers_and_cues() -> None:
    assert markers_in("{{ if <|no|> }}<|im_start|>a<|im_start|>[INST]</s> a < b > c <br/>") == [
        "<|im_start|>",
        "[INST]",
        "</s>",
    ]
    assert cues_in("Human: {{ .Prompt }}\nAssistant:\n질문: {{ .X }} 답변:") == ["Human:", "질문:"]


@pytest.mark.parametrize("name", ["llama3-ko", "llama3-ko-instruct"])
async def test_what_comes_with_this_project_passes(name: str) -> None:
    modelfile = shipped_modelfile(name)
    assert modelfile is not None
    tokens, types = [*TOKENS, "<|end_header_id|>"], [*TOKEN_TYPES, 3]
    model = Model(
        template=modelfile.template,
        parameters=modelfile.request()["parameters"],
        tokens=tokens,
        token_types=types,
    )
    with OllamaStandIn(models={f"{name}:latest": model}) as server:
        async with ollama_client(server.url) as client:
            said = await show(client, name, verbose=True)
    assert static_findings(said, context_tokens=4096) == []


async def test_a_model_that_is_not_there() -> None:
    with OllamaStandIn() as server:
        async with ollama_client(server.url) as client:
            with pytest.raises(ModelError) as caught:
                await show(client, "없음")
    assert str(caught.value) == (
        f"Ollama at {server.url} does not have 없음. Run: mutda models create 없음, or ollama pull 없음"
    )


# -- live


async def live(server: OllamaStandIn) -> tuple[Trial, list[Finding]]:
    model = OllamaModel(name="m", url=server.url, context_tokens=4096, timeout_s=30)
    return await live_findings(model, timeout_s=30)


async def test_a_model_that_answers() -> None:
    with OllamaStandIn(models={"m:latest": Model()}) as server:
        trial, findings = await live(server)
        assert (trial.answer, findings) == ("서울입니다.", [])
        assert [chat["options"]["num_predict"] for chat in server.chats] == [64, 1]


async def test_a_blank_and_a_server_without_log_probabilities() -> None:
    with OllamaStandIn(models={"m:latest": Model()}, answer=[" "], fault="no-logprobs") as server:
        _, findings = await live(server)
    assert [f.change for f in findings] == [
        "TEMPLATE and PARAMETER stop as the model's card says",
        "Ollama 0.12.11 or later",
    ]


def trial(answer: str, *, truncated: bool = False) -> list[tuple[str, str]]:
    said = Trial(question="?", answer=answer, seconds=1, truncated=truncated)
    return [(f.level, f.change) for f in answer_findings(said)]


def test_answers_that_show_what_is_wrong() -> None:
    assert trial("서울입니다.") == []
    assert trial("서울입니다.</s><s>") == [("error", 'PARAMETER stop "</s>"\nPARAMETER stop "<s>"')]
    assert trial("Seoul.") == [("warning", "another model: mutda models create llama3-ko")]
    change = "PARAMETER stop with what it writes after its answer, and PARAMETER num_predict 256"
    assert trial("서울은 대한민국의 수도이며 경복궁과 남산이 있고", truncated=True) == [("warning", change)]
    assert trial("서울은 수도입니다. " * 8, truncated=True) == [("error", change)]


def test_repeating() -> None:
    assert repeats("가나다라마바사아" * 4)
    assert not repeats("가나다라마바사아" * 3)
    assert not repeats("")


def test_a_grader_s_word() -> None:
    assert grade_findings(Reply(text="yes", first_token={" Yes": -0.1, "다": -3.0})) == []
    (finding,) = grade_findings(Reply(text="다", first_token={"다": -0.1}))
    assert finding.what == "neither yes nor no is among its likeliest words when it is asked for one of them"
