"""The files of deploy/langfuse, as far as they can be tried without Docker."""

import importlib.util
import re
import stat
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "langfuse"
TEXT = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STORES = {"postgres", "clickhouse", "redis", "minio"}


def load_make_env() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_env", FOLDER / "make_env.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_env = load_make_env()
GENERATED: dict[str, str] = make_env.values()


def fill(text: str, variables: dict[str, str]) -> str:
    """What Compose makes of `${NAME:?message}`; a name without a value stops it."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: variables[match[1]], text)


# -- compose.yaml


def test_langfuse_and_its_stores_are_there() -> None:
    assert set(SERVICES) == {"web", "worker", *STORES}


def test_every_variable_is_generated_and_every_generated_one_is_used() -> None:
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    assert used <= set(GENERATED)
    assert set(GENERATED) - used == {"LANGFUSE_BASE_URL"}  # Mutda's own: where this Langfuse is


def test_no_variable_has_a_default() -> None:
    assert re.findall(r"\$(?!\{\w+:\?[^}]+\})\S*", TEXT) == []


def test_every_secret_is_a_variable() -> None:
    secret = re.compile(r"PASSWORD|SECRET|SALT|ENCRYPTION_KEY|_AUTH$|REDISCLI_AUTH|PUBLIC_KEY|DATABASE_URL")
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable):
                assert "${" in value, f"{name}: {variable}"
    assert "${REDIS_PASSWORD" in SERVICES["redis"]["command"][2]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_for_this_machine_alone(name: str) -> None:
    ports = SERVICES[name].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert bool(ports) is (name == "web")


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].rpartition(":")
    assert image and re.match(r"\d+\.\d+|RELEASE\.", tag)


def test_web_and_worker_are_of_one_version() -> None:
    tags = {SERVICES[name]["image"].rpartition(":")[2] for name in ("web", "worker")}
    assert tags == {"4.16.0"}


def test_the_stores_are_as_new_as_this_langfuse_needs() -> None:
    def version(name: str) -> tuple[int, ...]:
        tag = SERVICES[name]["image"].rpartition(":")[2]
        return tuple(int(number) for number in tag.split("."))

    assert version("clickhouse") >= (25, 12)
    assert version("postgres") >= (15,)
    assert version("redis") >= (7, 0)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_checked_for_health(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL") and {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("name", ["web", "worker"])
def test_langfuse_waits_for_healthy_stores(name: str) -> None:
    waits = SERVICES[name]["depends_on"]
    assert waits == {store: {"condition": "service_healthy"} for store in STORES}


def test_volumes_are_declared_and_every_store_has_one() -> None:
    used = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])
    }
    assert used == set(COMPOSE["volumes"])
    assert all(SERVICES[store]["volumes"] for store in STORES)


def test_both_sides_of_a_password_agree() -> None:
    services = yaml.safe_load(fill(TEXT, GENERATED))["services"]
    web, worker = services["web"]["environment"], services["worker"]["environment"]
    for langfuse in (web, worker):
        password = services["postgres"]["environment"]["POSTGRES_PASSWORD"]
        assert langfuse["DATABASE_URL"] == f"postgresql://langfuse:{password}@postgres:5432/langfuse"
        assert langfuse["CLICKHOUSE_PASSWORD"] == services["clickhouse"]["environment"]["CLICKHOUSE_PASSWORD"]
        assert langfuse["REDIS_AUTH"] == services["redis"]["command"][2]
        assert langfuse["REDIS_AUTH"] == services["redis"]["environment"]["REDISCLI_AUTH"]
        minio = services["minio"]["environment"]["MINIO_ROOT_PASSWORD"]
        assert langfuse["LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY"] == minio
        assert langfuse["LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY"] == minio
    assert web["LANGFUSE_INIT_PROJECT_PUBLIC_KEY"] == GENERATED["LANGFUSE_PUBLIC_KEY"]
    assert web["LANGFUSE_INIT_PROJECT_SECRET_KEY"] == GENERATED["LANGFUSE_SECRET_KEY"]
    assert services["web"]["ports"] == [f"127.0.0.1:{GENERATED['WEB_PORT']}:3000"]


def test_nothing_is_reported_home() -> None:
    assert SERVICES["web"]["environment"]["TELEMETRY_ENABLED"] == "false"
    assert SERVICES["worker"]["environment"]["TELEMETRY_ENABLED"] == "false"


# -- make_env.py


def test_secrets_differ_each_time_and_are_long() -> None:
    again = make_env.values()
    plain = {"WEB_PORT", "WEB_EMAIL", "LANGFUSE_BASE_URL"}
    for name in set(GENERATED) - plain:
        assert GENERATED[name] != again[name]
        assert len(GENERATED[name]) >= 32
    assert re.fullmatch(r"[0-9a-f]{64}", GENERATED["ENCRYPTION_KEY"])


def test_the_file_is_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / ".env"
    assert make_env.main(["--out", str(out), "--port", "3100"]) == 0
    text = out.read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+)=\S+$", text, re.MULTILINE)) == set(GENERATED)
    assert "WEB_PORT=3100\n" in text and "LANGFUSE_BASE_URL=http://127.0.0.1:3100\n" in text
    if sys.platform != "win32":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    said = capsys.readouterr().out
    assert not any(line.partition("=")[2] in said for line in text.splitlines() if "PASSWORD=" in line)


def test_a_file_that_is_there_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / ".env"
    out.write_text("kept", encoding="utf-8")
    mutda = tmp_path / "mutda.env"
    assert make_env.main(["--out", str(out), "--connect", str(mutda)]) == 2
    assert out.read_text(encoding="utf-8") == "kept"
    assert not mutda.exists()
    assert "Nothing was changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "before", [None, "MUTDA_MODEL=fake:", "# LANGFUSE_PUBLIC_KEY=\nLANGFUSE_SECRET_KEY=\n"]
)
def test_the_keys_are_added_to_the_env_of_mutda(tmp_path: Path, before: str | None) -> None:
    out, mutda = tmp_path / ".env", tmp_path / "mutda.env"
    if before is not None:
        mutda.write_text(before, encoding="utf-8")
        mutda.chmod(0o644)
    assert make_env.main(["--out", str(out), "--connect", str(mutda)]) == 0
    lines = mutda.read_text(encoding="utf-8").splitlines()
    assert lines[: len((before or "").splitlines())] == (before or "").splitlines()
    assert set(lines[-3:]) <= set(out.read_text(encoding="utf-8").splitlines())
    assert [line.partition("=")[0] for line in lines[-3:]] == list(make_env.CONNECTION)
    if sys.platform != "win32":
        assert stat.S_IMODE(mutda.stat().st_mode) == 0o600


def test_keys_that_mutda_has_are_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, mutda = tmp_path / ".env", tmp_path / "mutda.env"
    mutda.write_text("LANGFUSE_PUBLIC_KEY=pk-lf-mine\n", encoding="utf-8")
    assert make_env.main(["--out", str(out), "--connect", str(mutda)]) == 2
    assert not out.exists()
    assert mutda.read_text(encoding="utf-8") == "LANGFUSE_PUBLIC_KEY=pk-lf-mine\n"
    assert "LANGFUSE_PUBLIC_KEY already" in capsys.readouterr().err


def test_the_readme_has_a_line_in_each_language() -> None:
    lines = [line for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines() if line]
    assert [line.partition(":")[0] for line in lines] == ["한국어", "English"]
    assert all("make_env.py" in line and "4.16.0" in line for line in lines)
