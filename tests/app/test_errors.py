import inspect
import re
import sys
from pathlib import Path

import pytest

from app import errors
from app.errors import MissingExtraError, MutdaError, ServiceError, install_command

EVERY = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


def test_the_tree_is_as_the_module_draws_it() -> None:
    drawn: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"[ │├└─]*(?=[A-Z])(\w+Error)", line):
            depth = match.start(1)
            above = [item for item in above if item[0] < depth]
            drawn[match[1]] = above[-1][1] if above else "Exception"
            above.append((depth, match[1]))
    assert drawn == {error.__name__: error.__base__.__name__ for error in EVERY if error.__base__}


@pytest.mark.parametrize("error", EVERY)
def test_a_service_exits_with_3_and_a_mistake_with_2(error: type[MutdaError]) -> None:
    assert issubclass(error, MutdaError)
    assert error.exit_code == (3 if issubclass(error, ServiceError) else 2)


def test_a_missing_extra_names_the_command() -> None:
    root = Path(__file__).parents[2]
    assert str(MissingExtraError("st:", "st")) == (
        f'st: needs an extra part. Install it with: "{sys.executable}" -m pip install -e "{root}[st]"'
    )


def test_without_a_checkout_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(errors, "__file__", str(tmp_path / "app" / "errors.py"))
    assert install_command("st") == f'"{sys.executable}" -m pip install "mutda[st]"'
