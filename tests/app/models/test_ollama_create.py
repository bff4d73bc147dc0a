import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from stand_ins.chat_server import closed_port
from stand_ins.ollama_server import Fault, OllamaStandIn
from stand_ins.tiny_gguf import QWEN, write_gguf
from stand_ins.tiny_safetensors import write_tiny_model

from app.errors import ModelError, MutdaError
from app.models.create_source import CreateSource, create_source, require_quantizable
from app.models.modelfile import Modelfile
from app.models.ollama_create import CreateProgress, Creation

MODELFILE = Modelfile(source="x", template="{{ .Prompt }}", parameters={"num_ctx": "4096"}, stops=("</s>",))


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "한국어 모델.gguf", QWEN)


async def create(url: str, source: CreateSource, **more: Any) -> list[CreateProgress]:
    heard: list[CreateProgress] = []
    await Creation(
        url=url, name="mine", modelfile=MODELFILE, source=source, on_progress=heard.append, **more
    ).run()
    return heard


# -- making one


async def test_a_file_is_sent_once(gguf: Path) -> None:
    digest = f"sha256:{hashlib.sha256(gguf.read_bytes()).hexdigest()}"
    with OllamaStandIn() as server:
        heard = await create(server.url, create_source(str(gguf)))
        assert server.blobs == {digest: gguf.read_bytes()}
        assert server.created == [
            {
                "model": "mine",
                "stream": True,
                "template": "{{ .Prompt }}",
                "parameters": {"num_ctx": 4096, "stop": ["</s>"]},
                "files": {gguf.name: digest},
            }
        ]
        size = gguf.stat().st_size
        assert CreateProgress(detail=f"sending {gguf.name}", done_bytes=size, total_bytes=size) in heard
        assert heard[-1].detail == "success"
        await create(server.url, create_source(str(gguf)))
        assert [path for method, path in server.seen if method == "POST"].count(f"/api/blobs/{digest}") == 1


async def test_a_run_that_was_cut_goes_on_with_the_files_that_are_missing(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    source = create_source(str(folder))
    with OllamaStandIn() as server:
        first = (folder / "model.safetensors").read_bytes()
        server.blobs[f"sha256:{hashlib.sha256(first).hexdigest()}"] = first
        await create(server.url, source)
        sent = [path for method, path in server.seen if method == "POST" and "/blobs/" in path]
        assert len(sent) == len(source.files) - 1


async def test_a_folder_of_safetensors_is_sent_by_its_files_names(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    (folder / "README.md").write_text("not sent")
    with OllamaStandIn() as server:
        await create(server.url, create_source(str(folder)), quantize="q4_K_M")
        (body,) = server.created
    assert set(body["files"]) == {
        "model.safetensors",
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert body["quantize"] == "q4_K_M"


async def test_a_reference_is_for_the_server_to_fetch() -> None:
    with OllamaStandIn() as server:
        heard = await create(server.url, create_source("hf.co/org/Model-GGUF:Q4_K_M"))
        assert server.created[0]["from"] == "hf.co/org/Model-GGUF:Q4_K_M"
        assert "files" not in server.created[0] and server.blobs == {}
    assert CreateProgress(detail="pulling 1a2b", done_bytes=40, total_bytes=100) in heard


# -- what can go wrong


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            "cut",
            "Ollama at URL broke off before mine was made. Run it again: what has arrived is not sent twice.",
        ),
        ("silent", "Ollama at URL said nothing for 0.3 s. Run it again."),
        ("refuse-blob", "Ollama at URL did not take 한국어 모델.gguf: no space left on device"),
    ],
)
async def test_each_failure_in_one_line(fault: Fault, line: str, gguf: Path) -> None:
    patience = {"silence_s": 0.3} if fault == "silent" else {}
    with OllamaStandIn(fault=fault) as server:
        with pytest.raises(ModelError) as caught:
            await create(server.url, create_source(str(gguf)), **patience)
        assert str(caught.value).replace(server.url, "URL") == line


