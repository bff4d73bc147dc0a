"""Where numbers were measured: without that a second says nothing."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("mutda", "langgraph", "langchain-core", "xllamacpp", "faiss-cpu", "numpy")


def machine() -> dict[str, str | int]:
    """Processor, cores and system."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count() or 0,
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as Linux gives it, else what Python knows."""
    try:
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, colon, value = line.partition(":")
            if colon and key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor()


def versions() -> dict[str, str]:
    """Of Python and of the packages that numbers depend on; those that are not installed are left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
