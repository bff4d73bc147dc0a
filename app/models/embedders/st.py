"""Any sentence-transformers model, on the CPU. An extra, because torch is large."""

import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import snapshot_download

from app.errors import DownloadError, MissingExtraError, ModelError
from app.models.embedder import Vectors, fingerprint_of, well_formed

_BATCH = 32
_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]  # no pickled weights, no code
_NOT_FILES = ["onnx/*", "openvino/*"]


class StEmbedder:
    """`name` is a model of the Hugging Face hub or a folder that holds one.

    Looked for in the Hugging Face cache, then in `cache_dir`, then downloaded to
    `cache_dir`. Only safetensors weights are read, and no code of the model's.
    Texts beyond the model's own maximum length are cut by it.
    """

    def __init__(self, name: str, *, cache_dir: Path) -> None:
        """Raises MissingExtraError without sentence-transformers."""
        if find_spec("sentence_transformers") is None:
            raise MissingExtraError(f"The embedder st:{name}", "st")
        self._name = name
        self._cache_dir = cache_dir
        self._lock = threading.Lock()  # the tokenizers must not be used by two threads at once
        self._model: Any = None
        self._folder = Path()
        self._query_prefix = ""
        self._passage_prefix = ""
        self._dimensions = 0

    @property
    def spec(self) -> str:
        return f"st:{self._name}"

    @property
    def fingerprint(self) -> str:
        """Raises what `embed` raises: the model must be here to be told from another."""
        with self._lock:
            self._load()
            files = sorted(
                path for path in self._folder.rglob("*") if path.suffix in (".safetensors", ".json")
            )
            return fingerprint_of(self.spec, self._query_prefix, self._passage_prefix, *files)

    @property
    def dimensions(self) -> int:
        with self._lock:
            self._load()
            return self._dimensions

    @property
    def by_sentence(self) -> bool:
        return False

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. Raises DownloadError, or ModelError for a model that cannot be loaded."""
        with self._lock:
            self._load()
            if not texts:
                return np.empty((0, self._dimensions), dtype=np.float32)
            return self._encode(texts, self._passage_prefix)

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder.embed_query`. Raises what `embed` raises."""
        with self._lock:
            self._load()
            row: Vectors = self._encode([text], self._query_prefix)[0]
            return row

    def _encode(self, texts: Sequence[str], prefix: str) -> Vectors:
        rows = self._model.encode(
            [well_formed(text) for text in texts],
            prompt=prefix,
            batch_size=_BATCH,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(rows, dtype=np.float32)

    def _load(self) -> None:
        if self._model is not None:
            return
        self._folder = _snapshot(self._name, self._cache_dir)
        from sentence_transformers import SentenceTransformer  # here: it imports torch

        try:
            model = SentenceTransformer(
                str(self._folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The model in {self._folder} is not one that sentence-transformers can load with"
                f" safetensors weights. Check that the whole model is there, or choose another embedder."
            ) from error
        self._query_prefix, self._passage_prefix = prefixes(self._name, model.prompts)
        self._model = model
        self._dimensions = self._encode([""], "").shape[1]


def prefixes(name: str, prompts: dict[str, str]) -> tuple[str, str]:
    """What goes before a question and before a passage.

    The model's own prompts where it has any. The E5 models were trained with
    "query: " and "passage: " but most of them do not say so in their files (Wang
    et al. 2024, arXiv:2402.05672; the "-instruct" ones do). Other models: nothing.
    """
    query = prompts.get("query", "")
    passage = prompts.get("document", "") or prompts.get("passage", "")
    base = name.rstrip("/").rpartition("/")[2].lower()
    if not query and not passage and base.startswith("multilingual-e5-") and "instruct" not in base:
        return "query: ", "passage: "
    return query, passage


def cached_snapshot(name: str, *, cache_dir: Path | None) -> Path | None:
    """The model's folder in the Hugging Face cache or in `cache_dir`; never the network."""
    for folder in (None, cache_dir):
        try:
            snapshot = Path(snapshot_download(name, cache_dir=folder, local_files_only=True))
        except (OSError, ValueError):  # not here, or not a name the hub could have
            continue
        if any(snapshot.glob("*.safetensors")):
            return snapshot
    return None


def _snapshot(name: str, cache_dir: Path) -> Path:
    if Path(name).is_dir():
        return Path(name)
    snapshot = cached_snapshot(name, cache_dir=cache_dir)
    if snapshot is not None:
        return snapshot
    try:
        return Path(
            snapshot_download(
                name, cache_dir=cache_dir, allow_patterns=_FILES, ignore_patterns=_NOT_FILES, etag_timeout=10
            )
        )
    except (OSError, ValueError) as error:
        raise DownloadError(
            f"The embedding model {name} is not on this machine and could not be downloaded."
            f" Check its name and the network, or set MUTDA_EMBEDDER=use:"
        ) from error