async def test_a_hub_that_cannot_be_reached() -> None:
    with OllamaStandIn(fault="unresolved") as server:
        with pytest.raises(ModelError) as caught:
            await create(server.url, create_source("hf.co/org/Model-GGUF"))
        assert str(caught.value).replace(server.url, "URL") == (
            "Ollama at URL could not make mine: pull model manifest: dial tcp: lookup hf.co: no such host. "
            "Fetch the file yourself, then: mutda models create mine --from FILE.gguf"
        )
        assert server.models == {}


async def test_weights_that_are_quantised_already(gguf: Path) -> None:
    with OllamaStandIn() as server:
        with pytest.raises(ModelError) as caught:
            await create(server.url, create_source(str(gguf)), quantize="q8_0")
        assert str(caught.value).endswith("Leave --quantize out: these weights are quantised already.")


async def test_no_server_is_there(gguf: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(ModelError) as caught:
        await create(url, create_source(str(gguf)))
    assert str(caught.value) == f"Ollama at {url} cannot be reached. Run: ollama serve"


async def test_the_whole_is_bounded() -> None:
    with OllamaStandIn(fault="silent") as server:
        with pytest.raises(ModelError) as caught:
            await create(server.url, create_source("hf.co/a/b"), deadline_s=0.36)
        assert str(caught.value) == "mine was not made within 0.0001 h."


# -- what can be named


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("llama3", "llama3"),
        ("llama3:8b-text", "llama3:8b-text"),
        ("hf.co/org/Model.x-GGUF:Q4_K_M", "hf.co/org/Model.x-GGUF:Q4_K_M"),
        ("https://huggingface.co/org/Model", "hf.co/org/Model"),
    ],
)
def test_names_for_the_server(text: str, reference: str) -> None:
    assert create_source(text) == CreateSource(reference=reference)


def test_a_folder_with_one_gguf(gguf: Path) -> None:
    assert create_source(str(gguf.parent)).files == {gguf.name: gguf}


@pytest.mark.parametrize("text", ["./nothing.gguf", "nothing.gguf", "/no/such/folder", "~/nothing"])
def test_a_path_that_is_not_there(text: str) -> None:
    with pytest.raises(MutdaError) as caught:
        create_source(text)
    assert str(caught.value) == (
        f"There is no file or folder {Path(text).expanduser()}. Check the path after --from."
    )


def test_a_name_that_cannot_be() -> None:
    with pytest.raises(MutdaError, match="neither a file, a folder nor a model's name"):
        create_source("모델 하나")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "PATH is empty. Fetch it again."),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "PATH is a Git LFS pointer, not the file. Run: git lfs pull",
        ),
        (b"<html>", "PATH is not a GGUF file."),
    ],
)
def test_a_file_that_did_not_arrive(content: bytes, line: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(MutdaError) as caught:
        create_source(str(path))
    assert str(caught.value).replace(str(path), "PATH") == line


@pytest.mark.parametrize(
    ("without", "line"),
    [
        ("model.safetensors", "FOLDER holds no model*.safetensors and no GGUF file."),
        ("config.json", "FOLDER lacks config.json. Fetch the whole repository."),
        ("tokenizer.json", "FOLDER lacks tokenizer.json. Fetch the whole repository."),
    ],
)
def test_a_folder_that_is_not_whole(without: str, line: str, tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    (folder / without).unlink()
    with pytest.raises(MutdaError) as caught:
        create_source(str(folder))
    assert str(caught.value).replace(str(folder), "FOLDER") == line


def test_a_shard_that_is_missing(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(MutdaError) as caught:
        create_source(str(folder))
    assert str(caught.value) == (
        f"{folder} lacks model-00002-of-00002.safetensors, which its index names. Fetch it whole."
    )


def test_quantising_twice_is_refused_before_anything_is_sent(gguf: Path) -> None:
    with pytest.raises(MutdaError) as caught:
        require_quantizable(create_source(str(gguf)), "q8_0")
    assert str(caught.value) == "한국어 모델.gguf is quantised already (Q4_K_M). Leave --quantize out."
    require_quantizable(create_source(str(gguf)), "")
    f16 = write_gguf(gguf.parent / "f16.gguf", QWEN | {"general.file_type": 1})
    require_quantizable(create_source(str(f16)), "q8_0")
