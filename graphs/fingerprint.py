"""What a calibration was fitted to: a model, its weights, and the prompts its evidence is read through."""

import json
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from app.errors import MutdaError
from app.models.chat import LanguageModel
from app.models.reader import Reader
from app.models.spec import parse_model_spec
from app.models.weights import resolve_gguf
from app.prompts import Prompts

STEPS = ("system", "frame", "grade")
"""Prompts that the grader's probability depends on; others may change without another calibration."""
ENDS_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The same fingerprint gives the same probabilities for the same passages."""

    family: str
    spec: str
    prompts_sha256: str
    """Of the prompts of `STEPS`, in every language."""
    weights_bytes: int = 0
    """Size of an embedded model's file; 0 where a server keeps the weights."""
    weights_sha256: str = ""
    """Of that file's first and last MiB: a gigabyte is not read at each start."""
    reader: str = ""
    """Of the reader, which chooses what the model is shown; empty where there is none."""

    @property
    def name(self) -> str:
        """Of files about it: the family, as far as a file's name can hold it, and twelve digits."""
        # Without the reader where there is none: the names are as they were before there was one.
        known = {key: value for key, value in asdict(self).items() if key != "reader" or value}
        digest = sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
        return f"{prefix_of(self.family)}{digest[:12]}"

    def same_model(self, other: "Fingerprint") -> bool:
        """Whether at most the prompts and the reader are others."""
        return _model_of(self) == _model_of(other)


def _model_of(fingerprint: Fingerprint) -> tuple[str, str, int, str]:
    return fingerprint.family, fingerprint.spec, fingerprint.weights_bytes, fingerprint.weights_sha256


def prefix_of(family: str) -> str:
    """What the names of a family's files begin with."""
    return re.sub(r"[^\w.]+", "-", family).strip("-.")[:80] + "-"


def fingerprint_of(
    model: LanguageModel, prompts: Prompts, cache_dir: Path, *, reader: Reader | None = None
) -> Fingerprint:
    """Of an open model; reads files, so call it where that may block."""
    size_bytes, digest = _weights(model.spec, cache_dir)
    return Fingerprint(
        family=model.family,
        spec=model.spec,
        prompts_sha256=prompts_sha256(prompts),
        weights_bytes=size_bytes,
        weights_sha256=digest,
        reader=reader.fingerprint if reader else "",
    )


def prompts_sha256(prompts: Prompts) -> str:
    """Of the prompts of `STEPS`."""
    used = sorted((step, language, text) for (step, language), text in prompts.texts.items() if step in STEPS)
    return sha256(json.dumps(used, ensure_ascii=False).encode()).hexdigest()


def _weights(spec: str, cache_dir: Path) -> tuple[int, str]:
    try:
        parsed = parse_model_spec(spec)
        if parsed.kind != "embedded":
            return 0, ""
        path = resolve_gguf(parsed.name, cache_dir, allow_fetch=False)
        return path.stat().st_size, _ends_sha256(path)
    except (MutdaError, OSError):  # the model is open all the same
        return 0, ""


def _ends_sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256(file.read(ENDS_BYTES))
        file.seek(max(ENDS_BYTES, path.stat().st_size - ENDS_BYTES))
        digest.update(file.read(ENDS_BYTES))
    return digest.hexdigest()
