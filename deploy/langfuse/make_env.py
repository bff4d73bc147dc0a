"""Make the secrets of the Langfuse in compose.yaml, once.

    python deploy/langfuse/make_env.py --connect .env

writes deploy/langfuse/.env, for its owner alone, and adds the address and the keys to Mutda's own .env.
A file that is there is not touched: the databases were made with its passwords.
"""

import argparse
import os
import re
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).parent
CONNECTION = ("LANGFUSE_BASE_URL", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")


def values(port: int = 3000) -> dict[str, str]:
    """Every variable that compose.yaml asks for, the secret ones with 128 random bits or more."""
    # Hex alone: the passwords stand in an address and on a command line.
    return {
        "WEB_PORT": str(port),
        "WEB_EMAIL": "mutda@example.com",  # the sign-in name; nothing is sent to it
        "WEB_PASSWORD": secrets.token_hex(16),
        "LANGFUSE_BASE_URL": f"http://127.0.0.1:{port}",
        "LANGFUSE_PUBLIC_KEY": f"pk-lf-{secrets.token_hex(16)}",
        "LANGFUSE_SECRET_KEY": f"sk-lf-{secrets.token_hex(16)}",
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "CLICKHOUSE_PASSWORD": secrets.token_hex(24),
        "REDIS_PASSWORD": secrets.token_hex(24),
        "MINIO_PASSWORD": secrets.token_hex(24),
        "NEXTAUTH_SECRET": secrets.token_hex(32),
        "SALT": secrets.token_hex(32),
        "ENCRYPTION_KEY": secrets.token_hex(32),  # exactly 256 bits as hex, or the server does not start
    }


def as_env(variables: dict[str, str]) -> str:
    """A line for each variable."""
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def write_new(path: Path, text: str) -> None:
    """Write a file that only its owner can read. Raises FileExistsError where there is one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def names_in(env: str) -> set[str]:
    """Names that an .env file gives a value; lines that are commented out do not count."""
    return set(re.findall(r"^[ \t]*(?:export[ \t]+)?([A-Z_]+)[ \t]*=[ \t]*\S", env, re.MULTILINE))


def connect(path: Path, variables: dict[str, str]) -> None:
    """Add the address and the keys to Mutda's .env, and make it readable by its owner alone.

    Raises ValueError where it names any of them already.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if taken := sorted(names_in(text) & set(CONNECTION)):
        raise ValueError(f"{path} has {', '.join(taken)} already")
    lines = as_env({name: variables[name] for name in CONNECTION})
    if not path.exists():
        write_new(path, lines)
        return
    path.chmod(0o600)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(("" if text.endswith("\n") or not text else "\n") + lines)


def main(arguments: list[str] | None = None) -> int:
    """Write the files; 2 where one is in the way."""
    parser = argparse.ArgumentParser(description="Make the secrets of the Langfuse in compose.yaml, once.")
    parser.add_argument("--port", type=int, default=3000, help="for the web page, on 127.0.0.1")
    parser.add_argument("--connect", type=Path, metavar="FILE", help="add the keys to Mutda's .env")
    parser.add_argument("--out", type=Path, default=HERE / ".env", metavar="FILE", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not 1 <= given.port <= 65535:
        parser.error("--port must be 1 to 65535")
    variables = values(given.port)
    if given.out.exists():
        print(
            f"{given.out} is there already, and the databases were made with its passwords. Nothing was "
            "changed. To begin anew: docker compose -f deploy/langfuse/compose.yaml down --volumes, then "
            "remove it.",
            file=sys.stderr,
        )
        return 2
    if given.connect:
        try:
            connect(given.connect, variables)
        except ValueError as error:
            print(
                f"{error}. Remove them there, or leave out --connect. Nothing was changed.", file=sys.stderr
            )
            return 2
    write_new(given.out, as_env(variables))
    print(f"{given.out} written. Sign in as {variables['WEB_EMAIL']} with its WEB_PASSWORD.")
    if given.connect:
        print(f"Mutda's keys are in {given.connect}. When the containers are up: mutda doctor")
    else:
        print(f"Put its lines {', '.join(CONNECTION)} into Mutda's .env.")
        print("When the containers are up: mutda doctor")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
