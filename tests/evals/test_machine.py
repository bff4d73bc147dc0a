from pathlib import Path

from evals.machine import machine, processor_name, versions


def test_processor_name(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nmodel name\t: another\n")
    assert processor_name(cpuinfo) == "A CPU @ 2 GHz"
    assert isinstance(processor_name(tmp_path / "none"), str)


def test_where_and_with_what() -> None:
    here = machine()
    assert set(here) == {"processor", "cores", "architecture", "system"} and int(here["cores"]) >= 1
    assert {"python", "langgraph", "numpy"} <= set(versions())
