"""Feedback to Langfuse as scores, one at a time, each only done once the server has said that it took it.

The SDK's own queue never tells; a rating that was lost there would be lost for good.
"""

import ipaddress
from urllib.parse import urlsplit

import httpx

from app.errors import ServiceError
from app.settings import Settings
from app.tracing.langfuse_spans import is_sampled

TIMEOUT_S = 5.0


class FeedbackSendError(ServiceError):
    """Langfuse did not take a score."""


class LangfuseScores:
    """Langfuse's own interface for scores: https://api.reference.langfuse.com, POST /api/public/scores."""

    def __init__(
        self,
        url: str,
        *,
        public_key: str,
        secret_key: str,
        environment: str = "",
        sample_rate: float = 1.0,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.url = url.rstrip("/")
        self._auth = (public_key, secret_key)
        self._environment = environment
        self._sample_rate = sample_rate
        self._timeout_s = timeout_s

    @classmethod
    def of(cls, settings: Settings) -> "LangfuseScores | None":
        """Where the settings say that scores go; None unless all three LANGFUSE_ variables are set."""
        secret_key = settings.langfuse_secret_key.get_secret_value()
        if not (settings.langfuse_base_url and settings.langfuse_public_key and secret_key):
            return None
        return cls(
            settings.langfuse_base_url,
            public_key=settings.langfuse_public_key,
            secret_key=secret_key,
            environment=settings.langfuse_environment,
            sample_rate=settings.langfuse_sample_rate,
        )

    def takes(self, trace_id: str) -> bool:
        """Whether the trace is one of those that are sampled: a score of another would hang in the air."""
        return is_sampled(trace_id, self._sample_rate)

    def score(self, trace_id: str, name: str, value: float, comment: str | None = None) -> None:
        """Send one score; another of the same trace and name takes its place.

        Raises FeedbackSendError where the server cannot be reached or does not take it.
        """
        body = {
            # The same for each rating of the trace: what is sent again, or thought over, replaces.
            "id": f"{trace_id}-{name}",
            "traceId": trace_id,
            "name": name,
            "value": value,
            "dataType": "NUMERIC",
            "comment": comment,
            "environment": self._environment or "default",
        }
        try:
            with (
                httpx.Client(timeout=self._timeout_s, trust_env=not _is_loopback(self.url)) as client,
                # The answer's body is not read: it could take for ever, and says nothing more.
                client.stream(
                    "POST", f"{self.url}/api/public/scores", json=body, auth=self._auth
                ) as response,
            ):
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FeedbackSendError(f"Langfuse at {self.url} cannot be reached ({reason}).") from None
        if status in (401, 403):
            raise FeedbackSendError(
                f"Langfuse at {self.url} refuses the keys ({status}). Check LANGFUSE_PUBLIC_KEY and "
                "LANGFUSE_SECRET_KEY."
            )
        if not 200 <= status < 300:
            raise FeedbackSendError(f"Langfuse at {self.url} did not take the score ({status}).")


def _is_loopback(url: str) -> bool:
    """Whether the server is on this machine, where no proxy may stand between."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
