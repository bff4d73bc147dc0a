"""Where the weights of a new Ollama model come from: another model, an hf.co reference, files here."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from app.errors import MutdaError
from app.models.gguf_header import quantization_of, read_gguf_header

# docs/import.mdx and parser/parser.go of Ollama v0.24.0: these of a Hugging Face folder are sent.
_WEIGHTS = ("model*.safetensors", "consolidated*.safetensors")
_BESIDE = ("*.json", "tokenizer.model")
_LFS_POINTER = b"version https://git-lfs"
QUANTIZATIONS = ("q4_K_M", "q4_K_S", "q8_0")
"""What POST /api/create takes (docs/api.md of Ollama v0.24.0)."""

# host/namespace/model:tag, every part but the model's name may be missing
_REFERENCE = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*){0,2}(:[\w.-]+)?")


@dataclass(frozen=True, kw_only=True)
class CreateSource:
    """Either a `reference` that the server resolves, or `files` to send, by the names they get there."""

    reference: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def sizes_bytes(self) -> dict[str, int]:
        """Of each file."""
        return {name: path.stat().st_size for name, path in self.files.items()}


def create_source(text: str) -> CreateSource:
    """What --from or FROM names. Raises MutdaError, one line, for what cannot be used.

    A path is one that exists, ends in .gguf, or begins with . / or ~; all else is a name for the server.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return CreateSource(files=_folder(path))
    if path.is_file():
        return CreateSource(files={path.name: _whole(path)})
    if text.endswith((".gguf", ".safetensors")) or text.startswith((".", "/", "~")):
        raise MutdaError(f"There is no file or folder {path}. Check the path after --from.")
    text = text.removeprefix("https://")
    if text.startswith("huggingface.co/"):
        text = "hf.co/" + text.removeprefix("huggingface.co/")
    if not _REFERENCE.fullmatch(text):
        raise MutdaError(
            f"{text!r} is neither a file, a folder nor a model's name. Use FILE.gguf, a folder of "
            "safetensors, or hf.co/ORG/REPO:Q4_K_M"
        )
    return CreateSource(reference=text)


def _folder(folder: Path) -> dict[str, Path]:
    weights = next((found for pattern in _WEIGHTS if (found := sorted(folder.glob(pattern)))), [])
    if not weights:
        ggufs = sorted(folder.glob("*.gguf"))
        if len(ggufs) == 1:
            return {ggufs[0].name: _whole(ggufs[0])}
        raise MutdaError(
            f"{folder} holds several GGUF files. Name one of them after --from."
            if ggufs
            else f"{folder} holds no model*.safetensors and no GGUF file."
        )
    beside = sorted(path for pattern in _BESIDE for path in folder.glob(pattern))
    names = {path.name for path in beside}
    if missing := [name for name in ("config.json",) if name not in names]:
        raise MutdaError(f"{folder} lacks {', '.join(missing)}. Fetch the whole repository.")
    if not names & {"tokenizer.json", "tokenizer.model"}:
        raise MutdaError(f"{folder} lacks tokenizer.json. Fetch the whole repository.")
    _require_shards(folder, {path.name for path in weights})
    return {path.name: _whole(path) for path in [*weights, *beside]}


def _require_shards(folder: Path, there: set[str]) -> None:
    """An index names every file of the weights; one that is missing would be found out after an upload."""
    for index in folder.glob("*.safetensors.index.json"):
        try:
            named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError):
            raise MutdaError(f"{index} cannot be read as an index of safetensors files.") from None
        if absent := sorted(map(str, named - there)):
            raise MutdaError(f"{folder} lacks {', '.join(absent)}, which its index names. Fetch it whole.")


def _whole(path: Path) -> Path:
    with path.open("rb") as file:
        start = file.read(len(_LFS_POINTER))
    if not start:
        raise MutdaError(f"{path} is empty. Fetch it again.")
    if start == _LFS_POINTER:
        raise MutdaError(f"{path} is a Git LFS pointer, not the file. Run: git lfs pull")
    if path.suffix == ".gguf" and start[:4] != b"GGUF":
        raise MutdaError(f"{path} is not a GGUF file.")
    return path


def require_quantizable(source: CreateSource, quantize: str) -> None:
    """Ollama quantises F16, BF16 and F32 weights only; said before gigabytes are sent. Raises MutdaError."""
    for path in source.files.values():
        if quantize and path.suffix == ".gguf":
            found = quantization_of(read_gguf_header(path))
            if found not in ("", "F16", "BF16", "F32"):
                raise MutdaError(f"{path.name} is quantised already ({found}). Leave --quantize out.")
