"""What holds for the whole project: style, types, layers, what no module and no import may do."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"), path.name)
    for path in SOURCES
}


def run(*command: str, timeout_s: float = 280) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=timeout_s
    )
    assert done.returncode == 0, done.stdout + done.stderr


# -- tools


def test_style() -> None:
    run("-m", "ruff", "check", "--no-cache", "--output-format", "concise", ".")


def test_format() -> None:
    run("-m", "ruff", "format", "--no-cache", "--check", "--output-format", "concise", ".")


def test_layers() -> None:
    run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_types() -> None:
    run("-m", "mypy", timeout_s=1100)


# -- files


@pytest.mark.parametrize("lock", sorted(ROOT.glob("*.lock")), ids=lambda path: path.name)
def test_locks_hold_names_and_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    requirements = re.split(r"\n(?=\S)", text.strip())
    assert len(requirements) > 5
    for requirement in requirements:
        first, *hashes = [part.strip() for part in requirement.split("\\\n")]
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,._-]+\])?==\S+( ; .+)?", first), first
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", part) for part in hashes), first


def test_the_lock_files_are_there() -> None:
    assert {path.name for path in ROOT.glob("*.lock")} >= {"requirements.lock", "requirements-dev.lock"}


def test_files_are_named_for_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    assert [str(path) for path in files if path.stem.removeprefix("test_") in vague] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_the_one_of_this_repository(package: str) -> None:
    # Their names are common ones: another project's could come first on the path.
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).resolve() == (ROOT / package / "__init__.py").resolve()


def test_each_folder_of_code_is_packaged() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == set(PACKAGES)


def test_the_command_is_there() -> None:
    module, _, name = PROJECT["project"]["scripts"]["mutda"].partition(":")
    assert any(
        isinstance(node, ast.FunctionDef) and node.name == name
        for node in TREES[f"{module.replace('.', '/')}.py"].body
    )


# -- code

FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
FORBIDDEN_ATTRIBUTES = {
    ("os", "system"),
    ("os", "popen"),
    ("subprocess", "getoutput"),
    ("subprocess", "getstatusoutput"),
    ("asyncio", "create_subprocess_shell"),
    ("yaml", "load"),
    ("torch", "load"),
}


def dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (
                    f"import {n.name}" for n in names if n.name.partition(".")[0] in FORBIDDEN_IMPORTS
                )
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in FORBIDDEN_IMPORTS:
                yield f"from {module}"
            case ast.ImportFrom(module=module, names=names):
                yield from (f"{module}.{n.name}" for n in names if (module, n.name) in FORBIDDEN_ATTRIBUTES)
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield f"{name}()"
            case ast.Attribute(value=ast.Name(id=owner), attr=attr) if (owner, attr) in FORBIDDEN_ATTRIBUTES:
                yield f"{owner}.{attr}"
            case ast.keyword(arg="shell" | "allow_pickle", value=value) if not is_false(value):
                yield "shell=True or allow_pickle=True"
            case _:
                pass


def is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


@pytest.mark.parametrize("path", TREES)
def test_nothing_runs_text_or_shells_or_pickles(path: str) -> None:
    assert list(dangers(TREES[path])) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import marshal as m",
        "eval(x)",
        "exec(x)",
        "subprocess.run(x, shell=True)",
        "run(x, shell=flag)",
        "os.system(x)",
        "from os import system",
        "np.load(x, allow_pickle=True)",
    ],
)
def test_each_danger_would_be_seen(code: str) -> None:
    assert len(list(dangers(ast.parse(code)))) == 1


@pytest.mark.parametrize("path", TREES)
def test_each_module_says_what_it_is_for(path: str) -> None:
    tree = TREES[path]
    assert not tree.body or ast.get_docstring(tree), "no docstring"


def prints_and_exits(tree: ast.AST) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print" | "exit" | "quit" as name)):
                found.append(name)
            case ast.Attribute(value=ast.Name(id="sys"), attr="exit" | "stdout" | "stderr"):
                found.append(f"sys.{node.attr}")
            case _:
                pass
    return found


# Programs of their own: what they print is read by the process that started them, or by a person.
PROGRAMS = {"app/cli.py", "app/models/weights/hub_child.py"}


@pytest.mark.parametrize("path", [path for path in TREES if not path.startswith("evals/")])
def test_only_the_command_prints_and_exits(path: str) -> None:
    assert bool(prints_and_exits(TREES[path])) is (path in PROGRAMS)


# -- importing

WATCHED = (
    "socket.connect",
    "socket.sendto",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.mkdir",
    "os.remove",
)

IMPORTER = f"""
import importlib, json, os, sys
done = []

def watch(event, args):
    if event in {WATCHED!r}:
        done.append(f"{{event}} {{args[:1]}}")
    elif event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        done.append(f"{{event}} {{args[0]}}")

sys.addaudithook(watch)
for name in sys.argv[1:]:
    before = len(done)
    importlib.import_module(name)
    done[before:] = [f"{{name}}: {{what}}" for what in done[before:]]
print(json.dumps(done))
"""


# Only ever imported by a function, once torch is known to be there; torch does things when it is imported.
OF_TORCH = {"evals.e5_model", "evals.reader_model"}


def modules() -> list[str]:
    names = (path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in TREES)
    return sorted(name for name in names if not name.endswith("__main__") and name not in OF_TORCH)


def test_importing_does_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ
    }
    done = subprocess.run(
        [sys.executable, "-c", IMPORTER, *modules()],
        cwd=home,
        env={
            **kept,
            "HOME": str(home),
            "USERPROFILE": str(home),
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MUTDA_DATA_DIR": str(home / "data"),
            "MUTDA_THREADS": "wrong",  # reading the settings would fail
        },
        capture_output=True,
        encoding="utf-8",
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    happened: Any = json.loads(done.stdout.splitlines()[-1])
    assert happened == []
    assert list(home.rglob("*")) == []
