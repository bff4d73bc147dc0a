"""Asks a server that the settings name, for a few seconds, and never through a proxy to this machine."""

from dataclasses import dataclass
from typing import Any

import httpx

from app.models.loopback import is_loopback

TIMEOUT_S = 3.0
MAX_BYTES = 1_000_000


class Unreachable(Exception):
    """No answer came; a few words say why."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; empty where it is none."""
        try:
            value = httpx.Response(200, content=self.body).json()
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def ask(
    url: str,
    *,
    content: bytes | None = None,
    parameters: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """GET `url`, or POST `content` to it. Any status is an answer; redirects are not followed.

    Raises Unreachable where none comes within about `timeout_s`.
    """
    method = "GET" if content is None else "POST"
    client = httpx.Client(timeout=timeout_s, trust_env=not is_loopback(url), follow_redirects=False)
    try:
        with (
            client,
            client.stream(
                method, url, content=content, params=parameters, headers=headers, auth=auth
            ) as answer,
        ):
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise Unreachable(f"it sent more than {MAX_BYTES // 1_000_000} MB")
            return Answer(status=answer.status_code, headers=answer.headers, body=body)
    except httpx.TimeoutException:
        raise Unreachable(f"no answer in {timeout_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(" ".join(str(error).split()) or type(error).__name__) from None
